"""Gaps: when a case comes to a step of a ladder, and nobody hears of it before somebody's hours begin.

Between two instants at which a calendar opens or closes nothing changes, so only these are looked at, and every minute is
answered for. A step hears of a case at once when it knows no hours, is within them, or names another that stands in. One that
asks people passes a case on while none of them works, by their calendars: who is away at that moment, or full, nobody knows
beforehand. Where it asks somebody's manager, the agent for whom it takes longest counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from routing.calendar import Calendar
from routing.climbing import later
from routing.people import NOBODY, UNKNOWN, Asked, People, Whom
from routing.policy import Ladder, Stage
from routing.resolving import Matter, ask, land


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


def watches(ladders: Mapping[str, Ladder], start: int, end: int, people: People = NOBODY) -> tuple[Watch, ...]:
    """Return for every step of every ladder when somebody hears of a case, between two instants."""
    return tuple(
        _watch(ladder, step, start, end, people) for ladder in ladders.values() for step in range(len(ladder.steps) + 1)
    )


def _watch(ladder: Ladder, step: int, start: int, end: int, people: People) -> Watch:
    gaps = tuple(_gaps(ladder, step, start, end, people))
    waited = sum(gap.end - gap.start for gap in gaps)
    return Watch(
        ladder=ladder.id,
        step=step,
        name="final" if ladder.at_end(step) else str(step + 1),
        gaps=gaps,
        share=1 - waited / (end - start) if end > start else 1.0,
    )


def _gaps(ladder: Ladder, step: int, start: int, end: int, people: People) -> Iterator[Gap]:
    edges = sorted({start, *_edges(ladder, start, end, people)})
    held: Gap | None = None
    for since, until in zip(edges, [*edges[1:], end], strict=True):
        at, heard = _heard(ladder, step, since, people)
        if heard <= since:
            if held is not None:
                yield held
            held = None
            continue
        # They wait for the same instant, or each as long as the others: until fewer skills are wanted.
        if held is not None and held.at == at and (held.heard == heard or held.wait == heard - since):
            held = Gap(start=held.start, end=until, heard=held.heard, at=at)
            continue
        if held is not None:
            yield held
        held = Gap(start=since, end=until, heard=heard, at=at)
    if held is not None:
        yield held


def _heard(ladder: Ladder, step: int, now: int, people: People) -> tuple[int, int]:
    """Return where a case waits that comes to a step, and when somebody hears of it."""
    doers: tuple[str, ...] = ("",)
    if any(stage.asks is not None and stage.asks.whom is Whom.MANAGER_OF for stage in ladder.steps):
        doers = tuple(agent.name for agent in people.agents.values() if agent.manager) or doers
    return max((_of_doer(ladder, step, now, people, doer) for doer in doers), key=lambda each: each[1])


def _of_doer(ladder: Ladder, step: int, now: int, people: People, doer: str) -> tuple[int, int]:
    matter = Matter(people=people, staff=UNKNOWN, now=now, channel=None, actor=doer, asked=(doer,) if doer else ())
    landing = land(ladder, step, matter)
    stage = ladder.stage(landing.step)
    heard = now
    if landing.found.waits and stage.asks is not None:
        heard = _relaxed(stage, stage.asks, matter)
    if stage.calendar is not None and not stage.calendar.is_open(heard):
        heard = stage.calendar.next_open(heard)
    return landing.step, heard


def _relaxed(stage: Stage, asks: Asked, matter: Matter) -> int:
    """Return when a step wants so little that it reaches somebody; by when it is passed on, where it never does."""
    for done, relaxation in enumerate(asks.relax, 1):
        at = later(stage, matter.now, relaxation.after) or matter.now
        if ask(stage, asks, replace(matter, now=at), done).assigned:
            return at
    return later(stage, matter.now, stage.ack_within) or matter.now


def _edges(ladder: Ladder, start: int, end: int, people: People) -> Iterator[int]:
    """Yield the instants within a span at which a calendar of the ladder, or of whom it may ask, opens or closes."""
    asks = any(stage.asks is not None for stage in ladder.steps)
    calendars = [stage.calendar for stage in ladder.steps]
    if asks:
        calendars += [agent.calendar for agent in people.agents.values()]
        calendars += [team.calendar for team in people.teams.values()]
    for calendar in {id(each): each for each in calendars}.values():
        if calendar is not None:
            yield from _of_calendar(calendar, start, end)


def _of_calendar(calendar: Calendar, start: int, end: int) -> Iterator[int]:
    at = calendar.next_open(start)
    while at < end:
        closes = calendar.next_close(at, end)
        yield from (at, closes)
        at = calendar.next_open(closes)
