"""The connector keeps the contract of sources of webhooks, as SendGrid signs; its recordings come through the whole connector."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.sdk import CUT_HEADER, InboundEmail, UnreadableDelivery
from gateway.testing.host import FakeHost
from gateway.testing.source_contract import WebhookSourceContract
from tests.connectors.email.ours import KEY as TOKEN_KEY
from tests.connectors.email.ours import OWN
from tests.connectors.email.set_up import EmailSetUp
from tests.connectors.email.test_hooks import KEY, PUBLIC

_OTHER = ec.derive_private_key(7, ec.SECP256R1())


class TestSource(WebhookSourceContract, EmailSetUp):
    deliveries = Path(__file__).parent / "deliveries"
    endpoint = "sendgrid"

    def values(self, sandbox: Any) -> dict[str, Any]:
        return {
            **super().values(sandbox),
            "address": next(iter(OWN.addresses)),
            "user": sandbox.address,
            "authserv_ids": OWN.authserv_ids,
            "token_key": TOKEN_KEY.decode(),
            "way_in": "sendgrid",
            "sendgrid_public_key": PUBLIC,
        }

    def body(self) -> bytes:
        return b'--xYzZY\r\nContent-Disposition: form-data; name="email"\r\n\r\nFrom: a@b.example\r\n\r\nHi\r\n--xYzZY--\r\n'

    def signed(self, body: bytes, at: int, *, secret: str | None = None) -> dict[str, str]:
        stamp = str(at // 1_000_000)
        key = KEY if secret is None else _OTHER
        proof = base64.b64encode(key.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
        return {
            "X-Twilio-Email-Event-Webhook-Signature": proof,
            "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
        }

    def unknown_bodies(self) -> list[bytes]:
        return [json.dumps([{"event": "something_new", "sg_event_id": "1"}]).encode()]

    @pytest.mark.parametrize("service", ["mailgun", "sendgrid", "postmark"])
    async def test_what_was_cut_says_so_or_is_a_dead_letter_that_does(
        self, sandbox: Any, host: FakeHost, service: str
    ) -> None:
        sandbox.customer_writes("ada@customer.example", "Long", "word " * 30_000, over=service)
        webhook = sandbox.webhooks.waiting.pop()
        connector = self.make(self.values(sandbox), host)
        headers = {**webhook.headers, CUT_HEADER: str(len(webhook.body))}
        cut = replace(self.delivery(headers, webhook.body[:60_000], host), endpoint=service)
        if service == "postmark":  # half a JSON is none
            with pytest.raises(UnreadableDelivery, match=f"first 60000 of its {len(webhook.body)} bytes"):
                list(connector.parse(cut))
            return
        (event,) = connector.parse(cut)
        assert isinstance(event, InboundEmail)
        assert event.subject == "Long"
        assert f"[This mail has {len(webhook.body)} bytes" in event.text
