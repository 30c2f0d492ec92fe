"""Gaps: when a case comes to a step of a ladder, and nobody hears of it before somebody's hours begin.

Between two instants at which a calendar opens or closes nothing changes, so only these are looked at, and every minute is
answered for. A step hears of a case at once when it knows no hours, is within them, or names another that stands in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from routing.calendar import Calendar
from routing.policy import Ladder
from routing.resolving import place


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A span in which a case that comes to a step has to wait. Instants are UTC microseconds."""

    #: Its first instant.
    start: int
    #: The first instant after it.
    end: int
    #: When those who come first hear of it; a span may be cut at the end of what is looked at, and this is not.
    heard: int
    #: The step that they wait at, as an index, which may be another than the one they came to.
    at: int

    @property
    def wait(self) -> int:
        """Return how long the first of it waits, microseconds."""
        return self.heard - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """When a step of a ladder hears of a case at once, and when not."""

    #: The ladder.
    ladder: str
    #: The step, as an index; the number of steps for the end.
    step: int
    #: Its name for people: ``1``, or ``final``.
    name: str
    #: The spans in which nobody hears of it at once, in order; none when somebody always does.
    gaps: tuple[Gap, ...]
    #: Share of the time in which somebody hears of it at once, 0 to 1.
    share: float


def watches(ladders: Mapping[str, Ladder], start: int, end: int) -> tuple[Watch, ...]:
    """Return for every step of every ladder when somebody hears of a case, between two instants."""
    return tuple(
        _watch(ladder, step, start, end) for ladder in ladders.values() for step in range(len(ladder.steps) + 1)
    )


def _watch(ladder: Ladder, step: int, start: int, end: int) -> Watch:
    gaps = tuple(_gaps(ladder, step, start, end))
    waited = sum(gap.end - gap.start for gap in gaps)
    return Watch(
        ladder=ladder.id,
        step=step,
        name="final" if ladder.at_end(step) else str(step + 1),
        gaps=gaps,
        share=1 - waited / (end - start) if end > start else 1.0,
    )


def _gaps(ladder: Ladder, step: int, start: int, end: int) -> Iterator[Gap]:
    edges = sorted({start, *_edges(ladder, start, end)})
    held: Gap | None = None
    for since, until in zip(edges, [*edges[1:], end], strict=True):
        at = place(ladder, step, since)
        calendar = ladder.stage(at).calendar
        if calendar is None or calendar.is_open(since):
            if held is not None:
                yield held
            held = None
            continue
        heard = calendar.next_open(since)
        if held is not None and (held.at, held.heard) == (at, heard):
            held = Gap(start=held.start, end=until, heard=heard, at=at)
            continue
        if held is not None:
            yield held
        held = Gap(start=since, end=until, heard=heard, at=at)
    if held is not None:
        yield held


def _edges(ladder: Ladder, start: int, end: int) -> Iterator[int]:
    """Yield the instants within a span at which a calendar of the ladder opens or closes."""
    for calendar in {id(stage.calendar): stage.calendar for stage in ladder.steps}.values():
        if calendar is not None:
            yield from _of_calendar(calendar, start, end)


def _of_calendar(calendar: Calendar, start: int, end: int) -> Iterator[int]:
    at = calendar.next_open(start)
    while at < end:
        closes = calendar.next_close(at, end)
        yield from (at, closes)
        at = calendar.next_open(closes)
