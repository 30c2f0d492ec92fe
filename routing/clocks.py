"""The clocks of an SLA: how much of a target is used, and when it is reached, in the time that the SLA counts.

A clock is read from what is known of the case: since when the customer waits, and when the case stood. So it comes out the same
however often it is looked at, and a case whose SLA changes, or that was counted anew, has the clocks that it would have had all
the time. A deadline is worked out once for each stretch in which its clock runs, and kept until the clock stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from gateway.model import Case, CaseStatus, SlaClock, SlaClocks, SlaMark, SlaMetric, SlaOutcome, TicketStatus
from gateway.model.altering import altered
from routing.calendar import Calendar, time_after, time_between
from routing.policy import Sla

#: From and to, UTC microseconds; the last stretch of a clock that runs has no end.
Stretch: TypeAlias = tuple[int, int | None]


# --- when a clock runs -----------------------------------------------------------------------------------------------
def stretches(case: Case, pause: Iterable[TicketStatus], began_at: int, ended_at: int | None) -> list[Stretch]:
    """Return when a clock of a case ran that began at an instant, and ended at another or goes on."""
    still = frozenset({*pause, TicketStatus.SOLVED})
    if ended_at is None and case.status is CaseStatus.RESOLVED:
        # Whatever told it: a case that is over owes nothing, until it is taken up again.
        return _closed(_ran(case, still, began_at), max(began_at, case.resolved_at or case.last_activity_at))
    return (
        _ran(case, still, began_at)
        if ended_at is None
        else _closed(_ran(case, still, began_at), max(began_at, ended_at))
    )


def _ran(case: Case, still: frozenset[TicketStatus], began_at: int) -> list[Stretch]:
    found: list[Stretch] = []
    resumed_at: int | None = began_at
    for each in case.waiting.spells:
        at, status = each.began_at, each.status
        if at <= began_at:
            resumed_at = None if status in still else began_at
        elif status in still:
            if resumed_at is not None:
                found.append((resumed_at, at))
            resumed_at = None
        elif resumed_at is None:
            resumed_at = at
    return found if resumed_at is None else [*found, (resumed_at, None)]


def _closed(ran: Sequence[Stretch], end: int) -> list[Stretch]:
    """Cut stretches at an end."""
    cut = ((begin, end if stop is None else min(stop, end)) for begin, stop in ran if begin < end)
    return [*cut]


def reached(calendar: Calendar | None, ran: Sequence[Stretch], amount: int) -> int | None:
    """Return when a clock has used an amount, which may lie ahead; None when it stands or ended before.

    What comes at the very last instant comes in time.
    """
    for begin, stop in ran:
        when = time_after(calendar, begin, amount)
        if stop is None or when < stop:
            return when
        amount -= time_between(calendar, begin, stop)
    return None


# --- the clocks of a case --------------------------------------------------------------------------------------------
def clocks_of(case: Case, sla: Sla | None, before: SlaClocks | None, *, at: int, now: int) -> SlaClocks | None:
    """Return the clocks of a case under the SLA that applies to it. `at` is when its last activity came."""
    if sla is None:
        return before and replace(before, id="", digest="", calendar="", clocks=(), lost=False, read_at=now)
    known = {clock.metric: clock for clock in before.clocks} if before is not None else {}
    fresh = before is None or before.lost or before.digest != sla.digest
    epoch = before.epoch if before is not None else 0
    made: list[SlaClock] = []
    for metric, began_at, ended_at in _begun(case, known, at):
        if metric not in sla.targets:
            continue
        earlier = known.get(metric)
        if earlier is not None and earlier.began_at != began_at:
            earlier = None
        ran = stretches(case, sla.pause, began_at, ended_at)
        resumed_at = ran[-1][0] if ran and ran[-1][1] is None else None
        if earlier is not None and not fresh and (earlier.resumed_at, earlier.ended_at) == (resumed_at, ended_at):
            made.append(earlier)
        else:
            made.append(_set(sla, metric, began_at, ended_at, ran, earlier, epoch=epoch + 1, now=now))
    return SlaClocks(
        id=sla.id,
        digest=sla.digest,
        calendar=sla.calendar.name if sla.calendar is not None else "",
        read_at=now,
        epoch=max([epoch, *(clock.epoch for clock in made)]),
        clocks=tuple(made),
        counts=before.counts if before is not None else (),
    )


def _begun(case: Case, known: dict[SlaMetric, SlaClock], at: int) -> Iterator[tuple[SlaMetric, int, int | None]]:
    """Yield each metric whose clock has begun, with its beginning and its end."""
    waiting = case.waiting
    if waiting.asked_at is not None:
        yield SlaMetric.FIRST, waiting.asked_at, waiting.answered_at
    if waiting.answered_at is not None:
        last = known.get(SlaMetric.NEXT)
        if waiting.unanswered_at is not None:
            yield SlaMetric.NEXT, waiting.unanswered_at, None
        elif last is not None:
            yield SlaMetric.NEXT, last.began_at, at if last.ended_at is None else last.ended_at
    if waiting.begun_at is not None:
        over = case.status is CaseStatus.RESOLVED
        yield SlaMetric.RESOLUTION, waiting.begun_at, (case.resolved_at or case.last_activity_at) if over else None


def _set(
    sla: Sla,
    metric: SlaMetric,
    began_at: int,
    ended_at: int | None,
    ran: Sequence[Stretch],
    earlier: SlaClock | None,
    *,
    epoch: int,
    now: int,
) -> SlaClock:
    """Set a clock's deadlines. What rules heard of stays told, unless it lies ahead again."""
    target = sla.targets[metric]
    clock = SlaClock(
        metric=metric,
        began_at=began_at,
        target=target,
        used=sum(time_between(sla.calendar, begin, stop) for begin, stop in ran if stop is not None),
        resumed_at=ran[-1][0] if ran and ran[-1][1] is None else None,
        risk_at=reached(sla.calendar, ran, sla.risks[metric]),
        due_at=reached(sla.calendar, ran, target),
        ended_at=ended_at,
        epoch=epoch,
    )
    if earlier is None:
        return clock
    told = tuple(mark for mark in earlier.told if clock.reached(mark, now))
    return altered(clock, told=told, outcome=earlier.outcome)


