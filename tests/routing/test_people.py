"""Authority and expertise: from what somebody does to the manager who is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from gateway.model import (
    Activity,
    ActivityKind,
    BotFacts,
    Channel,
    EffectKind,
    Mode,
    Party,
    Role,
    TicketChange,
    TicketFacts,
)
from routing.explain import explain
from tests.routing.desk import EVENING, POLICY, RULES, WORKING, agent, assigned, late, refund, start, told
from tests.routing.values import (
    CATCH_ALL,
    MINUTE,
    NOW,
    activity,
    answer,
    message,
    outcome,
    play,
    policy,
    snapshot,
)


# --- authority (SG-5) ------------------------------------------------------------------------------------------------
def test_sg_5_a_refund_above_the_limit_goes_to_the_manager_and_one_below_to_nobody() -> None:
    """SG-5, use case: refund 900 by Bob (limit 500) → Carla; 400 → none."""
    where, (made,) = play(start(), refund("900"))
    assert made.trace.result == "escalate"
    assert made.trace.steps[0].evidence == (
        ("authority.amount", "refund of 900: bob up to 500"),
        ("authority.limit", "refund of 900: bob up to 500"),
    )
    assert made.episode is not None
    assert (made.episode.actor, made.episode.action, made.episode.amount) == ("bob", "refund", 900)
    assert made.episode.assigned == ("carla",)
    assert made.episode.acknowledge_by == WORKING + 15 * MINUTE
    assert told(made) == [("handoff", "Managers", "8")]
    _, (stands,) = play(where, replace(outcome(made.effects[0].id, made.episode), received_at=WORKING))
    assert told(stands) == [("notify", "@carla", None)]
    _, (none,) = play(start(), refund("400"))
    assert (none.trace.result, none.effects) == ("none", ())
    _, (equal,) = play(start(), refund("500.00"))
    assert equal.effects == ()


def test_use_case_the_manager_is_off_duty_so_the_duty_team_has_it_and_then_the_end() -> None:
    """Policy sample: manager off duty → duty team → final."""
    where, (made,) = play(start(), refund("900", now=EVENING))
    assert made.episode is not None
    assert (made.episode.step, made.episode.assigned) == (1, ("anna",))
    assert made.trace.skipped_why == ((0, "carla is off duty"),)
    assert made.trace.candidates_considered == (("carla", "off duty"), ("anna", ""), ("adam", "anna comes first"))
    assert made.trace.sentence.endswith("ladder managers. Step 1 is passed over: carla is off duty.")
    assert told(made) == [("handoff", "", "10")]
    where, (stands,) = play(where, replace(outcome(made.effects[0].id, made.episode), received_at=EVENING))
    assert told(stands) == [("notify", "@anna", None)]
    _, end = late(made, where, 15)
    assert end.trace.result == "final"
    assert told(end) == [("update", "End", ""), ("notify", "#leads", None)]
    assert end.episode is not None
    assert end.episode.assigned == ()


def test_in_working_hours_it_goes_from_the_manager_to_the_duty_team_in_fifteen_minutes() -> None:
    where, (made,) = play(start(), refund("900"))
    _, next_one = late(made, where, 15)
    assert told(next_one) == [("update", "", "10"), ("notify", "@anna", None)]
    assert next_one.effects[0].text == "Not acknowledged in time. Assigned to anna."


@pytest.mark.parametrize(("amount", "who"), [("501", "8"), ("2000", "8"), ("2001", "9"), ("1.000.000,00", "9")])
def test_as_7_the_amount_chooses_the_manager_who_may_decide_it(amount: str, who: str) -> None:
    """AS-7: managers whose own limit is too small are passed over."""
    _, (made,) = play(start(), refund(amount))
    assert told(made) == [("handoff", "Managers", who)]


def test_nobody_above_may_decide_it() -> None:
    rules = policy(POLICY.replace("authority = { refund = inf }\n", "") + CATCH_ALL)
    _, (made,) = play(start(rules), refund("5000"))
    assert made.trace.skipped_why == ((0, "no manager of bob may decide a refund of 5000"),)
    assert made.trace.candidates_considered[:2] == (
        ("carla", "may decide a refund of up to 2000 only"),
        ("dora", "may decide a refund of up to 0 only"),
    )


def test_the_highest_manager_of_all_has_none() -> None:
    rules = policy(POLICY.replace("authority = { refund = inf }", "authority = { refund = 3000 }") + CATCH_ALL)
    _, (made,) = play(start(rules), refund("5000", by="9"))
    assert made.trace.skipped_why == ((0, "dora has no manager"),)


def test_who_may_not_do_it_at_all_has_the_limit_0_and_of_a_stranger_none_is_known() -> None:
    _, (made,) = play(start(), refund("1", by="10"))
    assert made.trace.skipped_why == ((0, "anna has no manager"),)
    _, (stranger,) = play(start(), refund("9000", by="99"))
    assert stranger.effects == ()
    strict = policy(POLICY.replace("> authority.limit", "> 500") + CATCH_ALL)
    _, (asked,) = play(start(strict), refund("9000", by="99"))
    assert asked.trace.skipped_why == ((0, "no agent did it whom the policy names"),)
    assert told(asked) == [("handoff", "", "10")]


@pytest.mark.parametrize("amount", ["", "much", "1,200", "900 and 3"])
def test_an_amount_that_cannot_be_read_for_sure_is_missing_and_a_careful_rule_escalates_it(amount: str) -> None:
    _, (made,) = play(start(), refund(amount))
    assert made.effects == ()
    assert ("The amount of refund is not known: " in made.trace.sentence) is bool(amount)
    careful = policy(
        POLICY.replace("authority.amount > authority.limit", "not (authority.amount <= authority.limit)") + CATCH_ALL
    )
    _, (made,) = play(start(careful), refund(amount))
    assert bool(made.effects) is bool(amount), "a field that was cleared is no refund"


def test_evidence_says_how_an_amount_was_read_or_why_it_was_not() -> None:
    """SG-8: signals carry evidence."""
    careful = policy(
        POLICY.replace("authority.amount > authority.limit", "not (authority.amount <= authority.limit)") + CATCH_ALL
    )
    for amount, words in (
        ("1.234.567,50 EUR", "refund of 1234567.5 (written 1.234.567,50): bob up to 500"),
        ("1,200", "refund of an amount that cannot be read (1,200 may be 1200 or 1.2): bob up to 500"),
    ):
        _, (made,) = play(start(careful), refund(amount))
        evidence = dict(made.trace.steps[-1].evidence)
        assert words in evidence.values()


def test_another_field_is_no_refund_and_the_sign_of_an_amount_says_nothing() -> None:
    assert play(start(), refund("900", field="4712"))[1][0].effects == ()
    assert told(play(start(), refund("-900.00 EUR"))[1][0]) == [("handoff", "Managers", "8")]


def test_a_chatbots_own_limit_is_held_against_what_it_collected() -> None:
    """A bot is an agent of the policy like any other."""
    bot = Party(kind="bot", value="B9", role=Role.BOT)
    asks = Activity(
        kind=ActivityKind.HANDOFF_REQUEST,
        connection="chat",
        channel=Channel.CHAT,
        thread="C1/1",
        dedupe="h1",
        occurred_at=WORKING,
        received_at=WORKING,
        sender=bot,
        bot=BotFacts(fields={"refund": "900"}),
    )
    _, (made,) = play(snapshot(RULES), asks)
    assert [(e.destination, e.assignee) for e in made.effects if e.kind is EffectKind.HANDOFF] == [("Managers", "8")]
    _, (less,) = play(snapshot(RULES), replace(asks, bot=BotFacts(fields={"refund": "300"})))
    assert not [e for e in less.effects if e.kind is EffectKind.HANDOFF]


def test_a_customer_who_wants_a_manager_gets_that_of_the_agent_who_answered_last() -> None:
    asks = POLICY.replace(
        '"authority.action == \'refund\'", "authority.amount > authority.limit"', '"message.wants_manager"'
    )
    rules = policy(asks + CATCH_ALL)
    wants = replace(message("Let me speak to your manager"), received_at=WORKING, dedupe="e2")
    answered = replace(answer(sender=agent("7")), received_at=WORKING)
    _, (_, made) = play(start(rules), answered, wants)
    assert assigned(made) == ("carla",)
    _, (made,) = play(start(rules), wants)
    assert made.trace.skipped_why == ((0, "no agent did it whom the policy names"),)


def test_nobody_decides_over_what_they_did_themselves() -> None:
    rules = policy(POLICY.replace('members = ["anna", "adam"]', 'members = ["bob", "adam"]') + CATCH_ALL)
    _, (made,) = play(start(rules), refund("900", now=EVENING))
    assert assigned(made) == ("adam",)
    assert ("bob", "the one who did it") in made.trace.candidates_considered


def test_a_rule_that_is_tried_out_writes_down_who_would_have_got_it() -> None:
    tried = policy(POLICY.replace('type = "hierarchical"', 'mode = "observe"') + CATCH_ALL)
    _, (made,) = play(start(tried), refund("900"))
    assert told(made) == [("handoff", "Managers", "8")]
    assert made.effects[0].mode is Mode.OBSERVE
    assert made.episode is None


# --- expertise (SG-6) ------------------------------------------------------------------------------------------------
EXPERTISE: Final = """
[skill.billing]
level = 2
words = ["payment", "refunds"]
[skill.german]
[agent.bob]
ids = { desk = "7" }
skills = { billing = 1, german = 5 }
[agent.eve]
ids = { desk = "8" }
skills = { billing = 2 }
[[rule]]
id = "not-theirs"
type = "functional"
do = "escalate"
ladder = "second"
when.any = ["actor.lacks_skill", "bot.confidence < 0.4 and needed.skill == 'billing'"]
[ladder.second]
final = { target = "queue:desk/End" }
[[ladder.second.step]]
target = "queue:desk/Billing"
ack_within = "15m"
"""


def tagged(by: str, *tags: str) -> Activity:
    facts = TicketFacts(id="55", change=TicketChange.TAGS, tags=tags)
    return replace(refund("1", by=by), ticket=facts, dedupe=f"t{tags}")


def test_sg_6_a_ticket_that_needs_what_its_agent_does_not_know_is_escalated() -> None:
    """SG-6: needed skill against the actor's, at the level that the skill needs."""
    rules = policy(EXPERTISE + CATCH_ALL)
    assert told(play(start(rules), tagged("7", "Payment"))[1][0]) == [("handoff", "Billing", None)]
    for by, tags in (("8", ("payment",)), ("7", ("german",)), ("7", ("other",)), ("99", ("payment",))):
        assert play(start(rules), tagged(by, *tags))[1][0].effects == (), (by, tags)
    (step, _) = explain(start(rules), tagged("7", "billing"), NOW)
    assert step.evidence == (
        ("actor.lacks_skill", "billing is asked for; bob has level 1"),
        ("needed.skill", "billing is asked for; bob has level 1"),
    )


@pytest.mark.parametrize(("confidence", "fires"), [(0.2, True), (0.4, False), (None, False)])
def test_sg_6_a_bot_that_is_not_sure_of_what_needs_a_skill(confidence: float | None, fires: bool) -> None:
    """SG-6: the bot's confidence; one that it does not tell is missing, and a comparison with it false."""
    asks = activity(
        ActivityKind.HANDOFF_REQUEST,
        sender=Party(kind="bot", value="bot", role=Role.BOT),
        bot=BotFacts(confidence=confidence),
        extras={"skill": "refunds"},
    )
    _, (made,) = play(snapshot(policy(EXPERTISE + CATCH_ALL)), asks)
    assert any(effect.kind is EffectKind.HANDOFF for effect in made.effects) is fires
