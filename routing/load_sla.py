"""`[[sla]]` → `Sla`: to which cases it applies, its targets, and when its clocks stand."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from gateway.model import SlaMetric, TicketStatus
from gateway.slips import duration_meant
from gateway.toml import did_you_mean
from routing import schema
from routing.calendar import Calendar
from routing.compiling import Condition, Matchable, Matcher, compile_rules
from routing.expression import parse_duration
from routing.fields import FIELDS
from routing.load_people import read_calendar_of
from routing.policy import Rule, Sla
from routing.reader import NAME, Path, Reader

#: Reads the conditions of a `when`, all and any.
Conditions: TypeAlias = Callable[[Path, Mapping[str, Any]], tuple[tuple[Condition, ...], tuple[Condition, ...]]]

_SHARE: Final = re.compile(r"([0-9]{1,2}(?:\.[0-9]{1,2})?)%")
_DEFAULT_SHARE: Final = "75%"
#: Beginnings of the fields that hold for the whole case, as an SLA does; others say something of one activity, or of the clocks.
_OF_CASES: Final = frozenset({"case", "customer"})
_FIELD_PREFIX: Final = "sla."


def clock_rules(rules: Sequence[Rule]) -> tuple[int, ...]:
    """Return the indexes of the rules that read a field of SLAs: those that a clock lets look."""
    return tuple(
        index
        for index, rule in enumerate(rules)
        if any(name.startswith(_FIELD_PREFIX) for each in (*rule.all, *rule.any) for name in each.fields)
    )


def match_slas(slas: Sequence[Sla]) -> Matcher | None:
    """Return the function that says which SLA applies: the first whose conditions hold."""
    return compile_rules([Matchable(all=sla.all, any=sla.any, goes_on=False) for sla in slas]) if slas else None


def read_slas(
    reader: Reader, given: object, calendars: Mapping[str, Calendar | None], conditions: Conditions
) -> tuple[Sla, ...]:
    """Read the SLAs; those with mistakes, which are noted, are left out."""
    if not isinstance(given, list):
        reader.note(("sla",), "SLAs are a list of tables: write [[sla]]")
        return ()
    listed: list[Any] = given  # pyright: ignore[reportUnknownVariableType]
    made = [_sla(reader, ("sla", index), value, calendars, conditions) for index, value in enumerate(listed)]
    seen: dict[str, int] = {}
    for index, (sla, value) in enumerate(zip(made, listed, strict=True)):
        if sla is None:
            continue
        if sla.id in seen:
            line = reader.line("sla", seen[sla.id])
            reader.note(("sla", index, "id"), f"SLA {sla.id} stands twice: it is also in line {line}", value=True)
        seen.setdefault(sla.id, index)
        if "when" not in value and index != len(made) - 1:
            reader.note(
                ("sla", index), f"{sla.id} applies to every case, so the SLAs after it never do: move it to the end"
            )
    return tuple(sla for sla in made if sla is not None)


def _sla(
    reader: Reader, path: Path, value: object, calendars: Mapping[str, Calendar | None], conditions: Conditions
) -> Sla | None:
    before = len(reader.problems)
    table = reader.table(path, value, "an SLA")
    if len(reader.problems) > before:
        return None
    reader.keys(path, table, schema.SLA, "an SLA")
    sla_id = reader.string(path, table, "id")
    if not NAME.fullmatch(sla_id) and (isinstance(table.get("id"), str) or reader.lacks(path, table, "id")):
        reader.note((*path, "id"), "an SLA needs an id of small letters, digits, - and _ (at most 64)")
    every, some = _when(reader, path, table, conditions)
    targets = {
        metric: duration
        for metric in SlaMetric
        if metric.value in table and (duration := reader.duration(path, table, metric.value)) is not None
    }
    metrics = [metric.value for metric in SlaMetric]
    if not any(metric in table for metric in metrics) and reader.lacks(path, table, *metrics):
        named = f"SLA {sla_id}" if sla_id else "this SLA"
        reader.note(path, f'{named} has no target: write first = "1h", next = "4h" or resolution = "2d"')
    risks = _risks(reader, path, table, targets)
    calendar = read_calendar_of(reader, path, table, calendars)
    pause = _pause(reader, path, table)
    if len(reader.problems) > before:
        return None
    return Sla(
        id=sla_id,
        all=every,
        any=some,
        targets=targets,
        risks=risks,
        calendar=calendar,
        pause=pause,
        digest=_digest(reader, sla_id, targets, risks, calendar, pause),
    )


def _when(
    reader: Reader, path: Path, table: Mapping[str, Any], conditions: Conditions
) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
    here = (*path, "when")
    if "when" not in table:
        return (), ()
    when = reader.table(here, table["when"], "when")
    every, some = conditions(here, when)
    if reader.lacks(here, when, *schema.WHEN):
        reader.note(here, "this SLA applies to no case in particular: write conditions, or leave `when` out")
    for key, made in (("all", every), ("any", some)):
        listed: list[Any] = when[key] if key in when and isinstance(when[key], list) else []
        for condition in made:
            for name in sorted(condition.fields):
                if name.partition(".")[0] not in _OF_CASES:
                    place = (*here, key, listed.index(condition.source))
                    reader.note(
                        place, f"an SLA holds for the whole case, and {name} does not: {_instead(name)}", value=True
                    )
    return every, some


def _instead(name: str) -> str:
    same = f"case.{name.rpartition('.')[2]}"
    return f"write {same}" if same in FIELDS else "use fields like case.priority"


def _risks(
    reader: Reader, path: Path, table: Mapping[str, Any], targets: Mapping[SlaMetric, int]
) -> dict[SlaMetric, int]:
    """Return after how much time each target is at risk."""
    given = table.get("at_risk", _DEFAULT_SHARE)
    text = given if isinstance(given, str) else ""
    share, left = _SHARE.fullmatch(text), parse_duration(text)
    if share is not None and float(share[1]) > 0:
        hundredths = round(float(share[1]) * 100)
        return {metric: target * hundredths // 10_000 for metric, target in targets.items()}
    if not left:
        if not isinstance(given, str | int | float) or isinstance(given, bool):
            reader.string(path, table, "at_risk")
        else:
            meant = duration_meant(given)
            hint = f": write {meant}" if meant else ""
            reader.note(
                (*path, "at_risk"), f"{given!r} is no share like 75% and no time left like 15m{hint}", value=True
            )
        return {}
    for metric, target in targets.items():
        if left >= target:
            reader.note(
                (*path, "at_risk"),
                f"{metric.value} would be at risk from its beginning: it has no more than that",
                value=True,
            )
    return {metric: target - left for metric, target in targets.items()}


def _pause(reader: Reader, path: Path, table: Mapping[str, Any]) -> frozenset[TicketStatus]:
    states = reader.strings((*path, "pause"), table.get("pause", []), "pause")
    for number, state in enumerate(states):
        if state not in schema.PAUSES:
            hint = did_you_mean(state, schema.PAUSES, f"it can be {', '.join(schema.PAUSES)}")
            reader.note((*path, "pause", number), f"clocks cannot stand in state {state}: {hint}", value=True)
    return frozenset(TicketStatus(state) for state in states if state in schema.PAUSES)


def _digest(
    reader: Reader,
    sla_id: str,
    targets: Mapping[SlaMetric, int],
    risks: Mapping[SlaMetric, int],
    calendar: Calendar | None,
    pause: frozenset[TicketStatus],
) -> str:
    hours = reader.document.values["calendar"][calendar.name] if calendar is not None else None
    if calendar is not None and calendar.closures is not None:
        hours = [hours, calendar.closures.digest]
    said = [sla_id, sorted(targets.items()), sorted(risks.items()), sorted(pause), hours]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]
