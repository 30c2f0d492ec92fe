"""Monitoring and status pages keep the contracts they claim, and what is special to each (SG-8: incidents from outside)."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.incidents import SPEC
from connectors.incidents.sandbox import SECRET, TOKEN, IncidentsSandbox, signature
from gateway.sdk import Delivery, DeliveryRejected, IncidentReported, UnreadableDelivery
from gateway.testing.contracts import StandaloneContract
from gateway.testing.host import FakeHost
from gateway.testing.source_contract import SourceContract, WebhookSourceContract


class IncidentsSetUp(StandaloneContract):
    spec = SPEC
    sandbox_class = IncidentsSandbox


class TestPagerDuty(WebhookSourceContract, IncidentsSetUp):
    deliveries = Path(__file__).parent / "deliveries"
    endpoint = "pagerduty"
    # It signs no time: the event's own id is the guard against replay.
    window = None

    def body(self) -> bytes:
        data = {"id": "P1", "title": "On fire", "html_url": "https://acme.pagerduty.com/incidents/P1"}
        event = {"id": "e1", "event_type": "incident.triggered", "occurred_at": "2026-05-20T14:00:00Z", "data": data}
        return json.dumps({"event": event}).encode()

    def signed(self, body: bytes, at: int, *, secret: str | None = None) -> dict[str, str]:
        assert at
        return {"X-PagerDuty-Signature": signature(secret or SECRET, body)}

    def unknown_bodies(self) -> list[bytes]:
        return [b"{}", b'{"event":{"event_type":"pagey.ping","id":"e","data":{}}}', b'{"event":5}', b'{"event":{}}']

    async def test_several_signatures_may_stand_in_the_header(self, connector: Any, host: FakeHost) -> None:
        other = signature("other", self.body())
        both = {"X-PagerDuty-Signature": f"{other},{signature(SECRET, self.body())}"}
        await connector.verify(self.delivery(both, self.body(), host))

    async def test_both_secrets_are_accepted_while_one_replaces_the_other(self, sandbox: Any, host: FakeHost) -> None:
        values = {**self.values(sandbox), "pagerduty_secret": "new", "previous_pagerduty_secret": SECRET}
        connector = self.make(values, host)
        await connector.verify(self.delivery(self.signed(self.body(), host.now()), self.body(), host))

    async def test_a_token_proves_nothing_here(self, connector: Any, host: FakeHost) -> None:
        with pytest.raises(DeliveryRejected):
            await connector.verify(self.delivery({"Authorization": f"Bearer {TOKEN}"}, self.body(), host))

    async def test_an_event_without_ids_is_unreadable(self, connector: Any, host: FakeHost) -> None:
        body = b'{"event":{"event_type":"incident.triggered","occurred_at":"2026-05-20T14:00:00Z"}}'
        with pytest.raises(UnreadableDelivery):
            list(connector.parse(self.delivery({}, body, host)))

    def test_the_signature_is_the_vendors(self) -> None:
        """As the vendor's page has it: HMAC-SHA256 of the body, in hexadecimal."""
        digest = hmac.new(b"key", b"body", hashlib.sha256).hexdigest()
        assert signature("key", b"body") == f"v1={digest}"


class TestTokens(SourceContract, IncidentsSetUp):
    deliveries = Path(__file__).parent / "deliveries"
    endpoint = "alertmanager"

    def body(self) -> bytes:
        return b'{"groupKey":"{}:{}","status":"firing","alerts":[]}'

    def unknown_bodies(self) -> list[bytes]:
        return [b"{}", b'{"status":"firing"}', b'{"groupKey":"g","status":"pending"}', b'{"groupKey":5,"status":[]}']

    def at(self, host: FakeHost, url: str = "", endpoint: str = "alertmanager", **headers: str) -> Delivery:
        plain = self.delivery(dict(headers), self.body(), host)
        return replace(plain, endpoint=endpoint, url=url or plain.url)

    async def test_alertmanager_carries_the_token_in_a_header(self, connector: Any, host: FakeHost) -> None:
        await connector.verify(self.at(host, Authorization=f"Bearer {TOKEN}"))
        await connector.verify(self.at(host, Authorization=f"bearer {TOKEN}"))

    async def test_statuspage_carries_it_in_the_address(self, connector: Any, host: FakeHost) -> None:
        url = f"https://baton.example.com/hooks/watch/statuspage?token={TOKEN}"
        await connector.verify(self.at(host, url, "statuspage"))

    @pytest.mark.parametrize(
        ("query", "authorization"),
        [
            ("", ""),
            ("", "Bearer "),
            ("", f"Bearer {TOKEN[:-1]}"),
            ("", f"Bearer {TOKEN}x"),
            ("", f"Basic {TOKEN}"),
            ("", TOKEN),
            ("", "Bearer ü\udcff"),
            (f"token={TOKEN[:-1]}", ""),
            (f"token={TOKEN}&token={TOKEN}", ""),
            (f"token={TOKEN}", "Bearer other"),
            (f"tokens={TOKEN}", ""),
            ("token=%ff", ""),
        ],
    )
    async def test_anything_else_is_refused(
        self, connector: Any, host: FakeHost, query: str, authorization: str
    ) -> None:
        url = f"https://baton.example.com/hooks/watch/alertmanager?{query}"
        headers = {"Authorization": authorization} if authorization else {}
        for endpoint in ("alertmanager", "statuspage", "", "other"):
            with pytest.raises(DeliveryRejected):
                await connector.verify(self.at(host, url, endpoint, **headers))

    async def test_what_is_not_configured_is_refused(self, host: FakeHost) -> None:
        connector = self.make({"pagerduty_secret": SECRET}, host)
        for token in ("", TOKEN):
            with pytest.raises(DeliveryRejected):
                await connector.verify(self.at(host, Authorization=f"Bearer {token}"))
        other = self.make({"token": TOKEN}, host)
        signed = {"X-PagerDuty-Signature": signature("", self.body())}
        with pytest.raises(DeliveryRejected):
            await other.verify(self.at(host, endpoint="pagerduty", **signed))

    async def test_the_label_that_is_named_is_the_fingerprint(self, sandbox: Any, host: FakeHost) -> None:
        connector = self.make({**self.values(sandbox), "fingerprint_label": "service"}, host)
        body = b'{"groupKey":"g","status":"firing","alerts":[],"commonLabels":{"service":"shop"}}'
        (event,) = connector.parse(self.delivery({}, body, host))
        assert isinstance(event, IncidentReported)
        assert event.fingerprint == "shop"

    async def test_a_time_that_cannot_be_read_is_unreadable(self, connector: Any, host: FakeHost) -> None:
        body = b'{"groupKey":"g","status":"firing","alerts":[{"startsAt":"noon"}]}'
        with pytest.raises(UnreadableDelivery):
            list(connector.parse(self.delivery({}, body, host)))

    async def test_addresses_that_are_none_are_left_out(self, connector: Any, host: FakeHost) -> None:
        body = b'{"groupKey":"g","status":"firing","alerts":[],"externalURL":"javascript:alert(1)"}'
        (event,) = connector.parse(self.delivery({}, body, host))
        assert event.url == ""


@pytest.mark.parametrize("values", [{}, {"token": "short"}, {"pagerduty_secret": SECRET, "previous_token": "short"}])
def test_settings_that_prove_nothing_are_refused(values: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        SPEC.settings.model_validate(values)
