"""Impact and urgency make a priority by the policy's matrix; a tier adds a class; of several reasons the highest counts.

The step "classify and prioritise" of the article, as a golden table; complexity, exceptions and high impact as rules that set it.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import (
    Activity,
    ActivityKind,
    BotFacts,
    Case,
    Decision,
    EffectKind,
    Priority,
    Profile,
    Role,
    TicketChange,
    TicketFacts,
    altered,
)
from routing.decide import decide
from routing.explain import seen
from routing.policy import Policy
from routing.severity_values import LEVELS
from tests.routing.values import (
    AGENT,
    BOT,
    CATCH_ALL,
    LADDER,
    LINK,
    NOW,
    activity,
    after,
    case,
    golden,
    message,
    open_episode,
    policy,
    snapshot,
    ticket,
)

MATRIX: Final = """
[severity]
impact = { desk = "4711" }
urgency = { desk = "4712" }
words = { high = ["1 - High"], low = ["3 - Low"] }
boost = ["gold"]
[severity.matrix]
high = { high = "P1", medium = "P2", low = "P3" }
medium = { high = "P2", medium = "P3", low = "P4" }
low = { high = "P3", medium = "P4", low = "P4" }
"""
RULE: Final = """
[[rule]]
id = "judge"
do = "none"
continue = true
when.all = ["message.text contains 'down'"]
set = { SET }
"""
HELP: Final = """
[[rule]]
id = "help"
do = "escalate"
ladder = "second"
when.all = ["sender.role == 'customer'", "case.severity in ['P1', 'P2'] or message.text contains 'down'"]
"""
GOLD: Final = Profile(values={"tier": "Gold"}, read_at=NOW)
BOTH: Final = "impact = 'high', urgency = 'high'"


def rules(sets: str, *, more: str = "") -> Policy:
    return policy(RULE.replace("SET", sets) + more + CATCH_ALL + LADDER + MATRIX)


def judged(sets: str, **changes: Any) -> Decision:
    return decide(snapshot(rules(sets), **changes), message("It is down"), NOW)


def filled(**fields: str) -> Activity:
    """Return a person who fills in fields of the ticket."""
    facts = TicketFacts(id="55", change=TicketChange.FIELDS, fields={each[1:]: value for each, value in fields.items()})
    return altered(ticket(TicketChange.FIELDS), ticket=facts)


def line(impact: str, urgency: str, own: str, tier: str) -> str:
    sets = ", ".join(
        f"{key} = '{value}'" for key, value in (("impact", impact), ("urgency", urgency), ("priority", own)) if value
    )
    profile = Profile(values={"tier": tier} if tier else {}, read_at=NOW)
    made = judged(sets, profile=profile)
    told = made.case.priority.value if made.case.priority else "-"
    rated = made.case.severity.value if made.case.severity else "-"
    return f"{impact:8}{urgency:8}{own or '-':4}{tier or '-':6}{rated:4}{told:4}{' '.join(made.trace.notes)}".rstrip()


def test_what_impact_urgency_tier_and_the_rule_itself_make_of_a_case() -> None:
    table = [
        line(impact, urgency, own, tier)
        for impact, urgency in product(reversed(LEVELS), repeat=2)
        for own in ("", "P2")
        for tier in ("", "gold")
    ]
    told = "\n".join(["impact  urgency own tier  rated has why", *table, ""])
    assert told == golden(Path(__file__).parent / "severity" / "matrix.txt", told)


_levels: Final = st.sampled_from(("", *LEVELS))


@given(
    _levels,
    _levels,
    st.sampled_from(("", "P1", "P2", "P3", "P4")),
    st.booleans(),
    st.none() | st.sampled_from(Priority),
)
def test_of_two_reasons_the_higher_counts_and_the_matrix_never_lowers(
    impact: str, urgency: str, own: str, gold: bool, before: Priority | None
) -> None:
    sets = {"impact": impact, "urgency": urgency, "priority": own}
    written = ", ".join(f"{key} = '{value}'" for key, value in sets.items() if value) or "tags = ['x']"
    made = judged(written, case=case(priority=before), profile=GOLD if gold else None).case
    matrix = policy(CATCH_ALL + MATRIX).severity
    assert matrix is not None
    rated = matrix.matrix.get((impact, urgency))
    if rated is not None and gold:
        rated = Priority(f"P{max(1, int(rated.value[1]) - 1)}")
    assert made.severity is rated
    expected = [each for each in (Priority(own) if own else None, rated) if each is not None]
    # What a rule says itself is as ever: without an escalation it takes the place of an earlier word.
    floor = [before] if before is not None and not own else []
    wanted = [each.value for each in (*expected, *floor)]
    assert made.priority == (Priority(min(wanted)) if wanted else before)


def test_two_rules_the_higher_impact_counts_and_the_rules_after_see_it_at_the_next_message() -> None:
    text = (
        RULE.replace("SET", "impact = 'high'")
        + RULE.replace("judge", "later").replace("SET", "impact = 'low', urgency = 'high'")
        + HELP.replace(" or message.text contains 'down'", "")
        + CATCH_ALL
        + LADDER
        + MATRIX
    )
    start = snapshot(policy(text))
    first = decide(start, message("It is down"), NOW)
    assert (first.case.impact, first.case.urgency, first.case.severity) == ("high", "high", Priority.P1)
    assert first.case.priority is Priority.P1
    assert first.episode is None
    again = decide(after(start, first), message("hello?", dedupe="e2"), NOW)
    assert again.episode is not None
    assert again.episode.rule == "help"


def test_what_people_fill_in_counts_as_it_is_and_the_tickets_priority_follows() -> None:
    start = snapshot(rules("tags = ['x']", more=HELP), case=case(targets=("desk",)), tickets=(LINK,))
    start = altered(start, episode=open_episode())
    up = decide(start, filled(_4711="1 - High", _4712="HIGH"), NOW)
    assert (up.case.severity, up.case.priority) == (Priority.P1, Priority.P1)
    (told,) = [effect for effect in up.effects if effect.kind is EffectKind.UPDATE]
    assert (told.priority, told.text) == (Priority.P1, "Impact high and urgency high are P1.")
    assert up.trace.notes == ("Impact high and urgency high are P1.",)
    down = decide(after(start, up), altered(filled(_4711="3 - Low"), dedupe="e2"), NOW)
    assert (down.case.impact, down.case.severity) == ("low", Priority.P3)
    assert down.case.priority is Priority.P1, "a priority rises and never falls"
    assert not [effect for effect in down.effects if effect.kind is EffectKind.UPDATE]


def test_a_word_that_is_no_level_says_nothing_and_is_not_kept() -> None:
    made = decide(snapshot(rules(BOTH), tickets=(LINK,)), filled(_4711="secret word"), NOW)
    assert made.case.impact == ""
    assert made.trace.notes == ("The field of impact on desk holds a word that is no level.",)


@pytest.mark.parametrize("who", [AGENT, altered(AGENT, role=Role.CUSTOMER)])
def test_a_field_of_another_name_or_connection_is_no_word_on_it(who: Any) -> None:
    made = decide(snapshot(rules(BOTH), tickets=(LINK,)), altered(filled(_4713="high"), sender=who), NOW)
    assert (made.case.impact, made.case.severity, made.trace.notes) == ("", None, ())


def test_what_a_bot_collects_counts_where_its_connection_is_named() -> None:
    fields = MATRIX.replace("impact = { desk", 'impact = { chat = "harm", desk')
    text = RULE.replace("SET", "tags = ['x']") + CATCH_ALL + LADDER + fields
    wish = activity(ActivityKind.HANDOFF_REQUEST, sender=BOT, bot=BotFacts(fields={"harm": "high"}))
    assert decide(snapshot(policy(text)), wish, NOW).case.impact == "high"


def test_a_tier_that_is_known_later_raises_it_then() -> None:
    """The customer is asked about since a tier counts, though no condition reads one."""
    rules_now = rules(BOTH.replace("'high'", "'medium'", 1))
    assert rules_now.customer is not None
    start = snapshot(rules_now, askable=True)
    first = decide(start, message("It is down"), NOW)
    assert first.case.priority is Priority.P2
    assert [effect.kind for effect in first.effects] == [EffectKind.LOOKUP]
    known = altered(after(start, first), profile=GOLD)
    assert decide(known, message("and?", dedupe="e2"), NOW).case.priority is Priority.P1


def test_explanations_show_impact_urgency_and_severity_as_the_rules_saw_them() -> None:
    rated = case(impact="high", urgency="high", severity=Priority.P1)
    told = seen(snapshot(rules(BOTH, more=HELP), case=rated), message("hello"), NOW)
    assert told["case.severity"] is Priority.P1


def test_a_rule_that_joins_gives_the_ticket_what_the_matrix_makes_of_it() -> None:
    joins = RULE.replace('do = "none"\ncontinue = true', 'do = "escalate"\nladder = "second"').replace("SET", BOTH)
    start = snapshot(policy(joins + CATCH_ALL + LADDER + MATRIX), case=case(targets=("desk",)), tickets=(LINK,))
    made = decide(altered(start, episode=open_episode()), message("It is down"), NOW)
    assert [each.priority for each in made.effects if each.rule == "judge"] == [Priority.P1]


def test_without_a_matrix_nothing_changes() -> None:
    plain = policy(RULE.replace("SET", "priority = 'P2'") + CATCH_ALL + LADDER)
    made = decide(snapshot(plain, case=Case(id="c", impact="high", urgency="high")), message("It is down"), NOW)
    assert (made.case.priority, made.case.severity, made.trace.notes) == (Priority.P2, None, ())
