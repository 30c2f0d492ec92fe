"""`[severity]` → `Severity`, and what rules may say of impact and urgency."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any, Final

from gateway.model import Priority
from gateway.toml import did_you_mean, nearest
from routing import schema_precautions as schema
from routing.reader import Path, Reader
from routing.severity_values import LEVELS, Severity

_PATH: Final = ("severity",)
_FIELDS: Final = ("impact", "urgency")


def read_severity(reader: Reader, values: Mapping[str, Any]) -> Severity | None:
    """Read the table; None when there is none, or when it has mistakes, which are noted."""
    if "severity" not in values:
        return None
    before = len(reader.problems)
    table = reader.table(_PATH, values["severity"], "severity")
    reader.keys(_PATH, table, schema.SEVERITY, "severity")
    matrix = _matrix(reader, table)
    fields = {key: _fields(reader, (*_PATH, key), table.get(key, {})) for key in _FIELDS}
    words = _words(reader, table.get("words", {}))
    boost = reader.strings((*_PATH, "boost"), table.get("boost", []), "boost")
    if len(reader.problems) > before:
        return None
    return Severity(matrix=matrix, fields=fields, words=words, boost=frozenset(each.casefold() for each in boost))


def read_levels(reader: Reader, path: Path, given: Mapping[str, Any], *, matrix: bool) -> dict[str, str]:
    """Return impact and urgency that a rule sets, empty where it does not."""
    levels = {key: reader.word(path, given, key, [*LEVELS]) or "" for key in _FIELDS}
    for key in _FIELDS:
        if key in given and not matrix:
            reader.note(
                (*path, key), f"nothing is made of {key}: write a [severity] matrix, or set the priority itself"
            )
    return levels


def _matrix(reader: Reader, table: Mapping[str, Any]) -> dict[tuple[str, str], Priority]:
    path = (*_PATH, "matrix")
    rows = reader.table(path, table.get("matrix", {}), "matrix")
    made: dict[tuple[str, str], Priority] = {}
    before = len(reader.problems)
    _levels(reader, path, rows)
    for impact in rows:
        row = reader.table((*path, impact), rows[impact], f"matrix.{impact}")
        _levels(reader, (*path, impact), row)
        for urgency in row:
            word = reader.word((*path, impact), row, urgency, [each.value for each in Priority])
            if word is not None:
                made[impact, urgency] = Priority(word)
            elif urgency in LEVELS:
                made[impact, urgency] = Priority.P4
    lacking = [
        f"{impact}.{urgency}"
        for impact, urgency in product(reversed(LEVELS), repeat=2)
        if (impact, urgency) not in made
    ]
    # A level that nobody knows may be the one that lacks.
    if lacking and len(reader.problems) == before and reader.lacks(_PATH, {}, "matrix"):
        reader.note(
            path, f"the matrix says nothing of {', '.join(lacking)}: give each impact a priority for each urgency"
        )
    return made


def _levels(reader: Reader, path: Path, table: Mapping[str, Any]) -> None:
    for key in list(table):
        if key not in LEVELS:
            hint = did_you_mean(key, LEVELS, f"there are {', '.join(LEVELS)}")
            reader.note((*path, key), f"there is no level {key}: {hint}")
            reader.mistyped(path, table, key, nearest(key, LEVELS))


def _fields(reader: Reader, path: Path, value: object) -> dict[str, str]:
    """Return the field of a ticket by connection."""
    table = reader.table(path, value, str(path[-1]))
    made: dict[str, str] = {}
    for name in table:
        if name not in reader.connections:
            hint = did_you_mean(name, reader.connections, f"there are {', '.join(reader.connections) or 'none'}")
            reader.note((*path, name), f"there is no connection {name} that could hold the field: {hint}")
        made[name] = reader.string(path, table, name)
    return made


def _words(reader: Reader, value: object) -> dict[str, str]:
    """Return the level by what the fields say."""
    path = (*_PATH, "words")
    table = reader.table(path, value, "words")
    _levels(reader, path, table)
    made = {level: level for level in LEVELS}
    for level in table:
        for number, word in enumerate(reader.strings((*path, level), table[level], f"words.{level}")):
            known = made.setdefault(word.strip().casefold(), level)
            if known != level:
                reader.note((*path, level, number), f"{word!r} means {known} already: a word has one level", value=True)
    return made
