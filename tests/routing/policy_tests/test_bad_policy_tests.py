"""Each file in `bad/` and, beside it, exactly what a person is told about it.

`BATON_UPDATE_GOLDENS=1 pytest tests/routing` writes the expected files anew; read the difference before you keep it.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.toml import Problems
from routing import reader
from routing.policy import ConnectionFacts
from routing.policy_tests import load, load_event, load_expect, load_outside, schema, typed
from routing.policy_tests.load import load_policy_tests
from routing.policy_tests.run import run_policy_tests
from tests.routing.test_bad_policies import in_line, places
from tests.routing.values import CATCH_ALL, LADDER, connections, golden, policy

BAD: Final = Path(__file__).parent / "bad"
NAMES: Final = sorted(path.stem for path in BAD.glob("*.toml"))
POLICY: Final = policy(
    """
[[rule]]
id = "help"
do = "escalate"
ladder = "second"
when.all = ["message.wants_person"]
"""
    + CATCH_ALL
    + LADDER
    + """
[agent.bob]
ids = { desk = "7" }
[agent.anna]
notify = ["chat:@anna"]
[[sla]]
id = "usual"
first = "2h"
[[incident]]
id = "outage"
when.all = ["message.length > 1"]
window = "10m"
threshold = 5
ladder = "second"
"""
)


def told(name: str, facts: Mapping[str, ConnectionFacts] | None = None) -> str:
    text = (BAD / f"{name}.toml").read_text(encoding="utf-8")
    with pytest.raises(Problems) as caught:
        load_policy_tests(text, f"{name}.toml", POLICY, connections() if facts is None else facts)
    return f"{caught.value}\n"


@pytest.mark.parametrize("name", NAMES)
def test_every_mistake_in_a_policy_test_is_told_at_once_with_its_line_and_column(name: str) -> None:
    assert told(name) == golden(BAD / f"{name}.txt", told(name))


@pytest.mark.parametrize("name", NAMES)
def test_no_mistake_in_a_policy_test_is_told_twice(name: str) -> None:
    lines = told(name).splitlines()
    assert sorted(set(lines)) == sorted(lines)


def test_every_bad_file_of_policy_tests_has_its_expectation() -> None:
    assert {path.stem for path in BAD.glob("*.txt")} == set(NAMES)


def test_every_kind_of_mistake_in_a_policy_test_has_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    spoken: set[tuple[str, int]] = set()
    says = reader.Reader.note

    def heard(*values: Any, **keys: Any) -> Any:
        frame = sys._getframe(1)
        spoken.add((frame.f_globals["__name__"], frame.f_lineno))
        return says(*values, **keys)

    monkeypatch.setattr(reader.Reader, "note", heard)
    for name in NAMES:
        told(name)
    told("names", {})
    silent = [
        f"{module.__name__}:{what}"
        for module in (load, load_event, load_expect, load_outside, typed)
        for what, lines in places(module, lambda call: getattr(call.func, "attr", "") == "note").items()
        if not any((module.__name__, line) in spoken for line in lines)
    ]
    assert not silent, "no file in bad/ shows these: " + "\n".join(silent)


# --- whatever stands in the file -------------------------------------------------------------------------------------
TABLES: Final = (schema.TOP, schema.TEST, schema.EVENT, schema.EXPECT, schema.CUSTOMER)
KEYS: Final = sorted({key for table in TABLES for key in table} | {"bob", "anna", "id", "first"})
_leaf = st.sampled_from(
    (
        "a human please",
        "help",
        "second",
        "desk",
        "chat",
        "15m",
        "agent",
        "tags",
        "online",
        "bob",
        "usual",
        "1",
        "final",
        True,
        False,
        0,
        5,
        1.5,
    )
)
_values = st.recursive(
    _leaf,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(sorted(schema.TEST)), _values, max_size=4), _values)
def test_whatever_the_file_says_it_is_tests_or_sentences_with_places(table: dict[str, Any], event: object) -> None:
    table = {"name": "any", "event": [event, {"message": "x", "expect": {"result": "none"}}]} | table
    inner = ", ".join(f"{key} = {in_line(value)}" for key, value in table.items())
    at = "" if "at" in table else ", at = 2026-11-24T10:00:00Z"
    text = f"policy_test = [{{ {inner}{at} }}]\n"
    try:
        made = load_policy_tests(text, "f", POLICY, connections())
    except Problems as caught:
        assert caught.problems
        for problem in caught.problems:
            assert problem.line == 1
            assert 1 <= problem.column <= len(text)
    else:
        # What is read can be played, whatever comes of it.
        assert len(run_policy_tests(POLICY, connections(), made).results) == len(made)


# --- the schema for editors says the same ----------------------------------------------------------------------------
def test_the_schema_of_policy_tests_is_a_schema_and_takes_the_shipped_file() -> None:
    made = schema.json_schema()
    jsonschema.Draft202012Validator.check_schema(made)
    values = tomllib.loads((Path(__file__).parents[3] / "escalation.test.toml").read_text(encoding="utf-8"))
    for test in values["policy_test"]:
        # JSON has no instants: where editors see them, they are texts.
        test["at"] = test["at"].isoformat()
        for event in test["event"]:
            event.update({"until": event["until"].isoformat()} if "until" in event else {})
    jsonschema.validate(values, made)


@pytest.mark.parametrize("name", ["nothing", "no_list", "names", "values", "outside"])
def test_the_schema_of_policy_tests_refuses_what_the_loader_refuses(name: str) -> None:
    values = tomllib.loads((BAD / f"{name}.toml").read_text(encoding="utf-8"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values, schema.json_schema())
