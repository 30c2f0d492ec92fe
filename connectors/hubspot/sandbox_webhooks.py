"""The sandbox's webhooks: events gathered into arrays, each signed for the address that it goes to."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import aiohttp

from connectors.hubspot.sandbox_state import Change, iso
from connectors.hubspot.signature import signed, signed_text
from gateway.testing.webhooks import Webhook, WebhookSender

_SUBSCRIPTIONS: Final = {"creation": 101, "propertyChange": 102, "deletion": 103}


class Sender(WebhookSender):
    """Signs each webhook for the address that it goes to: HubSpot's signature covers it."""

    def __init__(self, sign: Callable[[str, bytes], dict[str, str]]) -> None:
        """Take what signs a body for an address."""
        super().__init__(lambda _: {})
        self._for = sign
        #: The target URL on the app's page, where it differs from where the sandbox sends to (a proxy stands between).
        self.target = ""

    async def deliver(self, session: aiohttp.ClientSession, url: str, webhook: Webhook) -> int:
        """Send one webhook and return the answer's status; 0 when none came."""
        headers = {**webhook.headers, **self._for(self.target or url, webhook.body)}
        return await super().deliver(session, url, replace(webhook, headers=headers))


class Teller:
    """Tells what happened to tickets, and what agents answer in conversations."""

    def __init__(self, now: Callable[[], int], *, secret: str, portal_id: int, app_id: int) -> None:
        """Take the clock, the app's secret, and whose the webhooks are."""
        self.sender = Sender(self.sign)
        #: Events in one webhook at most.
        self.batch = 100
        #: False: what the app does itself brings no webhooks.
        self.tells_own = True
        self._now = now
        self._secret = secret
        self._portal = portal_id
        self._app = app_id
        self._number = 0

    def sign(self, url: str, body: bytes) -> dict[str, str]:
        """Return the headers with which HubSpot signs a body for an address now."""
        stamp = str(self._now() // 1000)
        signature = signed(self._secret.encode(), signed_text("POST", url, body, stamp)).decode()
        return {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": stamp}

    def tell(self, change: Change) -> None:
        """Put a change of a ticket into the webhook that waits, or into a new one when that is full."""
        own = change.source.source == "INTEGRATION" and change.source.actor == str(self._app)
        if change.record.kind != "tickets" or (own and not self.tells_own):
            return
        at = change.record.changes[-1] if change.record.changes else change.record.created_at
        event: dict[str, Any] = {
            "eventId": self._next(),
            "subscriptionId": _SUBSCRIPTIONS[change.what],
            "portalId": self._portal,
            "appId": self._app,
            "occurredAt": at // 1000,
            "subscriptionType": f"ticket.{change.what}",
            "attemptNumber": 0,
            "objectId": int(change.record.id),
            "changeSource": change.source.source,
            "sourceId": change.source.actor,
        }
        if change.what == "propertyChange":
            event.update({"propertyName": change.name, "propertyValue": change.value})
            # So it was seen in the wild: properties change at whole seconds.
            event["occurredAt"] = at // 1_000_000 * 1000
        waiting = self.sender.waiting
        last = json.loads(waiting[-1].body) if waiting else None
        if isinstance(last, list) and len(last) < self.batch:
            waiting.pop()
            self._put([*last, event])
        else:
            self._put([event])

    def answer(self, message_id: str, conversation: str, integration_thread: str, text: str) -> None:
        """Tell of an agent's answer in a conversation of a custom channel."""
        message = {
            "id": message_id,
            "type": "MESSAGE",
            "conversationsThreadId": conversation,
            "createdAt": iso(self._now()),
            "createdBy": "8001",
            "direction": "OUTGOING",
            "text": text,
            "client": {"clientType": "HUBSPOT"},
            "senders": [{"actorId": "A-8001", "name": "Anna Agent"}],
            "attachments": list[object](),
        }
        self._put(
            {
                "type": "OUTGOING_CHANNEL_MESSAGE_CREATED",
                "portalId": str(self._portal),
                "eventId": str(self._next()),
                "channelIntegrationThreadIds": [integration_thread],
                "message": message,
            }
        )

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _put(self, payload: object) -> None:
        body = json.dumps(payload, separators=(",", ":")).encode()
        self.sender.put(Webhook(endpoint="", body=body, headers={"Content-Type": "application/json"}))
