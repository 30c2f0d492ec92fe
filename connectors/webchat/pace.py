"""How fast visitors may send: a bucket for each, that fills again as time passes. Knows no clock of its own."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

_MINUTE: Final = 60_000_000
#: Visitors that are remembered; the one not seen for longest is forgotten, and then begins anew.
_REMEMBERED: Final = 10_000


class Pace:
    """Counts what each visitor sends."""

    def __init__(self, per_minute: int) -> None:
        """Take what one visitor may send in a minute; half of it may come at once."""
        self._rate = per_minute / _MINUTE
        self._most = max(1.0, per_minute / 2)
        self._left: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def wait(self, who: str, now: int) -> float:
        """Take one off; return 0 when it may be sent now (UTC microseconds), otherwise the seconds to wait, and take none."""
        left, at = self._left.pop(who, (self._most, now))
        left = min(self._most, left + max(0, now - at) * self._rate)
        allowed = left >= 1
        self._left[who] = (left - 1 if allowed else left, now)
        if len(self._left) > _REMEMBERED:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._rate / 1_000_000
