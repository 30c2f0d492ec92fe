"""Who of a team gets a case: those who know what is wanted and have room, in the order that the strategy gives.

In turn: on duty, required skills, room by channel; of these the ones who know most of what is preferred; of these the ones who
were not asked for this case before; then the strategy; then whoever was given a case longest ago; then the order of the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from gateway.model import Channel
from routing.people import Need, Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Somebody who could get a case."""

    name: str
    #: Why they cannot take work now, in some words; empty when they can.
    away: str = ""
    #: Skill → level.
    skills: Mapping[str, int] = field(default_factory=dict[str, int])
    #: Channel → how many open cases of it fill them; a channel that is not named takes no room.
    capacity: Mapping[Channel, int] = field(default_factory=dict[Channel, int])
    #: Channel → open cases.
    open: Mapping[Channel, int] = field(default_factory=dict[Channel, int])
    #: When they were given the last one, UTC microseconds; None when never.
    last_at: int | None = None
    #: True when they were asked for this case before.
    asked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a case wants."""

    #: Skills that they must have, at the level or above.
    skills: tuple[Need, ...] = ()
    #: Skills that it is better to have.
    prefer: tuple[Need, ...] = ()
    #: The channel that the case came over; None when it takes no room.
    channel: Channel | None = None
    strategy: Strategy = Strategy.ROUND_ROBIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Who gets a case, and why the others do not."""

    #: By name: one, with the strategy `all` several, or none.
    chosen: tuple[str, ...] = ()
    #: Everybody, in the order of the file, each with the reason why not; empty for the chosen.
    considered: tuple[tuple[str, str], ...] = ()
    #: True when somebody who can take work is left out for want of a skill alone.
    skills_missing: bool = False
    #: True when somebody who can take work is left out for want of room alone.
    room_missing: bool = False


def assign(candidates: Sequence[Candidate], wanted: Wanted) -> Assignment:
    """Return who gets a case. Pure: the same candidates in the same order give the same answer."""
    reasons = {each.name: _why_not(each, wanted) for each in candidates}
    able = [each for each in candidates if not reasons[each.name]]
    chosen: tuple[str, ...] = ()
    if able and wanted.strategy is Strategy.ALL:
        chosen = tuple(each.name for each in able)
    elif able:
        order = {each.name: number for number, each in enumerate(candidates)}
        first = min(able, key=lambda each: (*_rank(each, wanted), order[each.name]))
        chosen = (first.name,)
        reasons |= {each.name: f"{first.name} comes first" for each in able if each is not first}
    return Assignment(
        chosen=chosen,
        considered=tuple(reasons.items()),
        room_missing=any(
            not each.away and not _lacks(each, wanted) and full(each, wanted.channel) for each in candidates
        ),
        skills_missing=any(not _unable(each, wanted) and reasons[each.name] for each in candidates),
    )


def used(candidate: Candidate) -> Fraction:
    """Return how far somebody is filled: 1 is full."""
    return sum(
        (Fraction(candidate.open.get(channel, 0), most) for channel, most in candidate.capacity.items()), Fraction(0)
    )


def _why_not(candidate: Candidate, wanted: Wanted) -> str:
    return (not candidate.away and _lacks(candidate, wanted)) or _unable(candidate, wanted)


def _lacks(candidate: Candidate, wanted: Wanted) -> str:
    """Return which required skill somebody lacks, in some words; empty for none."""
    for need in wanted.skills:
        has = candidate.skills.get(need.skill, 0)
        if has < need.level:
            return f"{need.skill} {need.level} is wanted, and theirs is {has}"
    return ""


def _unable(candidate: Candidate, wanted: Wanted) -> str:
    """Return why somebody cannot take a case, whatever they know."""
    if candidate.away:
        return candidate.away
    return f"no room for one more {wanted.channel} case" if full(candidate, wanted.channel) else ""


def full(candidate: Candidate, channel: Channel | None) -> bool:
    """Tell whether somebody has no room for one more case of a channel."""
    most = candidate.capacity.get(channel) if channel is not None else None
    return most is not None and used(candidate) + Fraction(1, most) > 1


def _rank(candidate: Candidate, wanted: Wanted) -> tuple[Fraction | int, ...]:
    """Return what orders those who are able: the smallest gets it."""
    preferred = sum(candidate.skills.get(need.skill, 0) >= need.level for need in wanted.prefer)
    levels = sum(candidate.skills.get(need.skill, 0) for need in (*wanted.skills, *wanted.prefer))
    by_strategy = Fraction(0)
    if wanted.strategy is Strategy.LEAST_LOADED:
        by_strategy = used(candidate)
    elif wanted.strategy is Strategy.BEST_SKILL:
        by_strategy = Fraction(-levels)
    never = candidate.last_at is None
    return -preferred, candidate.asked, by_strategy, not never, candidate.last_at or 0
