"""Whom a step reaches when a case comes to it: a team's member, an agent, a manager; and the next step when it reaches nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from gateway.model import Channel
from routing.assignment import Candidate, Wanted, assign
from routing.people import Agent, Asked, Load, People, Staff, Team, Whom
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
    skipped: list[tuple[int, str]] = []
    considered: tuple[tuple[str, str], ...] = ()
    while True:
        step = place(climbs, step, matter.now)
        stage = climbs.stage(step)
        if stage.asks is None:
            return Landing(step=step, found=Found(considered=considered), skipped=tuple(skipped))
        found = ask(stage, stage.asks, matter)
        if found.assigned or found.waits:
            found = replace(found, considered=considered + found.considered)
            return Landing(step=step, found=found, skipped=tuple(skipped))
        skipped.append((step, found.why))
        considered += found.considered
        step += 1


def ask(stage: Stage, asks: Asked, matter: Matter, relaxed: int = 0) -> Found:
    """Return whom a step reaches, after so many relaxations of the skills that it wants."""
    # Who waits for the hours of the step to begin is told then: they must be there at that moment, and not now.
    at = matter.now
    if stage.calendar is not None and not stage.calendar.is_open(at):
        at = stage.calendar.next_open(at)
    if asks.whom is Whom.TEAM:
        return _team(asks, matter, at, relaxed)
    if asks.whom is Whom.AGENT:
        return _person(matter.people.agents[asks.name], matter, at, ())
    return _manager(asks, matter, at)


# --- managers --------------------------------------------------------------------------------------------------------
def _manager(asks: Asked, matter: Matter, at: int) -> Found:
    """Find the first upwards who may decide it. Whether they are there is another question: who stands in says the ladder."""
    whose = matter.actor
    if asks.name == "assignee":
        whose = next(iter((*matter.assigned, *reversed(matter.asked))), "")
    if not whose or whose not in matter.people.agents:
        return Found(
            why="nobody was asked before" if asks.name == "assignee" else "no agent did it whom the policy names"
        )
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
    away = _away(agent, matter, at)
    considered = (*passed, (agent.name, away))
    if away:
        return Found(why=f"{agent.name} is {away}", considered=considered)
    return Found(assigned=(agent.name,), considered=considered)


def _away(agent: Agent, matter: Matter, at: int) -> str:
    """Return why somebody cannot take work at an instant, in some words; empty when they can."""
    if matter.action and agent.name == matter.actor:
        return "the one who did it"
    if agent.calendar is not None and not agent.calendar.is_open(at):
        return "off duty"
    presence = matter.staff.presence.get(agent.name)
    if presence is not None and not presence.available and matter.now - presence.read_at <= PRESENCE_FOR:
        return f"away, as of {max(0, matter.now - presence.read_at) // 1_000_000} s ago"
    return ""


# --- teams -----------------------------------------------------------------------------------------------------------
def _team(asks: Asked, matter: Matter, at: int, relaxed: int) -> Found:
    """Find members of a team, or of those that stand in for it."""
    considered: dict[str, str] = {}
    reasons: list[str] = []
    waits = False
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
            made = assign(_candidates(team, matter, at), wanted)
            considered |= dict(made.considered)
            if made.chosen:
                return Found(assigned=made.chosen, considered=tuple(considered.items()))
            reasons.append(f"nobody of team {name} can take it")
            waits = waits or (made.skills_missing and relaxed < len(asks.relax))
        name = team.fallback
    return Found(why=", ".join(reasons), considered=tuple(considered.items()), waits=waits)


def _candidates(team: Team, matter: Matter, at: int) -> list[Candidate]:
    found: list[Candidate] = []
    for name in team.members:
        agent = matter.people.agents[name]
        load = matter.staff.loads.get(name, Load())
        found.append(
            Candidate(
                name=name,
                away=_away(agent, matter, at),
                skills=agent.skills,
                capacity=agent.capacity,
                open=load.open,
                last_at=load.last_at,
                asked=name in matter.asked,
            )
        )
    return found
