"""HubSpot keeps the contracts it claims, and what is special to it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.hubspot import SPEC, polling, tickets
from connectors.hubspot.polled import plain
from connectors.hubspot.sandbox import APP, PORTAL, SECRET, TOKEN, UNIQUE, HubSpotSandbox
from connectors.hubspot.sandbox_state import LONGEST_NOTE, SEARCH_LAG, Source
from connectors.hubspot.signature import signed, signed_text
from gateway.sdk import (
    Audience,
    Channel,
    ChatMessage,
    Contact,
    CredentialsRefused,
    Cursor,
    Delivery,
    DeliveryRejected,
    Entry,
    Evidence,
    File,
    Handoff,
    Mode,
    OutcomeUnknown,
    Packet,
    Party,
    PermanentFailure,
    Priority,
    Role,
    TemporaryFailure,
    TicketChange,
    TicketChanged,
    TicketStatus,
)
from gateway.testing.contracts import ConnectorContract
from gateway.testing.faults import Fault, FaultKind
from gateway.testing.host import FakeHost
from gateway.testing.source_contract import WebhookSourceContract
from gateway.testing.target_contract import HandoffTargetContract

ANN = Party(kind="slack_user", value="U1", name="Ann Other", email="ann@customer.example")
URL = "https://baton.example.com/hooks/test"
#: Everything that may go wrong at once; what takes time has tests of its own.
KINDS = [Fault(kind=kind) for kind in FaultKind if kind not in {FaultKind.HANG, FaultKind.DELAY_AFTER}]
WRITES = ("batch.upsert", "create", "update", "associate", "files.upload", "messages")
READS = ("get", "batch.read", "associations.read")


def entry(text: str, *, author: Party = ANN, files: tuple[File, ...] = (), at: int = 1_767_225_600_000_000) -> Entry:
    return Entry(
        occurred_at=at, author=author, channel=Channel.CHAT, audience=Audience.PUBLIC, text=text, files=files, key="e"
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
        "transcript": (entry("You charged me twice!"), entry("<b>Hello?</b>\nAnybody & more?")),
        "complete": True,
    }
    return Packet(**{**values, **changes})


def handoff(key: str = "k", **changes: Any) -> Handoff:
    values: dict[str, Any] = {
        "key": key,
        "case_id": key,
        "external_id": f"baton:{key}",
        "mode": Mode.LIVE,
        "subject": "Charged twice",
        "requester": ANN,
        "packet": packet(),
        "priority": Priority.P2,
    }
    return Handoff(**{**values, **changes})


class HubSpotSetUp(ConnectorContract):
    spec = SPEC
    sandbox_class = HubSpotSandbox

    def values(self, sandbox: Any) -> dict[str, Any]:
        return {**super().values(sandbox), "timeout": 2}

    def sdk_modules(self) -> set[str]:
        return {"aiohttp", "requests", "hubspot", "urllib3"}


def oauth(values: dict[str, Any]) -> dict[str, Any]:
    """Settings of an OAuth app with a custom channel."""
    changed = {key: value for key, value in values.items() if key != "access_token"}
    return {
        **changed,
        "client_id": "client",
        "refresh_token": TOKEN,
        "channel_id": "11",
        "channel_account_id": "22",
    }


def webhook_delivery(body: bytes, *, method: str = "POST") -> Delivery:
    return Delivery(connection="t", endpoint="", received_at=0, method=method, url="", headers=(), body=body)


class TestSource(WebhookSourceContract, HubSpotSetUp):
    deliveries = Path(__file__).parent / "deliveries"

    def body(self) -> bytes:
        event = {
            "eventId": 1,
            "subscriptionId": 101,
            "portalId": PORTAL,
            "appId": APP,
            "occurredAt": 1_767_225_600_000,
            "subscriptionType": "ticket.creation",
            "attemptNumber": 0,
            "objectId": 5,
            "changeSource": "CRM_UI",
            "sourceId": "userId:8001",
        }
        return json.dumps([event, {**event, "objectId": 6, "eventId": 2}]).encode()

    def signed(self, body: bytes, at: int, *, secret: str | None = None) -> dict[str, str]:
        stamp = str(at // 1000)
        signature = signed((secret or SECRET).encode(), signed_text("POST", URL, body, stamp)).decode()
        return {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": stamp}

    def unknown_bodies(self) -> list[bytes]:
        base = json.loads(self.body())[0]
        return [
            json.dumps([{**base, "subscriptionType": "contact.creation"}]).encode(),
            json.dumps([{**base, "subscriptionType": "ticket.associationChange"}]).encode(),
            json.dumps([{**base, "subscriptionType": "object.creation", "objectTypeId": "0-1"}]).encode(),
            json.dumps({"type": "CHANNEL_ACCOUNT_CREATED", "portalId": str(PORTAL)}).encode(),
            b"[]",
        ]

    async def test_signature_vectors_of_others(self, reference: Path, sandbox: Any) -> None:
        vectors = json.loads((reference / "signature_vectors.open.json").read_text(encoding="utf-8"))
        mine = [vector for vector in vectors if vector["vendor"] == "hubspot"]
        assert {vector["scheme"] for vector in mine} >= {"hubspot-v1", "hubspot-v2", "hubspot-v3"}
        for vector in mine:
            now = int(vector.get("now") or 1_700_000_000) * 1_000_000
            connector = self.make({**self.values(sandbox), "client_secret": vector["secret"]}, FakeHost(now=now))
            delivery = Delivery(
                connection="t",
                endpoint="",
                received_at=now,
                method=vector["method"],
                url=vector["url"],
                headers=tuple(vector["headers"].items()),
                body=vector["body"].encode(),
            )
            # v1 and v2 sign no time stamp: they prove nothing here, however right they are.
            expected = vector["valid"] and vector["scheme"] == "hubspot-v3"
            assert await self.accepted(connector, delivery) == expected, vector["source"]
            if expected:
                for changed in mutations(delivery):
                    assert not await self.accepted(connector, changed), changed

    async def test_ten_thousand_mutated_requests_are_all_refused(self, connector: Any, host: FakeHost) -> None:
        chance = random.Random(7)
        right = self.delivery(self.signed(self.body(), host.now()), self.body(), host)
        assert await self.accepted(connector, right)
        signature = dict(right.headers)["X-HubSpot-Signature-v3"]
        for _ in range(10_000):
            at = chance.randrange(len(right.body))
            flipped = bytes([right.body[at] ^ (1 << chance.randrange(8))])
            changed = right.body[:at] + flipped + right.body[at + 1 :]
            assert not await self.accepted(connector, replace(right, body=changed))
            at = chance.randrange(len(signature))
            other = signature[:at] + chance.choice("ABCDEFabcdef0123456789+/=") + signature[at + 1 :]
            if other != signature:
                headers = (("X-HubSpot-Signature-v3", other), right.headers[1])
                assert not await self.accepted(connector, replace(right, headers=headers))

    async def test_the_characters_that_hubspot_decodes_are_decoded_and_no_others(
        self, connector: Any, host: FakeHost
    ) -> None:
        stamp = str(host.now() // 1000)
        plain_url = "https://baton.example.com/hooks/test?to=a@b:c/d&x=%20%26"
        signature = signed(SECRET.encode(), f"POST{plain_url}[]{stamp}".encode()).decode()
        headers = (("X-HubSpot-Signature-v3", signature), ("X-HubSpot-Request-Timestamp", stamp))
        encoded = "https://baton.example.com/hooks/test?to=a%40b%3Ac%2fd&x=%20%26"
        base = Delivery(
            connection="t", endpoint="", received_at=0, method="POST", url=encoded, headers=headers, body=b"[]"
        )
        assert await self.accepted(connector, base)
        assert not await self.accepted(connector, replace(base, url=encoded.replace("%20", " ")))
        assert not await self.accepted(connector, replace(base, url=encoded.replace("%26", "&")))

    async def test_both_secrets_are_good_while_one_is_changed(self, sandbox: Any, host: FakeHost) -> None:
        values = {**self.values(sandbox), "client_secret": "new", "previous_client_secret": SECRET}
        connector = self.make(values, host)
        for secret, right in ((SECRET, True), ("new", True), ("other", False)):
            headers = self.signed(self.body(), host.now(), secret=secret)
            assert await self.accepted(connector, self.delivery(headers, self.body(), host)) == right

    async def accepted(self, connector: Any, delivery: Delivery) -> bool:
        try:
            await connector.verify(delivery)
        except DeliveryRejected:
            return False
        return True

    # --- arrays ------------------------------------------------------------------------------------------------------
    async def test_each_event_of_an_array_is_an_event_with_its_own_key(self, connector: Any, sandbox: Any) -> None:
        made = [sandbox.customer_writes(f"Person {number}", "Help", "It is broken") for number in range(20)]
        bodies = [webhook.body for webhook in sandbox.webhooks.waiting]
        sizes = [len(json.loads(body)) for body in bodies]
        assert sizes[:-1] == [100] * (len(sizes) - 1)
        assert sum(sizes) > 100
        for ticket_id in made:
            for name in ("hs_pipeline_stage", "hs_ticket_priority"):
                sandbox.agent_sets(ticket_id, name, "3" if "stage" in name else "LOW")
        bodies = [webhook.body for webhook in sandbox.webhooks.waiting]
        events = [event for body in bodies for event in connector.parse(webhook_delivery(body))]
        assert len(events) == 3 * len(made)
        assert len({event.dedupe for event in events}) == len(events)
        assert {event.ticket_id for event in events if event.change is TicketChange.CREATED} == set(made)

    async def test_a_redelivered_array_in_another_order_says_the_same(self, connector: Any, sandbox: Any) -> None:
        sandbox.customer_writes("Ben", "Help", "It is broken")
        (webhook,) = sandbox.webhooks.waiting
        again = [{**event, "attemptNumber": 3} for event in reversed(json.loads(webhook.body))]
        first = {event.dedupe: event for event in connector.parse(webhook_delivery(webhook.body))}
        second = {event.dedupe: event for event in connector.parse(webhook_delivery(json.dumps(again).encode()))}
        assert first == second

    async def test_what_baton_did_itself_is_recognised(self, connector: Any, sandbox: Any) -> None:
        await connector.hand_off(handoff())
        (webhook,) = sandbox.webhooks.waiting
        assert len(json.loads(webhook.body)) > 3
        # Only what names our external id is told: the rest could be taken for a stranger's ticket.
        (event,) = connector.parse(webhook_delivery(webhook.body))
        assert event.own
        assert event.reference == "baton:k"

    async def test_what_workflows_do_is_left_to_the_poll_which_names_the_external_id(self, connector: Any) -> None:
        change = {"subscriptionType": "ticket.propertyChange", "propertyName": "hubspot_owner_id", "propertyValue": "7"}
        for source, told in (("AUTOMATION_PLATFORM", 0), ("WORKFLOWS", 0), ("INTEGRATION", 0), ("CRM_UI", 1)):
            event = {**json.loads(self.body())[0], **change, "changeSource": source, "sourceId": "x:77"}
            assert len(list(connector.parse(webhook_delivery(json.dumps([event]).encode())))) == told

    async def test_another_integration_is_not_taken_for_us_and_one_without_a_number_is(self, connector: Any) -> None:
        base = json.loads(self.body())[0]
        for actor, own in (("999", False), (f"appId:{APP}", True), (str(APP), True), ("", True)):
            body = json.dumps([{**base, "changeSource": "INTEGRATION", "sourceId": actor}]).encode()
            assert (
                list(connector.parse(webhook_delivery(body))) == []
                if own
                else not connector.parse(webhook_delivery(body))[0].own
            ), actor

    async def test_another_accounts_events_are_none_of_ours(self, connector: Any) -> None:
        event = {**json.loads(self.body())[0], "portalId": PORTAL + 1}
        assert list(connector.parse(webhook_delivery(json.dumps([event]).encode()))) == []


def mutations(delivery: Delivery) -> list[Delivery]:
    """What must be refused, of a request that is right."""
    (name, signature), (stamp_name, stamp) = delivery.headers
    return [
        replace(delivery, method="PUT"),
        replace(delivery, method="post"),
        replace(delivery, url=delivery.url.replace("https", "http")),
        replace(delivery, url=delivery.url + "/"),
        replace(delivery, url=delivery.url + "?"),
        replace(delivery, url=delivery.url.replace("www.", "")),
        replace(delivery, url=delivery.url.upper()),
        replace(delivery, body=delivery.body + b"\n"),
        replace(delivery, body=delivery.body[::-1]),
        replace(delivery, headers=((name, signature),)),
        replace(delivery, headers=((stamp_name, stamp),)),
        replace(delivery, headers=((name, signature.rstrip("=")), (stamp_name, stamp))),
        replace(delivery, headers=((name, signature + "="), (stamp_name, stamp))),
        replace(delivery, headers=((name, signature), (stamp_name, str(int(stamp) + 1)))),
        replace(delivery, headers=((name, signature), (stamp_name, f" {stamp}"))),
        replace(delivery, headers=((name, signature), (stamp_name, f"{stamp}.0"))),
        replace(delivery, headers=((name, signature), (stamp_name, stamp), (name, "x"))),
        replace(delivery, headers=((name, signature), (stamp_name, stamp), (stamp_name.lower(), "1"))),
        replace(delivery, headers=(("X-HubSpot-Signature", signature), (stamp_name, stamp))),
    ]


# --- new tickets -----------------------------------------------------------------------------------------------------
class TestNewTickets(HandoffTargetContract, HubSpotSetUp):
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
        claimed = replace(ANN, evidence=Evidence.CLAIMED)
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
            customer = replace(ANN, value=key, email=f"{key}@customer.example")
            said = entry("Here it is", author=customer, files=(File(name="receipt.pdf", sha256=digest, size=7),))
            what = handoff(key, requester=customer, packet=packet(transcript=(said,)))
            sandbox.faults.at_random(seed, 0.35, KINDS, [*WRITES, *READS])
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


async def carried(connector: Any, what: Handoff) -> int:
    """Carry a handoff as the host does; return how many answers were lost."""
    lost = 0
    settling = False
    for _ in range(200):
        try:
            if settling:
                if await connector.settle(what) is not None:
                    return lost
                settling = False
            await connector.hand_off(what)
        except OutcomeUnknown:
            lost += 1
            settling = True
        except TemporaryFailure:
            continue
        else:
            return lost
    raise AssertionError("it was never carried")


# --- tickets that are there ------------------------------------------------------------------------------------------
class TestUpdates(HandoffTargetContract, HubSpotSetUp):
    def route(self) -> str:
        return "create"

    def something(self, sandbox: Any, key: str) -> Handoff:
        ticket_id = sandbox.customer_writes("Ben", "Help", "It does not work")
        said = entry("SECRET-BODY")
        return handoff(key, ticket_id=ticket_id, adopted=True, packet=None, entries=(said,), priority=Priority.P1)

    def written(self, sandbox: Any, key: str) -> int:
        return int(sandbox.notes_with_key(key))

    async def test_an_adopted_ticket_gets_the_note_and_no_second_ticket(self, connector: Any, sandbox: Any) -> None:
        what = self.something(sandbox, "k")
        receipt = await connector.hand_off(what)
        assert receipt.ticket_id == what.ticket_id
        assert list(sandbox.portal.records["tickets"]) == [what.ticket_id]
        assert sandbox.ticket(receipt.ticket_id).properties["hs_ticket_priority"] == "URGENT"
        assert UNIQUE not in sandbox.ticket(receipt.ticket_id).properties

    async def test_notes_mode_writes_a_note_and_nothing_else(self, connector: Any, sandbox: Any) -> None:
        what = replace(self.something(sandbox, "k"), mode=Mode.NOTES, group="7001", fields={"subject": "x"})
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
        assert await connector.settle(replace(what, key="other")) is None


# --- errors ----------------------------------------------------------------------------------------------------------
class TestErrors(HubSpotSetUp):
    async def test_a_scope_that_is_missing_is_named(self, connector: Any, sandbox: Any) -> None:
        sandbox.scopes.discard("crm.objects.contacts.write")
        with pytest.raises(CredentialsRefused, match=r"the scope crm\.objects\.contacts\.write"):
            await connector.hand_off(handoff())

    async def test_hubspots_own_limits_come_out_with_the_time_to_wait(self, connector: Any, sandbox: Any) -> None:
        sandbox.burst = 3
        with pytest.raises(TemporaryFailure) as limited:
            await connector.hand_off(handoff())
        assert limited.value.retry_after == 10.0
        sandbox.faults.add("account", FaultKind.RATE_LIMITED, seconds=17)
        with pytest.raises(TemporaryFailure) as asked:
            await connector.check()
        assert asked.value.retry_after == 17.0

    async def test_hubspot_that_is_silent_has_an_unknown_outcome_in_time(self, sandbox: Any, host: FakeHost) -> None:
        connector = self.make({**self.values(sandbox), "timeout": 0.3}, host)
        sandbox.faults.add("batch.upsert", FaultKind.HANG, seconds=1.0)
        async with asyncio.timeout(5):
            with pytest.raises(OutcomeUnknown):
                await connector.hand_off(handoff())
        await connector.close()

    async def test_another_accounts_token_is_refused(self, sandbox: Any, host: FakeHost) -> None:
        connector = self.make({**self.values(sandbox), "portal_id": 1}, host)
        with pytest.raises(CredentialsRefused, match="portal_id 1"):
            await connector.check()
        await connector.close()

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"access_token": None}, "either access_token"),
            ({"refresh_token": "r"}, "either access_token"),
            ({"channel_id": "1"}, "go together"),
            ({"channel_id": "1", "channel_account_id": "2"}, "OAuth app"),
            ({"priorities": {"P1": "HIGH"}}, "P2, P3, P4"),
            ({"api_url": "http://example.com"}, "https://"),
        ],
    )
    def test_settings_that_contradict_each_other_are_refused(self, changes: dict[str, Any], sentence: str) -> None:
        values = {"portal_id": 1, "app_id": 2, "client_secret": "s", "access_token": "t", **changes}
        with pytest.raises(ValueError, match=sentence):
            SPEC.settings(**{key: value for key, value in values.items() if value is not None})


# --- the custom channel ----------------------------------------------------------------------------------------------
class TestCustomChannel(HubSpotSetUp):
    def values(self, sandbox: Any) -> dict[str, Any]:
        return oauth(super().values(sandbox))

    def api_secrets(self, sandbox: Any) -> list[str]:
        return ["refresh_token"]

    async def test_what_the_customer_says_stands_in_the_conversation_and_an_answer_comes_back(
        self, connector: Any, sandbox: Any
    ) -> None:
        sandbox.scopes.add("conversations.custom_channels.write")
        agent = Party(kind="slack_user", value="U9", name="Abe", role=Role.AGENT)
        said = (entry("You charged me twice!"), entry("We look into it", author=agent), entry("Hello?", at=5))
        receipt = await connector.hand_off(handoff(packet=packet(transcript=said)))
        assert [each["text"] for each in sandbox.portal.messages] == ["You charged me twice!", "Hello?"]
        # A line that the packet had comes again, with a new one.
        again = handoff("k2", case_id="k", external_id="baton:k", ticket_id=receipt.ticket_id, packet=None)
        await connector.hand_off(replace(again, entries=(said[2], entry("Still there?", at=6))))
        texts = [each["text"] for each in sandbox.portal.messages]
        assert texts == ["You charged me twice!", "Hello?", "Still there?"]
        note = [each for each in sandbox.portal.records["notes"].values() if "k2" in each.properties["hs_note_body"]]
        assert "Still there?" not in note[0].properties["hs_note_body"]
        sandbox.agent_replies("baton:k", "We are on it.")
        (event,) = connector.parse(webhook_delivery(sandbox.webhooks.waiting[-1].body))
        assert isinstance(event, ChatMessage)
        assert (event.text, event.sender.role, event.reference) == ("We are on it.", Role.AGENT, "baton:k")
        assert not event.own

    async def test_notes_mode_says_nothing_in_the_conversation(self, connector: Any, sandbox: Any) -> None:
        ticket_id = sandbox.customer_writes("Ben", "Help", "x")
        await connector.hand_off(handoff(ticket_id=ticket_id, mode=Mode.NOTES, entries=(entry("hi"),)))
        assert sandbox.portal.messages == []

    async def test_random_faults_leave_each_message_once(self, connector: Any, sandbox: Any) -> None:
        sandbox.scopes.add("conversations.custom_channels.write")
        for seed in range(30):
            sandbox.faults.at_random(seed, 0.4, KINDS, [*WRITES, *READS])
            await carried(connector, handoff(f"s{seed}"))
            sandbox.faults.clear()
        keys = [each["integrationIdempotencyId"] for each in sandbox.portal.messages]
        assert len(keys) == len(set(keys)) == 60

    async def test_the_token_is_renewed_before_it_ends_and_not_each_time(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        sandbox.tokens.clear()
        for _ in range(3):
            await connector.check()
        assert sandbox.count("oauth.token") == 1
        host.time += 1_700 * 1_000_000
        sandbox.tokens.clear()
        await connector.check()
        assert sandbox.count("oauth.token") == 2

    async def test_a_lost_renewal_has_written_nothing(self, connector: Any, sandbox: Any) -> None:
        sandbox.faults.add("oauth.token", FaultKind.RESET_AFTER)
        with pytest.raises(TemporaryFailure):
            await connector.hand_off(handoff())


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
            _ = [part async for part in connector.fetch(replace(attachment, id="9"), webhook_delivery(b""))]


# --- people, doctor --------------------------------------------------------------------------------------------------
class TestPeople(HubSpotSetUp):
    async def test_the_roster_is_the_owners_with_their_teams(self, connector: Any) -> None:
        roster = await connector.roster()
        told = [(each.id, each.name, each.groups, each.available) for each in roster.agents]
        assert told == [("7001", "Anna Agent", ("Second line", "Billing"), None), ("7002", "Ole", (), None)]

    async def test_a_profile_is_the_contact_and_its_company(self, connector: Any, sandbox: Any) -> None:
        source = Source(source="CRM_UI")
        company = {"name": "Acme", "hs_ideal_customer_profile": "tier_1", "annualrevenue": "125000.5"}
        own = {"email": "ann@customer.example", "firstname": "Ann", "lifecyclestage": "customer"}
        contact = sandbox.portal.create("contacts", own, source)
        made = sandbox.portal.create("companies", company, source)
        sandbox.portal.link("contacts", contact.id, "companies", made.id)
        profile = await connector.profile(Contact(id="c", parties=(ANN,)))
        assert profile.values == {
            "contact": contact.id,
            "name": "Ann",
            "lifecycle_stage": "customer",
            "organization": "Acme",
            "tier": "tier_1",
            "value": 125000.5,
        }
        claimed = replace(ANN, evidence=Evidence.CLAIMED)
        assert (await connector.profile(Contact(id="c", parties=(claimed,)))).values == {}
        assert sandbox.writes() == 0

    async def test_an_examination_of_an_account_that_is_right_finds_nothing_wrong(
        self, connector: Any, sandbox: Any
    ) -> None:
        examination = await connector.examine()
        assert [finding for finding in examination.findings if not finding.good] == []
        assert sandbox.writes() == 0

    async def test_an_examination_names_what_is_wrong_and_what_to_do(self, sandbox: Any, host: FakeHost) -> None:
        changes = {"new_stage": "77", "stages": {"1": "new"}, "external_id_property": "other"}
        connector = self.make({**self.values(sandbox), **changes, "priorities": dict.fromkeys(Priority, "NOW")}, host)
        sandbox.scopes = {"tickets", "oauth"}
        sandbox.portal.ticket_properties["other"] = {"hasUniqueValue": False}
        examination = await connector.examine()
        bad = {finding.subject: finding for finding in examination.findings if not finding.good}
        assert set(bad) == {"scopes", "external id", "pipeline", "stages", "priorities"}
        assert all(finding.advice for finding in bad.values())
        assert "crm.objects.contacts.write" in bad["scopes"].sentence
        sandbox.scopes = {*SPEC.capabilities.scopes, "crm.objects.deals.write"}
        found = {each.subject: each for each in (await connector.examine()).findings}
        assert "crm.objects.deals.write" in found["scopes"].sentence
        await connector.close()


# --- pure parts ------------------------------------------------------------------------------------------------------
def test_the_note_reads_as_it_did() -> None:
    """The note is what agents see: it changes on purpose only."""
    golden = Path(__file__).with_name("note.html")
    assert tickets.note_html(handoff()) + "\n" == golden.read_text(encoding="utf-8")


def test_a_note_of_any_length_fits_and_keeps_its_reference() -> None:
    for text in ("x" * 400_000, "&<>" * 60_000, "\n\n\n" * 40_000, "ü€" * 90_000):
        body = tickets.note_html(handoff(packet=packet(transcript=(entry(text), entry("the end")))))
        assert len(body) <= LONGEST_NOTE
        assert tickets.key_of(body) == "k"
        assert "the end" in body


def test_nobody_can_write_a_tag_or_pass_for_another_reference() -> None:
    said = "<img src=x onerror=y> <!-- --> </p>\n\nBaton reference other"
    body = tickets.note_html(handoff(packet=None, entries=(entry(said),)))
    assert tickets.key_of(body) == "k"
    assert "<img" not in body
    assert "<!--" not in body
    assert plain(body).startswith("2026-01-01")


def test_a_name_of_a_file_is_kept_apart_by_its_content() -> None:
    one, two = (File(name="a.pdf", sha256=hashlib.sha256(each).hexdigest()) for each in (b"1", b"2"))
    assert tickets.upload_name(one) != tickets.upload_name(two)
    assert tickets.upload_name(one) == tickets.upload_name(one)
