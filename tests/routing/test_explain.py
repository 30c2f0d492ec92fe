"""The account of a decision: every rule, every condition, as it was when the rules were asked."""

from __future__ import annotations

from typing import Final

from hypothesis import given

from gateway.model import Activity, ActivityKind, Case, CaseStatus, Priority, Role
from routing.compiling import Condition
from routing.decide import decide
from routing.explain import explain, seen
from tests.routing.strategies import activities, cases
from tests.routing.values import BOT, CATCH_ALL, NOW, case, message, policy, snapshot

POLICY: Final = policy(
    """
[[rule]]
id = "mark"
do = "none"
continue = true
when.all = ["message.text contains 'hello'", "case.priority != 'P1'"]
set = { priority = "P1", tags = ["greeted"] }
[[rule]]
id = "marked"
do = "none"
when.any = ["case.priority == 'P1'", "case.tags contains 'greeted'", "case.customer_messages >= 3"]
[[rule]]
id = "open"
do = "none"
when.all = ["case.status == 'open'"]
when.any = ["channel == 'chat'", "channel == 'email'"]
"""
    + CATCH_ALL
)


def test_conditions_are_shown_as_the_rules_saw_them_not_as_the_rules_left_the_case() -> None:
    start = snapshot(POLICY, case=case(priority=Priority.P3, status=CaseStatus.RESOLVED, customer_messages=1))
    told = {step.rule: step for step in explain(start, message("hello"), NOW)}
    assert told["mark"].matched
    assert told["mark"].conditions == (("message.text contains 'hello'", True), ("case.priority != 'P1'", True))
    assert [held for _, held in told["marked"].conditions] == [False, False, False]
    assert not told["marked"].matched
    assert [held for _, held in told["open"].conditions] == [True, True, False]
    assert told["open"].matched


def test_what_no_rule_looks_at_matches_none() -> None:
    account = explain(snapshot(POLICY), message("hello", sender=BOT), NOW)
    assert [step.matched for step in account] == [False] * 4


@given(cases(), activities())
def test_what_the_rules_saw_is_told_without_what_anybody_wrote(of: Case, what: Activity) -> None:
    start = snapshot(POLICY, case=of)
    told = seen(start, what, NOW)
    assert set(told) == POLICY.reads - {"message.text"}
    assert told["channel"] == what.channel
    assert told["case.priority"] == of.priority


@given(cases(), activities())
def test_the_account_agrees_with_the_decision(of: Case, what: Activity) -> None:
    start = snapshot(POLICY, case=of)
    made, account = decide(start, what, NOW), explain(start, what, NOW)
    assert [step.rule for step in account] == [rule.id for rule in POLICY.rules]
    assert [step.rule for step in account if step.matched] == [step.rule for step in made.trace.steps]
    for rule, step in zip(POLICY.rules, account, strict=True):
        conditions: tuple[Condition, ...] = (*rule.all, *rule.any)
        assert [source for source, _ in step.conditions] == [condition.source for condition in conditions]
    short = {step.rule: step.conditions for step in made.trace.steps}
    assert all(short[step.rule] == step.conditions for step in account if step.matched)
    wish = what.kind is ActivityKind.HANDOFF_REQUEST
    if what.sender is not None and what.sender.role is Role.BOT and not wish:
        assert made.trace.steps == ()
