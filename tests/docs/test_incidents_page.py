"""What the page about outages shows can be written below the shipped policy, and its tests pass."""

from __future__ import annotations

import re
from typing import Final

from routing.load import load_policy
from routing.policy_tests.load import load_policy_tests
from routing.policy_tests.run import run_policy_tests
from tests.docs.tables import DOCS
from tests.docs.test_policy_page import FACTS, SHIPPED

BLOCKS: Final[list[str]] = re.findall(r"```toml\n(.*?)```", (DOCS / "how-to" / "incidents.md").read_text(), re.DOTALL)


def test_the_pages_incident_and_rule_go_with_the_shipped_policy_and_its_tests_pass() -> None:
    incident, rule, tests = BLOCKS
    head, mark, rest = SHIPPED.partition("[[rule]]")
    policy = load_policy(head + rule + mark + rest + incident, "escalation.toml", FACTS)
    assert set(policy.incidents) == {"outage"}
    report = run_policy_tests(policy, FACTS, load_policy_tests(tests, "page", policy, FACTS))
    assert [str(failure) for result in report.results for failure in result.failures] == []
    assert report.results
