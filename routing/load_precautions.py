"""`[sensitivity.NAME]` and `[[mute]]` → `Sensitivity` and `Mute`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from gateway.toml import did_you_mean
from routing import schema_precautions as schema
from routing.compiling import Condition, Matchable, Matcher, compile_rules
from routing.load_sla import Conditions
from routing.precautions import Mute, Sensitivity
from routing.reader import NAME, Path, Reader

_MICRO = 1_000_000
#: Beginnings of the fields that hold for the whole case: a notice is told long after what somebody wrote.
_OF_CASES = frozenset({"case", "customer"})


def read_sensitivities(reader: Reader, value: object, conditions: Conditions) -> tuple[Sensitivity, ...]:
    """Read what is sensitive; what has mistakes, which are noted, is left out."""
    made: list[Sensitivity] = []
    for name, given in reader.table(("sensitivity",), value, "sensitivity").items():
        path = ("sensitivity", name)
        before = len(reader.problems)
        reader.name(path, name)
        table = reader.table(path, given, f"sensitivity {name}")
        if len(reader.problems) > before:
            continue
        reader.keys(path, table, schema.SENSITIVITY, "a sensitivity")
        every, some = _when(reader, path, table, conditions)
        for place, condition in _places(path, table, (*every, *some)):
            if any(field.startswith("sla.") for field in condition.fields):
                reader.note(
                    place,
                    "a clock says nothing of what a case is about: a sensitivity reads no field sla.…",
                    value=True,
                )
        if not (every or some) and reader.lacks(path, table, "when"):
            reader.note(path, f"sensitivity {name} does not say what marks a case: write when.all or when.any")
        group = reader.string(path, table, "group")
        if not group and reader.lacks(path, table, "group"):
            reader.note(
                path, f'sensitivity {name} does not say who may see its cases: group = "NAME OF A PRIVATE GROUP"'
            )
        if len(reader.problems) == before:
            made.append(Sensitivity(name=name, all=every, any=some, group=group))
    return tuple(made)


def match_sensitive(sensitivities: Sequence[Sensitivity]) -> Matcher | None:
    """Return the function that says which sensitivities mark a case; None when there are none."""
    if not sensitivities:
        return None
    return compile_rules([Matchable(all=each.all, any=each.any, goes_on=True) for each in sensitivities])


def read_mutes(reader: Reader, value: object, conditions: Conditions) -> tuple[Mute, ...]:
    """Read the mutes; those with mistakes, which are noted, are left out."""
    if not isinstance(value, list):
        reader.note(("mute",), "mutes are a list of tables: write [[mute]]")
        return ()
    listed: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
    made: list[Mute] = []
    seen: dict[str, int] = {}
    for index, given in enumerate(listed):
        mute = _mute(reader, ("mute", index), given, conditions)
        if mute is None:
            continue
        if mute.id in seen:
            line = reader.line("mute", seen[mute.id])
            reader.note(("mute", index, "id"), f"mute {mute.id} stands twice: it is also in line {line}", value=True)
        seen.setdefault(mute.id, index)
        made.append(mute)
    return tuple(made)


def _mute(reader: Reader, path: Path, value: object, conditions: Conditions) -> Mute | None:
    before = len(reader.problems)
    table = reader.table(path, value, "a mute")
    if len(reader.problems) > before:
        return None
    reader.keys(path, table, schema.MUTE, "a mute")
    mute_id = reader.string(path, table, "id")
    if not NAME.fullmatch(mute_id) and (isinstance(table.get("id"), str) or reader.lacks(path, table, "id")):
        reader.note((*path, "id"), "a mute needs an id of small letters, digits, - and _ (at most 64)")
    every, some = _when(reader, path, table, conditions)
    _of_the_case(reader, path, table, (*every, *some))
    until = _until(reader, path, table)
    named = _rules(reader, path, table)
    _explained(reader, path, table)
    if len(reader.problems) > before:
        return None
    return Mute(
        id=mute_id,
        all=every,
        any=some,
        rules=frozenset(named),
        until=until,
        author=table["author"],
        reason=table["reason"],
        match=compile_rules([Matchable(all=every, any=some, goes_on=False)]),
    )


def _of_the_case(reader: Reader, path: Path, table: Mapping[str, Any], conditions: Sequence[Condition]) -> None:
    for place, condition in _places(path, table, conditions):
        for name in sorted(condition.fields):
            if name.partition(".")[0] not in _OF_CASES:
                sentence = (
                    f"a mute holds for the whole case, and {name} does not: use fields like case.tags, or `rules`"
                )
                reader.note(place, sentence, value=True)


def _explained(reader: Reader, path: Path, table: Mapping[str, Any]) -> None:
    for key in ("author", "reason"):
        if not reader.string(path, table, key) and reader.lacks(path, table, key):
            reader.note(path, f"who reads of a held notice must know why: write the mute's {key}")


def _rules(reader: Reader, path: Path, table: Mapping[str, Any]) -> tuple[str, ...]:
    # Rules that have mistakes of their own are there all the same.
    rules = reader.ids("rule")
    named = reader.strings((*path, "rules"), table.get("rules", []), "rules")
    for number, name in enumerate(named):
        if rules is not None and name not in rules:
            hint = did_you_mean(name, rules, f"there are {', '.join(rules)}")
            reader.note((*path, "rules", number), f"there is no rule {name}: {hint}", value=True)
    return named


def _until(reader: Reader, path: Path, table: Mapping[str, Any]) -> int:
    """Return until when, UTC microseconds; an instant of TOML, or as text, since JSON has none."""
    value = table.get("until")
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = None
    if isinstance(value, datetime) and value.tzinfo is not None:
        return round(value.timestamp() * _MICRO)
    if reader.lacks(path, {}, "until"):
        sentence = "a mute ends: say when, with the offset from UTC, until = 2026-11-24T18:00:00+01:00"
        reader.note((*path, "until") if "until" in table else path, sentence, value="until" in table)
    return 0


def _when(
    reader: Reader, path: Path, table: Mapping[str, Any], conditions: Conditions
) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
    if "when" not in table:
        return (), ()
    return conditions((*path, "when"), reader.table((*path, "when"), table["when"], "when"))


def _places(path: Path, table: Mapping[str, Any], conditions: Sequence[Condition]) -> list[tuple[Path, Condition]]:
    """Return each condition with its place in the file."""
    when: Mapping[str, Any] = table.get("when", {})
    found: list[tuple[Path, Condition]] = []
    for condition in conditions:
        key = next(key for key in ("all", "any") if condition.source in when.get(key, ()))
        found.append(((*path, "when", key, when[key].index(condition.source)), condition))
    return found
