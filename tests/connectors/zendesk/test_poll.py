"""Zendesk's poll: what webhooks missed comes all the same, once, and from every page."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from connectors.zendesk.sandbox import OWN_USER
from gateway.sdk import (
    Audience,
    Evidence,
    Party,
    PermanentFailure,
    Priority,
    Role,
    TemporaryFailure,
    TicketChanged,
)
from gateway.testing.faults import FaultKind
from gateway.testing.host import BEGINNING, FakeHost
from tests.connectors.zendesk.test_completed import Journal, handoff, hook
from tests.connectors.zendesk.test_zendesk import ZendeskSetUp, packet

CURSOR = f"{BEGINNING // 1_000_000 - 60}@"
#: What an event says of a ticket, whoever tells of it.
SAID = ("text", "audience", "thread", "own", "change", "subject", "status", "priority", "group", "assignee", "tags")
MINUTES = 60 * 1_000_000


def told(connector: Any, journal: Journal) -> list[Any]:
    return [event for each in journal.kept for event in connector.parse(each)]


def busy(sandbox: Any) -> int:
    """Have people do everything with a ticket that there is an event for; return its id."""
    number = sandbox.customer_writes("Ann", "Hi", "Help")
    sandbox.customer_adds(number, "Anybody?")
    sandbox.agent_takes(number)
    sandbox.agent_sets_priority(number, "high")
    sandbox.agent_moves(number, "Billing")
    sandbox.agent_tags(number, "vip")
    sandbox.agent_sets_field(number, 360_001, "red")
    sandbox.agent_renames(number, "Hi, in red")
    sandbox.agent_comments(number, "On it", public=True)
    sandbox.agent_comments(number, "Ask billing", public=False)
    sandbox.agent_tags(number, "red")
    sandbox.agent_sets_status(number, "solved")
    # Opens it again, as a comment of the customer does.
    sandbox.customer_attaches(number, "photo.pdf", "the photo")
    sandbox.agent_sets_status(number, "pending")
    sandbox.agent_sets_status(number, "solved")
    return int(number)


class TestPoll(ZendeskSetUp):
    async def test_the_poll_tells_what_the_webhooks_told_under_the_same_keys(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        busy(sandbox)
        by_hooks = {e.dedupe: e for w in sandbox.webhooks.waiting for e in connector.parse(hook(w.body))}
        assert len(by_hooks) == len(sandbox.webhooks.waiting) == 17
        host.time += 2 * MINUTES
        journal = Journal()
        assert await connector.backfill(None, journal.emit)
        assert journal.kept == []
        await connector.backfill(CURSOR, journal.emit)
        by_poll = {e.dedupe: e for e in told(connector, journal)}
        assert by_poll.keys() == by_hooks.keys()
        for key, event in by_poll.items():
            theirs = by_hooks[key]
            for name in SAID:
                assert getattr(event, name) == getattr(theirs, name), (key, name)
            assert (event.sender.value, event.sender.role) == (theirs.sender.value, theirs.sender.role), key

    async def test_what_was_told_once_has_the_same_keys_whenever_the_ticket_changes_again(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        """A note of our own moves the ticket's time stamp: that it was solved before is not news."""
        number = busy(sandbox)
        host.time += 2 * MINUTES
        first = Journal()
        cursor = await connector.backfill(CURSOR, first.emit)
        noted = handoff("k-1", ticket_id=str(number), packet=packet(), priority=Priority.P1)
        await connector.hand_off(noted)
        host.time += 2 * MINUTES
        again = Journal()
        await connector.backfill(cursor, again.emit)
        before, after = ({e.dedupe: e for e in told(connector, each)} for each in (first, again))
        new = [event for key, event in after.items() if key not in before]
        assert all(event.own for event in new)
        assert {event.change.value for event in new} == {"commented", "priority", "tags"}

    async def test_what_our_rules_and_theirs_did_is_told_as_that(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        number = sandbox.customer_writes("Ann", "Hi", "Help")
        sandbox.agent_sets_priority(number, "high")
        sandbox.ticket(number).audits[-1]["events"][0]["via"] = {"channel": "rule"}
        mia = Party(kind="email", value="mia@customer.example", evidence=Evidence.VERIFIED)
        made = await connector.hand_off(handoff(packet=packet(), requester=mia))
        assert sandbox.ticket(int(made.ticket_id)).requester_id != OWN_USER
        host.time += 2 * MINUTES
        journal = Journal()
        await connector.backfill(CURSOR, journal.emit)
        events = [event for event in told(connector, journal) if isinstance(event, TicketChanged)]
        (by_rule,) = [event for event in events if event.change.value == "priority"]
        assert (by_rule.sender.role.value, by_rule.own) == ("system", False)
        assert {event.own for event in events if event.ticket_id == made.ticket_id} == {True}

    async def test_a_customers_address_comes_with_the_poll_and_proves_nothing(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        number = sandbox.customer_writes("Ann", "Hi", "Help")
        sandbox.customer_adds(number, "Anybody?")
        host.time += 2 * MINUTES
        journal = Journal()
        await connector.backfill(CURSOR, journal.emit)
        made, added = told(connector, journal)
        for party in (made.sender, added.sender, made.requester):
            assert party is not None
            assert (party.kind, party.name, party.email) == ("zendesk_user", "Ann", "ann@customer.example")
            assert party.evidence.value == "attested"

    @pytest.mark.parametrize("public", [True, False])
    async def test_a_ticket_that_an_agent_opens_is_the_agents_word_and_its_requesters_ticket(
        self, connector: Any, sandbox: Any, host: FakeHost, *, public: bool
    ) -> None:
        sandbox.agent_opens("Ann", "Our offer", "Do not mention it: my lawyer says no.", public=public)
        (webhook,) = sandbox.webhooks.waiting
        host.time += 2 * MINUTES
        journal = Journal()
        await connector.backfill(CURSOR, journal.emit)
        (by_hook,), (by_poll,) = connector.parse(hook(webhook.body)), told(connector, journal)
        for event in (by_hook, by_poll):
            assert (event.sender.role, event.sender.name, event.own) == (Role.AGENT, "", False)
            assert event.requester.role is Role.CUSTOMER
            assert event.audience is (Audience.PUBLIC if public else Audience.INTERNAL)
        assert (by_hook.dedupe, by_hook.sender) == (by_poll.dedupe, by_poll.sender)
        assert by_hook.requester.value == by_poll.requester.value != by_poll.sender.value

    @pytest.mark.parametrize("actor", ["9001", "-1", "", "8888"])
    async def test_what_an_integration_submits_for_a_customer_is_the_customers_word(
        self, connector: Any, actor: str
    ) -> None:
        """Zendesk takes the requester for the submitter, unless told otherwise; and the submitter writes the first comment."""
        detail = {"id": "5", "requester_id": "9001", "submitter_id": "9001", "actor_id": actor, "description": "Help"}
        payload = {"type": "zen:event-type:ticket.created", "id": "e", "time": "2026-01-01T00:00:00Z", "detail": detail}
        (event,) = connector.parse(hook(json.dumps(payload).encode()))
        assert (event.sender.role, event.sender.value) == (Role.CUSTOMER, "9001")

    @pytest.mark.parametrize(
        ("submitter", "actor", "role"),
        [
            ({}, "8888", Role.AGENT),
            ({"submitter_id": None}, "8888", Role.AGENT),
            ({"submitter_id": "8888"}, "", Role.AGENT),
            ({"submitter_id": "8888"}, "9001", Role.AGENT),
            ({}, "-1", Role.CUSTOMER),
            ({}, "", Role.CUSTOMER),
            ({"submitter_id": "-1"}, "-1", Role.CUSTOMER),
        ],
    )
    async def test_who_is_known_to_have_made_a_ticket_for_somebody_else_is_an_agent(
        self, connector: Any, submitter: dict[str, Any], actor: str, role: Role
    ) -> None:
        detail = {"id": "5", "requester_id": "9001", "actor_id": actor, "description": "Help", **submitter}
        payload = {"type": "zen:event-type:ticket.created", "id": "e", "time": "2026-01-01T00:00:00Z", "detail": detail}
        (event,) = connector.parse(hook(json.dumps(payload).encode()))
        assert (event.sender.role, event.sender.value) == (role, "8888" if role is Role.AGENT else "9001")

    # --- pages, limits -----------------------------------------------------------------------------------------------
    async def test_every_comment_and_change_of_a_long_ticket_is_told(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        number = sandbox.customer_writes("Ann", "Hi", "Help")
        for each in range(130):
            sandbox.customer_adds(number, f"line {each}")
            sandbox.agent_tags(number, f"t{each}")
        host.time += 10 * MINUTES
        journal = Journal()
        await connector.backfill(CURSOR, journal.emit)
        counts = Counter(event.change.value for event in told(connector, journal))
        assert counts == {"created": 1, "commented": 130, "tags": 130}
        assert len({event.dedupe for event in told(connector, journal)}) == 261

    async def test_the_poll_takes_every_page(self, connector: Any, sandbox: Any, host: FakeHost) -> None:
        for number in range(130):
            sandbox.customer_writes(f"Ann {number}", "Hi", "Help")
            host.time += 1_000_000
        host.time += 2 * MINUTES
        journal = Journal()
        cursor = await connector.backfill(CURSOR, journal.emit)
        assert len({event.thread for event in told(connector, journal)}) == 130
        assert sandbox.writes() == 0
        journal.kept.clear()
        assert (await connector.backfill(cursor, journal.emit)).rpartition("@")[2] == cursor.rpartition("@")[2]
        assert journal.kept == []

    @pytest.mark.parametrize("limit", [4, 30])
    async def test_a_limit_within_a_backlog_costs_nothing_but_time(
        self, connector: Any, sandbox: Any, host: FakeHost, limit: int
    ) -> None:
        """Three requests are one ticket: with four a minute it gets on by one ticket each time."""
        for number in range(24):
            sandbox.customer_writes(f"Ann {number}", "Hi", "Help")
            host.time += 1_000_000
        host.time += 2 * MINUTES
        sandbox.requests_a_minute = limit
        journal, cursor, rounds = Journal(), CURSOR, 0
        while len(journal.kept) < 24:
            rounds += 1
            assert rounds <= 24, "it does not get on"
            cursor = await connector.backfill(cursor, journal.emit)
            host.time += MINUTES
        assert len({event.dedupe for event in told(connector, journal)}) == len(journal.kept) == 24
        if limit > 4:
            assert rounds <= 2

    async def test_what_was_told_is_remembered_with_what_was_journaled(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        """Who is killed in the middle goes on from the last cursor that came along."""
        for number in range(6):
            sandbox.customer_writes(f"Ann {number}", "Hi", "Help")
            host.time += 1_000_000
        host.time += 2 * MINUTES
        journal = Journal()
        await connector.backfill(CURSOR, journal.emit)
        for at, cursor in enumerate(journal.cursors):
            rest = Journal()
            await connector.backfill(cursor, rest.emit)
            assert [each.body for each in rest.kept] == [each.body for each in journal.kept[at + 1 :]]

    async def test_a_poll_that_gets_nowhere_says_so(self, connector: Any, sandbox: Any) -> None:
        sandbox.faults.add("incremental", FaultKind.RATE_LIMITED, seconds=60)
        with pytest.raises(TemporaryFailure) as limited:
            await connector.backfill(CURSOR, Journal().emit)
        assert limited.value.retry_after == 60

    async def test_an_agent_who_may_not_read_the_export_loses_the_poll_and_nothing_else(
        self, connector: Any, sandbox: Any
    ) -> None:
        """Zendesk gives it to admins; refused credentials would pause the whole connection."""
        sandbox.account.users[OWN_USER]["role"] = "agent"
        with pytest.raises(PermanentFailure, match="admin"):
            await connector.backfill(CURSOR, Journal().emit)
        await connector.check()
        assert (await connector.hand_off(handoff(packet=packet()))).ticket_id
