"""Targets of a step that are people: `team:…`, `agent:…`, `manager_of:…`, and whom of them it wants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.toml import did_you_mean
from routing import schema_people as schema
from routing.load_people import level, named
from routing.people import Asked, Need, People, Relaxation, Strategy, Whom
from routing.policy import Address
from routing.reader import Path, Reader

#: Whose manager a step may ask.
_WHOSE: Final = ("actor", "assignee")
_OF_TEAMS: Final = ("strategy", "skills", "prefer", "relax_after")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What the steps of a ladder share that ask people."""

    people: People
    #: The helpdesk that the ladder's end names, where it can be read.
    helpdesk: str


def helpdesk_of(target: object) -> str:
    """Return the connection that a target of the form queue:CONNECTION/GROUP names; empty when it is none."""
    kind, _, place = str(target).partition(":")
    return place.partition("/")[0] if kind == "queue" else ""


def asks_people(target: str) -> bool:
    """Tell whether a target is people."""
    return target.partition(":")[0] in {each.value for each in Whom}


def read_asked(reader: Reader, path: Path, table: Mapping[str, Any], asking: Asking) -> tuple[Address, Asked]:
    """Read whom a step asks, and where its ticket stands."""
    kind, _, name = reader.string(path, table, "target").partition(":")
    whom = Whom(kind)
    known = {Whom.TEAM: asking.people.teams, Whom.AGENT: asking.people.agents}
    if whom is Whom.MANAGER_OF:
        if name not in _WHOSE:
            hint = did_you_mean(name, _WHOSE, f"it can be {', '.join(_WHOSE)}")
            reader.note((*path, "target"), f"{name!r} is nobody whose manager could be asked: {hint}", value=True)
    else:
        named(reader, (*path, "target"), name, known[whom], kind)
    for key in _OF_TEAMS:
        if key in table and whom is not Whom.TEAM:
            reader.note((*path, key), f'only a step with target = "team:NAME" has {key}')
    strategy = reader.word(path, table, "strategy", [each.value for each in Strategy])
    skills = _needs(reader, path, table, "skills", asking.people)
    asked = Asked(
        whom=whom,
        name=name,
        skills=skills,
        prefer=_needs(reader, path, table, "prefer", asking.people),
        strategy=Strategy(strategy) if strategy else None,
        relax=_relaxations(reader, path, table, wants=bool(skills)),
    )
    return _ticket(reader, path, table, asking), asked


def refuse_asking(reader: Reader, path: Path, table: Mapping[str, Any]) -> None:
    """Note the keys that only a step with people has."""
    if not str(table.get("target", "")).startswith("queue:"):
        # What it was to be is not known: that was told.
        return
    for key in schema.ASKING:
        if key in table:
            reader.note((*path, key), f"a step whose target is a queue has no {key}: that is for people")


def _ticket(reader: Reader, path: Path, table: Mapping[str, Any], asking: Asking) -> Address:
    if "in" not in table:
        return Address(connection=asking.helpdesk, place="")
    connection, _, place = reader.string(path, table, "in").partition("/")
    if isinstance(table["in"], str):
        reader.connection((*path, "in"), connection, "handoff", 1)
    return Address(connection=connection, place=place)


def _list(reader: Reader, path: Path, value: object, what: str) -> list[tuple[int, dict[str, Any]]]:
    """Return the tables of a list, each with its number."""
    items: list[object] = value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(value, list):
        reader.note(path, f"{what} must be a list of tables: [{{ … }}]")
    tables = [(number, reader.table((*path, number), item, f"an entry of {what}")) for number, item in enumerate(items)]
    return [(number, table) for number, table in tables if table]


def _needs(reader: Reader, path: Path, table: Mapping[str, Any], key: str, people: People) -> tuple[Need, ...]:
    made: list[Need] = []
    for number, item in _list(reader, (*path, key), table.get(key, []), key):
        here = (*path, key, number)
        reader.keys(here, item, schema.NEED, f"an entry of {key}")
        name = reader.string(here, item, "name")
        if not name and reader.lacks(here, item, "name"):
            reader.note(here, 'say which skill: name = "NAME OF A SKILL"')
        elif name and named(reader, (*here, "name"), name, people.skills, "skill"):
            given = item.get("level", people.skills[name].level)
            made.append(Need(skill=name, level=level(reader, (*here, "level"), given)))
    return tuple(made)


def _relaxations(reader: Reader, path: Path, table: Mapping[str, Any], *, wants: bool) -> tuple[Relaxation, ...]:
    path = (*path, "relax_after")
    made: list[Relaxation] = []
    for number, item in _list(reader, path, table.get("relax_after", []), "relax_after"):
        here = (*path, number)
        reader.keys(here, item, schema.RELAX, "an entry of relax_after")
        after = reader.duration(here, item, "after")
        if "after" not in item and reader.lacks(here, item, "after"):
            reader.note(here, 'say after what time it is given up: after = "10m"')
        if made and after and after <= made[-1].after:
            reader.note((*here, "after"), "each entry of relax_after must come later than the one before", value=True)
        drops = item.get("drop", False)
        if (not isinstance(drops, bool) or drops == ("level" in item)) and reader.lacks(here, {}, "level", "drop"):
            reader.note(here, "say what is given up: level = 2, or drop = true")
        made.append(
            Relaxation(
                after=after or 1, level=level(reader, (*here, "level"), item["level"]) if "level" in item else None
            )
        )
    if made and not wants and reader.lacks(path[:-1], {}, "skills"):
        reader.note(path, "there are no skills that could be given up: write skills, or remove relax_after")
    return tuple(made)
