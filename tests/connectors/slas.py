"""An SLA whose next target is due an hour after the beginning of the tests' time."""

from __future__ import annotations

from typing import Final

from gateway.model import SlaClock, SlaClocks, SlaMetric
from gateway.testing.host import BEGINNING

_HOUR: Final = 3_600_000_000
_CLOCK: Final = SlaClock(
    metric=SlaMetric.FIRST,
    began_at=BEGINNING,
    target=_HOUR,
    used=0,
    resumed_at=BEGINNING,
    risk_at=None,
    due_at=BEGINNING + _HOUR,
)
DUE: Final = SlaClocks(id="standard", digest="", calendar="", read_at=BEGINNING, epoch=1, clocks=(_CLOCK,))
#: The same SLA once nothing is owed.
NOTHING_DUE: Final = SlaClocks(id="standard", digest="", calendar="", read_at=BEGINNING, epoch=1)
