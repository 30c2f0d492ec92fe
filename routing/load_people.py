"""`[skill.NAME]`, `[authority.NAME]`, `[agent.NAME]` and `[team.NAME]` → `People`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gateway.model import Channel
from gateway.toml import did_you_mean
from routing import schema_people as schema
from routing.calendar import Calendar
from routing.people import Action, Agent, People, Skill, Strategy, Team
from routing.reader import Path, Reader


def read_people(reader: Reader, values: Mapping[str, Any], calendars: Mapping[str, Calendar | None]) -> People:
    """Read everybody whom a policy names; mistakes are noted."""
    skills = {name: _skill(reader, name, table) for name, table in _tables(reader, values, "skill")}
    actions = {name: _action(reader, name, table) for name, table in _tables(reader, values, "authority")}
    given = dict(_tables(reader, values, "agent"))
    agents = {
        name: _Agent(reader, name, table, calendars).read(skills, actions, given) for name, table in given.items()
    }
    tables = dict(_tables(reader, values, "team"))
    teams = {name: _team(reader, name, table, agents, tables, calendars) for name, table in tables.items()}
    _circles(reader, "agent", "manager", {name: agent.manager for name, agent in agents.items()})
    _circles(reader, "team", "fallback", {name: team.fallback for name, team in teams.items()})
    return People(agents=agents, teams=teams, skills=skills, actions=actions, known=_known(reader, agents))


def named(reader: Reader, path: Path, name: str, known: Iterable[str], what: str) -> bool:
    """Tell whether something of that name is there; note at the value of a key that it is not."""
    names = sorted(known)
    if name in names:
        return True
    hint = did_you_mean(name, names, f"there are {', '.join(names) or 'none yet'}")
    reader.note(path, f"there is no {what} {name}: {hint}", value=True)
    return False


def level(reader: Reader, path: Path, value: object) -> int:
    """Read the level of a skill."""
    lowest, highest = schema.LEVELS
    if type(value) is int and lowest <= value <= highest:
        return value
    reader.note(path, f"a level is a whole number from 1 to 5, not {value!r}", value=True)
    return lowest


def _tables(reader: Reader, values: Mapping[str, Any], kind: str) -> Iterable[tuple[str, dict[str, Any]]]:
    for name, value in reader.table((kind,), values.get(kind, {}), kind).items():
        path = (kind, name)
        reader.name(path, name)
        yield name, reader.table(path, value, f"{kind} {name}")


# --- skills and actions ----------------------------------------------------------------------------------------------
def _skill(reader: Reader, name: str, table: Mapping[str, Any]) -> Skill:
    path = ("skill", name)
    reader.keys(path, table, schema.SKILL, "a skill")
    words = reader.strings((*path, "words"), table.get("words", []), "words")
    return Skill(
        name=name,
        level=level(reader, (*path, "level"), table.get("level", 1)),
        words=frozenset(word.casefold() for word in (name, *words)),
    )


def _action(reader: Reader, name: str, table: Mapping[str, Any]) -> Action:
    path = ("authority", name)
    reader.keys(path, table, schema.AUTHORITY, "an action")
    fields = reader.table((*path, "fields"), table.get("fields", {}), "fields")
    if not fields and reader.lacks(path, table, "fields"):
        reader.note(path, f'say where the amount of {name} stands: fields = {{ CONNECTION = "NAME OF A FIELD" }}')
    return Action(
        name=name,
        fields={
            each: reader.string((*path, "fields"), fields, each)
            for each in fields
            if _connection(reader, path, "fields", each)
        },
    )


def _connection(reader: Reader, path: Path, key: str, name: str) -> bool:
    """Tell whether a connection is enabled that a table names as its key."""
    if name in reader.connections:
        return True
    names = sorted(reader.connections)
    hint = did_you_mean(name, names, f"there are {', '.join(names) or 'none yet'}")
    reader.note((*path, key, name), f"plugins.toml has no enabled connection {name}: {hint}")
    return False


# --- agents ----------------------------------------------------------------------------------------------------------
class _Agent:
    """Reads one agent."""

    def __init__(
        self, reader: Reader, name: str, table: Mapping[str, Any], calendars: Mapping[str, Calendar | None]
    ) -> None:
        self.reader = reader
        self.path: Path = ("agent", name)
        self.name = name
        self.table = table
        self.calendars = calendars

    def read(self, skills: Mapping[str, Skill], actions: Mapping[str, Action], agents: Iterable[str]) -> Agent:
        reader, path, table = self.reader, self.path, self.table
        reader.keys(path, table, schema.AGENT, "an agent")
        if reader.lacks(path, table, "ids", "notify"):
            reader.note(path, f"nobody would know who {self.name} is: give them ids, or notify")
        notify = tuple(
            reader.address((*path, "notify", number), each, "notify", "CONNECTION:PLACE")
            for number, each in enumerate(reader.strings((*path, "notify"), table.get("notify", []), "notify"))
        )
        return Agent(
            name=self.name,
            ids=self._ids(),
            notify=notify,
            skills=self._values("skills", lambda name: self._named("skills", name, skills, "skill"), level),
            authority=self._values("authority", lambda name: self._named("authority", name, actions, "action"), _limit),
            manager=self._manager(agents),
            capacity={Channel(name): most for name, most in self._values("capacity", self._channel, _most).items()},
            calendar=read_calendar_of(reader, path, table, self.calendars),
        )

    def _ids(self) -> dict[str, tuple[str, ...]]:
        reader, path = self.reader, (*self.path, "ids")
        made: dict[str, tuple[str, ...]] = {}
        for connection, given in reader.table(path, self.table.get("ids", {}), "ids").items():
            if not _connection(reader, self.path, "ids", connection):
                continue
            several: list[object] = given if isinstance(given, list) else [given]  # pyright: ignore[reportUnknownVariableType]
            numbered = isinstance(given, list)
            if not several or "" in several:
                reader.note((*path, connection), f"{self.name} has an empty id on {connection}: remove it", value=True)
            for number, each in enumerate(several):
                if not isinstance(each, str):
                    place = (*path, connection, number) if numbered else (*path, connection)
                    reader.note(place, f'an id is text in quotation marks, as "9001", not {each!r}', value=True)
            made[connection] = tuple(each for each in several if isinstance(each, str))
        return made

    def _values(
        self, key: str, wanted: Callable[[str], bool], read: Callable[[Reader, Path, object], Any]
    ) -> dict[str, Any]:
        """Read a table of numbers by name."""
        path = (*self.path, key)
        table = self.reader.table(path, self.table.get(key, {}), key)
        return {name: read(self.reader, (*path, name), value) for name, value in table.items() if wanted(name)}

    def _named(self, key: str, name: str, known: Iterable[str], what: str) -> bool:
        names = sorted(known)
        if name not in names:
            hint = did_you_mean(name, names, f"there are {', '.join(names) or 'none yet'}")
            self.reader.note((*self.path, key, name), f"there is no {what} {name}: {hint}")
        return name in names

    def _channel(self, name: str) -> bool:
        channels = [each.value for each in Channel]
        if name not in channels:
            hint = did_you_mean(name, channels, f"there are {', '.join(channels)}")
            self.reader.note((*self.path, "capacity", name), f"there is no channel {name}: {hint}")
        return name in channels

    def _manager(self, agents: Iterable[str]) -> str:
        manager = self.reader.string(self.path, self.table, "manager")
        return manager if manager and named(self.reader, (*self.path, "manager"), manager, agents, "agent") else ""


def _limit(reader: Reader, path: Path, value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return float(value)
    reader.note(path, f"a limit is a number from 0, or inf for none, not {_shown(value)}", value=True)
    return 0.0


def _most(reader: Reader, path: Path, value: object) -> int:
    if type(value) is int and value >= 1:
        return value
    reader.note(path, f"a capacity is a whole number of cases from 1, not {_shown(value)}", value=True)
    return 1


def _shown(value: object) -> str:
    return "nan" if isinstance(value, float) and math.isnan(value) else repr(value)


def read_calendar_of(
    reader: Reader, path: Path, table: Mapping[str, Any], calendars: Mapping[str, Calendar | None]
) -> Calendar | None:
    """Return the calendar that a table names; None when it names none."""
    name = reader.string(path, table, "calendar")
    return calendars[name] if name and named(reader, (*path, "calendar"), name, calendars, "calendar") else None


# --- teams -----------------------------------------------------------------------------------------------------------
def _team(
    reader: Reader,
    name: str,
    table: Mapping[str, Any],
    agents: Iterable[str],
    teams: Iterable[str],
    calendars: Mapping[str, Calendar | None],
) -> Team:
    path = ("team", name)
    reader.keys(path, table, schema.TEAM, "a team")
    members = reader.strings((*path, "members"), table.get("members", []), "members")
    if not members and reader.lacks(path, table, "members"):
        reader.note(path, f'team {name} has nobody: members = ["NAME OF AN AGENT"]')
    for number, each in enumerate(members):
        if named(reader, (*path, "members", number), each, agents, "agent") and each in members[:number]:
            reader.note((*path, "members", number), f"{each} stands twice in team {name}: remove one", value=True)
    strategy = reader.word(path, table, "strategy", [each.value for each in Strategy])
    fallback = reader.string(path, table, "fallback")
    if fallback and not named(reader, (*path, "fallback"), fallback, teams, "team"):
        fallback = ""
    return Team(
        name=name,
        members=members,
        strategy=Strategy(strategy) if strategy else Strategy.ROUND_ROBIN,
        calendar=read_calendar_of(reader, path, table, calendars),
        fallback=fallback,
    )


# --- the whole -------------------------------------------------------------------------------------------------------
def _circles(reader: Reader, kind: str, key: str, leads_to: Mapping[str, str]) -> None:
    """Note each circle once, at the first in the file who is in it."""
    told: set[str] = set()
    for start in leads_to:
        chain = [start]
        while (follows := leads_to.get(chain[-1], "")) and follows not in chain:
            chain.append(follows)
        if follows == start and start not in told:
            told.update(chain)
            circle = " → ".join((*chain, start))
            reader.note((kind, start, key), f"the {key}s of {start} go in a circle: {circle}", value=True)


def _known(reader: Reader, agents: Mapping[str, Agent]) -> dict[tuple[str, str], str]:
    known: dict[tuple[str, str], str] = {}
    for name, agent in agents.items():
        for connection, ids in agent.ids.items():
            for each in ids:
                other = known.setdefault((connection, each.casefold()), name)
                if other != name:
                    path = ("agent", name, "ids", connection)
                    reader.note(path, f"{each!r} is {other} on {connection} already: one id is one agent", value=True)
    for name, agent in agents.items():
        for number, address in enumerate(agent.notify):
            # Whoever is told by telephone answers from it: the number is who they are.
            if not address.place.startswith("+"):
                continue
            other = known.setdefault((address.connection, address.place), name)
            if other != name:
                here = ("agent", name, "notify", number)
                sentence = f"{address.place} is {other} on {address.connection} already: one number is one agent"
                reader.note(here, sentence, value=True)
    return known
