"""Whom a step reaches when a case comes to it: a team's member, an agent, a manager; and the next step when it reaches nobody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from gateway.model import Case, Channel
from routing.assignment import Candidate, Wanted, assign, full
from routing.compiling import field_of_case
from routing.people import Agent, Asked, Load, People, Staff, Whom
from routing.policy import Ladder, Stage
from routing.signals.amounts import shown

#: How long a roster's word on who can take work is believed, microseconds.
PRESENCE_FOR: Final = 10 * 60 * 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What must be known of a case, and of the moment, to find people for it."""

    people: People
    staff: Staff
    now: int
    #: The channel that the case came over.
    channel: Channel | None
    #: The agent whose doing it is about, empty for none; and the action and amount, where it was one with a limit.
    actor: str = ""
    action: str = ""
    amount: float | None = None
    #: The agents whom its step asks at present, and those who were asked before.
    assigned: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    #: The agent whom the case was assigned to last, empty for none.
    assignee: str = ""
    #: The agent who sent it to its step, empty for none.
    sent_by: str = ""
    #: The case, for what steps ask of it; None where only the hours are looked at.
    case: Case | None = None
    #: True when it is its turn, of those who wait for room.
    called: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Whom a step reaches."""

    #: By name; none when it reaches nobody.
    assigned: tuple[str, ...] = ()
    #: Those who were thought of, each with the reason why not; empty for those who get it.
    considered: tuple[tuple[str, str], ...] = ()
    #: Why it reaches nobody, in some words.
    why: str = ""
    #: True when somebody could be reached once fewer skills are wanted.
    waits: bool = False
    #: The team for which it waits, since nobody of it has room, or others were there before; empty for none.
    waits_for: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """The step that a case comes to, and whom it reaches there."""

    #: As an index.
    step: int
    found: Found
    #: Steps that were passed over on the way, each with the reason why.
    skipped: tuple[tuple[int, str], ...] = ()


def place(climbs: Ladder, step: int, now: int) -> int:
    """Return the step that a case comes to which should come to this one: others stand in outside of working hours."""
    stage = climbs.stage(step)
    while stage.redirect is not None and stage.calendar is not None and not stage.calendar.is_open(now):
        step, stage = stage.redirect, climbs.stage(stage.redirect)
    return step


def land(climbs: Ladder, step: int, matter: Matter) -> Landing:
    """Return where a case comes to rest which should come to a step: past those that reach nobody, at the end at the latest."""
    straight = entry(climbs, matter.case)
    skipped = [
        (passed, f"a case of {_priority(matter)} goes straight to step {straight + 1}")
        for passed in range(step, straight)
    ]
    step = max(step, straight)
    considered: tuple[tuple[str, str], ...] = ()
    while True:
        step = place(climbs, step, matter.now)
        stage = climbs.stage(step)
        skips = skips_because(stage, matter)
        if stage.asks is None and not skips:
            return Landing(step=step, found=Found(considered=considered), skipped=tuple(skipped))
        found = ask(stage, stage.asks, matter) if stage.asks is not None else Found()
        if (found.assigned or found.waits) and not skips:
            found = replace(found, considered=considered + found.considered)
            return Landing(step=step, found=found, skipped=tuple(skipped))
        skipped.append((step, skips or found.why))
        considered += found.considered
        step += 1


def ask(stage: Stage, asks: Asked, matter: Matter, relaxed: int = 0) -> Found:
    """Return whom a step reaches, after so many relaxations of the skills that it wants."""
    at = _told_at(stage, matter)
    if asks.whom is Whom.TEAM:
        found = _team(asks, matter, at, relaxed, waits=stage.waits_for_room)
        if stage.waits_for_room and found.assigned and asks.name in matter.staff.line and not matter.called:
            why = f"others wait for room in team {asks.name}"
            return Found(why=why, considered=found.considered, waits=True, waits_for=asks.name)
        return found
    if asks.whom is Whom.AGENT:
        return _person(matter.people.agents[asks.name], matter, at, ())
    return _manager(asks, matter, at)


def _told_at(stage: Stage, matter: Matter) -> int:
    """Return when the people of a step are told: who waits for its hours must be there when they begin, and not now."""
    if stage.calendar is None or stage.calendar.is_open(matter.now):
        return matter.now
    return stage.calendar.next_open(matter.now)


# --- past what is not for it -----------------------------------------------------------------------------------------
def entry(climbs: Ladder, case: Case | None) -> int:
    """Return the step, as an index, that a case so urgent comes straight to; 0 when it is for no such case."""
    if case is None or case.priority is None:
        return 0
    urgent = case.priority.value
    meant = [
        number
        for number, stage in enumerate(climbs.steps)
        if stage.min_priority is not None and urgent <= stage.min_priority.value
    ]
    return max(meant, default=0)


def _priority(matter: Matter) -> str:
    return matter.case.priority.value if matter.case is not None and matter.case.priority is not None else ""


def skips_because(stage: Stage, matter: Matter) -> str:
    """Return why a step passes a case on, whomever it reaches; empty when it does not."""
    skip_if = stage.skip_if
    if skip_if is None or not skip_if.holds(lambda name: _value(name, stage, matter)):
        return ""
    return f"skip_if holds: {skip_if.source}"


def _value(name: str, stage: Stage, matter: Matter) -> object:
    """Return a field that `skip_if` names, None when it is missing."""
    if name.startswith("case."):
        return field_of_case(name, matter.case, matter.now) if matter.case is not None else None
    if stage.asks is None:
        return None
    people = matter.people
    names = people.teams[stage.asks.name].members if stage.asks.whom is Whom.TEAM else (stage.asks.name,)
    at = _told_at(stage, matter)
    team = people.teams[stage.asks.name] if stage.asks.whom is Whom.TEAM else None
    works = team is None or team.calendar is None or team.calendar.is_open(at)
    able = [each for each in candidates(names, matter, at) if works and not each.away]
    free = [each for each in able if not full(each, matter.channel)]
    cases = sum(sum(matter.staff.loads.get(each, Load()).open.values()) for each in names)
    counts = {"available": len(able), "free": len(free), "open_cases": cases}
    count = counts[name.partition(".")[2]]
    return count if team is not None or name.endswith("open_cases") else bool(count)


# --- managers --------------------------------------------------------------------------------------------------------
def _manager(asks: Asked, matter: Matter, at: int) -> Found:
    """Find the first upwards who may decide it. Whether they are there is another question: who stands in says the ladder."""
    of_assignee = asks.name == "assignee"
    whose = matter.assignee if of_assignee else matter.actor
    if not whose or whose not in matter.people.agents:
        known = "it was assigned to no agent" if of_assignee else "no agent did it"
        return Found(why=f"{known} whom the policy names")
    passed: list[tuple[str, str]] = []
    for manager in _upwards(matter.people, whose):
        limit = manager.limit(matter.action) if matter.action else None
        if limit is None or matter.amount is None or matter.amount <= limit:
            return _person(manager, matter, at, tuple(passed))
        passed.append((manager.name, f"may decide a {matter.action} of up to {shown(limit)} only"))
    if passed:
        why = f"no manager of {whose} may decide a {matter.action} of {shown(matter.amount or 0)}"
        return Found(why=why, considered=tuple(passed))
    return Found(why=f"{whose} has no manager")


def _upwards(people: People, name: str) -> Iterator[Agent]:
    """Yield the managers of somebody; the loader sees to it that they go in no circle."""
    while name := people.agents[name].manager:
        yield people.agents[name]


def _person(agent: Agent, matter: Matter, at: int, passed: tuple[tuple[str, str], ...]) -> Found:
    away = away_because(agent, matter, at)
    considered = (*passed, (agent.name, away))
    if away:
        return Found(why=f"{agent.name} is {away}", considered=considered)
    return Found(assigned=(agent.name,), considered=considered)


def away_because(agent: Agent, matter: Matter, at: int) -> str:
    """Return why somebody cannot take work at an instant, in some words; empty when they can."""
    if matter.action and agent.name == matter.actor:
        return "the one who did it"
    if agent.name == matter.sent_by:
        return "the one who sent it further"
    if agent.calendar is not None and not agent.calendar.is_open(at):
        return "off duty"
    presence = matter.staff.presence.get(agent.name)
    if presence is not None and not presence.available and matter.now - presence.read_at <= PRESENCE_FOR:
        return f"away, as of {max(0, matter.now - presence.read_at) // 1_000_000} s ago"
    return ""


# --- teams -----------------------------------------------------------------------------------------------------------
def _team(asks: Asked, matter: Matter, at: int, relaxed: int, *, waits: bool) -> Found:
    """Find members of a team, or of those that stand in for it."""
    considered: dict[str, str] = {}
    reasons: list[str] = []
    room, skills = False, False
    name = asks.name
    while name:
        team = matter.people.teams[name]
        if team.calendar is not None and not team.calendar.is_open(at):
            reasons.append(f"team {name} is off duty")
        else:
            wanted = Wanted(
                skills=asks.wanted(relaxed),
                prefer=asks.prefer,
                channel=matter.channel,
                strategy=asks.strategy or team.strategy,
            )
            made = assign(candidates(team.members, matter, at), wanted)
            considered |= dict(made.considered)
            if made.chosen:
                return Found(assigned=made.chosen, considered=tuple(considered.items()))
            reasons.append(f"nobody of team {name} can take it")
            room = room or (waits and made.room_missing)
            skills = skills or (made.skills_missing and relaxed < len(asks.relax))
        name = team.fallback
    return Found(
        why=", ".join(reasons),
        considered=tuple(considered.items()),
        waits=room or skills,
        waits_for=asks.name if room else "",
    )


def candidates(names: Iterable[str], matter: Matter, at: int) -> list[Candidate]:
    """Return agents as those who could get a case at an instant."""
    found: list[Candidate] = []
    for name in names:
        agent = matter.people.agents[name]
        load = matter.staff.loads.get(name, Load())
        found.append(
            Candidate(
                name=name,
                away=away_because(agent, matter, at),
                skills=agent.skills,
                capacity=agent.capacity,
                open=load.open,
                last_at=load.last_at,
                asked=name in matter.asked,
            )
        )
    return found
