"""How spans of time are written for people, as the policy file has them where that is short."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

_SECOND: Final = 1_000_000
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def duration_of(micros: int) -> str:
    """Return a span of microseconds as a policy writes it, in the largest unit that it is a whole number of: ``90m``."""
    seconds = round(micros / _SECOND)
    return next((f"{seconds // size}{unit}" for unit, size in _UNITS if seconds and seconds % size == 0), "0s")


def span_of(micros: int) -> str:
    """Return a span of microseconds in all its units but the smallest ones: ``2d 15h``, ``1h 30m``."""
    left = round(micros / _SECOND)
    parts: list[str] = []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"


def instant_of(micros: int) -> str:
    """Return an instant, UTC microseconds, to the minute: ``2026-11-24 09:00 UTC``."""
    return datetime.fromtimestamp(micros // _SECOND, UTC).strftime("%Y-%m-%d %H:%M UTC")
