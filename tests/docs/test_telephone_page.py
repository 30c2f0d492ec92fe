"""What the page about telling staff by telephone shows is a policy, and what it promises of it is so."""

from __future__ import annotations

import re
from typing import Final

from gateway.model import Channel, Mode
from routing.load import load_policy
from routing.policy import ConnectionFacts
from routing.policy_tests.load import load_policy_tests
from routing.policy_tests.run import run_policy_tests
from tests.docs.tables import DOCS
from tests.docs.test_policy_page import FACTS

PAGE: Final = (DOCS / "how-to" / "tell-staff-by-telephone.md").read_text()
BLOCKS: Final[list[str]] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
PHONES: Final = FACTS | {
    name: ConnectionFacts(name=name, channel=channel, mode=Mode.LIVE, roles=frozenset({"notify"}))
    for name, channel in (("text-messages", Channel.MESSAGING), ("hotline", Channel.PHONE))
}
RULES: Final = """
[[rule]]
id = "fire"
do = "escalate"
ladder = "night"
when.all = ["message.text contains 'fire'"]
set = { priority = "P1" }
[[rule]]
id = "person"
do = "escalate"
ladder = "night"
when.all = ["message.wants_person"]
[[rule]]
id = "rest"
catch_all = true
do = "none"
"""
URGENT: Final = """
[[policy_test]]
name = "a case of P1 goes to Fay at once"
at = 2026-11-24T02:00:00+01:00
[[policy_test.event]]
message = "fire"
expect.path = [3]
expect.notify = ["hotline:+4915550901"]
"""


def test_the_ladder_of_the_page_does_what_the_page_says() -> None:
    """AS-2: text message, then a call, then the lead; and a digit takes the case."""
    policy = load_policy(RULES + BLOCKS[0], "escalation.toml", PHONES)
    tests = load_policy_tests(BLOCKS[1] + URGENT, "a.test.toml", policy, PHONES)
    report = run_policy_tests(policy, PHONES, tests)
    assert [str(failure) for result in report.results for failure in result.failures] == []
    assert len(report.results) == 2
