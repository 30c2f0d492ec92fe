"""How late the event loop is: the one number that tells a stuck process from a busy one."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

#: Seconds between two looks.
INTERVAL: Final = 0.25
_KEPT: Final = 40


class LoopLag:
    """Sleeps a known time, again and again, and remembers by how much it overslept."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        tell: Callable[[float], None],
    ) -> None:
        """Take the clock's two functions, and where to tell the lag (seconds)."""
        self._monotonic = monotonic
        self._sleep = sleep
        self._tell = tell
        self._lags: deque[float] = deque(maxlen=_KEPT)

    @property
    def worst(self) -> float:
        """Return the worst lag of the last ten seconds, in seconds."""
        return max(self._lags, default=0.0)

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            before = self._monotonic()
            await self._sleep(INTERVAL)
            self._lags.append(max(0.0, self._monotonic() - before - INTERVAL))
            self._tell(self.worst)
