"""The day's clock: it runs as clocks do, and jumps when the story says that time passes."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.clock import SystemClock


class DayClock(SystemClock):
    """Begins at a full hour (UTC) of the day on which the demo runs."""

    def __init__(self, hour: int) -> None:
        """Set the clock to the hour."""
        real = super().now()
        today = datetime.fromtimestamp(real / 1_000_000, UTC)
        begin = int(today.replace(hour=hour, minute=0, second=0, microsecond=0).timestamp() * 1_000_000)
        self._ahead = begin - real

    def now(self) -> int:
        """Return the day's time, UTC microseconds."""
        return super().now() + self._ahead

    def pass_until(self, hour: int, minute: int) -> None:
        """Let time pass until a time of the day; it never goes back."""
        at = datetime.fromtimestamp(self.now() / 1_000_000, UTC)
        wanted = int(at.replace(hour=hour, minute=minute, second=0, microsecond=0).timestamp() * 1_000_000)
        self._ahead += max(0, wanted - self.now())


def minute_of(at: int) -> str:
    """Return an instant (UTC microseconds) as the time of the day."""
    return datetime.fromtimestamp(at / 1_000_000, UTC).strftime("%H:%M")
