"""What the poll tells, what the roster holds and an examination finds: against the sandbox and a running RT alike."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.sdk import Audience, Delivery, PermanentFailure, Reply, Role, TicketChange, TicketChanged, TicketStatus
from tests.connectors.request_tracker.said import connected
from tests.connectors.request_tracker.suites import new


class Polls:
    """What the poll tells of what people did in RT."""

    async def events(self, connector: Any, since: str) -> tuple[list[TicketChanged], str]:
        found: list[Delivery] = []

        async def emit(delivery: Delivery, cursor: str | None) -> None:
            found.append(delivery)

        cursor = await connector.backfill(since, emit)
        return [event for delivery in found for event in connector.parse(delivery)], cursor

    async def test_a_tickets_life_is_told_once_and_in_order(self, connector: Any, sandbox: Any) -> None:
        sandbox.customer_writes("Old", "Before Baton came", "x")
        first = await connector.backfill(None, None)
        nothing, first = await self.events(connector, first)
        assert nothing == []
        ticket_id = sandbox.customer_writes("Ben Baker", "Help", "It does not work, Grüße")
        sandbox.agent_takes(ticket_id)
        sandbox.agent_comments(ticket_id, "Try &amp; see", public=True)
        sandbox.agent_comments(ticket_id, "He is <b>nice</b>", public=False)
        sandbox.customer_adds(ticket_id, "Still not")
        sandbox.agent_sets_status(ticket_id, "resolved")
        events, cursor = await self.events(connector, first)
        mine = [event for event in events if event.ticket_id == str(ticket_id)]
        assert {event.ticket_id for event in events} == {str(ticket_id)}
        people = [event for event in mine if event.sender.role is not Role.SYSTEM]
        assert [(event.change, event.sender.role, event.text.strip()) for event in people] == [
            (TicketChange.CREATED, Role.CUSTOMER, "It does not work, Grüße"),
            (TicketChange.ASSIGNED, Role.AGENT, ""),
            (TicketChange.COMMENTED, Role.AGENT, "Try & see"),
            (TicketChange.COMMENTED, Role.AGENT, "He is nice"),
            (TicketChange.COMMENTED, Role.CUSTOMER, "Still not"),
            (TicketChange.STATUS, Role.AGENT, ""),
        ]
        assert [event.audience for event in people if event.comment_id] == [
            Audience.PUBLIC,
            Audience.PUBLIC,
            Audience.INTERNAL,
            Audience.PUBLIC,
        ]
        assert people[0].via == "email"
        assert people[0].requester is not None
        assert (people[0].requester.email, people[0].requester.name) == ("ben.baker@customer.example", "Ben Baker")
        assert people[-1].status is TicketStatus.SOLVED
        assert not [event for event in mine if event.own]
        again, _ = await self.events(connector, cursor)
        assert again == []

    async def test_what_comes_later_in_the_same_second_is_not_missed(self, connector: Any, sandbox: Any) -> None:
        ticket_id = sandbox.customer_writes("Ben", "Help", "one")
        cursor = await connector.backfill(None, None)
        seen: list[str] = []
        for number in range(3):
            sandbox.agent_comments(ticket_id, f"note {number}", public=False)
            events, cursor = await self.events(connector, cursor)
            seen += [event.text for event in events if event.comment_id]
        assert seen == ["note 0", "note 1", "note 2"]

    async def test_what_baton_did_itself_is_known_as_that(self, connector: Any, sandbox: Any) -> None:
        cursor = await connector.backfill(None, None)
        handoff = new(sandbox, "own")
        receipt = await connector.hand_off(handoff)
        await connector.reply(Reply(key=sandbox.salt + "re", case_id="c", thread=receipt.thread, text="Dear Ann"))
        events, _ = await self.events(connector, cursor)
        mine = [event for event in events if event.sender.role is not Role.SYSTEM]
        assert [event.change for event in mine] == [
            TicketChange.CREATED,
            TicketChange.COMMENTED,
            TicketChange.COMMENTED,
        ]
        assert all(event.own and event.reference == handoff.external_id for event in mine)

    async def test_the_roster_is_the_members_of_the_groups(self, connector: Any, sandbox: Any, host: Any) -> None:
        roster = await connector.roster()
        assert [(agent.id, agent.name, agent.groups) for agent in roster.agents] == [
            ("anna", "Anna Agent", ("Second line",))
        ]
        assert {"General", "Escalations", "Billing"} <= set(roster.groups.values())
        assert "Secret" not in roster.groups.values()
        with pytest.raises(PermanentFailure, match="no group Nobody here"):
            await connected(sandbox, host, agent_groups=("Nobody here",)).roster()

    async def test_an_examination_names_what_is_there_and_what_lacks(
        self, connector: Any, sandbox: Any, host: Any
    ) -> None:
        sandbox.customer_writes("Ben", "Help", "so that rights can be seen")
        before = sandbox.writes()
        found = (await connector.examine()).findings
        subjects = ["version", "user", "CreateTicket", "external_id_field", "tags_field", "ShowTicket"]
        assert [each.subject for each in found] == [*subjects, "CommentOnTicket", "ReplyToTicket"]
        assert all(each.good for each in found), found
        for change, subject in (
            ({"queue": "Nowhere"}, "queue"),
            ({"external_id_field": "other"}, "external_id_field"),
        ):
            bad = (await connected(sandbox, host, **change).examine()).findings
            assert [each.subject for each in bad if not each.good] == [subject]
            assert all(each.advice for each in bad if not each.good)
        assert sandbox.writes() == before
