"""What a case's SLA says at one moment: its clocks, and in what words people are told of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

#: How the name of every timer of an SLA begins.
TIMER_PREFIX: Final = "sla:"
_MICRO: Final = 1_000_000
_MINUTE: Final = 60
_HOUR: Final = 3600


class SlaMetric(StrEnum):
    """What an SLA sets a target for."""

    #: From the customer's first message to the first public message of an agent after it.
    FIRST = "first"
    #: After that: from the oldest message of the customer that no agent answered.
    NEXT = "next"
    #: From the first thing that a person did to the end of the case.
    RESOLUTION = "resolution"


class SlaMark(StrEnum):
    """What a clock reaches, and rules hear of."""

    AT_RISK = "at_risk"
    BREACHED = "breached"


class SlaOutcome(StrEnum):
    """What came of a target."""

    MET = "met"
    MISSED = "missed"


#: How people call the metrics.
TITLES: Final = {
    SlaMetric.FIRST: "first response",
    SlaMetric.NEXT: "next response",
    SlaMetric.RESOLUTION: "resolution",
}


class SlaClock(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One target of one case. All amounts are time of the SLA's calendar, in microseconds."""

    #: What it measures.
    metric: SlaMetric
    #: When it began, UTC microseconds.
    began_at: int
    #: How much time there is.
    target: int
    #: How much of it was used before `resumed_at`; of a clock that stands or ended, all that was used.
    used: int
    #: Since when it runs, UTC microseconds; None while it stands, and once it ended.
    resumed_at: int | None
    #: When it reaches its at-risk point, or did, UTC microseconds; None while it stands before, and when it ended before.
    risk_at: int | None
    #: When it is breached, or was, UTC microseconds; None while it stands before, and when it was met.
    due_at: int | None
    #: When what it waited for came, UTC microseconds; None while it did not.
    ended_at: int | None = None
    #: Number of the times at which its deadlines were set: part of the timers' names, so that none is mistaken for an earlier.
    epoch: int = 0
    #: The marks that rules have heard of.
    told: tuple[SlaMark, ...] = ()
    #: What came of it, counted once, whatever becomes of the case later; None while that is open.
    outcome: SlaOutcome | None = None
    #: How much was left when the clocks were read, less than 0 once it is missed; only where people are told of them.
    left: int | None = None

    def reaches(self, mark: SlaMark) -> int | None:
        """Return when it reaches a mark."""
        return self.due_at if mark is SlaMark.BREACHED else self.risk_at

    def reached(self, mark: SlaMark, at: int) -> bool:
        """Tell whether it had reached a mark at an instant."""
        when = self.reaches(mark)
        return when is not None and when <= at

    def came_out(self, at: int) -> SlaOutcome | None:
        """Return what had come of it at an instant; None while that was open."""
        if self.reached(SlaMark.BREACHED, at):
            return SlaOutcome.MISSED
        return SlaOutcome.MET if self.ended_at is not None else None

    def words(self, at: int) -> str:
        """Return where it stood at an instant, for people."""
        if self.due_at is not None and self.due_at <= at:
            late = f", came {_instant(self.ended_at)}" if self.ended_at is not None else ""
            return f"missed, was due {_instant(self.due_at)}{late}"
        if self.ended_at is not None:
            return f"met {_instant(self.ended_at)}"
        if self.due_at is None:
            return f"stands, {_amount(self.target - self.used)} left"
        risk = ", at risk" if self.reached(SlaMark.AT_RISK, at) else ""
        left = f", {_amount(self.left)} of {_amount(self.target)} left" if self.left is not None else ""
        return f"due {_instant(self.due_at)}{left}{risk}"


class SlaClocks(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The SLA that applies to a case, with its clocks."""

    #: Its id in the policy; empty when none applies any more.
    id: str
    #: Hash of what the policy says of it: clocks that were set under another are set anew.
    digest: str
    #: Name of its calendar, empty when time is time.
    calendar: str
    #: When the clocks were read, UTC microseconds.
    read_at: int
    #: How often deadlines were set.
    epoch: int
    #: One for each target that has begun; the last one of each metric.
    clocks: tuple[SlaClock, ...] = ()
    #: True when the case was counted anew: its deadlines may be gone from the store, and are set again at the next look.
    lost: bool = False
    #: How many targets of the case were met and missed: a metric, what came of it, and how often.
    counts: tuple[tuple[SlaMetric, SlaOutcome, int], ...] = ()

    def pressing(self) -> SlaClock | None:
        """Return the clock that is due next, or has been for longest; None when none runs."""
        running = [clock for clock in self.owed() if clock.due_at is not None]
        return min(running, key=lambda clock: clock.due_at or 0, default=None)

    def owed(self) -> Iterator[SlaClock]:
        """Yield the clocks that wait for something."""
        return (clock for clock in self.clocks if clock.ended_at is None)

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield label and value of each clock, for people."""
        for clock in self.clocks:
            hours = f" ({self.calendar})" if self.calendar and (clock.left or 0) > 0 else ""
            yield f"SLA {self.id}, {TITLES[clock.metric]}", clock.words(self.read_at) + hours


def look_name(case_id: str) -> str:
    """Return the name of the timer by which a case is told to read its clocks anew."""
    return f"{TIMER_PREFIX}{case_id}:look"


def _instant(at: int | None) -> str:
    return datetime.fromtimestamp((at or 0) / _MICRO, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _amount(microseconds: int) -> str:
    seconds = max(0, microseconds) // _MICRO
    hours, minutes = seconds // _HOUR, seconds % _HOUR // _MINUTE
    parts = [f"{hours} h"] if hours else []
    parts += [f"{minutes} min"] if minutes else []
    return " ".join(parts) or f"{seconds} s"
