"""The listener: bounds on what a stranger can make us hold, and an orderly end."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from gateway.web.peers import is_within

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.config import Limits, Network
    from gateway.web.sessions import SessionRoutes

#: Longest that requests in work are waited for at the end, seconds.
_FINISH: Final = 10.0
#: A connection that asks for nothing, or drips its headers, is closed after this, seconds.
_IDLE: Final = 30.0
_LINE: Final = 8_190
_BACKLOG: Final = 1_024


class CannotListen(Exception):
    """The address cannot be listened on; the message says which and why."""


class FrontDoor:
    """Listens, serves the routes, and ends: first no new connections, then the requests in work are finished."""

    def __init__(
        self,
        routes: Iterable[web.AbstractRouteDef],
        *,
        limits: Limits,
        trusted: Iterable[Network] = (),
        sessions: SessionRoutes | None = None,
    ) -> None:
        """Take the routes and the bounds; `trusted` proxies bring many people over one address.

        `sessions` hold sockets, which end before the door does.
        """
        self._app = web.Application(client_max_size=limits.body)
        self._app.add_routes(list(routes))
        self._app.on_response_prepare.append(_without_detail)
        self._sessions = sessions
        if sessions is not None:
            self._app.add_routes(sessions.routes())
            self._app.on_response_prepare.append(sessions.prepared)
        self._turnstile = _Turnstile(limits.connections_per_peer, tuple(trusted))
        self._options: dict[str, Any] = {
            "access_log": None,
            "keepalive_timeout": _IDLE,
            "max_line_size": _LINE,
            "max_field_size": limits.header,
            "max_headers": limits.headers,
            # Signatures are over the bytes as they came; and what is never unpacked is no bomb.
            "auto_decompress": False,
        }
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._port: int | None = None

    @property
    def app(self) -> web.Application:
        """Return the application, for those who enumerate its routes."""
        return self._app

    @property
    def visitors(self) -> int:
        """Return how many connections are open."""
        return self._turnstile.inside

    @property
    def sockets(self) -> int:
        """Return how many sockets of sessions are open."""
        return self._sessions.open if self._sessions is not None else 0

    @property
    def port(self) -> int:
        """Return the port that is, or was, listened on. Raises RuntimeError before `start`."""
        if self._port is None:
            raise RuntimeError("the front door was never open")
        return self._port

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises `CannotListen` when the address is taken or is not ours."""
        runner = web.AppRunner(self._app, handle_signals=False, shutdown_timeout=_FINISH, **self._options)
        await runner.setup()
        self._runner = runner
        server = runner.server
        if server is None:  # pragma: no cover (`setup` has just made it)
            message = "the web server was not made"
            raise RuntimeError(message)
        loop = asyncio.get_running_loop()

        def visitor() -> web.RequestHandler:
            return _Visitor(server, loop=loop, turnstile=self._turnstile, **self._options)

        try:
            self._server = await loop.create_server(visitor, host, port, backlog=_BACKLOG)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else type(error).__name__
            raise CannotListen(f"{host}:{port} cannot be listened on: {reason}") from None
        self._port = self._server.sockets[0].getsockname()[1]

    def stop_listening(self) -> None:
        """Take no new connection. Those that are open may finish what they ask."""
        if self._server is not None:
            self._server.close()

    async def finish(self) -> None:
        """Say goodbye to sockets, finish the requests in work, for some seconds at most, and close. Safe twice."""
        self.stop_listening()
        if self._sessions is not None:
            await self._sessions.close()
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()


class _Turnstile:
    """Counts the connections of each peer."""

    def __init__(self, limit: int, trusted: tuple[Network, ...]) -> None:
        self._limit = limit
        self._trusted = trusted
        self._inside: Counter[str] = Counter()

    @property
    def inside(self) -> int:
        return sum(self._inside.values())

    def enter(self, peer: str) -> bool:
        if self._inside[peer] >= self._limit and not is_within(peer, self._trusted):
            return False
        self._inside[peer] += 1
        return True

    def leave(self, peer: str) -> None:
        self._inside[peer] -= 1
        if self._inside[peer] <= 0:
            del self._inside[peer]


class _Visitor(web.RequestHandler):
    """One connection, let in or turned away at the turnstile."""

    __slots__ = ("_peer", "_turnstile")

    def __init__(self, server: Any, *, turnstile: _Turnstile, **options: Any) -> None:
        super().__init__(server, **options)
        self._turnstile = turnstile
        self._peer: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        name = transport.get_extra_info("peername")
        peer = str(name[0]) if name else ""
        if not self._turnstile.enter(peer):
            transport.abort()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
            return
        self._peer = peer
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._peer is not None:
            self._turnstile.leave(self._peer)
            self._peer = None
        super().connection_lost(exc)


async def _without_detail(_request: web.Request, response: web.StreamResponse) -> None:
    """Say nothing about what we run on."""
    response.headers["Server"] = "baton"
