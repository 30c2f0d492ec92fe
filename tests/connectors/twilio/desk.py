"""A hook as the gateway's, in front of one connector of calls, without a gateway."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from connectors.twilio.connector_voice import TwilioVoiceConnector
from gateway.sdk import Delivery, DeliveryRejected, PhoneCall
from gateway.testing.host import FakeHost


def made(url: str, body: bytes, host: FakeHost, endpoint: str = "") -> Delivery:
    return Delivery(
        connection="test",
        endpoint=endpoint,
        received_at=host.now(),
        method="POST",
        url=url,
        headers=(("Content-Type", "application/x-www-form-urlencoded"),),
        body=body,
    )


class Desk:
    """A hook as the gateway's, in front of one connector: verifies, keeps the events, answers."""

    def __init__(self, connector: TwilioVoiceConnector, host: FakeHost) -> None:
        self.connector = connector
        self.host = host
        self.events: list[Any] = []
        self.seen: set[str] = set()
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        endpoint = request.match_info.get("endpoint", "")
        delivery = Delivery(
            connection="test",
            endpoint=endpoint,
            received_at=self.host.now(),
            method="POST",
            url="https://baton.example.com" + request.raw_path,
            headers=tuple((k.decode(), v.decode()) for k, v in request.raw_headers),
            body=await request.read(),
        )
        try:
            await self.connector.verify(delivery)
        except DeliveryRejected:
            return web.Response(status=401)
        ack = self.connector.acknowledge(delivery)
        for event in self.connector.parse(delivery):
            if event.dedupe not in self.seen:
                self.seen.add(event.dedupe)
                self.events.append(event)
        return web.Response(
            status=ack.status, body=ack.body, headers={"Content-Type": ack.content_type or "text/plain"}
        )

    def changes(self) -> list[str]:
        """Return what happened, in order."""
        return [e.change.value if isinstance(e, PhoneCall) else f"button {e.action}" for e in self.events]


@asynccontextmanager
async def desk(connector: TwilioVoiceConnector, host: FakeHost) -> AsyncGenerator[Desk]:
    found = Desk(connector, host)
    app = web.Application()
    app.router.add_post("/hooks/test", found.handle)
    app.router.add_post("/hooks/test/{endpoint}", found.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/test"
    try:
        yield found
    finally:
        await runner.cleanup()
