"""A clock that tests move."""

from __future__ import annotations

import asyncio
import heapq
import itertools


class VirtualClock:
    """Time stands still until it is moved; whoever sleeps wakes when its time has come."""

    def __init__(self, now: int = 1_767_225_600_000_000) -> None:
        """Begin at an instant, UTC microseconds (2026-01-01 unless said otherwise)."""
        self._now = now
        self._begun = now
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._number = itertools.count()

    def now(self) -> int:
        """Return the time, UTC microseconds."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds since the beginning."""
        return (self._now - self._begun) / 1_000_000

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was moved so far."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        due = self._now + int(seconds * 1_000_000)
        heapq.heappush(self._sleepers, (due, next(self._number), woken))
        await woken

    def advance(self, seconds: float) -> None:
        """Move the time, and wake whose time has come."""
        self._now += int(seconds * 1_000_000)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
