"""The clock, as something that is handed in: production reads the system's, tests move their own."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """What time it is, how much has passed, and waiting."""

    def now(self) -> int:
        """Return the time, UTC microseconds: for everything that is stored."""
        ...

    def monotonic(self) -> float:
        """Return seconds that only ever grow: for durations."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The system's clock."""

    def now(self) -> int:
        """Return the time, UTC microseconds."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """Return seconds that only ever grow."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
