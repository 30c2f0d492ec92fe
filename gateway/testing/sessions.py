"""Sessions for tests: a gateway's half of a session source, without a gateway, and a server for its endpoints."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from gateway.sdk import (
    Delivery,
    DeliveryRejected,
    Entry,
    PermanentFailure,
    Standing,
    TemporaryFailure,
    UnreadableDelivery,
)


class FakeSessions:
    """A `Sessions` that keeps what it is given, and tells what a test put there."""

    def __init__(self) -> None:
        """Begin with nothing."""
        #: What was handed in, in order.
        self.emitted: list[Delivery] = []
        #: Histories by thread.
        self.histories: dict[str, list[Entry]] = {}
        #: Standings by thread.
        self.standings: dict[str, Standing] = {}
        #: Set to True: nothing can be kept or read.
        self.away = False

    async def emit(self, delivery: Delivery) -> None:
        """Keep a delivery."""
        self._here()
        self.emitted.append(delivery)

    async def history(self, thread: str, *, limit: int = 200) -> Sequence[Entry]:
        """Return the newest of a history."""
        self._here()
        return self.histories.get(thread, [])[-limit:]

    async def state(self, thread: str) -> Standing:
        """Return a standing."""
        self._here()
        return self.standings.get(thread, Standing())

    def _here(self) -> None:
        if self.away:
            raise TemporaryFailure("The store is away.", retry_after=1.0)


@asynccontextmanager
async def serving(connector: Any, sessions: FakeSessions) -> AsyncGenerator[tuple[aiohttp.ClientSession, str]]:
    """Serve a session source's endpoints as the gateway does; yield a client and the base of their addresses."""
    app = web.Application()
    for endpoint in connector.endpoints(sessions):
        app.router.add_route(endpoint.method, f"/sessions/test/{endpoint.name}", _judged(endpoint.handler))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}/sessions/test"
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as client:
            yield client, base
    finally:
        await connector.close()
        await runner.cleanup()


def _judged(handler: Any) -> Any:
    """Turn a connector's errors into answers, as the gateway does."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            answer: web.StreamResponse = await handler(request)
        except DeliveryRejected:
            return web.Response(status=401)
        except TemporaryFailure:
            return web.Response(status=503)
        except (PermanentFailure, UnreadableDelivery):
            return web.Response(status=400)
        return answer

    return handle
