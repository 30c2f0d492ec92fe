"""The day's clock: it runs as clocks do, and jumps when the story says that time passes."""

from __future__ import annotations

from datetime import UTC, date, datetime

from gateway.clock import SystemClock


class DayClock(SystemClock):
    """Begins at a full hour (UTC) of a day: of the one on which the demo runs, unless another is given."""

    def __init__(self, hour: int, day: date | None = None) -> None:
        """Set the clock to the hour."""
        real = super().now()
        day = day or datetime.fromtimestamp(real / 1_000_000, UTC).date()
        begin = int(datetime(day.year, day.month, day.day, hour, tzinfo=UTC).timestamp() * 1_000_000)
        self._ahead = begin - real

    def now(self) -> int:
        """Return the day's time, UTC microseconds."""
        return super().now() + self._ahead

    def pass_until(self, hour: int, minute: int) -> None:
        """Let time pass until a time of the day; it never goes back."""
        at = datetime.fromtimestamp(self.now() / 1_000_000, UTC)
        wanted = int(at.replace(hour=hour, minute=minute, second=0, microsecond=0).timestamp() * 1_000_000)
        self.pass_to(wanted)

    def pass_to(self, at: int) -> None:
        """Let time pass until an instant, UTC microseconds; it never goes back."""
        self._ahead += max(0, at - self.now())


def minute_of(at: int) -> str:
    """Return an instant (UTC microseconds) as the time of the day."""
    return datetime.fromtimestamp(at / 1_000_000, UTC).strftime("%H:%M")
