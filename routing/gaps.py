"""Gaps: when a case comes to a step of a ladder, and nobody hears of it before somebody's hours begin.

Between two instants at which a calendar opens or closes nothing changes, so only these are looked at, and every minute is
answered for. A step hears of a case at once when it knows no hours, is within them, or names another that stands in. One that
asks people passes a case on while none of them works, by their calendars: who is away at that moment, or full, nobody knows
beforehand. Where it asks somebody's manager, the agent for whom it takes longest counts.

Whoever hears of a case hears by a notice: that of the step, or those of the people to whom it may be given. Without one the case
only stands in the helpdesk, where who looks finds it; that is no gap, since no hours end it, and it is told beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from routing.calendar import Calendar
from routing.climbing import later
from routing.people import NOBODY, UNKNOWN, Asked, People, Strategy, Whom, with_fallbacks
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
    #: Share of the time in which it may be that nobody is sent a notice, 0 to 1; and at which steps cases stand then, as indexes.
    quiet: float
    stands: tuple[int, ...]
    #: Agents to whom a case may be given then, of whom nobody is told where to write to them.
    unheard: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Landing:
    """What becomes of a case that comes to a step at an instant."""

    #: Where it waits, as an index; and when its people's hours begin, or when it reaches somebody.
    at: int
    heard: int
    #: Whether somebody is sent a notice whoever gets it, and who of those who may get it has none.
    told: bool
    unheard: tuple[str, ...]


def watches(ladders: Mapping[str, Ladder], start: int, end: int, people: People = NOBODY) -> tuple[Watch, ...]:
    """Return for every step of every ladder when somebody hears of a case, between two instants."""
    return tuple(
        _watch(ladder, step, start, end, people) for ladder in ladders.values() for step in range(len(ladder.steps) + 1)
    )


def _watch(ladder: Ladder, step: int, start: int, end: int, people: People) -> Watch:
    edges = sorted({start, *_edges(ladder, start, end, people)})
    spans = [
        (since, until, _landing(ladder, step, since, people))
        for since, until in zip(edges, [*edges[1:], end], strict=True)
    ]
    silent = [(until - since, each) for since, until, each in spans if not each.told]
    at_once = sum(until - since for since, until, each in spans if each.told and each.heard <= since)
    whole = end - start
    return Watch(
        ladder=ladder.id,
        step=step,
        name="final" if ladder.at_end(step) else str(step + 1),
        gaps=tuple(_gaps(spans)),
        share=at_once / whole if whole > 0 else 1.0,
        quiet=sum(length for length, _ in silent) / whole if whole > 0 else 0.0,
        stands=tuple(sorted({each.at for _, each in silent})),
        unheard=tuple(dict.fromkeys(name for _, each in silent for name in each.unheard)),
    )


def _gaps(spans: Iterable[tuple[int, int, _Landing]]) -> Iterator[Gap]:
    held: Gap | None = None
    for since, until, each in spans:
        if each.heard <= since:
            if held is not None:
                yield held
            held = None
            continue
        # They wait for the same instant, or each as long as the others: until fewer skills are wanted.
        if held is not None and held.at == each.at and (held.heard == each.heard or held.wait == each.heard - since):
            held = Gap(start=held.start, end=until, heard=held.heard, at=each.at)
            continue
        if held is not None:
            yield held
        held = Gap(start=since, end=until, heard=each.heard, at=each.at)
    if held is not None:
        yield held


def _landing(ladder: Ladder, step: int, now: int, people: People) -> _Landing:
    """Return what becomes of a case that comes to a step, for the agent whose doing makes the worst of it."""
    doers: tuple[str, ...] = ("",)
    if any(stage.asks is not None and stage.asks.whom is Whom.MANAGER_OF for stage in ladder.steps):
        doers = tuple(agent.name for agent in people.agents.values() if agent.manager) or doers
    made = [_of_doer(ladder, step, now, people, doer) for doer in doers]
    # Whose notice is lacking is not the agent for whom it takes longest, always.
    quiet = [each for each in made if not each.told]
    return replace(
        max(made, key=lambda each: each.heard),
        told=not quiet,
        unheard=tuple(dict.fromkeys(name for each in quiet for name in each.unheard)),
    )


def _of_doer(ladder: Ladder, step: int, now: int, people: People, doer: str) -> _Landing:
    matter = Matter(people=people, staff=UNKNOWN, now=now, channel=None, actor=doer, asked=(doer,) if doer else ())
    landing = land(ladder, step, matter)
    stage = ladder.stage(landing.step)
    heard, given = now, 0
    if landing.found.waits and stage.asks is not None:
        heard, given = _relaxed(stage, stage.asks, matter)
    if stage.calendar is not None and not stage.calendar.is_open(heard):
        heard = stage.calendar.next_open(heard)
    told, unheard = _told(stage, replace(matter, now=heard), given)
    return _Landing(at=landing.step, heard=heard, told=told, unheard=unheard)


def _told(stage: Stage, matter: Matter, given: int) -> tuple[bool, tuple[str, ...]]:
    """Return whether somebody is sent a notice by a step whoever gets a case there, and who of them has none."""
    if stage.notify or stage.asks is None:
        return bool(stage.notify), ()
    agents = matter.people.agents
    # All who may get it, whichever of them does.
    may = ask(stage, replace(stage.asks, strategy=Strategy.ALL), matter, given).assigned
    unheard = tuple(name for name in may if not agents[name].notify)
    some = len(unheard) < len(may)
    return (some if _all_at_once(stage.asks, matter.people) else some and not unheard), unheard


def _all_at_once(asks: Asked, people: People) -> bool:
    """Tell whether all who can take a case are asked for it, in the team and in those that stand in."""
    if asks.whom is not Whom.TEAM or asks.strategy is not None:
        return asks.strategy is Strategy.ALL
    return all(people.teams[name].strategy is Strategy.ALL for name in with_fallbacks(people, asks.name))


def _relaxed(stage: Stage, asks: Asked, matter: Matter) -> tuple[int, int]:
    """Return when a step wants so little that it reaches somebody, and how much is given up by then.

    Where it never does: by when it is passed on.
    """
    for done, relaxation in enumerate(asks.relax, 1):
        at = later(stage, matter.now, relaxation.after) or matter.now
        if ask(stage, asks, replace(matter, now=at), done).assigned:
            return at, done
    return later(stage, matter.now, stage.ack_within) or matter.now, len(asks.relax)


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
