"""How the stand-in for Slack sends: requests that are sent again, and the sockets of Socket Mode."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from aiohttp import ClientSession, web

from gateway.testing.webhooks import Webhook, WebhookSender


class SlackSender(WebhookSender):
    """Slack's way of sending: once more, and again, when no 200 came within three seconds."""

    #: Tries after the first (docs.slack.dev/apis/events-api#retries: at once, after a minute, after five; here without the wait).
    retries = 3

    async def deliver(self, session: ClientSession, url: str, webhook: Webhook) -> int:
        """Send a request until it is taken; return the last answer's status."""
        status = await super().deliver(session, url, webhook)
        for number in range(1, self.retries + 1):
            if 200 <= status < 300 or webhook.endpoint != "events":
                break
            headers = {**webhook.headers, "X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": "http_error"}
            again = Webhook(endpoint=webhook.endpoint, body=webhook.body, headers=headers)
            status = await super().deliver(session, url, again)
        return status


class Sockets:
    """Socket Mode: what would be sent to the hooks goes over a socket that the other side opened."""

    def __init__(self, sender: WebhookSender) -> None:
        """Take whose requests go over the sockets instead."""
        self._sender = sender
        self._number = 0
        self._tickets: set[str] = set()
        #: Those that are open.
        self.open: list[web.WebSocketResponse] = []
        #: Envelopes that were sent, and those that were acknowledged, by their id.
        self.sent: list[str] = []
        self.acknowledged: list[str] = []

    def opened(self, url: str) -> dict[str, Any]:
        """Answer apps.connections.open: the address of a socket, good for one connection."""
        self._number += 1
        self._tickets.add(f"t{self._number}")
        return {"ok": True, "url": f"{url.replace('http', 'ws', 1)}/socket/t{self._number}"}

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Hold a socket, and note what is acknowledged."""
        if request.match_info["ticket"] not in self._tickets:
            return web.Response(status=404)
        self._tickets.discard(request.match_info["ticket"])
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": 1})
        self.open.append(socket)
        try:
            async for frame in socket:
                self.acknowledged.append(str(json.loads(frame.data)["envelope_id"]))
        finally:
            self.open.remove(socket)
        return socket

    async def send(self) -> int:
        """Send what waits over the newest socket, as envelopes; return how many."""
        batch, self._sender.waiting = self._sender.waiting, []
        for webhook in batch:
            self._number += 1
            interactive = webhook.endpoint == "interactivity"
            payload = json.loads(parse_qs(webhook.body.decode())["payload"][0] if interactive else webhook.body)
            envelope = {
                "envelope_id": f"env-{self._number}",
                "type": "interactive" if interactive else "events_api",
                "accepts_response_payload": interactive,
                "payload": payload,
            }
            self.sent.append(f"env-{self._number}")
            await self.open[-1].send_json(envelope)
        return len(batch)

    async def refresh(self) -> None:
        """Have Slack ask for a new socket, as it does every few hours."""
        for socket in list(self.open):
            await socket.send_json({"type": "disconnect", "reason": "refresh_requested"})
