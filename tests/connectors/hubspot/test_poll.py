"""The poll of HubSpot: whole tickets, nothing missed, nothing told twice."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from connectors.hubspot import polling
from connectors.hubspot.sandbox_state import SEARCH_LAG, Source
from gateway.model import altered
from gateway.sdk import (
    Audience,
    CredentialsRefused,
    Cursor,
    Delivery,
    Evidence,
    PermanentFailure,
    Role,
    TemporaryFailure,
    TicketChange,
    TicketChanged,
    TicketStatus,
)
from gateway.testing.faults import FaultKind
from gateway.testing.host import FakeHost
from tests.connectors.hubspot.desk import HubSpotSetUp, handoff, webhook_delivery


# --- the poll --------------------------------------------------------------------------------------------------------
class TestBackfill(HubSpotSetUp):
    async def poll(self, connector: Any, since: Cursor | None) -> tuple[list[Delivery], Cursor]:
        got: list[Delivery] = []

        async def emit(delivery: Delivery, cursor: Cursor | None) -> None:
            got.append(delivery)

        cursor = await connector.backfill(since, emit)
        assert isinstance(cursor, str)
        return got, cursor

    async def test_a_ticket_comes_whole_and_its_webhooks_say_nothing_else(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        _, cursor = await self.poll(connector, None)
        ticket_id = sandbox.customer_writes("Ben Buyer", "Help", "It is broken")
        host.time += 60_000_000
        sandbox.agent_sets(ticket_id, "hs_pipeline_stage", "3")
        sandbox.agent_sets(ticket_id, "hubspot_owner_id", "7002")
        note_id = sandbox.agent_notes(ticket_id, "I &amp; Ole call <b>back</b>")
        host.time += SEARCH_LAG
        (delivery,), cursor = await self.poll(connector, cursor)
        events = list(connector.parse(delivery))
        created, words = events[0], events[1]
        assert isinstance(created, TicketChanged)
        assert created.requester is not None
        assert (created.requester.kind, created.requester.email) == ("hubspot_contact", "ben.buyer@customer.example")
        assert (created.requester.name, created.subject, created.via) == ("Ben Buyer", "Help", "email")
        assert (words.text, words.sender, words.audience) == ("It is broken", created.requester, Audience.PUBLIC)
        assert events[-1].comment_id == note_id
        assert (events[-1].text, events[-1].audience) == ("I & Ole call back", Audience.INTERNAL)
        assert events[-1].sender.role is Role.AGENT
        stages = [event.status for event in events if event.change is TicketChange.STATUS]
        assert stages == [TicketStatus.NEW, TicketStatus.OPEN]
        # What the webhooks told before has the same keys: whichever comes first counts.
        told = {e.dedupe for w in sandbox.webhooks.waiting for e in connector.parse(webhook_delivery(w.body))}
        by_hand = [event for event in events if event.sender.role is Role.AGENT]
        facts = {event.dedupe for event in (created, *by_hand) if event.change is not TicketChange.COMMENTED}
        assert len(facts) == 3
        assert facts <= told

    async def test_a_watched_property_is_told_by_the_poll_as_by_its_webhook(self, sandbox: Any, host: FakeHost) -> None:
        connector = self.make({**self.values(sandbox), "watched_properties": ["support_group"]}, host)
        _, cursor = await self.poll(connector, None)
        ticket_id = sandbox.customer_writes("Ben Buyer", "Help", "It is broken")
        host.time += 60_000_000
        sandbox.agent_sets(ticket_id, "support_group", "Billing")
        host.time += SEARCH_LAG
        (delivery,), _ = await self.poll(connector, cursor)
        polled = [event for event in connector.parse(delivery) if event.fields.get("support_group")]
        hooked = [e for w in sandbox.webhooks.waiting for e in connector.parse(webhook_delivery(w.body))]
        (told,) = [event for event in hooked if event.fields.get("support_group")]
        assert [(e.fields, e.change, e.sender.value, e.dedupe) for e in polled] == [
            ({"support_group": "Billing"}, TicketChange.FIELDS, told.sender.value, told.dedupe)
        ]
        await connector.close()

    async def test_nothing_is_missed_while_the_search_lags_and_nothing_told_twice(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        _, cursor = await self.poll(connector, None)
        chance = random.Random(3)
        made: dict[str, str] = {}
        told: list[tuple[str, str]] = []
        for _ in range(60):
            for _ in range(chance.randrange(4)):
                ticket_id = sandbox.customer_writes(f"P{len(made)}", "s", "t")
                made[ticket_id] = ""
            if made and chance.random() < 0.6:
                sandbox.agent_sets(chance.choice(list(made)), "subject", f"s{chance.random()}")
            host.time += chance.randrange(1, 12) * 1_000_000
            got, cursor = await self.poll(connector, cursor)
            for delivery in got:
                ticket = json.loads(delivery.body)["ticket"]
                told.append((ticket["id"], ticket["properties"]["hs_lastmodifieddate"]))
        host.time += SEARCH_LAG
        got, cursor = await self.poll(connector, cursor)
        told += [
            (each["id"], each["properties"]["hs_lastmodifieddate"])
            for each in (json.loads(delivery.body)["ticket"] for delivery in got)
        ]
        final = {
            record.id: record.properties["hs_lastmodifieddate"] for record in sandbox.portal.records["tickets"].values()
        }
        assert len(made) > 60
        assert set(final.items()) <= set(told)
        host.time += 3_600_000_000
        assert await self.poll(connector, cursor) == ([], cursor)

    async def test_more_than_a_page_comes_whole_and_a_broken_poll_goes_on_where_it_was(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        _, cursor = await self.poll(connector, None)
        made = {sandbox.customer_writes(f"P{number}", "s", "t") for number in range(130)}
        host.time += SEARCH_LAG
        kept: list[str] = []
        stood: list[Cursor] = [cursor]

        async def emit(delivery: Delivery, at: Cursor | None) -> None:
            kept.append(json.loads(delivery.body)["ticket"]["id"])
            if at is not None:
                stood.append(at)

        sandbox.faults.add("search", FaultKind.ERROR_AFTER)
        with pytest.raises(TemporaryFailure):
            await connector.backfill(stood[-1], emit)
        original = sandbox.portal.search
        asked = iter(range(100))

        def breaking(kind: str, what: Any) -> Any:
            if next(asked) == 1:
                sandbox.faults.add("batch.read", FaultKind.RESET_BEFORE)
            return original(kind, what)

        sandbox.portal.search = breaking
        with pytest.raises(TemporaryFailure):
            await connector.backfill(stood[-1], emit)
        assert 0 < len(kept) < 130
        sandbox.portal.search = original
        await connector.backfill(stood[-1], emit)
        assert set(kept) == made
        assert len(kept) == len(made)

    async def test_our_own_ticket_is_told_as_our_own(self, connector: Any, sandbox: Any, host: FakeHost) -> None:
        _, cursor = await self.poll(connector, None)
        await connector.hand_off(handoff())
        host.time += SEARCH_LAG
        (delivery,), _ = await self.poll(connector, cursor)
        events = list(connector.parse(delivery))
        assert {event.reference for event in events} == {"baton:k"}
        assert all(event.own for event in events)

    def test_a_cursor_that_cannot_be_read_begins_now(self) -> None:
        for rubbish in ("", "x", "[]", "{}", '{"at": "x", "told": {}}', '{"at": 1, "told": 3}'):
            assert polling.Stand.of(rubbish, 7_000) == polling.Stand(at=7, told={})

    async def test_an_agents_file_is_streamed(self, connector: Any, sandbox: Any) -> None:
        file_id = sandbox.portal.keep_file("/a", "x.pdf", b"p" * 200_000, overwrite=False)
        ticket_id = sandbox.customer_writes("Ben", "Help", "x")
        given = {"hs_note_body": "see", "hs_timestamp": "2026-01-01T00:00:00Z", "hs_attachment_ids": file_id}
        note = sandbox.portal.create("notes", given, Source(source="CRM_UI"), [("tickets", ticket_id)])
        body = {
            "ticket": {"id": ticket_id, "createdAt": "2026-01-01T00:00:00Z"},
            "notes": [{"id": note.id, "properties": note.properties}],
        }
        events = list(connector.parse(webhook_delivery(json.dumps(body).encode(), method="FRAME")))
        (attachment,) = events[-1].attachments
        parts = [part async for part in connector.fetch(attachment, webhook_delivery(b""))]
        assert b"".join(parts) == b"p" * 200_000
        with pytest.raises(PermanentFailure):
            _ = [part async for part in connector.fetch(altered(attachment, id="9"), webhook_delivery(b""))]

    async def test_e_mails_on_a_ticket_are_messages_of_customers_and_agents(self, sandbox: Any, host: FakeHost) -> None:
        sandbox.scopes.add("sales-email-read")
        connector = self.make({**self.values(sandbox), "read_emails": True}, host)
        _, cursor = await self.poll(connector, None)
        ticket_id = sandbox.customer_writes("Ben Buyer", "Help", "It is broken")
        # The mail that the ticket was made from says the same as its description.
        sandbox.mail(ticket_id, "It is  broken\n", sender="ben.buyer@customer.example")
        sandbox.mail(ticket_id, "Still broken", sender="Ben.Buyer@customer.example")
        sandbox.mail(ticket_id, "We send another", direction="EMAIL", sender="anna.agent@example.com")
        sandbox.mail(ticket_id, "Please look", direction="FORWARDED_EMAIL", sender="anna.agent@example.com")
        sandbox.mail(ticket_id, "I am his brother", sender="someone@else.example")
        host.time += SEARCH_LAG
        (delivery,), _ = await self.poll(connector, cursor)
        said = [event for event in connector.parse(delivery) if event.change is TicketChange.COMMENTED]
        told = [(each.text, each.sender.kind, each.sender.role, each.audience) for each in said]
        assert told == [
            ("It is broken", "hubspot_contact", Role.CUSTOMER, Audience.PUBLIC),
            ("Still broken", "hubspot_contact", Role.CUSTOMER, Audience.PUBLIC),
            ("We send another", "hubspot_user", Role.AGENT, Audience.PUBLIC),
            ("Please look", "hubspot_user", Role.AGENT, Audience.INTERNAL),
            ("I am his brother", "email", Role.CUSTOMER, Audience.PUBLIC),
        ]
        assert said[-1].sender.evidence is Evidence.CLAIMED
        assert [finding for finding in (await connector.examine()).findings if not finding.good] == []
        sandbox.scopes.discard("sales-email-read")
        with pytest.raises(CredentialsRefused, match="sales-email-read"):
            await self.poll(connector, '{"at":0,"told":{}}')
        await connector.close()

    async def test_a_ticket_that_moves_while_pages_are_read_hides_no_other(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        _, cursor = await self.poll(connector, None)
        made = []
        for number in range(120):
            made.append(sandbox.customer_writes(f"P{number}", "s", "t"))
            host.time += 10_000_000
        original, asked = sandbox.portal.search, iter(range(100))

        def moving(kind: str, what: Any) -> Any:
            found = original(kind, what)
            if next(asked) == 0:
                for ticket_id in made[:30]:
                    sandbox.agent_sets(ticket_id, "subject", "changed")
                host.time += SEARCH_LAG
            return found

        sandbox.portal.search = moving
        got, cursor = await self.poll(connector, cursor)
        assert {json.loads(delivery.body)["ticket"]["id"] for delivery in got} == set(made)

    async def test_what_changed_while_baton_was_away_is_told_change_by_change(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        _, cursor = await self.poll(connector, None)
        ticket_id = sandbox.customer_writes("Ben", "s", "t")
        for stage in ("4", "3", "4"):
            host.time += 3_600_000_000
            sandbox.agent_sets(ticket_id, "hs_pipeline_stage", stage)
        host.time += 3_600_000_000
        (delivery,), _ = await self.poll(connector, cursor)
        stages = [event.status for event in connector.parse(delivery) if event.change is TicketChange.STATUS]
        assert stages == [TicketStatus.NEW, TicketStatus.SOLVED, TicketStatus.OPEN, TicketStatus.SOLVED]
