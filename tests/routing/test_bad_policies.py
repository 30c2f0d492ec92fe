"""Each file in `bad/` and, beside it, exactly what a person is told about it.

`BATON_UPDATE_GOLDENS=1 pytest tests/routing` writes the expected files anew; read the difference before you keep it.
"""

from __future__ import annotations

import ast
import inspect
import sys
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Channel
from gateway.toml import Problems
from routing import (
    expression,
    fingerprints,
    lexicons,
    reader,
    schema,
    schema_incident,
    schema_people,
    schema_precautions,
)
from routing.expression import ExpressionError
from routing.load import load_policy
from tests.routing.readers import READERS
from tests.routing.values import CATCH_ALL, LADDER, connection, connections, golden, policy

BAD: Final = Path(__file__).parent / "bad"
FACTS: Final = connections() | {
    "mail": connection("mail", Channel.EMAIL, "reply"),
    "line": connection("line", Channel.PHONE, "notify"),
    "crm": connection("crm", Channel.HELPDESK, "profile"),
    "texts": replace(
        connection("texts", Channel.MESSAGING, "notify"),
        notices_lack=("it has no number, so set notify_from", "it has no key, so set the_key"),
    ),
}
NAMES: Final = sorted(path.stem for path in BAD.glob("*.toml"))


def told(name: str) -> str:
    with pytest.raises(Problems) as caught:
        load_policy((BAD / f"{name}.toml").read_text(encoding="utf-8"), f"{name}.toml", FACTS)
    return f"{caught.value}\n"


@pytest.mark.parametrize("name", NAMES)
def test_every_mistake_is_told_at_once_with_its_line_and_column(name: str) -> None:
    assert told(name) == golden(BAD / f"{name}.txt", told(name))


@pytest.mark.parametrize("name", NAMES)
def test_no_mistake_is_told_twice(name: str) -> None:
    lines = told(name).splitlines()
    assert sorted(set(lines)) == sorted(lines)


def test_every_bad_file_has_its_expectation() -> None:
    assert {path.stem for path in BAD.glob("*.txt")} == set(NAMES)


# --- every kind of mistake has a file --------------------------------------------------------------------------------
def places(module: Any, wanted: Callable[[ast.Call], bool]) -> dict[str, range]:
    """Return where a module says that something is wrong: each sentence's source, and its lines."""
    tree = ast.parse(inspect.getsource(module))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and wanted(node)]
    return {
        f"{call.lineno}: {ast.unparse(call)[:90]}": range(call.lineno, (call.end_lineno or 0) + 1) for call in calls
    }


def test_every_kind_of_mistake_has_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    spoken: set[tuple[str, int]] = set()

    def listen(owner: Any, name: str) -> None:
        says = getattr(owner, name)

        def heard(*values: Any, **keys: Any) -> Any:
            frame = sys._getframe(1)
            spoken.add((frame.f_globals["__name__"], frame.f_lineno))
            return says(*values, **keys)

        monkeypatch.setattr(owner, name, heard)

    listen(reader.Reader, "note")
    listen(ExpressionError, "__init__")
    for name in NAMES:
        told(name)
    notes = [
        (module, places(module, lambda call: isinstance(call.func, ast.Attribute) and call.func.attr == "note"))
        for module in READERS
    ]
    words = places(lexicons, lambda call: ast.unparse(call.func) == "reader.note")
    errors = places(expression, lambda call: isinstance(call.func, ast.Name) and call.func.id == "ExpressionError")
    marks = places(fingerprints, lambda call: isinstance(call.func, ast.Name) and call.func.id == "ExpressionError")
    assert sum(len(found) for _, found in notes) > 50
    assert len(errors) > 15
    assert len(words) > 3
    silent = [
        f"{module.__name__}:{what}"
        for module, found in (*notes, (lexicons, words), (expression, errors), (fingerprints, marks))
        for what, lines in found.items()
        if not any((module.__name__, line) in spoken for line in lines)
    ]
    assert not silent, "no file in bad/ shows these: " + "\n".join(silent)


@pytest.mark.parametrize(
    "what",
    [
        "a policy",
        "a rule",
        "when",
        "set",
        "a ladder",
        "a step",
        "final",
        "a calendar",
        "an SLA",
        "an incident",
        "customer",
        "phrases.cancel",
    ],
)
def test_an_unknown_key_is_told_in_every_table(what: str) -> None:
    assert f": {what} has no key " in told("unknown_keys")


# --- whatever stands in the file -------------------------------------------------------------------------------------
def in_line(value: object) -> str:
    """Return a value as TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(in_line(each) for each in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {in_line(each)}" for key, each in value.items()) + "}"
    return f'"{value}"' if isinstance(value, str) else str(value)


WORDS: Final = (
    "a",
    "none",
    "escalate",
    "mirror",
    "live",
    "P1",
    "second",
    "desk",
    "queue:desk/x",
    "chat:#x",
    "15m",
    "{{x}}",
    "Europe/Berlin",
    "09:00-17:00",
    "2026-12-24",
    "DE",
    "respect",
    "redirect:2",
    "team:a",
    "manager_of:actor",
    "round_robin",
    "10m",
)
KEYS: Final = sorted(
    {
        key
        for table in (
            *(schema_people.SKILL, schema_people.AUTHORITY, schema_people.AGENT, schema_people.TEAM),
            *(
                schema_people.NEED,
                schema_people.RELAX,
                schema.RULE,
                schema.WHEN,
                schema.SET,
                schema.BUTTON,
                schema.PHRASES,
                schema.LADDER,
                schema.STEP,
                schema.CALENDAR,
                schema.SLA,
                schema_incident.INCIDENT,
                schema.TOP,
                schema_precautions.SEVERITY,
                schema_precautions.SENSITIVITY,
                schema_precautions.MUTE,
                schema_precautions.TEMPLATE,
            ),
            {"2026-12-24": None},
        )
        for key in table
    }
)
_leaf = st.sampled_from((*WORDS, "channel == 'chat'", True, False, 0, 5, 1.5))
_values = st.recursive(
    _leaf,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(sorted(schema.TOP)), _values, max_size=3))
def test_whatever_the_file_says_it_is_a_policy_or_sentences_with_places(values: dict[str, object]) -> None:
    text = "".join(f"{key} = {in_line(value)}\n" for key, value in values.items())
    lines = text.split("\n")
    try:
        load_policy(text, "f", FACTS)
    except Problems as caught:
        assert caught.problems
        for problem in caught.problems:
            assert 1 <= problem.line <= len(lines)
            assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1


# --- the schema for editors says the same ----------------------------------------------------------------------------
GOOD: Final = (
    """
