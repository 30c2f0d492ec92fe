"""A bell: rung from anywhere, heard by one loop."""

from __future__ import annotations

import asyncio

from gateway.clock import Clock


class Bell:
    """Wakes a loop that waits. What was rung while nobody waited is heard at the next wait."""

    def __init__(self, clock: Clock) -> None:
        """Take the clock that bounds waiting."""
        self._clock = clock
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake the loop. From the event loop's own thread."""
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Wait until rung, at most some seconds."""
        if not self._rung.is_set():
            async with asyncio.TaskGroup() as group:
                waits = [group.create_task(self._rung.wait()), group.create_task(self._clock.sleep(seconds))]
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                for each in waits:
                    each.cancel()
        self._rung.clear()
