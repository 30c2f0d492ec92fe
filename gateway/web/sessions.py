"""/sessions/{connection}/{name}: the endpoints of session sources, and what a session may hand in and read.

Unlike a hook, a session has no verifier in the router: each handler checks who asks, and the conformance kit holds every
connector's to that (`gateway.testing.session_contract`). What stands here are the bounds that no handler can leave: how
many requests and sockets there may be, how large a request, and an orderly end of every socket.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Final, Protocol

import structlog
from aiohttp import WSCloseCode, web

from gateway.sdk import DeliveryRejected, PermanentFailure, TemporaryFailure, UnreadableDelivery
from gateway.web.peers import is_within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from gateway.config import Limits, Network
    from gateway.host.connection import Handler
    from gateway.telemetry.meters import Meters

_log: Final = structlog.stdlib.get_logger("gateway.web")

_RETRY_HEADERS: Final = {"Retry-After": "5", "Cache-Control": "no-store"}
_QUIET: Final = {"Cache-Control": "no-store"}
#: Longest that a request may take, seconds: a file over a slow line. Sockets may stay.
_PATIENCE: Final = 120.0
#: Longest that a socket is waited for to say goodbye, seconds.
_GOODBYE: Final = 2.0
_SOCKET: Final = "websocket"


class SessionDoor(Protocol):
    """A connection that may hold sessions."""

    @property
    def connection(self) -> str:
        """Its name."""
        ...

    @property
    def connector(self) -> str:
        """Its connector's name, for counters."""
        ...

    @property
    def max_delivery(self) -> int:
        """Largest delivery, bytes."""
        ...

    @property
    def served(self) -> Mapping[tuple[str, str], Handler]:
        """Its endpoints now, by name and method; they are others after the connector was made anew."""
        ...


class SessionRoutes:
    """The handler of all sessions."""

    def __init__(
        self,
        *,
        find: Callable[[str], SessionDoor | None],
        meters: Meters,
        limits: Limits,
        trusted: Iterable[Network] = (),
    ) -> None:
        """Take where doors are found, the counters and the bounds; `trusted` proxies say whom they bring."""
        self._find = find
        self._meters = meters
        self._room = limits.requests
        self._per_peer = limits.sockets_per_peer
        self._most = limits.sockets
        self._trusted = tuple(trusted)
        self._peers: Counter[str] = Counter()
        #: By the identity of their requests, which live as long.
        self._sockets: dict[int, web.WebSocketResponse] = {}
        self._ending = False

    @property
    def open(self) -> int:
        """Return how many sockets are open."""
        return len(self._sockets)

    def routes(self) -> list[web.RouteDef]:
        """Return the route."""
        return [web.route("*", "/sessions/{connection}/{name}", self.handle)]

    async def prepared(self, request: web.Request, response: web.StreamResponse) -> None:
        """Take note of a socket that opens, so that it can be ended in good order."""
        if isinstance(response, web.WebSocketResponse):
            self._sockets[id(request)] = response

    async def close(self) -> None:
        """Tell every socket that we come back soon (1012, RFC 6455 registry), and take no new one. Safe twice."""
        self._ending = True
        async with asyncio.TaskGroup() as group:
            for socket in list(self._sockets.values()):
                group.create_task(_end(socket))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, or hold one socket."""
        door = self._find(request.match_info["connection"])
        methods = _methods(door, request.match_info["name"])
        if door is None or not methods:
            self._count("unknown", "unknown")
            return web.Response(status=404, headers=_QUIET)
        handler = methods.get(request.method)
        if handler is None:
            return web.Response(status=405, headers={**_QUIET, "Allow": ", ".join(sorted(methods))})
        if (request.content_length or 0) > door.max_delivery:
            return self._refusal(door, "too_large", 413)
        if request.headers.get("Upgrade", "").lower() == _SOCKET:
            return await self._socket(request, door, handler)
        return await self._request(request, door, handler)

    async def _request(self, request: web.Request, door: SessionDoor, handler: Handler) -> web.StreamResponse:
        if self._ending or self._room <= 0:
            return self._busy(door)
        self._room -= 1
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._answer(request, door, handler)
        except TimeoutError:
            return self._refusal(door, "slow", 408)
        finally:
            self._room += 1

    async def _socket(self, request: web.Request, door: SessionDoor, handler: Handler) -> web.StreamResponse:
        peer = self._peer(request)
        if self._ending or self.open >= self._most or self._peers[peer] >= self._per_peer:
            return self._busy(door)
        self._peers[peer] += 1
        try:
            return await self._answer(request, door, handler)
        finally:
            self._sockets.pop(id(request), None)
            self._peers[peer] -= 1
            if self._peers[peer] <= 0:
                del self._peers[peer]

    async def _answer(self, request: web.Request, door: SessionDoor, handler: Handler) -> web.StreamResponse:
        """Have the connector answer. Its errors mean here what they mean at a hook."""
        try:
            answer = await handler(request)
        except DeliveryRejected:
            self._meters.signature_failures.labels(door.connector).inc()
            return self._refusal(door, "rejected", 401)
        except TemporaryFailure:
            return self._busy(door)
        except (PermanentFailure, UnreadableDelivery):
            return self._refusal(door, "unreadable", 400)
        except (web.HTTPException, ConnectionError):
            raise
        except Exception:  # noqa: BLE001 (a connector's bug costs this request, nothing else)
            self._meters.bugs.labels(door.connector).inc()
            _log.exception("a session endpoint broke", connection=door.connection)
            return self._refusal(door, "error", 500)
        if not answer.prepared:
            answer.headers.setdefault("Cache-Control", "no-store")
        return answer

    def _busy(self, door: SessionDoor) -> web.Response:
        self._count(door.connector, "overload")
        return web.Response(status=503, headers=_RETRY_HEADERS)

    def _refusal(self, door: SessionDoor, result: str, status: int) -> web.Response:
        self._count(door.connector, result)
        return web.Response(status=status, headers=_QUIET)

    def _count(self, connector: str, result: str) -> None:
        self._meters.received.labels(connector, result).inc()

    def _peer(self, request: web.Request) -> str:
        """Return who asks: behind trusted proxies, the last address that none of them has."""
        peer = request.remote or ""
        told = [each.strip() for line in request.headers.getall("X-Forwarded-For", []) for each in line.split(",")]
        while told and is_within(peer, self._trusted):
            peer = told.pop()
        return peer


def _methods(door: SessionDoor | None, name: str) -> Mapping[str, Handler]:
    """Return who answers at an endpoint, by method."""
    served = door.served if door is not None else {}
    return {method: handler for (each, method), handler in served.items() if each == name}


async def _end(socket: web.WebSocketResponse) -> None:
    try:
        async with asyncio.timeout(_GOODBYE):
            await socket.close(code=WSCloseCode.SERVICE_RESTART, message=b"we come back soon")
    except (TimeoutError, ConnectionError, RuntimeError):
        _log.debug("a socket did not say goodbye")
