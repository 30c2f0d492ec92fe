"""PO-4: what the page about agents and teams promises of its policies, as policy tests that reach all of them.

SG-5, AS-7: a refund of 900 by whom 500 are allowed goes to the manager, one of 400 to nobody. AS-1: who knows it, and has room.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from routing.load import load_policy
from routing.policy_tests.load import load_policy_tests
from routing.policy_tests.run import run_policy_tests
from tests.routing.policy_tests.test_mutants import FACTS, ROOT

CASES: Final = Path(__file__).parent / "use_cases"
PAGE: Final = (ROOT / "docs" / "how-to" / "agents-and-teams.md").read_text(encoding="utf-8")
BLOCKS: Final[list[str]] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("number", "name"), [(0, "refunds"), (1, "skills")])
def test_a_use_case_of_the_page_goes_as_it_says_from_its_rule_to_the_end_of_its_ladder(number: int, name: str) -> None:
    policy = load_policy(BLOCKS[number], "escalation.toml", FACTS)
    text = (CASES / f"{name}.test.toml").read_text(encoding="utf-8")
    report = run_policy_tests(policy, FACTS, load_policy_tests(text, f"{name}.test.toml", policy, FACTS))
    assert [f"{result.test.name}: {failure}" for result in report.results for failure in result.failures] == []
    assert (report.coverage.percent, report.coverage.missed_rules, report.coverage.missed_steps) == (100, (), ())


def test_the_policy_tests_of_the_page_pass_on_the_policy_that_it_begins_with() -> None:
    policy = load_policy(BLOCKS[0], "escalation.toml", FACTS)
    report = run_policy_tests(policy, FACTS, load_policy_tests(BLOCKS[2], "escalation.test.toml", policy, FACTS))
    assert [f"{result.test.name}: {failure}" for result in report.results for failure in result.failures] == []
    assert len(report.results) > 1


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("authority = { refund = 500 }", "authority = { refund = 501 }"),
        ("authority = { refund = 5000 }", "authority = { refund = 899 }"),
        ("authority = { refund = 5000 }", "authority = { refund = inf }"),
        ('manager = "carla"', 'manager = "anna"'),
        ('tue = ["09:00-17:00"]', 'tue = ["09:00-16:59"]'),
        ('fri = ["09:00-17:00"]', 'fri = ["09:00-19:00"]'),
        ('members = ["anna"]', 'members = ["carla"]'),
        ('outside_hours = "redirect:2"', 'outside_hours = "pause"'),
        ('target = "manager_of:actor"\nack_within = "15m"', 'target = "manager_of:actor"\nack_within = "14m"'),
        ('target = "team:duty"\nack_within = "15m"', 'target = "team:duty"\nack_within = "16m"'),
        ('zendesk = "360004711"', 'zendesk = "4712"'),
    ],
)
def test_a_change_of_the_people_or_of_their_hours_is_noticed(was: str, becomes: str) -> None:
    assert was in BLOCKS[0]
    before = load_policy(BLOCKS[0], "escalation.toml", FACTS)
    changed = load_policy(BLOCKS[0].replace(was, becomes, 1), "escalation.toml", FACTS)
    text = (CASES / "refunds.test.toml").read_text(encoding="utf-8")
    assert not run_policy_tests(changed, FACTS, load_policy_tests(text, "refunds.test.toml", before, FACTS)).passed
