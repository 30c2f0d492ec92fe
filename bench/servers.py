"""Two servers to be measured against each other: `python -m bench.servers bare|door FILE`; the port is the first line printed.

`bare` is the least that a durable webhook needs: an aiohttp handler, Slack's HMAC, a grouped insert. `door` is Baton's own front
door, verifier, intake and journal, with nothing behind it.
"""

from __future__ import annotations

import asyncio
import hmac
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from aiohttp import web

from bench.events import SECRET
from bench.policy import FACTS
from bench.reference import GROUP, Row, SqliteReference
from bench.sources import slack_source
from gateway.clock import SystemClock
from gateway.config.section import Limits
from gateway.pipeline.intake import Intake
from gateway.sdk import Oversize
from gateway.store import open_store
from gateway.telemetry.meters import Meters
from gateway.web.door import FrontDoor
from gateway.web.hooks import Door, Hooks

PATH: Final = "/hooks/support/events"
#: Oldest signature that is taken, seconds (docs.slack.dev/authentication/verifying-requests-from-slack).
_OLDEST: Final = 300


class Bare:
    """The bare handler."""

    def __init__(self, file: Path) -> None:
        """Open the file."""
        self._reference = SqliteReference(file)
        self._thread = ThreadPoolExecutor(1)
        self._waiting: list[tuple[Row, asyncio.Future[None]]] = []
        self._arrived = asyncio.Event()

    async def handle(self, request: web.Request) -> web.Response:
        """Answer 200 once the body is durable."""
        body = await request.read()
        stamp = request.headers["X-Slack-Request-Timestamp"]
        mac = hmac.new(SECRET.encode(), f"v0:{stamp}:".encode() + body, "sha256").hexdigest()
        genuine = hmac.compare_digest(f"v0={mac}", request.headers["X-Slack-Signature"])
        if not genuine or abs(time.time() - int(stamp)) > _OLDEST:
            return web.Response(status=401)
        row = (1, f"{time.perf_counter_ns()}", "thread", body, time.time_ns() // 1000, 0)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, done))
        self._arrived.set()
        await done
        return web.Response()

    async def run(self) -> None:
        """Insert whatever waits, a group a commit."""
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                group, self._waiting = self._waiting[:GROUP], self._waiting[GROUP:]
                await loop.run_in_executor(self._thread, self._reference.insert, [row for row, _ in group])
                for _, done in group:
                    done.set_result(None)


async def bare(file: Path) -> None:
    """Serve the bare handler for ever."""
    handler = Bare(file)
    app = web.Application()
    app.add_routes([web.post(PATH, handler.handle)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await handler.run()


class Support:
    """The one connection of the door."""

    connection = "support"
    connector = "slack"
    endpoints = ("events", "interactivity")
    max_delivery = 1_048_576
    oversize = Oversize.REFUSE

    def __init__(self) -> None:
        """Make its verifier."""
        self.webhook = slack_source("support")


async def door(file: Path) -> None:
    """Serve Baton's front door and journal for ever."""
    clock = SystemClock()
    store = open_store(f"sqlite:///{file}")
    store.register(dict.fromkeys(FACTS))
    intake = Intake(store, accepted=lambda: None)
    support: Door = Support()
    hooks = Hooks(
        find={"support": support}.get,
        intake=intake,
        meters=Meters(),
        now=clock.now,
        monotonic=clock.monotonic,
        public_url="http://127.0.0.1",
        read_seconds=10.0,
        requests=512,
    )
    front = FrontDoor(hooks.routes(), limits=Limits())
    await front.start("127.0.0.1", 0)
    print(front.port, flush=True)
    await intake.run()


if __name__ == "__main__":
    asyncio.run({"bare": bare, "door": door}[sys.argv[1]](Path(sys.argv[2])))
