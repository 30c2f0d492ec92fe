"""PO-4: what the page about precautions promises of its policy, as policy tests that reach all of it and notice its changes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from routing.lint import lint
from routing.load import load_policy
from routing.matrix import markdown, svg
from routing.policy import Policy
from routing.policy_tests.load import load_policy_tests
from routing.policy_tests.run import Report, run_policy_tests
from tests.routing.policy_tests.test_mutants import FACTS, ROOT

TESTS: Final = (Path(__file__).parent / "use_cases" / "precautions.test.toml").read_text(encoding="utf-8")
PAGE: Final = (ROOT / "docs" / "how-to" / "precautions.md").read_text(encoding="utf-8")
BLOCKS: Final[list[str]] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
POLICY: Final = load_policy(BLOCKS[0], "escalation.toml", FACTS)


def played(policy: Policy, tests: str = TESTS) -> Report:
    return run_policy_tests(policy, FACTS, load_policy_tests(tests, "precautions.test.toml", POLICY, FACTS))


@pytest.mark.parametrize("tests", [TESTS, BLOCKS[1]])
def test_the_page_goes_as_it_says(tests: str) -> None:
    report = played(POLICY, tests)
    assert [f"{result.test.name}: {failure}" for result in report.results for failure in result.failures] == []


def test_every_rule_and_step_of_the_page_is_reached_and_nothing_is_warned_of() -> None:
    coverage = played(POLICY).coverage
    assert (coverage.percent, coverage.missed_rules, coverage.missed_steps) == (100, (), ())
    assert lint(POLICY, "escalation.toml", FACTS) == ()


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('suspend = "2m"', 'suspend = "3m"'),
        ('suspend = "2m"  ', "# "),
        ('boost = ["gold"]', 'boost = ["silver"]'),
        ('medium = { high = "P2"', 'medium = { high = "P3"'),
        ('impact = "medium"', 'impact = "low"'),
        ('urgency = { zendesk = "360004713" }', 'urgency = { zendesk = "360004714" }'),
        ('group = "Fraud team"', 'group = "Billing"'),
        ('"fraudulent charge", ', ""),
        ('rules = ["outage"]', 'rules = ["fraud"]'),
        ("until = 2026-11-24T18:00:00+01:00", "until = 2026-11-24T18:01:00+01:00"),
        ("{{notice.why}}", "{{case.id}}"),
        ('message = "short"\n', ""),
    ],
)
def test_a_change_of_a_precaution_is_noticed(was: str, becomes: str) -> None:
    assert was in BLOCKS[0]
    assert not played(load_policy(BLOCKS[0].replace(was, becomes, 1), "escalation.toml", FACTS)).passed


def test_a_test_that_fails_names_the_mute_that_held_the_notice() -> None:
    told = 'expect.notify = ["support-slack:#second-line"]'
    tests = TESTS.replace("expect.notify = []", told, 2)
    first, later = (each for result in played(POLICY, tests).results for each in result.failures)
    mute = (
        "Mute planned-work of carla (Planned work, the team is at it.) holds the notice to support-slack:#second-line"
        " until 2026-11-24 17:00 UTC."
    )
    assert (first.key, later.key) == ("notify", "notify")
    assert mute in first.said
    assert mute in later.said, "nothing happened at the later event: the mute still holds what it held"
    over = TESTS.replace('expect.titles = ["P2 The service does not work."]', 'expect.titles = ["?"]')
    (failure,) = (each for result in played(POLICY, over).results for each in result.failures)
    assert mute not in failure.said, "it is over"


def test_the_drawings_tell_of_them() -> None:
    told = markdown(POLICY)
    assert "| impact medium | P2 | P3 | P4 |" in told
    assert "One class more for customers whose tier or tag is one of: gold." in told
    assert "| fraud | message.phrases contains 'fraud' | Fraud team |" in told
    assert (
        "| planned-work | every case | outage | 2026-11-24 17:00 UTC | carla: Planned work, the team is at it. |"
        in told
    )
    assert "escalates on second-line after 2m" in told
    assert "playbook: <https://wiki.example.com/outage>" in told
    assert "impact medium<br>urgency high" in told
    drawn = svg(POLICY)
    assert "sensitive: fraud" in drawn
    assert "waits 2m for the case" in drawn
