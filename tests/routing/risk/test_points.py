"""SG-11: a case teaches by one moment of its life, chosen before anything is known of its end; and `decide` stays pure."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import pytest
from hypothesis import given, settings

from gateway.model import (
    Activity,
    Decision,
    Profile,
    Risk,
    RiskPoint,
    TicketChange,
    TicketStatus,
    altered,
    lesson_of,
)
from routing.decide import decide
from routing.explain import explain, seen
from routing.policy import Policy
from routing.snapshot import Snapshot
from tests.routing.situations import ASKED, LIVE, WAITING, situations
from tests.routing.values import (
    CATCH_ALL,
    LADDER,
    MINUTE,
    NOW,
    after,
    answer,
    case,
    message,
    open_episode,
    outcome,
    policy,
    snapshot,
    ticket,
    timer,
)

DAY: Final = 24 * 60 * MINUTE
RULES: Final = """
[risk]
horizon = "1d"
[phrases]
person = ["real person"]
[[rule]]
id = "help"
do = "escalate"
ladder = "second"
when.all = ["message.phrases contains 'person'"]
[[rule]]
id = "likely"
do = "escalate"
ladder = "second"
when.all = ["risk.score >= 0.7", "case.customer_messages >= 2"]
[[rule]]
id = "unlikely"
do = "none"
continue = true
when.all = ["risk.score < 0.7"]
set = { tags = ["calm"] }
"""
POLICY: Final = policy(RULES + CATCH_ALL + LADDER)
SLA: Final = policy(RULES + CATCH_ALL + LADDER + '[[sla]]\nid = "s"\nfirst = "1h"\n')
FEATURES: Final = ("channel=chat",)


def tell(
    *texts: str, rules: Policy = POLICY, score: float | None = None, **changes: Any
) -> tuple[Snapshot, list[Decision]]:
    """Play messages of the customer, a minute apart, each with features that say its number."""
    where = snapshot(rules, **changes)
    made: list[Decision] = []
    for number, text in enumerate(texts, 1):
        at = NOW + number * MINUTE
        where = altered(where, risk=Risk(score=score, model=5, evidence="because"), features=(f"number={number}",))
        decision = decide(where, message(text, dedupe=f"e{number}", occurred_at=at, received_at=at), at)
        where = after(where, decision)
        made.append(decision)
    return where, made


def do(where: Snapshot, what: Activity, at: int) -> Snapshot:
    return after(where, decide(where, altered(what, received_at=at, occurred_at=at), at))


def point(where: Snapshot) -> RiskPoint:
    assert where.case.risk is not None
    return where.case.risk


# --- the field -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("score", "rules"), [(None, ["rest"]), (0.9, ["likely"]), (0.7, ["likely"]), (0.69, ["unlikely", "rest"])]
)
def test_conditions_compare_the_score_and_none_holds_while_it_is_unknown(score: float | None, rules: list[str]) -> None:
    _, made = tell("hello", "hello?", score=score)
    assert [step.rule for step in made[-1].trace.steps] == rules


def test_a_trace_names_the_version_of_the_model_and_the_evidence() -> None:
    _, made = tell("hello", "hello?", score=0.9)
    trace = made[-1].trace
    assert trace.risk == Risk(score=0.9, model=5, evidence="because")
    assert [step.evidence for step in trace.steps] == [(("risk.score", "because"),)]


def test_an_explanation_has_the_score_and_what_it_stands_on_of_every_rule() -> None:
    where = snapshot(POLICY, risk=Risk(score=0.31, model=5, evidence="0.31 by model 5"), features=FEATURES)
    assert seen(where, message(), NOW)["risk.score"] == 0.31
    evidence = {step.rule: step.evidence for step in explain(where, message(), NOW)}
    assert evidence["likely"] == evidence["unlikely"] == (("risk.score", "0.31 by model 5"),)
    assert evidence["help"] == ()


@given(situations())
@settings(max_examples=30)
def test_without_the_table_a_case_and_its_trace_know_nothing_of_it(situation: tuple[Snapshot, Activity]) -> None:
    before, what = situation
    decision = decide(before, what, NOW)
    assert before.policy.risk is None
    assert decision.case.risk is None
    assert decision.trace.risk is None


@given(situations())
@settings(max_examples=30)
def test_deciding_with_a_risk_is_pure(situation: tuple[Snapshot, Activity]) -> None:
    before, what = situation
    before = altered(before, policy=POLICY, risk=Risk(score=0.8, model=2, evidence="x"), features=FEATURES)
    assert repr(decide(before, what, NOW)) == repr(decide(before, what, NOW))


# --- the moment ------------------------------------------------------------------------------------------------------
def test_moments_are_the_first_second_fourth_and_eighth_message() -> None:
    _, made = tell(*["hello"] * 9)
    passed = [decision.case.risk.passed for decision in made if decision.case.risk is not None]
    assert passed == [1, 2, 2, 3, 3, 3, 3, 4, 4]


def test_each_moment_is_as_likely_to_be_kept() -> None:
    kept: Counter[str] = Counter()
    for number in range(1200):
        where, _ = tell(*["hello"] * 4, case=case(id=f"case-{number}"))
        kept.update(point(where).features)
    assert set(kept) == {"number=1", "number=2", "number=4"}
    assert all(340 < count < 460 for count in kept.values()), kept


def test_a_ticket_that_is_made_is_a_moment_and_what_agents_say_is_none() -> None:
    start = snapshot(POLICY, risk=Risk(), features=FEATURES)
    assert decide(start, ticket(TicketChange.CREATED, TicketStatus.NEW), NOW).case.risk is not None
    assert decide(start, ticket(TicketChange.TAGS), NOW).case.risk is None
    assert decide(start, answer(), NOW).case.risk is None
    assert decide(altered(start, features=()), message(), NOW).case.risk is None


def test_a_case_that_is_escalated_at_once_foretells_nothing() -> None:
    where, _ = tell("a real person please", "a real person please")
    assert where.episode is not None
    assert where.case.risk is None


# --- what came of it -------------------------------------------------------------------------------------------------
def test_an_escalation_after_the_moment_counts_and_no_moment_comes_after_it() -> None:
    where, _ = tell("hello", "well", "a real person please", "well")
    first = point(where)
    assert first.escalated_at == NOW + 3 * MINUTE
    assert first.passed == 2
    lesson = lesson_of(first)
    assert lesson is not None
    assert lesson.escalated
    calm, _ = tell("hello", "well", "well", "well")
    lesson = lesson_of(point(calm))
    assert lesson is not None
    assert not lesson.escalated


def test_an_escalation_after_the_horizon_does_not_count() -> None:
    where, _ = tell("hello")
    for gone, counts in ((DAY, True), (DAY + 1, False)):
        late = do(where, message("a real person please", dedupe="late"), point(where).at + gone)
        lesson = lesson_of(point(late))
        assert point(late).escalated_at is not None
        assert lesson is not None
        assert lesson.escalated is counts


def test_what_the_risk_itself_demanded_teaches_nothing_unless_another_rule_does_too() -> None:
    """Else the prediction would fulfil itself."""
    where, _ = tell("hello", "well", score=0.9)
    assert where.episode is not None
    assert where.episode.rule == "likely"
    assert point(where).forced
    assert lesson_of(point(where)) is None
    where = do(where, message("a real person please", dedupe="e3"), NOW + 5 * MINUTE)
    assert where.episode is not None
    assert where.episode.reasons == ("likely", "help")
    lesson = lesson_of(point(where))
    assert lesson is not None
    assert lesson.escalated


def test_a_target_that_is_missed_after_the_moment_counts() -> None:
    where, _ = tell("hello", rules=SLA)
    assert where.case.sla is not None
    (clock,) = (each for each in where.case.sla.clocks if each.metric.value == "first")
    assert clock.due_at is not None
    early = do(where, timer("sla:look"), clock.due_at - 1)
    assert point(early).escalated_at is None
    late = do(where, timer("sla:look"), clock.due_at + MINUTE)
    assert point(late).escalated_at == clock.due_at


def test_a_policy_without_the_table_lets_the_moment_go() -> None:
    """What came meanwhile was not noted: it would teach something wrong."""
    where, _ = tell("hello")
    assert decide(altered(where, policy=LIVE), message("well", dedupe="e2"), NOW + 5 * MINUTE).case.risk is None


def test_what_came_before_the_moment_is_no_outcome_of_it() -> None:
    where, _ = tell("hello", rules=SLA)
    assert where.case.sla is not None
    due = min(clock.due_at or 0 for clock in where.case.sla.clocks)
    moment = altered(point(where), at=due + MINUTE)
    where = altered(where, case=altered(where.case, risk=moment))
    assert point(do(where, timer("sla:look"), due + 2 * MINUTE)).escalated_at is None, "missed before"
    older = open_episode(rule="help", reasons=("help",), opened_at=moment.at - 1)
    merged = altered(where, episode=older)
    assert point(do(merged, message("well", dedupe="e7"), due + 2 * MINUTE)).escalated_at is None, "escalated before"
    merged = altered(where, episode=altered(older, opened_at=moment.at + 1))
    assert point(do(merged, message("well", dedupe="e7"), due + 2 * MINUTE)).escalated_at is not None


def test_no_moment_comes_after_an_escalation_that_the_risk_demanded() -> None:
    where, _ = tell("hello", "well", score=0.9)
    assert point(where).forced
    over = altered(where, episode=None, risk=Risk(), features=FEATURES)
    over = do(over, message("well", dedupe="e3"), NOW + 5 * MINUTE)
    over = do(over, message("well", dedupe="e4"), NOW + 6 * MINUTE)
    assert over.case.customer_messages == 4
    assert point(over) == point(where)


def test_rules_that_look_again_once_a_look_up_has_answered_see_the_score() -> None:
    rules = policy(
        '[risk]\n[customer]\nprofile_from = "desk"\nvip = ["gold"]\n[[rule]]\nid = "both"\ndo = "none"\n'
        'when.all = ["customer.vip", "risk.score > 0.5"]\n' + CATCH_ALL
    )
    where = snapshot(
        rules,
        case=case(lookup=ASKED),
        profile=Profile(values={"tier": "gold"}, read_at=NOW),
        askable=True,
        waiting=(WAITING,),
        risk=Risk(score=0.6),
    )
    decision = decide(where, outcome(ASKED.effect_id, None, effect_kind="lookup"), NOW)
    assert [step.rule for step in decision.trace.steps] == ["both"]
