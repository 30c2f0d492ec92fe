"""Handoffs to HubSpot: exactly one ticket, contact, note and file, whatever happens to the answers."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest

from connectors.hubspot import tickets
from connectors.hubspot.polled import plain
from connectors.hubspot.sandbox import PORTAL, UNIQUE
from connectors.hubspot.sandbox_state import Source
from gateway.model import altered
from gateway.sdk import (
    Evidence,
    File,
    Handoff,
    Mode,
    OutcomeUnknown,
    Party,
    PermanentFailure,
    Priority,
    TemporaryFailure,
    TicketStatus,
)
from gateway.testing.faults import FaultKind
from gateway.testing.host import FakeHost
from gateway.testing.target_contract import (
    CarryingContract,
    HandoffTargetContract,
    ReopeningContract,
    RequesterContract,
)
from tests.connectors.hubspot.desk import ANN, KINDS, READS, WRITES, HubSpotSetUp, carried, entry, handoff, packet
from tests.connectors.slas import DUE, NOTHING_DUE


# --- new tickets -----------------------------------------------------------------------------------------------------
class TestNewTickets(RequesterContract, HandoffTargetContract, HubSpotSetUp):
    """The note is the last write of a handoff: losing its answer is losing the handoff's."""

    def route(self) -> str:
        return "create"

    def something(self, sandbox: Any, key: str) -> Handoff:
        # A contact that is there, so that the only record that is made by `create` is the note.
        if not sandbox.contacts_with("ann@customer.example"):
            given = {"email": "ann@customer.example"}
            sandbox.portal.create("contacts", given, Source(source="FORM"))
        return handoff(key, subject="SECRET-BODY")

    def written(self, sandbox: Any, key: str) -> int:
        found = len(sandbox.tickets_with_external_id(f"baton:{key}"))
        notes = int(sandbox.notes_with_key(key))
        return notes if found <= 1 else found

    def new_ticket(self, sandbox: Any, key: str, requester: Party) -> Handoff:
        return handoff(key, requester=requester)

    def requester_of(self, sandbox: Any, ticket_id: str) -> str:
        found = sandbox.portal.linked("tickets", ticket_id, "contacts")
        return ",".join(sandbox.portal.find("contacts", each).properties["email"] for each in found)

    async def test_a_new_ticket_carries_everything(self, connector: Any, sandbox: Any) -> None:
        receipt = await connector.hand_off(handoff(group="anna.agent@example.com"))
        ticket = sandbox.ticket(receipt.ticket_id)
        told = {name: ticket.properties[name] for name in ("subject", "content", UNIQUE, "hs_pipeline_stage")}
        assert told == {
            "subject": "Charged twice",
            "content": "You charged me twice!",
            UNIQUE: "baton:k",
            "hs_pipeline_stage": "1",
        }
        assert ticket.properties["hs_ticket_priority"] == "HIGH"
        assert ticket.properties["hubspot_owner_id"] == "7001"
        (contact,) = sandbox.portal.linked("tickets", ticket.id, "contacts")
        assert sandbox.portal.find("contacts", contact).properties["lastname"] == "Other"
        (note,) = sandbox.portal.linked("tickets", ticket.id, "notes")
        body = sandbox.portal.find("notes", note).properties["hs_note_body"]
        assert "&lt;b&gt;Hello?&lt;/b&gt;" in body
        assert "Anybody &amp; more?" in body
        assert tickets.key_of(body) == "k"
        assert receipt.thread == f"ticket:{ticket.id}"
        assert receipt.url.endswith(f"/{PORTAL}/record/0-5/{ticket.id}")

    async def test_only_a_proven_address_leads_to_a_contact(self, connector: Any, sandbox: Any) -> None:
        claimed = altered(ANN, evidence=Evidence.CLAIMED)
        receipt = await connector.hand_off(handoff("a", requester=claimed))
        assert sandbox.portal.linked("tickets", receipt.ticket_id, "contacts") == []
        assert sandbox.portal.records["contacts"] == {}
        by_mail = Party(kind="email", value="Mia@Customer.Example", evidence=Evidence.VERIFIED)
        receipt = await connector.hand_off(handoff("b", requester=by_mail))
        assert sandbox.portal.linked("tickets", receipt.ticket_id, "contacts") == sandbox.contacts_with(
            "mia@customer.example"
        )

    async def test_a_contact_that_somebody_else_makes_at_this_moment_is_used(
        self, connector: Any, sandbox: Any
    ) -> None:
        # The look-up misses, the creation conflicts: as with an address that is another contact's second one.
        first = sandbox.portal.create("contacts", {"email": "ann@customer.example"}, Source(source="FORM"))
        sandbox.faults.add("get", FaultKind.ERROR_BEFORE, status=404, times=3)
        receipt = await connector.hand_off(handoff())
        assert sandbox.contacts_with("ann@customer.example") == [first.id]
        assert sandbox.portal.linked("tickets", receipt.ticket_id, "contacts") == [first.id]

    async def test_an_attempt_that_lands_late_makes_no_second_ticket(self, connector: Any, sandbox: Any) -> None:
        """The look says absent, then the earlier attempt lands: the upsert meets it."""
        await connector.hand_off(handoff())
        sandbox.faults.add("get", FaultKind.ERROR_BEFORE, status=404, times=2)
        await connector.hand_off(handoff())
        assert len(sandbox.tickets_with_external_id("baton:k")) == 1

    async def test_a_ticket_that_an_agent_moved_is_not_set_back_by_another_attempt(
        self, connector: Any, sandbox: Any
    ) -> None:
        sandbox.faults.add("create", FaultKind.RESET_BEFORE)
        with pytest.raises((OutcomeUnknown, TemporaryFailure)):
            await connector.hand_off(handoff("k", requester=None))
        (ticket_id,) = sandbox.tickets_with_external_id("baton:k")
        sandbox.agent_sets(ticket_id, "hs_pipeline_stage", "3")
        await connector.hand_off(handoff("k", requester=None))
        assert sandbox.ticket(ticket_id).properties["hs_pipeline_stage"] == "3"
        assert sandbox.notes_with_key("k") == 1

    async def test_random_faults_leave_one_ticket_one_contact_one_note_and_one_file(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        """As the host does: send, settle what is unknown, send again only what is absent. 120 handoffs, any call may fail."""
        content = b"receipt"
        digest = hashlib.sha256(content).hexdigest()
        host.blobs[digest] = content
        lost = 0
        for seed in range(120):
            key = f"seed-{seed}"
            customer = altered(ANN, value=key, email=f"{key}@customer.example")
            said = entry("Here it is", author=customer, files=(File(name="receipt.pdf", sha256=digest, size=7),))
            what = handoff(key, requester=customer, packet=packet(transcript=(said,)))
            sandbox.faults.at_random(seed, 0.25, KINDS, [*WRITES, *READS])
            lost += await carried(connector, what)
            sandbox.faults.clear()
            (ticket_id,) = sandbox.tickets_with_external_id(f"baton:{key}")
            assert sandbox.notes_with_key(key) == 1
            assert sandbox.portal.linked("tickets", ticket_id, "contacts") == sandbox.contacts_with(customer.email)
            assert len(sandbox.contacts_with(customer.email)) == 1
        assert lost >= 100
        assert len(sandbox.portal.files) == 120

    async def test_files_stand_on_the_note(self, connector: Any, sandbox: Any, host: FakeHost) -> None:
        digest = hashlib.sha256(b"png").hexdigest()
        host.blobs[digest] = b"png"
        files = (
            File(name="../../etc/pass\r\nwd.png", sha256=digest, size=3),
            File(name="not carried.mov", note="too large"),
            File(name="huge.bin", sha256="0" * 64, size=1 << 40),
        )
        await connector.hand_off(handoff(packet=None, entries=(entry("Look", files=files),)))
        (file_id,) = sandbox.portal.files
        assert sandbox.portal.files[file_id]["content"] == b"png"
        assert "/" not in sandbox.portal.files[file_id]["name"]
        (note,) = sandbox.portal.records["notes"].values()
        assert note.properties["hs_attachment_ids"] == file_id
        assert "[file too large: not carried.mov]" in plain(note.properties["hs_note_body"])

    async def test_a_property_that_is_not_there_is_named_and_its_value_is_not(
        self, connector: Any, sandbox: Any
    ) -> None:
        with pytest.raises(PermanentFailure, match="because of nonsense") as refused:
            await connector.hand_off(handoff(fields={"nonsense": "SECRET-VALUE"}))
        assert "SECRET-VALUE" not in str(refused.value)
        assert sandbox.tickets_with_external_id("baton:k") == []

    async def test_an_owner_that_is_not_there_is_said_plainly(self, connector: Any, sandbox: Any) -> None:
        with pytest.raises(PermanentFailure, match="no owner 'Billing'"):
            await connector.hand_off(handoff(group="Billing"))
        assert sandbox.writes() == 0

    async def test_an_assignee_is_an_owner_whatever_the_group_is(self, connector: Any, sandbox: Any) -> None:
        receipt = await connector.hand_off(handoff(group="anna.agent@example.com", assignee="ole.owner@example.com"))
        assert sandbox.ticket(receipt.ticket_id).properties["hubspot_owner_id"] == "7002"
        with pytest.raises(PermanentFailure, match="no owner 'ole': an agent's id is"):
            await connector.hand_off(handoff("k2", assignee="ole"))

    async def test_a_group_and_tags_go_into_the_properties_that_are_named_for_them(
        self, sandbox: Any, host: FakeHost
    ) -> None:
        values = {**self.values(sandbox), "group_property": "support_group", "tag_property": "support_tags"}
        connector = self.make(values, host)
        receipt = await connector.hand_off(handoff(group="Billing", tags=("vip", "refund")))
        await connector.hand_off(handoff("k2", ticket_id=receipt.ticket_id, tags=("late",), group="Second line"))
        ticket = sandbox.ticket(receipt.ticket_id)
        assert ticket.properties["support_group"] == "Second line"
        assert ticket.properties["support_tags"] == "vip;refund;late"
        await connector.close()

    async def test_when_the_sla_is_due_stands_in_the_property_that_is_named_for_it(
        self, sandbox: Any, host: FakeHost
    ) -> None:
        connector = self.make({**self.values(sandbox), "sla_due_property": "sla_due"}, host)
        receipt = await connector.hand_off(handoff(sla=DUE))
        ticket = sandbox.ticket(receipt.ticket_id)
        assert ticket.properties["sla_due"] == "2026-01-01T01:00:00Z"
        await connector.hand_off(handoff("k2", ticket_id=receipt.ticket_id))
        assert ticket.properties["sla_due"] == "2026-01-01T01:00:00Z", "no SLA applies: it is left as it is"
        await connector.hand_off(handoff("k3", ticket_id=receipt.ticket_id, sla=NOTHING_DUE))
        assert ticket.properties["sla_due"] == ""
        await connector.close()

    async def test_the_dated_paths_work_alike(self, sandbox: Any, host: FakeHost) -> None:
        connector = self.make({**self.values(sandbox), "api_version": "2026-09"}, host)
        digest = hashlib.sha256(b"x").hexdigest()
        host.blobs[digest] = b"x"
        said = entry("Look", files=(File(name="x", sha256=digest),))
        await connector.hand_off(handoff(entries=(said,), group="ole.owner@example.com"))
        assert (await connector.examine()).findings
        paths = [call.path for call in sandbox.calls]
        assert "/crm/objects/2026-09/tickets/batch/upsert" in paths
        assert not [path for path in paths if path.startswith(("/crm/v", "/files/v"))]
        await connector.close()


# --- tickets that are there ------------------------------------------------------------------------------------------
class TestFiles(CarryingContract, HubSpotSetUp):
    def handoff_with(self, sandbox: Any, key: str, files: tuple[File, ...], *, adopted: bool) -> Handoff:
        ticket_id = sandbox.customer_writes("Ben", "Help", "It does not work") if adopted else None
        said = packet(transcript=(entry("See the files", files=files),))
        return handoff(key, packet=said, ticket_id=ticket_id, adopted=adopted)

    def notes_on(self, sandbox: Any, ticket_id: str) -> str:
        return "\n".join(each["hs_note_body"] for each in self._notes(sandbox, ticket_id))

    def files_on(self, sandbox: Any, ticket_id: str) -> list[bytes]:
        named = [each.get("hs_attachment_ids", "").split(";") for each in self._notes(sandbox, ticket_id)]
        return [sandbox.portal.files[number]["content"] for ids in named for number in ids if number]

    @staticmethod
    def _notes(sandbox: Any, ticket_id: str) -> list[dict[str, str]]:
        found = sandbox.portal.linked("tickets", ticket_id, "notes")
        return [sandbox.portal.find("notes", each).properties for each in found]


class TestUpdates(ReopeningContract, HandoffTargetContract, HubSpotSetUp):
    def route(self) -> str:
        return "create"

    def something(self, sandbox: Any, key: str) -> Handoff:
        ticket_id = sandbox.customer_writes("Ben", "Help", "It does not work")
        said = entry("SECRET-BODY")
        return handoff(key, ticket_id=ticket_id, adopted=True, packet=None, entries=(said,), priority=Priority.P1)

    def written(self, sandbox: Any, key: str) -> int:
        return int(sandbox.notes_with_key(key))

    def solved_ticket(self, sandbox: Any) -> str:
        ticket_id: str = sandbox.customer_writes("Ben", "Help", "It does not work")
        sandbox.agent_sets(ticket_id, "hs_pipeline_stage", "4")
        return ticket_id

    def update_of(self, sandbox: Any, key: str, ticket_id: str) -> Handoff:
        return altered(self.something(sandbox, key), ticket_id=ticket_id)

    def in_work(self, sandbox: Any, ticket_id: str) -> bool:
        return sandbox.ticket(ticket_id).properties["hs_pipeline_stage"] in {"1", "3"}

    async def test_a_ticket_of_another_pipeline_is_opened_in_that_one(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        stages = [{"id": "90", "metadata": {}}, {"id": "91", "metadata": {}}]
        sandbox.portal.pipelines.append({"id": "8", "label": "Returns", "stages": stages})
        ticket_id = self.solved_ticket(sandbox)
        for name, value in (("hs_pipeline", "8"), ("hs_pipeline_stage", "91")):
            sandbox.agent_sets(ticket_id, name, value)
        meant = {**connector.settings.stages, "91": TicketStatus.CLOSED}
        what = altered(self.update_of(sandbox, "k", ticket_id), reopen=True)
        told = self.make({**self.values(sandbox), "stages": meant}, host)
        with pytest.raises(PermanentFailure, match="say under stages"):
            await told.hand_off(what)
        await told.close()
        told = self.make({**self.values(sandbox), "stages": {**meant, "90": TicketStatus.NEW}}, host)
        await told.hand_off(what)
        await told.close()
        assert sandbox.ticket(ticket_id).properties["hs_pipeline_stage"] == "90"

    async def test_an_adopted_ticket_gets_the_note_and_no_second_ticket(self, connector: Any, sandbox: Any) -> None:
        what = self.something(sandbox, "k")
        receipt = await connector.hand_off(what)
        assert receipt.ticket_id == what.ticket_id
        assert list(sandbox.portal.records["tickets"]) == [what.ticket_id]
        assert sandbox.ticket(receipt.ticket_id).properties["hs_ticket_priority"] == "URGENT"
        assert UNIQUE not in sandbox.ticket(receipt.ticket_id).properties

    async def test_an_assignee_is_set_left_and_taken_away(self, connector: Any, sandbox: Any) -> None:
        what = altered(self.something(sandbox, "k1"), assignee="7001")
        owners: list[object] = []
        for number, assignee in enumerate(("7001", None, "")):
            await connector.hand_off(altered(what, key=f"k{number}", assignee=assignee))
            owners.append(sandbox.ticket(what.ticket_id).properties["hubspot_owner_id"])
        assert owners == ["7001", "7001", ""]

    async def test_notes_mode_writes_a_note_and_nothing_else(self, connector: Any, sandbox: Any) -> None:
        what = altered(self.something(sandbox, "k"), mode=Mode.NOTES, group="7001", fields={"subject": "x"})
        before = dict(sandbox.ticket(what.ticket_id).properties)
        await connector.hand_off(what)
        after = dict(sandbox.ticket(what.ticket_id).properties)
        changed = {name for name in after if after[name] != before.get(name)}
        assert changed == {"hs_lastmodifieddate"}
        assert sandbox.notes_with_key("k") == 1

    async def test_a_ticket_that_was_deleted_is_said_plainly(self, connector: Any, sandbox: Any) -> None:
        what = self.something(sandbox, "k")
        sandbox.agent_deletes(what.ticket_id)
        with pytest.raises(PermanentFailure, match="deleted"):
            await connector.hand_off(what)

    async def test_random_faults_leave_each_note_once(self, connector: Any, sandbox: Any) -> None:
        for seed in range(60):
            what = self.something(sandbox, f"seed-{seed}")
            sandbox.faults.at_random(seed, 0.4, KINDS, [*WRITES, *READS])
            await carried(connector, what)
            sandbox.faults.clear()
            assert sandbox.notes_with_key(what.key) == 1

    async def test_many_at_once_write_everything_once(self, connector: Any, sandbox: Any) -> None:
        all_of_them = [self.something(sandbox, f"t{number}") for number in range(40)]
        await asyncio.gather(*(connector.hand_off(each) for each in all_of_them))
        assert [sandbox.notes_with_key(each.key) for each in all_of_them] == [1] * 40

    async def test_a_note_is_found_among_hundreds(self, connector: Any, sandbox: Any) -> None:
        what = self.something(sandbox, "k")
        await connector.hand_off(what)
        for number in range(620):
            sandbox.agent_notes(what.ticket_id, f"note {number}")
        assert await connector.settle(what) is not None
        assert await connector.settle(altered(what, key="other")) is None
