"""Zendesk keeps the contracts it claims, and what is special to it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from connectors.zendesk import SPEC, tickets
from connectors.zendesk.events import CHANGES, SATISFACTION
from connectors.zendesk.sandbox import SECRET, ZendeskSandbox
from connectors.zendesk.sandbox_state import iso
from gateway.model import altered
from gateway.sdk import (
    Audience,
    Channel,
    Delivery,
    DeliveryRejected,
    Entry,
    Handoff,
    Mode,
    Packet,
    Party,
    PermanentFailure,
    Priority,
    TemporaryFailure,
    note_text,
)
from gateway.testing.contracts import ConnectorContract
from gateway.testing.faults import Fault, FaultKind
from gateway.testing.host import FakeHost
from gateway.testing.source_contract import WebhookSourceContract
from gateway.testing.target_contract import HandoffTargetContract, ReopeningContract, RequesterContract

ANN = Party(kind="slack_user", value="U1", name="Ann")


def entry(text: str, key: str = "") -> Entry:
    return Entry(
        occurred_at=1_767_225_600_000_000,
        author=ANN,
        channel=Channel.CHAT,
        audience=Audience.PUBLIC,
        text=text,
        key=key,
    )


def packet(**changes: Any) -> Packet:
    values: dict[str, Any] = {
        "version": 1,
        "case_id": "018bcfe5-0000-7000-8000-000000000001",
        "episode_id": "e-1",
        "policy": "p",
        "subject": "Charged twice",
        "customer": ANN,
        "priority": Priority.P2,
        "rule": "disputed-charge",
        "reason": "The customer disputes a charge.",
        "evidence": ("You charged me twice!",),
        "transcript": (entry("You charged me twice!"), entry("Hello?\nAnybody?")),
        "complete": True,
        "ladder": "second-line",
        "acknowledge_by": 1_767_226_500_000_000,
    }
    return Packet(**{**values, **changes})


class ZendeskSetUp(ConnectorContract):
    spec = SPEC
    sandbox_class = ZendeskSandbox

    def values(self, sandbox: Any) -> dict[str, Any]:
        return {**super().values(sandbox), "timeout": 2}

    def sdk_modules(self) -> set[str]:
        return {"aiohttp", "requests", "zenpy"}


class TestSource(WebhookSourceContract, ZendeskSetUp):
    deliveries = Path(__file__).parent / "deliveries"

    def body(self) -> bytes:
        detail = {
            "id": "5",
            "actor_id": "7",
            "requester_id": "7",
            "subject": "Hi",
            "description": "Help",
            "is_public": True,
        }
        event = {"type": "zen:event-type:ticket.created", "id": "e1", "time": "2026-01-01T00:00:00Z"}
        return json.dumps({**event, "subject": "zen:ticket:5", "detail": detail, "event": {}}).encode()

    def signed(self, body: bytes, at: int, *, secret: str | None = None) -> dict[str, str]:
        stamp = iso(at)
        digest = hmac.new((secret or SECRET).encode(), stamp.encode() + body, hashlib.sha256).digest()
        return {
            "X-Zendesk-Webhook-Signature": base64.b64encode(digest).decode(),
            "X-Zendesk-Webhook-Signature-Timestamp": stamp,
        }

    def unknown_bodies(self) -> list[bytes]:
        return [
            json.dumps({"type": "zen:event-type:user.created", "id": "1", "detail": {"id": "1"}}).encode(),
            json.dumps({"type": "zen:event-type:ticket.something_new", "id": "1", "detail": {"id": "1"}}).encode(),
        ]

    def test_every_kind_of_event_that_the_page_names_is_recorded(self) -> None:
        """Webhooks as the page has an admin subscribe to them; and by the poll, all that it says it finds."""
        page = (Path(__file__).parents[3] / "docs" / "connectors" / "zendesk.md").read_text(encoding="utf-8")
        ticked = page.partition("tick these **Ticket events**:")[2].partition(". Endpoint URL")[0]
        kinds = {f"ticket.{each.strip().replace(' ', '_')}" for each in " ".join(ticked.split()).split(",")}
        assert kinds == {*CHANGES, "ticket.attachment_linked_to_comment"}
        by_hook: set[str] = set()
        by_poll: set[str] = set()
        for path in self.recordings():
            recorded = json.loads(path.read_text(encoding="utf-8"))
            kind = json.loads(recorded["body"])["type"].removeprefix("zen:event-type:")
            (by_poll if recorded.get("method") == "FRAME" else by_hook).add(kind)
        assert by_hook == {*kinds, SATISFACTION}
        assert by_poll == by_hook - {"ticket.merged", "ticket.soft_deleted", "ticket.permanently_deleted"}

    async def test_signature_vectors_of_others(self, reference: Path, sandbox: Any) -> None:
        vectors = json.loads((reference / "signature_vectors.open.json").read_text(encoding="utf-8"))
        mine = [vector for vector in vectors if vector["scheme"] == "zendesk"]
        assert mine
        for vector in mine:
            stamp = vector["headers"].get("X-Zendesk-Webhook-Signature-Timestamp", "0")
            now = int(vector.get("now") or (stamp if stamp.isdigit() else 0)) * 1_000_000
            connector = self.make({**self.values(sandbox), "webhook_secret": vector["secret"]}, FakeHost(now=now))
            delivery = Delivery(
                connection="t",
                endpoint="",
                received_at=now,
                method="POST",
                url="",
                headers=tuple(vector["headers"].items()),
                body=(vector["body"] or "").encode(),
            )
            try:
                await connector.verify(delivery)
                valid = True
            except DeliveryRejected:
                valid = False
            assert valid == vector["valid"], vector["source"]

    async def test_what_baton_did_itself_is_recognised(self, connector: Any, sandbox: Any) -> None:
        await connector.hand_off(Handoff(key="k", case_id="c", external_id="baton:c", mode=Mode.LIVE, subject="s"))
        (webhook,) = sandbox.webhooks.waiting
        delivery = Delivery(
            connection="t", endpoint="", received_at=0, method="POST", url="", headers=(), body=webhook.body
        )
        (event,) = connector.parse(delivery)
        assert event.own
        assert event.reference == "baton:c"


class TestNewTickets(RequesterContract, HandoffTargetContract, ZendeskSetUp):
    def route(self) -> str:
        return "tickets.create"

    def something(self, sandbox: Any, key: str) -> Handoff:
        return Handoff(
            key=key,
            case_id=key,
            external_id=f"baton:{key}",
            mode=Mode.LIVE,
            subject="SECRET-BODY",
            requester=ANN,
            packet=packet(),
            priority=Priority.P2,
            group="Billing",
            tags=("billing",),
        )

    def written(self, sandbox: Any, key: str) -> int:
        return len(sandbox.tickets_with_external_id(f"baton:{key}"))

    def new_ticket(self, sandbox: Any, key: str, requester: Party) -> Handoff:
        return altered(self.something(sandbox, key), requester=requester)

    def requester_of(self, sandbox: Any, ticket_id: str) -> str:
        return str(sandbox.account.users[sandbox.ticket(int(ticket_id)).requester_id]["email"] or "")

    async def test_somebody_without_a_proven_address_is_a_user_with_a_name(self, connector: Any, sandbox: Any) -> None:
        """Zendesk would take our own user otherwise, and show agents that Baton asks."""
        receipt = await connector.hand_off(self.something(sandbox, "k"))
        requester = sandbox.account.users[sandbox.ticket(int(receipt.ticket_id)).requester_id]
        assert (requester["name"], requester["email"], requester["role"]) == ("Ann", None, "end-user")

    async def test_a_new_ticket_carries_everything(self, connector: Any, sandbox: Any) -> None:
        receipt = await connector.hand_off(self.something(sandbox, "k"))
        ticket = sandbox.ticket(int(receipt.ticket_id))
        assert (ticket.priority, ticket.group_id, ticket.tags) == ("high", 503, ["baton", "billing"])
        assert [comment["public"] for comment in ticket.comments] == [False]

    async def test_a_group_that_is_not_there_is_said_plainly(self, connector: Any, sandbox: Any) -> None:
        handoff = Handoff(key="k", case_id="c", external_id="baton:c", mode=Mode.LIVE, group="Biling")
        with pytest.raises(PermanentFailure, match=r"no group 'Biling': there are Billing, Escalations, Second line"):
            await connector.hand_off(handoff)
        assert sandbox.writes() == 0

    async def test_a_new_ticket_is_given_to_an_agent_by_number_or_address(self, connector: Any, sandbox: Any) -> None:
        anna = sandbox.account.user("Anna", "anna@example.com", "agent")
        for key, assignee in (("k1", str(anna)), ("k2", "anna@example.com")):
            receipt = await connector.hand_off(altered(self.something(sandbox, key), assignee=assignee))
            assert sandbox.ticket(int(receipt.ticket_id)).assignee_id == anna

    async def test_who_is_no_agent_is_said_plainly(self, connector: Any, sandbox: Any) -> None:
        customer = sandbox.account.user("Cy", "cy@example.com")
        with pytest.raises(PermanentFailure, match=r"no agent 'anna'"):
            await connector.hand_off(altered(self.something(sandbox, "k1"), assignee="anna"))
        with pytest.raises(PermanentFailure):
            await connector.hand_off(altered(self.something(sandbox, "k2"), assignee=str(customer)))
        assert not sandbox.account.tickets


class TestUpdates(ReopeningContract, HandoffTargetContract, ZendeskSetUp):
    def route(self) -> str:
        return "tickets.update"

    def something(self, sandbox: Any, key: str) -> Handoff:
        # Each on a ticket of its own: one ticket takes thirty updates in ten minutes.
        ticket_id = sandbox.customer_writes("Ben", "Help", "It does not work")
        return Handoff(
            key=key,
            case_id="c",
            external_id="baton:c",
            mode=Mode.LIVE,
            ticket_id=str(ticket_id),
            adopted=True,
            entries=(entry("SECRET-BODY", key),),
            priority=Priority.P1,
        )

    def written(self, sandbox: Any, key: str) -> int:
        return int(sandbox.notes_with_key(key))

    def solved_ticket(self, sandbox: Any) -> str:
        ticket_id = sandbox.customer_writes("Ben", "Help", "It does not work")
        sandbox.agent_sets_status(ticket_id, "solved")
        return str(ticket_id)

    def update_of(self, sandbox: Any, key: str, ticket_id: str) -> Handoff:
        return altered(self.something(sandbox, key), ticket_id=ticket_id)

    def in_work(self, sandbox: Any, ticket_id: str) -> bool:
        return sandbox.ticket(int(ticket_id)).status in {"new", "open"}

    @pytest.mark.parametrize("status", ["pending", "hold"])
    async def test_a_ticket_that_agents_let_wait_goes_on_waiting(
        self, connector: Any, sandbox: Any, status: str
    ) -> None:
        ticket_id = sandbox.customer_writes("Ben", "Help", "It does not work")
        sandbox.agent_sets_status(ticket_id, status)
        await connector.hand_off(altered(self.update_of(sandbox, "k", str(ticket_id)), reopen=True))
        assert sandbox.ticket(ticket_id).status == status

    async def test_notes_mode_writes_a_note_and_nothing_else(self, connector: Any, sandbox: Any) -> None:
        ticket_id = sandbox.customer_writes("Ben", "Help", "It does not work")
        await connector.hand_off(
            Handoff(
                key="k",
                case_id="c",
                external_id="baton:c",
                mode=Mode.NOTES,
                ticket_id=str(ticket_id),
                adopted=True,
                packet=packet(),
                priority=Priority.P1,
                group="Billing",
                tags=("x",),
            )
        )
        ticket = sandbox.ticket(ticket_id)
        assert [comment["public"] for comment in ticket.comments] == [True, False]
        assert (ticket.priority, ticket.group_id, ticket.tags) == (None, None, [])

    async def test_an_assignee_is_set_left_and_taken_away(self, connector: Any, sandbox: Any) -> None:
        anna = sandbox.account.user("Anna", "anna@example.com", "agent")
        what = altered(self.something(sandbox, "k1"), assignee=str(anna))
        ticket = sandbox.ticket(int(what.ticket_id or 0))
        await connector.hand_off(what)
        assert ticket.assignee_id == anna
        await connector.hand_off(altered(what, key="k2", assignee=None))
        assert ticket.assignee_id == anna
        await connector.hand_off(altered(what, key="k3", assignee=str(sandbox.account.own_user), mode=Mode.NOTES))
        assert ticket.assignee_id == anna
        await connector.hand_off(altered(what, key="k4", assignee=""))
        assert ticket.assignee_id is None

    async def test_zendesks_own_limit_comes_out_as_one(self, connector: Any, sandbox: Any) -> None:
        ticket_id = str(sandbox.customer_writes("Ben", "Help", "It does not work"))

        def handoff(number: int) -> Handoff:
            return Handoff(
                key=f"k{number}",
                case_id="c",
                external_id="baton:c",
                mode=Mode.LIVE,
                ticket_id=ticket_id,
                entries=(entry("x"),),
            )

        for number in range(30):
            await connector.hand_off(handoff(number))
        with pytest.raises(TemporaryFailure) as limited:
            await connector.hand_off(handoff(30))
        assert limited.value.retry_after == 600

    async def test_many_threads_write_everything_once(self, connector: Any, sandbox: Any) -> None:
        """zenpy shared by threads sends things twice; one client a thread does not."""
        handoffs = [self.something(sandbox, f"t{number}") for number in range(40)]
        await asyncio.gather(*(connector.hand_off(handoff) for handoff in handoffs))
        assert [sandbox.notes_with_key(handoff.key) for handoff in handoffs] == [1] * 40

    async def test_a_handoff_whose_ticket_became_known_meanwhile_writes_nothing_twice(
        self, connector: Any, sandbox: Any
    ) -> None:
        """What the how-to on dead letters relies on: replayed once the case lists the ticket, it is found there by its key."""
        handoff = Handoff(key="k", case_id="c", external_id="baton:c", mode=Mode.LIVE, subject="s")
        made = await connector.hand_off(handoff)
        again = await connector.hand_off(altered(handoff, ticket_id=made.ticket_id))
        assert again.ticket_id == made.ticket_id
        assert (len(sandbox.tickets_with_external_id("baton:c")), sandbox.notes_with_key("k")) == (1, 1)

    async def test_random_faults_leave_each_note_once(self, connector: Any, sandbox: Any) -> None:
        kinds = [Fault(kind=kind) for kind in FaultKind if kind not in {FaultKind.HANG, FaultKind.DELAY_AFTER}]
        for seed in range(5):
            sandbox.faults.at_random(seed, 0.4, kinds, ["tickets.update", "tickets.show", "tickets.audits"])
            handoff = self.something(sandbox, f"seed-{seed}")
            for _ in range(60):
                try:
                    if await connector.settle(handoff) is not None:
                        break
                    await connector.hand_off(handoff)
                except Exception:
                    continue
            sandbox.faults.clear()
            assert sandbox.notes_with_key(handoff.key) == 1


def test_the_packet_reads_as_it_did() -> None:
    """The note is what agents see: it changes on purpose only."""
    golden = Path(__file__).with_name("packet.txt")
    handoff = Handoff(key="k", case_id="c", external_id="baton:c", mode=Mode.LIVE, packet=packet())
    assert note_text(handoff, tickets.LONGEST) + "\n" == golden.read_text(encoding="utf-8")


def test_a_note_that_is_too_long_is_cut_in_its_middle_visibly() -> None:
    lines = tuple(entry(f"line {number} " + "x" * 400) for number in range(400))
    handoff = Handoff(key="k", case_id="c", external_id="baton:c", mode=Mode.LIVE, packet=packet(transcript=lines))
    note = note_text(handoff, tickets.LONGEST)
    assert len(note) <= tickets.LONGEST
    assert "characters left out" in note
    assert note.startswith("Escalated by Baton")
    assert "line 399" in note
