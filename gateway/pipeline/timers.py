"""Time: due timers become activities, leases that ran out become unknown outcomes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from gateway.clock import Clock
from gateway.pipeline.bell import Bell
from gateway.store.ports import Store

#: Timers in one transaction at most.
BATCH: Final = 64
#: Longest between two looks, seconds: how late a timer may be when nothing else wakes the loop.
POLL: Final = 1.0


class Timers:
    """The loop that watches the clock."""

    def __init__(
        self, store: Store, clock: Clock, *, fired: Callable[[int], None], expired: Callable[[], None]
    ) -> None:
        """Take the store and the clock; `fired` is told how many timers went off, `expired` of outcomes to settle."""
        self._store = store
        self._clock = clock
        self._fired = fired
        self._expired = expired
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="baton-timers")
        self._closing = False
        self.bell = Bell(clock)

    async def run(self) -> None:
        """Watch until closed."""
        loop = asyncio.get_running_loop()
        while not self._closing:
            fired, expired = await loop.run_in_executor(self._thread, self._turn)
            if fired:
                self._fired(fired)
            if expired:
                self._expired()
            if fired < BATCH:
                await self.bell.wait(POLL)

    def _turn(self) -> tuple[int, int]:
        now = self._clock.now()
        return self._store.fire(now, BATCH), self._store.expire(now)

    def close(self) -> None:
        """End after the turn in work. Safe twice."""
        self._closing = True
        self.bell.ring()

    def free(self) -> None:
        """Free the thread, once `run` has ended."""
        self._thread.shutdown(wait=True)
