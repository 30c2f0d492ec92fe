"""Agents, teams, skills and actions, as the policy names them; and what is known at the moment of who works on what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from gateway.model import Channel, Party
from routing.calendar import Calendar

if TYPE_CHECKING:
    from routing.policy import Address


class Strategy(StrEnum):
    """Which of a team's members gets a case, of those who could."""

    #: The one whose last case was given longest ago.
    ROUND_ROBIN = "round_robin"
    #: The one who has most room left.
    LEAST_LOADED = "least_loaded"
    #: The one who knows most of what is wanted.
    BEST_SKILL = "best_skill"
    #: All of them: the first who takes it has it.
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """Something that agents know, each at a level from 1 to 5."""

    name: str
    #: The level that work of this skill needs.
    level: int = 1
    #: Words that ask for it: a chatbot's topic, a tag of the ticket. Its own name is one.
    words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that agents may do up to a limit: a refund, a discount."""

    name: str
    #: Where its amount stands: connection → field of the ticket, or name of what a chatbot collects.
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Somebody who works here."""

    name: str
    #: Connection → their ids there; tickets are assigned to the first.
    ids: Mapping[str, tuple[str, ...]]
    #: Where they are told.
    notify: tuple[Address, ...] = ()
    #: Skill → level, 1 to 5.
    skills: Mapping[str, int] = field(default_factory=dict[str, int])
    #: Action → the highest amount that they may decide alone.
    authority: Mapping[str, float] = field(default_factory=dict[str, float])
    #: Who decides what they may not; empty for nobody.
    manager: str = ""
    #: Channel → how many open cases of it fill them.
    capacity: Mapping[Channel, int] = field(default_factory=dict[Channel, int])
    #: When they work; None for always.
    calendar: Calendar | None = None

    def limit(self, action: str) -> float:
        """Return up to what amount they may do something: 0 for what they may not do at all."""
        return self.authority.get(action, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Agents who do the same work."""

    name: str
    #: Its agents, by name, in the order of the file.
    members: tuple[str, ...]
    strategy: Strategy = Strategy.ROUND_ROBIN
    #: When it works; None for always.
    calendar: Calendar | None = None
    #: The team that stands in when nobody of this one can; empty for none.
    fallback: str = ""


class MultiAck(StrEnum):
    """Whose acknowledgements count on a step that wants several."""

    ANYONE = "anyone"
    #: Members of the step's team, or of those that stand in for it.
    TEAM = "team"


class WhenFull(StrEnum):
    """What becomes of a case of whose team everybody who could take it is full."""

    NEXT = "next"
    WAIT = "wait"


class AbsentOwner(StrEnum):
    """What becomes of a case whose customer writes while the agent who has it is away."""

    KEEP = "keep"
    REASSIGN = "reassign"


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Everybody whom the policy names, and what they know and may do."""

    agents: Mapping[str, Agent] = field(default_factory=dict[str, Agent])
    teams: Mapping[str, Team] = field(default_factory=dict[str, Team])
    skills: Mapping[str, Skill] = field(default_factory=dict[str, Skill])
    actions: Mapping[str, Action] = field(default_factory=dict[str, Action])
    #: Connection and id, small letters → name of the agent.
    known: Mapping[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])

    def who(self, connection: str, party: Party | None) -> Agent | None:
        """Return the agent that somebody is on a connection, None when the policy does not name them."""
        name = self.known.get((connection, party.value.casefold())) if party is not None else None
        return None if name is None else self.agents[name]

    def id_on(self, connection: str, name: str) -> str:
        """Return an id by which an agent is known on a connection, empty for none."""
        return next((each for (place, each), who in self.known.items() if (place, who) == (connection, name)), "")


#: A policy that names nobody.
NOBODY: Final = People()


# --- whom a ladder's step asks ---------------------------------------------------------------------------------------
class Whom(StrEnum):
    """What sort of target names people."""

    TEAM = "team"
    AGENT = "agent"
    MANAGER_OF = "manager_of"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A skill that is wanted, and at what level."""

    skill: str
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxation:
    """What is given up of the wanted skills after a while."""

    #: Microseconds since the case came to the step.
    after: int
    #: The level that is enough then; None when the skills are not wanted any more.
    level: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whom a step asks: a team, an agent, or somebody's manager."""

    whom: Whom
    #: The team or agent; ``actor`` or ``assignee`` for whose manager it is.
    name: str
    #: Skills that they must have.
    skills: tuple[Need, ...] = ()
    #: Skills that it is better to have.
    prefer: tuple[Need, ...] = ()
    #: Which one gets it; None for the team's own way.
    strategy: Strategy | None = None
    #: What is given up of `skills`, in the order of time.
    relax: tuple[Relaxation, ...] = ()

    def wanted(self, relaxed: int) -> tuple[Need, ...]:
        """Return the skills that are wanted after so many relaxations."""
        held = self.relax[:relaxed]
        if not held:
            return self.skills
        level = held[-1].level
        if level is None:
            return ()
        return tuple(Need(skill=need.skill, level=min(need.level, level)) for need in self.skills)


def with_fallbacks(people: People, name: str) -> Iterator[str]:
    """Yield a team, and those that stand in for it."""
    while name:
        yield name
        name = people.teams[name].fallback


def tells(asks: Asked | None, people: People) -> bool:
    """Tell whether a step that asks people can tell any of them."""
    if asks is None:
        return False
    names: Iterable[str] = people.agents
    if asks.whom is Whom.TEAM:
        names = (name for team in with_fallbacks(people, asks.name) for name in people.teams[team].members)
    elif asks.whom is Whom.AGENT:
        names = (asks.name,)
    return any(people.agents[name].notify for name in names)


# --- who works on what -----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What an agent has to do, as far as Baton gave it to them."""

    #: Channel → open cases.
    open: Mapping[Channel, int] = field(default_factory=dict[Channel, int])
    #: When they were given the last one, UTC microseconds; None when never.
    last_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """Whether somebody can take work, as a helpdesk's roster told."""

    available: bool
    #: When the roster was read, UTC microseconds.
    read_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """What is known at a moment of the policy's agents, by their name; it spans cases, and is a little old."""

    loads: Mapping[str, Load] = field(default_factory=dict[str, Load])
    presence: Mapping[str, Presence] = field(default_factory=dict[str, Presence])
    #: Teams for which cases wait.
    line: frozenset[str] = frozenset()


#: Of nobody anything is known.
UNKNOWN: Final = Staff()
