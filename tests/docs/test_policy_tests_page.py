"""What the page about testing a policy shows is a test of the shipped policy, and passes."""

from __future__ import annotations

import re
from typing import Final

from routing.policy_tests import schema
from routing.policy_tests.load import load_policy_tests
from routing.policy_tests.run import run_policy_tests
from tests.docs.tables import DOCS
from tests.routing.policy_tests.test_mutants import FACTS, POLICY

PAGE: Final = (DOCS / "how-to" / "test-your-policy.md").read_text()
REFERENCE: Final = (DOCS / "reference" / "policy-tests.md").read_text()


def test_every_block_of_toml_is_a_test_that_passes_on_the_shipped_policy() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) > 3
    for block in blocks:
        tests = load_policy_tests(block, "escalation.test.toml", POLICY, FACTS)
        report = run_policy_tests(POLICY, FACTS, tests)
        assert [str(failure) for result in report.results for failure in result.failures] == []


def test_the_failure_that_is_shown_is_told_like_that() -> None:
    block = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0]
    wrong = block.replace('"P3"', '"P2"')
    (result,) = run_policy_tests(POLICY, FACTS, load_policy_tests(wrong, "f", POLICY, FACTS)).results
    (failure,) = result.failures
    assert f"failed: {result.test.name}\n" in PAGE
    assert str(failure) == 'expected priority = "P2", but it is "P3"'
    assert failure.said in " ".join(PAGE.split())


def test_the_kinds_of_events_and_their_keys_are_told() -> None:
    told = re.search(r"An event is exactly one of (.+?)\.\n", REFERENCE, re.DOTALL)
    assert told is not None
    assert re.findall(r"`(\w+)`", told[1]) == list(schema.WHAT)
    for key in ("value", "digits", "fallback", "status", "tags", "group", "priority", "via", "fields", "actor"):
        assert f"`{key}`" in REFERENCE
