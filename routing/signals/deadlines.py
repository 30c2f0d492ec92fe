"""What rules may ask of a case's SLA: what is left of its targets, and which of them are at risk or missed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.model import SlaClock, SlaClocks, SlaMark, SlaMetric
from routing.calendar import Calendar, time_between


@dataclass(frozen=True, kw_only=True)
class SlaFacts:
    """What a case's SLA says at an instant. The names are those of the fields `sla.…`."""

    clocks: SlaClocks | None = None
    #: The working hours of the SLA.
    hours: Calendar | None = None
    now: int = 0
    #: What was reached just now, and by which clock.
    event: SlaMark | None = None
    metric: SlaMetric | None = None

    @property
    def id(self) -> str | None:
        """Return the SLA that applies."""
        return self.clocks.id or None if self.clocks is not None else None

    @property
    def first_left(self) -> int | None:
        """Return what is left to the first response."""
        return self._left(SlaMetric.FIRST)

    @property
    def next_left(self) -> int | None:
        """Return what is left to the next response."""
        return self._left(SlaMetric.NEXT)

    @property
    def resolution_left(self) -> int | None:
        """Return what is left to the end of the case."""
        return self._left(SlaMetric.RESOLUTION)

    @property
    def at_risk(self) -> tuple[SlaMetric, ...]:
        """Return the metrics whose target is at risk or missed."""
        return self._reached(SlaMark.AT_RISK)

    @property
    def breached(self) -> tuple[SlaMetric, ...]:
        """Return the metrics whose target is missed."""
        return self._reached(SlaMark.BREACHED)

    def _owed(self) -> Iterator[SlaClock]:
        return self.clocks.owed() if self.clocks is not None else iter(())

    def _left(self, metric: SlaMetric) -> int | None:
        for clock in self._owed():
            if clock.metric is metric:
                ran = 0 if clock.resumed_at is None else time_between(self.hours, clock.resumed_at, self.now)
                return clock.target - clock.used - ran
        return None

    def _reached(self, mark: SlaMark) -> tuple[SlaMetric, ...]:
        return tuple(clock.metric for clock in self._owed() if clock.reached(mark, self.now))


NO_SLA: Final = SlaFacts()
