"""Webhooks of HubSpot: authenticity, arrays, and what they say."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from connectors.hubspot.sandbox import APP, PORTAL, SECRET
from connectors.hubspot.signature import signed, signed_text
from gateway.sdk import (
    Delivery,
    DeliveryRejected,
    TicketChange,
)
from gateway.testing.host import FakeHost
from gateway.testing.source_contract import WebhookSourceContract
from tests.connectors.hubspot.desk import URL, HubSpotSetUp, handoff, webhook_delivery


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
            assert [event.own for event in connector.parse(webhook_delivery(body))] == ([] if own else [False]), actor

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
