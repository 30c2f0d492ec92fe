"""Steps on which no case ever stays, or that prefer what nobody knows: what they say of their people is for nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from routing.calendar import Calendar
from routing.expression import Compare, Not
from routing.lint.finding import Examined
from routing.lint.logic import alternatives_of
from routing.lint.writing import ALL_FIELDS
from routing.people import Agent, Asked, People, Whom, with_fallbacks
from routing.policy import Ladder, Stage
from routing.reader import Path

#: For so long ahead hours are looked at: holidays and exceptions are another matter each year.
_YEAR: Final = 366 * 86_400_000_000


def passed_over(examined: Examined) -> None:
    """Note steps that every case passes."""
    people = examined.policy.people
    for name, ladder in examined.policy.ladders.items():
        straight, priority = _entry(examined, ladder)
        for number, stage in enumerate(ladder.steps):
            path: Path = ("ladder", name, "step", number)
            step = f"step {number + 1} of ladder {name}"
            asks = stage.asks
            if number < straight:
                sentence = (
                    f"no case comes to {step}: every rule gives it {priority} at least, and so it goes straight to step"
                    f" {straight + 1}"
                )
                examined.note("passed-step", path, sentence)
            elif path not in examined.decided and (skip_if := _skipped(stage, people)):
                sentence = f"{step} is always passed over: {skip_if} always holds"
                examined.note("passed-step", (*path, "skip_if"), sentence, value=True)
            elif asks is not None and (why := _nobody(stage, asks, people, examined.now)):
                examined.note("passed-step", (*path, "target"), f"{step} reaches nobody: {why}", value=True)
            elif asks is not None:
                _preferring(examined, path, step, asks)


def _preferring(examined: Examined, path: Path, step: str, asks: Asked) -> None:
    """Note skills that a step prefers, and that nobody has whom it may ask."""
    people = examined.policy.people
    for place, need in enumerate(asks.prefer):
        able = (agent for team in with_fallbacks(people, asks.name) for agent in _able(asks, team, people))
        if not any(agent.skills.get(need.skill, 0) >= need.level for agent in able):
            sentence = f"{step} prefers {need.skill} {need.level}, and nobody whom it may ask knows it"
            examined.note("idle-preference", (*path, "prefer", place), sentence)


def _entry(examined: Examined, ladder: Ladder) -> tuple[int, str]:
    """Return the step, as an index, that every case comes to or passes, and the priority that every rule gives at least."""
    given = [rule.set.priority for rule in examined.policy.escalating if rule.ladder == ladder.id]
    least = max((each.value for each in given if each is not None), default="")
    if not given or None in given:
        return 0, ""
    meant = (
        number
        for number, stage in enumerate(ladder.steps)
        if stage.min_priority is not None and least <= stage.min_priority.value
    )
    return max(meant, default=0), least


def _skipped(stage: Stage, people: People) -> str:
    """Return the `skip_if` of a step that holds whatever the case and the team are like, empty for one that may not."""
    if stage.skip_if is None:
        return ""
    known: list[Compare] = []
    if stage.asks is not None and stage.asks.whom is Whom.TEAM:
        # More of a team than all are never there.
        most = len(people.teams[stage.asks.name].members)
        known = [Compare(field=field, operator="<=", value=most) for field in ("team.available", "team.free")]
    # It always holds when its opposite contradicts itself.
    ways = alternatives_of([Not(inner=stage.skip_if.node), *known], [], {}, ALL_FIELDS)
    holds = ways is not None and not any(way.possible for way in ways)
    return stage.skip_if.source if holds else ""


# --- whom it reaches -------------------------------------------------------------------------------------------------
def _nobody(stage: Stage, asks: Asked, people: People, now: int | None) -> str:
    """Return why a step reaches nobody, ever; empty when it may reach somebody."""
    if asks.whom is Whom.MANAGER_OF:
        return "" if any(agent.manager for agent in people.agents.values()) else "no agent has a manager"
    if asks.whom is Whom.AGENT:
        agent = people.agents[asks.name]
        works = now is None or _meet((stage.calendar, agent.calendar), now)
        return "" if works else f"{agent.name} does not work within its hours, not in a year from now"
    chain = list(with_fallbacks(people, asks.name))
    who = f"nobody of team {asks.name}" + (" and of those that stand in" if len(chain) > 1 else "")
    able = [(team, agent) for team in chain for agent in _able(asks, team, people)]
    if not able:
        wanted = ", ".join(f"{need.skill} {need.level}" for need in asks.wanted(len(asks.relax)))
        return f"{who} knows {wanted}"
    meets = now is None or any(
        _meet((stage.calendar, people.teams[team].calendar, agent.calendar), now) for team, agent in able
    )
    return "" if meets else f"{who} who knows enough works within its hours and the team's, not in a year from now"


def _able(asks: Asked, team: str, people: People) -> Iterator[Agent]:
    """Yield the members of a team who know enough, at the latest once all is given up that the step gives up."""
    for name in people.teams[team].members:
        agent = people.agents[name]
        wants = (asks.wanted(relaxed) for relaxed in range(len(asks.relax) + 1))
        if any(all(agent.skills.get(need.skill, 0) >= need.level for need in needs) for needs in wants):
            yield agent


def _meet(calendars: Iterable[Calendar | None], now: int) -> bool:
    """Tell whether all of some calendars are open at one instant of the year to come; None is always open."""
    known = list({id(each): each for each in calendars if each is not None}.values())
    if len(known) < 2:  # noqa: PLR2004 (one alone opens each year: the loader sees to it)
        return True
    # A time that all share begins where one of them opens, or is now.
    begins = (at for each in known for at in _opens(each, now))
    return any(all(each.is_open(at) for each in known) for at in begins)


def _opens(calendar: Calendar, now: int) -> Iterator[int]:
    at = calendar.next_open(now)
    while at < now + _YEAR:
        yield at
        at = calendar.next_open(calendar.next_close(at, now + _YEAR))
