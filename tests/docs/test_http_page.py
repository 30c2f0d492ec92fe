"""The page about HTTP names the statuses and the words of labels that the code has, and no other."""

from __future__ import annotations

import ast
import inspect
import re
from types import ModuleType
from typing import Final

from gateway import reloading
from gateway.pipeline import calls, dispatch, pipeline, shadow
from gateway.telemetry.meters import Meters
from gateway.web import health, hooks
from routing.shadow import Divergence
from tests.docs.tables import DOCS

PAGE: Final = (DOCS / "reference" / "http-and-metrics.md").read_text()


def section(title: str) -> str:
    """Return the text below a title."""
    return PAGE[PAGE.index(f"## {title}") :].split("\n## ")[0]


def told(metric: str) -> set[str]:
    """Return the words of a metric's label on the page."""
    row = re.search(rf"^\| `{metric}` \| `\w+` \| (.+) \|$", section("Labels"), re.MULTILINE)
    assert row is not None
    return set(re.findall(r"`(\w+)`", row[1]))


def calls_in(module: ModuleType) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.Call)]


def texts(nodes: list[ast.expr]) -> list[str]:
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def labelled(module: ModuleType) -> set[str]:
    """Return the constant words that a module gives to `labels`."""
    found = [node for node in calls_in(module) if isinstance(node.func, ast.Attribute) and node.func.attr == "labels"]
    return {word for node in found for word in texts(node.args)}


def test_every_answer_of_a_hook_is_told_and_no_other() -> None:
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \|", section("Answers"), re.MULTILINE)
    answered = {
        (str(status.value), word)
        for node in calls_in(hooks)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "_answer"
        if isinstance(status := node.args[2], ast.Constant)
        for word in texts(node.args[1:2])
    }
    assert len(answered) > 3
    assert set(rows) == answered | {("200", "accepted"), ("503", "overload")}
    assert {word for _, word in rows} >= labelled(hooks) == {"accepted", "overload"}


def test_every_outcome_of_an_attempt_is_told_and_no_other() -> None:
    words = {
        keyword.value.value
        for module in (calls, dispatch)
        for node in calls_in(module)
        for keyword in node.keywords
        if keyword.arg == "outcome" and isinstance(keyword.value, ast.Constant)
    }
    assert told("baton_deliveries_total") == words


def test_every_word_of_parsing_applying_and_reloading_is_told_and_no_other() -> None:
    for method, metric in (
        (pipeline.Pipeline._batch_saved, "baton_parsed_events_total"),
        (pipeline.Pipeline._batch_applied, "baton_applied_activities_total"),
    ):
        assert told(metric) == set(re.findall(r'\("(\w+)", batch\.', inspect.getsource(method)))
    assert told("baton_reloads_total") == labelled(reloading)


def test_every_word_of_a_policy_that_is_tried_is_told_and_no_other() -> None:
    found = [node for node in calls_in(shadow) if isinstance(node.func, ast.Attribute) and node.func.attr == "_counted"]
    assert told("baton_shadow_decisions_total") == {word for node in found for word in texts(node.args)}
    said = re.search(r"`kind` of a divergence is (.+?)\.\n", PAGE, re.DOTALL)
    assert said is not None
    assert set(re.findall(r"`(\w+)`", said[1])) == set(Divergence)


def test_every_metric_with_a_word_of_its_own_has_its_row() -> None:
    made = {name: each for name, each in vars(Meters()).items() if hasattr(each, "_labelnames")}
    of_words = {f"{each._name}_total" for each in made.values() if {"result", "outcome"} & set(each._labelnames)}
    rows = set(re.findall(r"^\| `(\w+)` \|", section("Labels"), re.MULTILINE))
    assert rows == of_words


def test_the_headers_that_hide_health_are_told() -> None:
    assert set(re.findall(r"`((?:X-)?F[\w-]+|X-Real-IP)`", PAGE)) == set(health._FORWARDED)


def test_every_metric_of_an_alarm_exists() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", section("What is worth"), re.MULTILINE)
    names = {name for metric in Meters().registry.collect() for name in (metric.name, f"{metric.name}_total")}
    assert rows
    assert set(rows) <= names