[phrases]
legal = ["my lawyer"]
[phrases.cancel]
any = ["cancel my order"]
de = ["storno"]
negation = false
[[rule]]
id = "help"
type = "functional"
do = "escalate"
mode = "notes"
continue = true
ladder = "second"
when.all = ["channel == 'chat'"]
when.any = ["message.phrases contains 'legal'", "case.age > 2h"]
set = { priority = "P1", group = "G", tags = ["x"], fields = { a = "b" }, reason = "Because." }
reply = "Hello {{customer.name}}"
suspend = "2m"
playbook = "https://wiki.example/help"
[severity]
impact = { desk = "4711" }
urgency = { desk = "4712" }
words = { high = ["1 - High"] }
boost = ["gold"]
[severity.matrix]
high = { high = "P1", medium = "P2", low = "P3" }
medium = { high = "P2", medium = "P3", low = "P4" }
low = { high = "P3", medium = "P4", low = "P4" }
[sensitivity.fraud]
when.any = ["message.phrases contains 'legal'"]
group = "Fraud"
[[mute]]
id = "night"
when.all = ["case.channel == 'chat'"]
rules = ["help"]
until = "2026-11-24T18:00:00+01:00"
author = "anna"
reason = "Maintenance."
[template.short]
title = "{{case.priority}} {{notice.why}} {{rule.reason}}"
text = "{{rule.playbook}}"
[[rule]]
id = "mirror"
do = "mirror"
target = "desk"
when.all = ["channel == 'chat'"]
[calendar.office]
tz = "Europe/Berlin"
mon = ["08:00-12:00", "13:00-17:00"]
sun = ["22:00-06:00"]
country = "DE"
subdivision = "BY"
holidays = ["2026-12-24"]
exceptions = { "2026-12-31" = ["09:00-12:00"], "2026-12-30" = [] }
[[sla]]
id = "urgent"
when.any = ["case.priority in ['P1', 'P2']", "case.tags contains 'vip'"]
first = "30m"
next = "1h"
resolution = "1d"
at_risk = "10m"
calendar = "office"
pause = ["pending", "on_hold"]
[[sla]]
id = "standard"
first = "4h"
[skill.billing]
level = 2
words = ["payment"]
[authority.refund]
fields = { desk = "amount" }
[agent.bob]
ids = { desk = ["7", "bob"] }
manager = "carla"
[agent.carla]
ids = { chat = "U7" }
notify = ["chat:U7"]
skills = { billing = 3 }
authority = { refund = 5000 }
capacity = { chat = 3, email = 10 }
calendar = "office"
[team.duty]
members = ["bob", "carla"]
strategy = "least_loaded"
calendar = "office"
fallback = "night"
[team.night]
members = ["bob"]
[ladder.people]
final = { target = "queue:desk/End" }
[[ladder.people.step]]
target = "manager_of:actor"
ack_within = "15m"
[[ladder.people.step]]
target = "team:duty"
in = "desk/Managers"
strategy = "all"
skills = [{ name = "billing", level = 3 }]
prefer = [{ name = "billing" }]
relax_after = [{ after = "10m", level = 2 }, { after = "20m", drop = true }]
ack_within = "30m"
[ladder.hours]
calendar = "office"
repeat = 2
final = { target = "queue:desk/End" }
[[ladder.hours.step]]
target = "queue:desk/First"
notify = ["chat:#first"]
message = "short"
ack_within = "15m"
reply_within = "1h"
ack_ttl = "2h"
outside_hours = "redirect:2"
[[ladder.hours.step]]
target = "queue:desk/Second"
ack_within = "15m"
hours = "ignore"
"""
    + CATCH_ALL
    + LADDER
)


def test_the_schema_is_a_schema_and_takes_a_good_policy() -> None:
    jsonschema.Draft202012Validator.check_schema(schema.json_schema())
    jsonschema.validate(tomllib.loads(GOOD), schema.json_schema())
    assert [rule.id for rule in policy(GOOD).rules] == ["help", "mirror", "rest"]


@pytest.mark.parametrize(
    "name",
    [
        *(
            "unknown_keys",
            "wrong_types",
            "wrong_words",
            "no_tables",
            "phrases_by_language",
            "nothing",
            "no_rules",
            "calendars",
            "slas",
            "people",
        ),
        *("severities", "severities_with_holes", "sensitivities", "mutes_are_no_list", "notices"),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(name: str) -> None:
    values = tomllib.loads((BAD / f"{name}.toml").read_text(encoding="utf-8"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values, schema.json_schema())
