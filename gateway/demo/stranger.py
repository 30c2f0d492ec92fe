"""A stranger on the line: records what a vendor sends, and sends it on changed, unsigned, or once more."""

from __future__ import annotations

import http.client
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

#: Headers that belong to one connection and are made anew.
_HOP = frozenset({"host", "content-length", "connection", "accept-encoding", "transfer-encoding"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A request as it went over the line."""

    #: Its path below the receiver's address, empty for none.
    path: str
    #: Headers, without those that belong to one connection.
    headers: dict[str, str]
    #: The body.
    body: bytes


@dataclass(slots=True, kw_only=True)
class Recorder:
    """A listener that takes everything for its own."""

    #: Where it listens.
    url: str = ""
    #: What it took.
    requests: list[Recorded] = field(default_factory=list[Recorded])

    async def handle(self, request: web.Request) -> web.Response:
        """Record a request."""
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        self.requests.append(Recorded(path=request.path.rstrip("/"), headers=headers, body=await request.read()))
        return web.Response()


@asynccontextmanager
async def recorder() -> AsyncGenerator[Recorder, None]:
    """Listen on this machine."""
    made = Recorder()
    app = web.Application()
    app.router.add_post("/{rest:.*}", made.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield made
    finally:
        await runner.cleanup()


def send(url: str, recorded: Recorded, *, body: bytes | None = None, drop: str = "", change: str = "") -> int:
    """Send a recorded request to `url`, with another body or with a header dropped or changed; return the status.

    `drop` and `change` name a part of the header's name, in any case.
    """
    headers = {
        name: value[:-4] + "beef" if change and change in name.lower() else value
        for name, value in recorded.headers.items()
        if not (drop and drop in name.lower())
    }
    parts: Any = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    try:
        connection.request(
            "POST", parts.path + recorded.path, body=recorded.body if body is None else body, headers=headers
        )
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()