# --- what came of them -----------------------------------------------------------------------------------------------
def counted(clocks: SlaClocks, now: int) -> tuple[SlaClocks, tuple[tuple[SlaMetric, SlaOutcome], ...]]:
    """Return the clocks with what came of them by now, and those targets that are new to be met or missed.

    Each target counts once: the first thing that came of it stays, whatever SLA applies later and whether the case is reopened.
    """
    settled = {clock.metric: came for clock in clocks.clocks if clock.outcome is None and (came := clock.came_out(now))}
    if not settled:
        return clocks, ()
    counts = {(metric, outcome): number for metric, outcome, number in clocks.counts}
    for each in settled.items():
        counts[each] = counts.get(each, 0) + 1
    made = tuple(
        altered(clock, outcome=settled[clock.metric]) if clock.metric in settled else clock for clock in clocks.clocks
    )
    listed = tuple((*each, number) for each, number in sorted(counts.items()))
    return altered(clocks, clocks=made, counts=listed), tuple(settled.items())


def with_left(clocks: SlaClocks, calendar: Calendar | None, now: int) -> SlaClocks:
    """Return the clocks with what is left of each that is owed: what people are told."""

    def left(clock: SlaClock) -> int:
        running = 0 if clock.resumed_at is None else time_between(calendar, clock.resumed_at, now)
        return clock.target - clock.used - running

    made = tuple(altered(clock, left=left(clock)) if clock.ended_at is None else clock for clock in clocks.clocks)
    return altered(clocks, clocks=made)


def marks_ahead(clocks: SlaClocks | None) -> Iterator[tuple[SlaClock, SlaMark, int]]:
    """Yield what rules have yet to hear of: each clock's marks, with their instants."""
    for clock in clocks.owed() if clocks is not None else ():
        for mark in SlaMark:
            when = clock.reaches(mark)
            if when is not None and mark not in clock.told:
                yield clock, mark, when
