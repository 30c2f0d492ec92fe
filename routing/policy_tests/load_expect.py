"""`expect` of a policy test's event → `Expectation`: each key with its value and its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast

from gateway.model import Case, SlaMetric
from gateway.slips import duration_meant, no_duration
from gateway.toml import did_you_mean
from routing.expression import parse_duration
from routing.happened import Step
from routing.policy import Policy
from routing.policy_tests import schema
from routing.policy_tests.load_outside import known_incident
from routing.policy_tests.typed import read_fields
from routing.policy_tests.values import Expectation
from routing.reader import Path, Reader
from routing.shown import duration_of
from routing.template import PATHS, unknown_places

_STEP: Final = re.compile(r"((?:[a-z0-9_-]+/)?(?:[1-9][0-9]{0,2}|final))(?: at (\S+))?")
_HIDDEN: Final = frozenset({"id", "seq"})
#: Where a target of an SLA stands when no time is left, or none runs.
_STANDS: Final = ("stands", "met", "missed")


def read_expectation(reader: Reader, path: Path, value: object, policy: Policy) -> Expectation | None:
    """Read what is expected after an event; None, with its mistakes noted, when it has any."""
    before = len(reader.problems)
    table = reader.table(path, value, "expect")
    reader.keys(path, table, schema.EXPECT, "expect")
    readers = _readers(reader, path, table, policy)
    wanted = {key: readers[key]() for key in table if key in readers}
    if not table and len(reader.problems) == before:
        reader.note(path, f"expect names nothing: it can be {', '.join(schema.EXPECT)}")
    if len(reader.problems) > before:
        return None
    return Expectation(wanted=wanted, places={key: reader.document.value_position(*path, key) for key in wanted})


def _readers(reader: Reader, path: Path, table: Mapping[str, Any], policy: Policy) -> dict[str, Callable[[], object]]:
    def text(key: str) -> Callable[[], object]:
        return lambda: reader.string(path, table, key)

    def texts(key: str) -> Callable[[], object]:
        return lambda: reader.strings((*path, key), table[key], key)

    def word(key: str) -> Callable[[], object]:
        words = [each for each in schema.EXPECT[key]["enum"] if each]
        empty = "" in schema.EXPECT[key]["enum"] and table[key] == "" if key in table else False
        return lambda: "" if empty else reader.word(path, table, key, words)

    return {
        "rules": lambda: _named(reader, (*path, "rules"), table["rules"], policy.by_id, "rule"),
        "result": text("result"),
        "ladder": lambda: _ladder(reader, path, table, policy),
        "episode": word("episode"),
        "path": lambda: _steps(reader, (*path, "path"), table["path"]),
        "assigned": lambda: _named(reader, (*path, "assigned"), table["assigned"], policy.people.agents, "agent"),
        "acks": texts("acks"),
        "passed_over": lambda: _passed_over(reader, path, table),
        "status": word("status"),
        "priority": word("priority"),
        "tags": lambda: tuple(sorted(reader.strings((*path, "tags"), table["tags"], "tags"))),
        "group": text("group"),
        "fields": lambda: reader.table((*path, "fields"), table["fields"], "fields"),
        "reason": text("reason"),
        "notify": texts("notify"),
        "titles": texts("titles"),
        "reply": lambda: _reply(reader, path, table),
        "effects": texts("effects"),
        "timers": lambda: _timers(reader, (*path, "timers"), table["timers"]),
        "sla": lambda: _sla(reader, (*path, "sla"), table["sla"], policy),
        "at_risk": lambda: _at_risk(reader, (*path, "at_risk"), table["at_risk"]),
        "incident": lambda: _incident(reader, path, table, policy),
        "held_back": lambda: _named(reader, (*path, "held_back"), table["held_back"], policy.by_id, "rule"),
        "case": lambda: read_fields(reader, (*path, "case"), table["case"], Case, what="a case", hidden=_HIDDEN),
    }


def _named(reader: Reader, path: Path, value: object, known: Iterable[str], what: str) -> tuple[str, ...]:
    names = reader.strings(path, value, str(path[-1]))
    for number, name in enumerate(names):
        if name not in known:
            hint = did_you_mean(name, known, f"there are {', '.join(known)}")
            reader.note((*path, number), f"the policy has no {what} {name}: {hint}", value=True)
    return names


def _ladder(reader: Reader, path: Path, table: Mapping[str, Any], policy: Policy) -> str:
    name = reader.string(path, table, "ladder")
    if name and name not in policy.ladders:
        hint = did_you_mean(name, policy.ladders, f"there are {', '.join(policy.ladders) or 'none'}")
        reader.note((*path, "ladder"), f"the policy has no ladder {name}: {hint}", value=True)
    return name


def _incident(reader: Reader, path: Path, table: Mapping[str, Any], policy: Policy) -> str:
    name = reader.string(path, table, "incident")
    if name:
        known_incident(reader, (*path, "incident"), name, policy, value=True)
    return name


def _steps(reader: Reader, path: Path, value: object) -> tuple[Step, ...]:
    items = cast("list[object]", value) if isinstance(value, list) else []
    if not isinstance(value, list):
        reader.note(path, 'path must be a list of steps: [1, "final"]', value=True)
    made: list[Step] = []
    for number, each in enumerate(items):
        found = _STEP.fullmatch(str(each)) if isinstance(each, int | str) and not isinstance(each, bool) else None
        after = parse_duration(found[2]) if found is not None and found[2] else None
        if found is None or (found[2] and after is None):
            reader.note((*path, number), f'{each!r} is no step: write 1, "final" or "2 at 15m"', value=True)
        else:
            made.append(Step(name=found[1], after=after))
    return tuple(made)


def _passed_over(reader: Reader, path: Path, table: Mapping[str, Any]) -> dict[str, str]:
    here = (*path, "passed_over")
    steps = reader.table(here, table["passed_over"], "passed_over")
    for name in steps:
        if not re.fullmatch("[1-9][0-9]{0,2}", name):
            reader.note((*here, name), f'{name} is no step that can be passed over: write {{ 1 = "WHY" }}')
    return {name: reader.string(here, steps, name) for name in steps}


def _reply(reader: Reader, path: Path, table: Mapping[str, Any]) -> str:
    text = reader.string(path, table, "reply")
    for name, offset in unknown_places(text):
        hint = did_you_mean(name, PATHS, f"there are {', '.join(PATHS)}", shown="{{{{{}}}}}")
        reader.note((*path, "reply"), f"there is no {{{{{name}}}}}: {hint}", value=True, offset=offset + 1)
    return text


def _timers(reader: Reader, path: Path, value: object) -> dict[str, int]:
    made: dict[str, int] = {}
    for name, each in reader.table(path, value, str(path[-1])).items():
        duration = parse_duration(each) if isinstance(each, str) else None
        if duration is None:
            reader.note((*path, name), no_duration(each), value=True)
        else:
            made[name] = duration
    return made


def _metrics(reader: Reader, path: Path, table: Mapping[str, Any], *more: str) -> None:
    reader.keys(path, table, dict.fromkeys((*more, *(each.value for each in SlaMetric))), str(path[-1]))


def _sla(reader: Reader, path: Path, value: object, policy: Policy) -> dict[str, str]:
    """Read what is expected of the SLA, with its spans as they are told."""
    table = reader.table(path, value, "sla")
    _metrics(reader, path, table, "id")
    made = {key: reader.string(path, table, key) for key in table}
    known = [each.id for each in policy.slas]
    if table and "id" not in table:
        reader.note(path, "sla says which one: write its id, or {} for none")
    elif table and made["id"] not in known:
        hint = did_you_mean(made["id"], known, f"there are {', '.join(known) or 'none'}")
        reader.note((*path, "id"), f"the policy has no SLA {made['id']}: {hint}", value=True)
    for key, text in made.items():
        duration = parse_duration(text) if key != "id" and text not in _STANDS else None
        if duration is not None:
            made[key] = duration_of(duration)
        elif key != "id" and text not in _STANDS:
            meant = duration_meant(text) or "90s, 15m, 2h or 1d"
            sentence = f"{text!r} is no duration and none of {', '.join(_STANDS)}: write {meant}"
            reader.note((*path, key), sentence, value=True)
    return made


def _at_risk(reader: Reader, path: Path, value: object) -> dict[str, int]:
    made = _timers(reader, path, value)
    _metrics(reader, path, made)
    return made
