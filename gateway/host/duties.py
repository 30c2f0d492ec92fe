"""What a connection does by itself while it is up: it listens on its stream and asks what it missed.

One replica does it at a time, under a lease that the store holds; the others wait for it to fall free.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Final, TypeVar

import tenacity

from gateway.clock import Clock
from gateway.host.again import seconds_until
from gateway.host.hostside import Things
from gateway.host.trouble import sentence_of
from gateway.sdk import Backfill, Connector, CredentialsRefused, Cursor, Delivery, Emit, StreamSource

T = TypeVar("T")

_log: Final = logging.getLogger("baton.host")

#: Seconds for which a lease holds; it is renewed three times in that time.
LEASE: Final = 30.0
#: Names of the places where a stream and a poll stand.
STREAM: Final = "stream"
POLL: Final = "backfill"
#: After how long a poll that failed is tried again: doubling with jitter, seconds.
_AGAIN: Final = tenacity.wait_random_exponential(multiplier=2, max=300)


class Duties:
    """The stream and the polls of one connection."""

    def __init__(
        self,
        connection: str,
        clock: Clock,
        *,
        emit: Emit,
        things: Things | None,
        poll_every: float | None,
        heard: Callable[[], None] = lambda: None,
        polled: Callable[[Exception | None], None] = lambda _: None,
    ) -> None:
        """Take where deliveries go, where cursors stand and leases are, and how often to poll, seconds.

        Without `things` there is nothing to remember and nobody to share with. `heard` is told of each delivery that was kept,
        `polled` of each poll: how the vendor's side of it failed, None when it worked.
        """
        self._connection = connection
        self._clock = clock
        self._keep = emit
        self._things = things
        self._poll_every = poll_every
        self._heard = heard
        self._polled = polled
        #: What was last raised on our side of a duty: the vendor has no part in it.
        self._ours: Exception | None = None

    async def run(self, connector: Connector[Any], failed: asyncio.Event) -> None:
        """Do what there is to do until `failed`, or until one of the duties ends or raises."""
        found: object = connector
        duties: list[Callable[[], Coroutine[Any, Any, None]]] = []
        if isinstance(found, StreamSource) and found.streaming:
            stream = found
            duties.append(lambda: self._listen(stream))
        if isinstance(found, Backfill) and self._poll_every is not None:
            source, every = found, self._poll_every
            duties.append(lambda: self._poll(source, every))
        if not duties:
            await failed.wait()
            return
        await _first_of(failed.wait, *(partial(self._leased, duty) for duty in duties))

    # --- the lease ---------------------------------------------------------------------------------------------------
    async def _leased(self, duty: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do a duty while this replica holds the lease; wait for it while another one does."""
        if self._things is None:
            await duty()
            return
        while not await self._things.hold(self._connection, LEASE):
            await self._clock.sleep(LEASE / 3)
        things = self._things
        await _first_of(duty, lambda: self._renew(things))

    async def _renew(self, things: Things) -> None:
        """Renew the lease until it is lost."""
        while await things.hold(self._connection, LEASE):
            await self._clock.sleep(LEASE / 3)
        _log.warning(
            "another replica has the stream now", extra={"action": "lease_lost", "connection": self._connection}
        )

    # --- the duties --------------------------------------------------------------------------------------------------
    async def _listen(self, source: StreamSource) -> None:
        since = await self._things.cursor(self._connection, STREAM) if self._things is not None else None
        await source.listen(since, self._emit)

    async def _emit(self, delivery: Delivery, cursor: Cursor | None) -> None:
        await self._on_our_side(self._keep(delivery, cursor))
        self._heard()

    async def _poll(self, source: Backfill, every: float) -> None:
        """Ask for what was missed, again and again. A vendor that is away is asked later; it costs nothing else."""
        tries = 0
        while True:
            try:
                await self._asked(source)
            except CredentialsRefused:
                raise
            except Exception as error:  # noqa: BLE001 (a poll only fills holes: what comes by itself must go on)
                tries += 1
                self._poll_failed(error)
                await self._clock.sleep(min(every, seconds_until(_AGAIN, tries)))
            else:
                tries = 0
                self._polled(None)
                await self._clock.sleep(every)

    def _poll_failed(self, error: Exception) -> None:
        ours = error is self._ours
        words = type(error).__name__ if ours else sentence_of(error)
        _log.warning("a poll failed", extra={"action": "poll_failed", "connection": self._connection, "error": words})
        if not ours:
            self._polled(error)

    async def _asked(self, source: Backfill) -> None:
        things = self._things
        since = await self._on_our_side(things.cursor(self._connection, POLL)) if things is not None else None
        cursor = await source.backfill(since, self._emit)
        if things is not None and cursor != since:
            # Only now: everything before it is durable.
            await self._on_our_side(things.keep_cursor(self._connection, POLL, cursor))

    async def _on_our_side(self, work: Awaitable[T]) -> T:
        """Do what the store does for a duty, and remember what it raised: that the store is away is not the vendor's fault."""
        try:
            return await work
        except Exception as error:
            self._ours = error
            raise


async def _first_of(*works: Callable[[], Awaitable[object]]) -> None:
    """Run several works until the first one ends, and end the others. What it raised comes out as it is."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_kept(work)) for work in works]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
    for task in done:
        error = task.result()
        if error is not None:
            raise error


async def _kept(work: Callable[[], Awaitable[object]]) -> Exception | None:
    """Return what a work raised instead of raising it: a group would wrap it."""
    try:
        await work()
    except Exception as error:  # noqa: BLE001 (it is raised again by the one who asked)
        return error
    return None
