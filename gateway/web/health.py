"""/livez, /readyz, /metrics. One vendor's outage turns none of them red.

They stand on the same listener as the hooks. What a reverse proxy forwards from outside is answered 404: a scraper and
an orchestrator come directly.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

from aiohttp import web

from gateway.telemetry.meters import CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from gateway.telemetry.meters import Meters

#: Beyond this lag, in seconds, the process is stuck and should be started anew.
_STUCK: Final = 5.0
_FORWARDED: Final = ("X-Forwarded-For", "Forwarded", "X-Real-IP")


class Vitals(Protocol):
    """What is asked about the gateway."""

    def lag(self) -> float:
        """Return the worst lag of the event loop lately, seconds."""
        ...

    async def obstacles(self) -> tuple[str, ...]:
        """Return what keeps the gateway from taking deliveries, one word each; empty when nothing does."""
        ...


class Health:
    """The handlers of the three addresses."""

    def __init__(self, *, vitals: Vitals, meters: Meters, refresh: Callable[[], Awaitable[None]]) -> None:
        """Take who is asked, the counters, and what brings the counters up to date before they are read."""
        self._vitals = vitals
        self._meters = meters
        self._refresh = refresh

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [web.get("/livez", self.live), web.get("/readyz", self.ready), web.get("/metrics", self.metrics)]

    async def live(self, request: web.Request) -> web.Response:
        """Answer 200 while the event loop turns."""
        if _from_outside(request.headers):
            return web.Response(status=404)
        stuck = self._vitals.lag() >= _STUCK
        return web.Response(status=503 if stuck else 200, text="stuck\n" if stuck else "alive\n", headers=_cache())

    async def ready(self, request: web.Request) -> web.Response:
        """Answer 200 while deliveries can be taken; the reason stands in the log and in `baton status`."""
        if _from_outside(request.headers):
            return web.Response(status=404)
        obstacles = await self._vitals.obstacles()
        return web.Response(
            status=503 if obstacles else 200, text="not ready\n" if obstacles else "ready\n", headers=_cache()
        )

    async def metrics(self, request: web.Request) -> web.Response:
        """Answer with the counters."""
        if _from_outside(request.headers):
            return web.Response(status=404)
        await self._refresh()
        text = await asyncio.to_thread(self._meters.expose)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"})


def _from_outside(headers: Mapping[str, str]) -> bool:
    return any(name in headers for name in _FORWARDED)


def _cache() -> dict[str, str]:
    return {"Cache-Control": "no-store"}
