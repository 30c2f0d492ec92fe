"""What holds against the sandbox and against a running RT alike: the same tests, so that the two must agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.model import altered
from gateway.sdk import (
    Audience,
    Channel,
    Entry,
    File,
    Handoff,
    Mode,
    OutcomeUnknown,
    Packet,
    Party,
    PermanentFailure,
    Priority,
    Reply,
)
from gateway.testing.faults import FaultKind
from gateway.testing.target_contract import (
    LANDED,
    HandoffTargetContract,
    ReopeningContract,
    ReplierContract,
    RequesterContract,
)
from tests.connectors.request_tracker.said import connected, message_of, ticket_there

ANN = Party(kind="email", value="ann@customer.example", name="Ann")
FILE = File(name='Rechnung "März" ü.pdf', media_type="application/pdf", size=9, sha256="f" * 64)


def entry(text: str, key: str = "", *files: File) -> Entry:
    return Entry(
        occurred_at=1_767_225_600_000_000,
        author=ANN,
        channel=Channel.EMAIL,
        audience=Audience.PUBLIC,
        text=text,
        key=key,
        files=files,
    )


def packet(*transcript: Entry) -> Packet:
    return Packet(
        version=1,
        case_id="018bcfe5-0000-7000-8000-000000000001",
        episode_id="e-1",
        policy="p",
        subject="Charged twice",
        customer=ANN,
        priority=Priority.P2,
        rule="disputed-charge",
        reason="The customer disputes a charge.",
        evidence=("You charged me twice!",),
        transcript=transcript or (entry("You charged me twice! \N{PILE OF POO} süß"),),
        complete=True,
    )


def new(sandbox: Any, key: str, **changes: Any) -> Handoff:
    values: dict[str, Any] = {
        "key": sandbox.salt + key,
        "case_id": key,
        "external_id": f"baton:{sandbox.salt}{key}",
        "mode": Mode.LIVE,
        "subject": "SECRET-BODY für Ann",
        "requester": ANN,
        "packet": packet(),
        "priority": Priority.P2,
        "group": "Billing",
        "tags": ("billing", "two words"),
    }
    return Handoff(**{**values, **changes})


def update(sandbox: Any, key: str, ticket_id: int | str, **changes: Any) -> Handoff:
    values: dict[str, Any] = {
        "key": sandbox.salt + key,
        "case_id": "c",
        "external_id": f"baton:{sandbox.salt}c",
        "mode": Mode.LIVE,
        "ticket_id": str(ticket_id),
        "adopted": True,
        "entries": (entry("SECRET-BODY", sandbox.salt + key),),
        "priority": Priority.P1,
    }
    return Handoff(**{**values, **changes})


class NewTickets(RequesterContract, HandoffTargetContract):
    """A handoff that makes a ticket ends with its comment: a comment that was lost is a handoff that was lost."""

    def route(self) -> str:
        return "ticket.comment"

    def something(self, sandbox: Any, key: str) -> Handoff:
        return new(sandbox, key)

    def written(self, sandbox: Any, key: str) -> int:
        tickets = sandbox.tickets_with_external_id(f"baton:{sandbox.salt}{key}")
        messages = sandbox.messages_with_key(sandbox.salt + key)
        assert len(tickets) <= 1, "two tickets"
        assert all(message == (tickets[0], "Comment") for message in messages)
        return len(messages)

    def new_ticket(self, sandbox: Any, key: str, requester: Party) -> Handoff:
        return new(sandbox, key, requester=requester)

    def requester_of(self, sandbox: Any, ticket_id: str) -> str:
        # RT names a user that it makes after the address.
        return ",".join(sandbox.ticket_now(int(ticket_id))["requestors"])

    async def test_a_new_ticket_carries_everything(self, connector: Any, sandbox: Any) -> None:
        receipt = await connector.hand_off(self.something(sandbox, "k"))
        assert sandbox.ticket_now(int(receipt.ticket_id)) == {
            "subject": "SECRET-BODY für Ann",
            "status": "new",
            "queue": "Billing",
            "owner": "Nobody",
            "priority": 75,
            "tags": ["billing", "two words"],
            "requestors": ["ann@customer.example"],
            # Nothing that the customer could read.
            "messages": ["Comment"],
        }
        assert receipt.thread == f"ticket:{receipt.ticket_id}"

    async def test_a_new_ticket_is_given_to_its_assignee(self, connector: Any, sandbox: Any) -> None:
        receipt = await connector.hand_off(new(sandbox, "k", assignee="anna"))
        assert sandbox.ticket_now(int(receipt.ticket_id))["owner"] == "anna"

    async def test_an_assignee_whom_rt_does_not_take_is_said_plainly(self, connector: Any, sandbox: Any) -> None:
        """RT makes the ticket without an owner, and says nothing."""
        with pytest.raises(PermanentFailure, match=r"did not give it to nosuchagent"):
            await connector.hand_off(new(sandbox, "k", assignee="nosuchagent"))

    async def test_a_queue_that_is_not_there_or_hidden_is_said_plainly(self, connector: Any, sandbox: Any) -> None:
        for group in ("Biling", "Secret"):
            with pytest.raises(PermanentFailure, match=rf"has no queue '{group}', or hides it"):
                await connector.hand_off(new(sandbox, "k", group=group))
        assert sandbox.writes() == 0

    async def test_a_custom_field_that_is_not_there_is_said_before_anything_is_written(
        self, connector: Any, sandbox: Any
    ) -> None:
        with pytest.raises(PermanentFailure, match=r"no custom field Colour .* there are .*baton_external_id"):
            await connector.hand_off(new(sandbox, "k", fields={"Colour": "red"}))
        assert sandbox.writes() == 0

    async def test_what_rules_set_of_rts_own_fields_stands_on_a_new_ticket(self, connector: Any, sandbox: Any) -> None:
        receipt = await connector.hand_off(new(sandbox, "k", fields={"Status": "open", "Owner": "anna"}))
        now = sandbox.ticket_now(int(receipt.ticket_id))
        assert (now["status"], now["owner"]) == ("open", "anna")

    async def test_without_a_custom_field_a_link_marks_the_ticket(self, sandbox: Any, host: Any) -> None:
        connector = connected(sandbox, host, external_id_field="")
        handoff = new(sandbox, "k")
        sandbox.faults.add("ticket.create", FaultKind.RESET_AFTER)
        with pytest.raises(OutcomeUnknown):
            await connector.hand_off(handoff)
        assert await connector.settle(handoff) is None
        receipt = await connector.hand_off(handoff)
        assert sandbox.tickets_with_external_id(handoff.external_id) == [int(receipt.ticket_id)]
        assert await connector.settle(handoff) is not None

    async def test_a_quote_in_an_external_id_finds_its_own_ticket_only(self, connector: Any, sandbox: Any) -> None:
        odd = new(sandbox, "k", external_id=f"baton:{sandbox.salt}' OR id > 0 OR Subject = '")
        assert await connector.settle(odd) is None
        receipt = await connector.hand_off(odd)
        assert sandbox.tickets_with_external_id(odd.external_id) == [int(receipt.ticket_id)]
        assert (await connector.hand_off(altered(odd, key=odd.key + "2"))).ticket_id == receipt.ticket_id

    async def test_files_go_along_and_what_stays_behind_says_why(self, connector: Any, sandbox: Any, host: Any) -> None:
        host.blobs[FILE.sha256] = b"%PDF-1.7\x00"
        large = File(name="film.mp4", media_type="video/mp4", size=10_000_001, sha256="e" * 64)
        gone = File(name="gone.txt", media_type="text/plain", size=3, sha256="d" * 64)
        handoff = new(sandbox, "k", packet=packet(entry("here", "", FILE, FILE, large, gone)))
        since = await connector.backfill(None, None)
        receipt = await connector.hand_off(handoff)
        text, files = await message_of(connector, since, receipt.ticket_id, receipt.ids[0].id)
        assert text.count(f"[file: {FILE.name}]") == 2
        assert "[file too large for Request Tracker: film.mp4]" in text
        assert "[file not kept any more: gone.txt]" in text
        ((name, content),) = files
        assert name == "Rechnung 'März' ü.pdf"
        assert content == b"%PDF-1.7\x00"


class Creations(HandoffTargetContract):
    """The ticket was made, its answer is lost, and the comment is still to come."""

    def route(self) -> str:
        return "ticket.create"

    def something(self, sandbox: Any, key: str) -> Handoff:
        return new(sandbox, key)

    def written(self, sandbox: Any, key: str) -> int:
        return len(sandbox.tickets_with_external_id(f"baton:{sandbox.salt}{key}"))

    @pytest.mark.parametrize("fault", LANDED)
    async def test_a_lost_answer_is_unknown_and_can_be_settled(
        self, connector: Any, sandbox: Any, fault: FaultKind
    ) -> None:
        """A ticket without its comment is half a handoff: it is not done, and what is sent again completes the same ticket."""
        what = self.something(sandbox, "key-2")
        sandbox.faults.add(self.route(), fault)
        with pytest.raises(OutcomeUnknown):
            await connector.hand_off(what)
        (ticket_id,) = sandbox.tickets_with_external_id(what.external_id)
        assert await connector.settle(what) is None
        receipt = await connector.hand_off(what)
        assert receipt.ticket_id == str(ticket_id)
        assert sandbox.tickets_with_external_id(what.external_id) == [ticket_id]
        assert sandbox.messages_with_key(what.key) == [(ticket_id, "Comment")]


class Updates(ReopeningContract, HandoffTargetContract):
    """Handoffs and updates onto tickets that RT had before."""

    def route(self) -> str:
        return "ticket.comment"

    def something(self, sandbox: Any, key: str) -> Handoff:
        return update(sandbox, key, ticket_there(sandbox))

    def written(self, sandbox: Any, key: str) -> int:
        return len(sandbox.messages_with_key(sandbox.salt + key))

    def solved_ticket(self, sandbox: Any) -> str:
        ticket_id = ticket_there(sandbox)
        sandbox.agent_sets_status(ticket_id, "resolved")
        return str(ticket_id)

    def update_of(self, sandbox: Any, key: str, ticket_id: str) -> Handoff:
        return update(sandbox, key, ticket_id)

    def in_work(self, sandbox: Any, ticket_id: str) -> bool:
        return sandbox.ticket_now(int(ticket_id))["status"] in {"new", "open"}

    async def test_notes_mode_writes_a_comment_and_nothing_else(self, connector: Any, sandbox: Any) -> None:
        ticket_id = ticket_there(sandbox)
        before = sandbox.ticket_now(ticket_id)
        await connector.hand_off(
            update(
                sandbox,
                "k",
                ticket_id,
                mode=Mode.NOTES,
                packet=packet(),
                group="Billing",
                tags=("x",),
                fields={"Status": "open"},
            )
        )
        assert sandbox.ticket_now(ticket_id) == {**before, "messages": ["Create", "Comment"]}
        assert sandbox.count("ticket.update") == 0

    async def test_live_mode_sets_what_rules_want_and_keeps_what_is_there(self, connector: Any, sandbox: Any) -> None:
        ticket_id = ticket_there(sandbox)
        await connector.hand_off(update(sandbox, "k1", ticket_id, tags=("a", "b"), group="Escalations"))
        await connector.hand_off(
            update(sandbox, "k2", ticket_id, tags=("b", "c"), fields={"Status": "stalled", "Owner": "anna"})
        )
        now = sandbox.ticket_now(ticket_id)
        assert (now["queue"], now["priority"], now["tags"]) == ("Escalations", 100, ["a", "b", "c"])
        assert (now["status"], now["owner"]) == ("stalled", "anna")
        # What is as it should be is not set again.
        before = sandbox.count("ticket.update")
        await connector.hand_off(update(sandbox, "k3", ticket_id, tags=("c",), group="Escalations"))
        assert sandbox.count("ticket.update") == before

    async def test_an_assignee_is_set_left_and_taken_away(self, connector: Any, sandbox: Any) -> None:
        ticket_id = ticket_there(sandbox)
        owners: list[str] = []
        for number, assignee in enumerate(("anna", None, "")):
            await connector.hand_off(update(sandbox, f"k{number}", ticket_id, assignee=assignee))
            owners.append(sandbox.ticket_now(ticket_id)["owner"])
        assert owners == ["anna", "anna", "Nobody"]

    async def test_what_rt_does_not_take_is_said_plainly(self, connector: Any, sandbox: Any) -> None:
        """RT answers 200 whatever became of each field."""
        ticket_id = ticket_there(sandbox)
        with pytest.raises(PermanentFailure, match=rf"did not take Owner, Status on ticket {ticket_id}|Status, Owner"):
            await connector.hand_off(
                update(sandbox, "k", ticket_id, fields={"Status": "asleep", "Owner": "nobody-here"})
            )
        assert sandbox.messages_with_key(sandbox.salt + "k") == []

    async def test_a_change_that_was_lost_is_made_again_and_the_note_stands_once(
        self, connector: Any, sandbox: Any
    ) -> None:
        for fault in LANDED:
            handoff = self.something(sandbox, f"lost-{fault.value}")
            sandbox.faults.add("ticket.update", fault)
            with pytest.raises(OutcomeUnknown):
                await connector.hand_off(handoff)
            assert await connector.settle(handoff) is None
            await connector.hand_off(handoff)
            assert self.written(sandbox, f"lost-{fault.value}") == 1
            assert sandbox.ticket_now(int(handoff.ticket_id or 0))["priority"] == 100

    async def test_a_ticket_that_is_not_there_is_said_plainly(self, connector: Any, sandbox: Any) -> None:
        for mode in (Mode.LIVE, Mode.NOTES):
            with pytest.raises(PermanentFailure, match=r"."):
                await connector.hand_off(update(sandbox, "k", 999_999, mode=mode))

    async def test_tags_without_a_field_are_a_line_of_the_note(self, sandbox: Any, host: Any) -> None:
        connector = connected(sandbox, host, tags_field="")
        ticket_id = ticket_there(sandbox)
        since = await connector.backfill(None, None)
        receipt = await connector.hand_off(update(sandbox, "k", ticket_id, tags=("vip", "legal")))
        text, _ = await message_of(connector, since, receipt.ticket_id, receipt.ids[0].id)
        assert text.endswith("Tags (Request Tracker has no field for them here): vip, legal")
        assert sandbox.ticket_now(ticket_id)["tags"] == []


class Replies(ReplierContract):
    """Answers to the customer, as correspondence."""

    def route(self) -> str:
        return "ticket.correspond"

    def something(self, sandbox: Any, key: str) -> Reply:
        ticket_id = ticket_there(sandbox)
        return Reply(key=sandbox.salt + key, case_id="c", thread=f"ticket:{ticket_id}", text="Dear Ben, SECRET-BODY.")

    def written(self, sandbox: Any, key: str) -> int:
        messages = sandbox.messages_with_key(sandbox.salt + key)
        assert all(kind == "Correspond" for _, kind in messages)
        return len(messages)

    async def test_another_thread_than_a_tickets_is_refused(self, connector: Any, sandbox: Any) -> None:
        for thread in ("", "ticket:", "ticket:1;", "chat:1", "ticket:²"):
            with pytest.raises(PermanentFailure):
                await connector.reply(Reply(key="k", case_id="c", thread=thread, text="x"))
        assert sandbox.writes() == 0


DELIVERIES = Path(__file__).parent / "deliveries"
