"""SG-7, PO-8: which SLA applies, what rules hear of it and when, and what timers do that nobody waits for any more."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import (
    Activity,
    Audience,
    CaseStatus,
    Decision,
    EffectKind,
    Priority,
    SlaClock,
    SlaMark,
    TicketChange,
    TicketStatus,
)
from routing.decide import decide
from routing.explain import explain
from routing.policy import Policy
from routing.sla import timer_name
from routing.snapshot import Snapshot
from tests.routing.days import FRIDAY, MONDAY, RULES, Desk, at
from tests.routing.situations import situations
from tests.routing.test_decide import moved
from tests.routing.values import (
    BOT,
    CASE_ID,
    CATCH_ALL,
    LADDER,
    NOW,
    answer,
    case,
    message,
    policy,
    snapshot,
    ticket,
    timer,
)

TUESDAY: Final = "2026-12-01"
STANDARD: Final = """
[[sla]]
id = "standard"
first = "1h"
next = "2h"
resolution = "8h"
calendar = "office"
pause = ["pending", "on_hold"]
"""
ON_BREACH: Final = """
[[rule]]
id = "late"
type = "automated"
do = "escalate"
ladder = "second"
when.all = ["sla.event == 'breached'", "sla.metric in ['first', 'next']"]
set = { priority = "P2", reason = "Nobody answered the customer in time." }
[[rule]]
id = "risk"
do = "none"
when.all = ["sla.event == 'at_risk'"]
set = { tags = ["at-risk"] }
"""
KEEP: Final = """
[[rule]]
id = "keep"
do = "mirror"
target = "desk"
when.all = ["not (channel == 'email')"]
"""


def rules(sla: str = STANDARD, more: str = ON_BREACH, last: str = KEEP) -> Policy:
    help_rule, ladder = RULES.replace('ladder = "up"', 'ladder = "second"'), LADDER
    return policy(help_rule + more + last + CATCH_ALL + ladder + sla)


def clocks(desk: Desk) -> dict[str, SlaClock]:
    assert desk.now.case.sla is not None
    return {clock.metric.value: clock for clock in desk.now.case.sla.clocks}


def due(desk: Desk, metric: str = "first") -> int | None:
    return clocks(desk)[metric].due_at


def sla_deadlines(desk: Desk) -> set[int]:
    return {when for name, when in desk.deadlines.items() if name.startswith("sla:")}


def seen_of(desk: Desk, moment: int) -> list[str]:
    return [f"{when} {what}" for when, what in desk.until(moment)]


# --- what rules hear -------------------------------------------------------------------------------------------------
def test_at_the_breach_the_case_is_escalated_with_its_whole_context() -> None:
    """Automated escalation: nobody answered within an hour of working hours, over a weekend."""
    desk = Desk(rules(last=""))
    desk.act(at(FRIDAY, "16:20"), message("my parcel is late"))
    assert due(desk) == at(MONDAY, "09:20")
    assert desk.until(at(MONDAY, "09:19")) == []
    assert desk.now.case.tags == ("at-risk",)
    assert seen_of(desk, at(MONDAY, "09:20")) == ["Mon 09:20 ticket in Second line", "Mon 09:20 #second"]
    assert desk.now.episode is not None
    assert (desk.now.episode.rule, desk.now.episode.opened_at) == ("late", at(MONDAY, "09:20"))


def test_three_quarters_of_the_time_is_the_point_of_risk_unless_the_file_says_another() -> None:
    for line, risky in (("", "10:45"), ('at_risk = "50%"', "10:30"), ('at_risk = "5m"', "10:55")):
        desk = Desk(rules(STANDARD + line))
        desk.act(at(MONDAY, "10:00"), message())
        assert clocks(desk)["first"].risk_at == at(MONDAY, risky)


def fired(desk: Desk, mark: SlaMark, metric: str = "first", moment: int | None = None) -> Decision:
    """Let the timer of a clock's mark fire that stands in the case now."""
    clock = clocks(desk)[metric]
    name = timer_name(CASE_ID, clock, mark)
    when = clock.reaches(mark) if moment is None else moment
    assert when is not None
    desk.deadlines.pop(name, None)
    return desk._decide(when, timer(name))


def test_a_clock_lets_only_those_rules_look_that_read_a_field_of_slas() -> None:
    """Neither the catch-all, nor a mirror that takes whatever is no mail, nor a rule on counts of the case."""
    counted = """
[[rule]]
id = "counted"
do = "escalate"
ladder = "second"
when.all = ["case.customer_messages >= 1", "case.agent_messages == 0", "not (sender.role == 'customer')"]
"""
    desk = Desk(rules(more=counted))
    desk.act(at(MONDAY, "10:00"), message("hello", channel=None, sender=BOT))
    desk.act(at(MONDAY, "10:00"), message("hello"))
    made = fired(desk, SlaMark.BREACHED)
    assert made.trace.steps == ()
    assert made.effects == ()
    assert made.trace.result == "sla"
    assert made.trace.sentence == "The first response of SLA standard was missed."


def test_rules_that_ask_for_the_sla_are_looked_at_when_a_customer_writes_as_well() -> None:
    left = """
[[rule]]
id = "soon"
do = "escalate"
ladder = "second"
when.any = ["sla.first_left < 15m", "sla.next_left < 15m"]
"""
    desk = Desk(rules(more=left, sla=STANDARD + 'at_risk = "50%"'))
    assert desk.act(at(MONDAY, "10:00"), message()).episode is None
    desk.until(at(MONDAY, "10:44"))
    assert desk.now.episode is None
    assert desk.act(at(MONDAY, "10:46"), message()).trace.steps[0].rule == "soon"


@pytest.mark.parametrize(
    "condition", ["sla.next_left < 9999h", "sla.next_left > 0s", "sla.event != 'breached'", "sla.id != 'x'"]
)
def test_what_is_missing_is_never_at_risk(condition: str) -> None:
    """An SLA field that is null must not fire on every case."""
    one = f'[[rule]]\nid = "one"\ndo = "none"\nwhen.all = ["{condition}"]\n'
    desk = Desk(rules(more=one, sla=STANDARD if "id" not in condition else ""))
    made = desk.act(at(MONDAY, "10:00"), message())
    assert "one" not in [step.rule for step in made.trace.steps]


def test_what_is_missed_and_still_owed_is_told_until_it_is_answered() -> None:
    asks = '[[rule]]\nid = "one"\ndo = "none"\nwhen.all = ["sla.breached contains \'first\'", "sla.first_left < 0s"]\n'
    desk = Desk(rules(more=asks))
    matched: list[bool] = []
    for clock, what in (("10:00", message()), ("11:30", message()), ("11:40", answer()), ("11:50", message())):
        made = desk.act(at(MONDAY, clock), what)
        matched.append("one" in [step.rule for step in made.trace.steps])
    assert matched == [False, True, False, False]


def test_the_account_of_a_decision_knows_what_the_clocks_said() -> None:
    desk = Desk(rules(more='[[rule]]\nid = "one"\ndo = "none"\nwhen.all = ["sla.first_left < 30m"]\n'))
    desk.act(at(MONDAY, "10:00"), message())
    desk.until(at(MONDAY, "10:40"))
    told = {step.rule: step for step in explain(desk.now, message(), at(MONDAY, "10:40"))}
    assert told["one"].matched
    assert told["one"].conditions == (("sla.first_left < 30m", True),)


# --- which one applies -----------------------------------------------------------------------------------------------
URGENT: Final = """
[[sla]]
id = "urgent"
when.any = ["case.priority in ['P1', 'P2']", "case.tags contains 'vip'"]
first = "20m"
calendar = "office"
"""


def test_the_first_that_applies_counts_and_no_other() -> None:
    desk = Desk(rules(URGENT + STANDARD, more=""))
    desk.now = replace(desk.now, case=case(priority=Priority.P1))
    desk.act(at(MONDAY, "10:00"), message())
    assert list(clocks(desk)) == ["first"]
    assert sla_deadlines(desk) == {at(MONDAY, "10:15"), at(MONDAY, "10:20")}


def test_a_rule_that_raises_the_priority_changes_the_sla_from_the_same_beginning() -> None:
    raises = """
[[rule]]
id = "raise"
do = "none"
when.all = ["message.text contains 'urgent'"]
set = { priority = "P1" }
"""
    desk = Desk(rules(URGENT + STANDARD, more=raises))
    desk.act(at(MONDAY, "10:00"), message("hello"))
    assert due(desk) == at(MONDAY, "11:00")
    desk.act(at(MONDAY, "10:05"), message("it is urgent"))
    assert due(desk) == at(MONDAY, "10:20")
    assert sla_deadlines(desk) == {at(MONDAY, "10:15"), at(MONDAY, "10:20")}


def test_a_stricter_sla_whose_time_is_over_already_is_missed_at_once_and_heard_once() -> None:
    desk = Desk(rules(URGENT + STANDARD, last=""))
    desk.act(at(MONDAY, "10:00"), message("hello"))
    desk.until(at(MONDAY, "10:30"))
    desk.now = replace(desk.now, case=replace(desk.now.case, priority=Priority.P1))
    made = desk.act(at(MONDAY, "10:30"), message("x"))
    assert {each.due_at for each in made.timers} == {at(MONDAY, "10:15"), at(MONDAY, "10:20")}
    made = fired(desk, SlaMark.BREACHED, moment=at(MONDAY, "10:30"))
    assert made.episode is not None
    again = desk.act(at(MONDAY, "10:31"), message("x"))
    assert not [each for each in again.timers if each.name.startswith("sla:")]


def test_what_was_heard_is_not_heard_again_when_the_sla_changes_and_changes_back() -> None:
    desk = Desk(rules(URGENT + STANDARD, last=""))
    desk.act(at(MONDAY, "10:00"), message())
    desk.until(at(MONDAY, "11:05"))
    assert desk.now.episode is not None, "the rule set P2, so the SLA is another"
    assert clocks(desk)["first"].told == (SlaMark.AT_RISK, SlaMark.BREACHED)
    for minute, priority in ((10, None), (11, Priority.P1), (12, None)):
        desk.now = replace(desk.now, case=replace(desk.now.case, priority=priority))
        desk.act(at(MONDAY, f"11:{minute}"), message())
    assert clocks(desk)["first"].told == (SlaMark.AT_RISK, SlaMark.BREACHED)
    assert not [name for name in desk.deadlines if ":first:" in name]


# --- standing still --------------------------------------------------------------------------------------------------
def test_while_the_ticket_waits_for_the_customer_the_clocks_stand_and_keep_what_is_left() -> None:
    desk = Desk(rules())
    desk.act(at(MONDAY, "10:00"), message())
    desk.act(at(MONDAY, "10:30"), ticket(TicketChange.STATUS, TicketStatus.PENDING))
    assert sla_deadlines(desk) == set()
    assert clocks(desk)["first"].words(at(MONDAY, "12:00")) == "stands, 30 min left"
    desk.act(at(TUESDAY, "10:00"), ticket(TicketChange.STATUS, TicketStatus.OPEN))
    assert due(desk) == at(TUESDAY, "10:30")
    assert due(desk, "resolution") == at("2026-12-02", "09:30")


def test_a_customer_who_writes_ends_the_waiting_for_them_whatever_the_ticket_says() -> None:
    desk = Desk(rules())
    desk.act(at(MONDAY, "10:00"), message())
    desk.act(at(MONDAY, "10:10"), answer())
    desk.act(at(MONDAY, "10:10"), ticket(TicketChange.STATUS, TicketStatus.PENDING))
    assert clocks(desk)["resolution"].due_at is None
    desk.act(at(MONDAY, "11:10"), message("here it is"))
    assert due(desk, "next") == at(MONDAY, "13:10")
    desk.act(at(MONDAY, "11:20"), answer(audience=Audience.INTERNAL, ticket=pending("55")))
    assert due(desk, "next") == at(MONDAY, "13:10"), "the ticket was pending all the time"
    desk.act(at(MONDAY, "11:30"), answer(ticket=pending("55")))
    assert clocks(desk)["next"].ended_at == at(MONDAY, "11:30")
    assert clocks(desk)["resolution"].due_at is None, "it waits for the customer again"


def pending(ticket_id: str) -> object:
    facts = ticket(TicketChange.COMMENTED, TicketStatus.PENDING).ticket
    assert facts is not None
    return replace(facts, id=ticket_id)


def test_a_pause_state_that_the_sla_does_not_name_stops_nothing() -> None:
    desk = Desk(rules(STANDARD.replace('"pending", ', "")))
    desk.act(at(MONDAY, "10:00"), message())
    desk.act(at(MONDAY, "10:30"), ticket(TicketChange.STATUS, TicketStatus.PENDING))
    assert due(desk) == at(MONDAY, "11:00")
    desk.act(at(MONDAY, "10:40"), ticket(TicketChange.STATUS, TicketStatus.ON_HOLD))
    assert due(desk) is None


def test_a_case_that_is_over_owes_nothing_and_goes_on_with_what_was_left() -> None:
    desk = Desk(rules(STANDARD.replace("8h", "3h")))
    desk.act(at(MONDAY, "10:00"), message())
    desk.act(at(MONDAY, "10:30"), answer())
    desk.act(at(MONDAY, "11:00"), ticket(TicketChange.STATUS, TicketStatus.SOLVED))
    assert sla_deadlines(desk) == set()
    assert clocks(desk)["resolution"].words(at(MONDAY, "12:00")).startswith("met ")
    desk.act(at(TUESDAY, "10:00"), message("it is broken again"))
    assert desk.now.case.status is CaseStatus.OPEN
    assert due(desk, "resolution") == at(TUESDAY, "12:00")
    assert due(desk, "next") == at(TUESDAY, "12:00")


def test_who_takes_a_solved_ticket_up_again_as_pending_starts_no_clock() -> None:
    desk = Desk(rules())
    desk.act(at(MONDAY, "10:00"), message())
    desk.act(at(MONDAY, "11:30"), ticket(TicketChange.STATUS, TicketStatus.SOLVED))
    desk.act(at(MONDAY, "12:00"), ticket(TicketChange.STATUS, TicketStatus.PENDING))
    assert desk.now.case.status is CaseStatus.OPEN
    assert due(desk, "resolution") is None


# --- timers that nobody waits for ------------------------------------------------------------------------------------
def test_who_answers_at_the_last_instant_answers_in_time() -> None:
    desk = Desk(rules())
    desk.act(at(MONDAY, "10:00"), message())
    name = timer_name(CASE_ID, clocks(desk)["first"], SlaMark.BREACHED)
    desk.until(at(MONDAY, "10:59"))
    desk._decide(at(MONDAY, "11:00"), answer())
    assert desk.deadlines.get(name) is None, "it is dropped"
    late = desk._decide(at(MONDAY, "11:00"), timer(name))
    assert (late.effects, late.trace.result) == ((), "timer")
    assert clocks(desk)["first"].words(at(MONDAY, "12:00")) == "met 2026-11-30 10:00:00 UTC"


@pytest.mark.parametrize("meanwhile", ["answered", "pending", "solved", "other epoch"])
def test_a_stale_timer_does_nothing(meanwhile: str) -> None:
    desk = Desk(rules())
    desk.act(at(MONDAY, "10:00"), message())
    name = timer_name(CASE_ID, clocks(desk)["first"], SlaMark.BREACHED)
    happens: dict[str, tuple[Activity, ...]] = {
        "answered": (answer(),),
        "pending": (ticket(TicketChange.STATUS, TicketStatus.PENDING),),
        "solved": (ticket(TicketChange.STATUS, TicketStatus.SOLVED),),
        "other epoch": (
            ticket(TicketChange.STATUS, TicketStatus.ON_HOLD),
            ticket(TicketChange.STATUS, TicketStatus.OPEN),
        ),
    }
    for minute, what in enumerate(happens[meanwhile]):
        desk.act(at(MONDAY, f"10:2{minute}"), what)
    before = desk.now.case.sla
    late = desk._decide(at(MONDAY, "11:00"), timer(name))
    assert (late.effects, late.timers, late.episode) == ((), (), None)
    assert desk.now.case.sla == replace(before, read_at=at(MONDAY, "11:00"))  # type: ignore[type-var]


def test_after_a_stop_of_the_gateway_a_missed_target_is_heard_and_not_that_it_was_at_risk() -> None:
    desk = Desk(rules(last=""))
    desk.act(at(MONDAY, "10:00"), message())
    for mark in SlaMark:
        made = fired(desk, mark, moment=at(MONDAY, "15:00"))
    assert made.episode is not None
    assert desk.now.case.tags == (), "the rule on the risk was not looked at"
    assert clocks(desk)["first"].told == tuple(SlaMark)


def test_a_rule_that_makes_the_sla_stricter_upon_a_breach_is_not_told_of_the_risk_under_the_new_one() -> None:
    desk = Desk(rules(URGENT + STANDARD, last=""))
    desk.act(at(MONDAY, "10:00"), message())
    for mark in SlaMark:
        made = fired(desk, mark, moment=at(MONDAY, "15:00"))
    assert made.case.sla is not None
    assert made.case.sla.id == "urgent"
    assert not [each for each in made.timers if ":first:" in each.name]


# --- a policy that changes -------------------------------------------------------------------------------------------
def test_a_reload_moves_deadlines_with_the_next_thing_that_happens_and_from_the_same_beginning() -> None:
    desk = Desk(rules())
    desk.act(at(MONDAY, "10:00"), message())
    desk.now = replace(desk.now, policy=rules(STANDARD.replace("1h", "4h")))
    assert due(desk) == at(MONDAY, "11:00")
    made = fired(desk, SlaMark.AT_RISK)
    assert made.trace.result == "timer", "under the policy in force nothing is at risk"
    assert due(desk) == at(MONDAY, "14:00")
    assert at(MONDAY, "14:00") in sla_deadlines(desk)


def test_a_reload_that_says_the_same_moves_nothing() -> None:
    desk = Desk(rules())
    desk.act(at(MONDAY, "10:00"), message())
    before, deadlines = clocks(desk), dict(desk.deadlines)
    desk.now = replace(desk.now, policy=rules(more=""))
    desk.act(at(MONDAY, "10:10"), message())
    assert clocks(desk) == before
    assert desk.deadlines == deadlines


def test_without_an_sla_any_more_every_deadline_is_dropped() -> None:
    desk = Desk(rules())
    desk.act(at(MONDAY, "10:00"), message())
    desk.now = replace(desk.now, policy=rules(""))
    desk.act(at(MONDAY, "10:10"), message())
    assert sla_deadlines(desk) == set()
    assert clocks(desk) == {}


def test_a_policy_without_slas_leaves_nothing_behind() -> None:
    made = decide(snapshot(rules("")), message(), at(MONDAY, "10:00"))
    assert made.case.sla is None
    assert made.timers == ()
    assert all(effect.sla is None for effect in made.effects)


def test_what_machines_and_baton_itself_do_begins_no_clock() -> None:
    desk = Desk(rules())
    desk.act(at(MONDAY, "09:30"), message("Deploy 812 done.", sender=BOT))
    desk.act(at(MONDAY, "09:31"), message("ours", own=True))
    assert clocks(desk) == {}
    desk.act(at(MONDAY, "10:00"), message())
    assert {clock.began_at for clock in clocks(desk).values()} == {at(MONDAY, "10:00")}


ALWAYS: Final = policy(
    CATCH_ALL
    + """
[calendar.always]
tz = "Asia/Kathmandu"
mon = ["00:00-24:00"]
tue = ["00:00-12:00", "12:00-24:00"]
wed = ["00:00-24:00"]
thu = ["00:00-24:00"]
fri = ["00:00-24:00"]
sat = ["00:00-24:00"]
sun = ["00:00-24:00"]
[[sla]]
id = "urgent"
when.all = ["case.priority in ['P1', 'P2']"]
first = "10m"
next = "20m"
resolution = "1h"
calendar = "always"
pause = ["pending"]
[[sla]]
id = "rest"
resolution = "2h"
"""
)


def with_sla(start: Snapshot) -> Snapshot:
    """Return a situation in which SLAs apply, and no rule asks for them."""
    return replace(start, policy=replace(start.policy, slas=ALWAYS.slas, match_sla=ALWAYS.match_sla))


@given(situations())
def test_slas_that_no_rule_asks_for_change_nothing_but_their_own(situation: tuple[Snapshot, Activity]) -> None:
    start, what = situation
    plain, made = decide(start, what, NOW), decide(with_sla(start), what, NOW)
    assert plain == replace(
        made,
        case=replace(made.case, sla=None),
        effects=tuple(replace(effect, sla=None) for effect in made.effects),
        timers=tuple(each for each in made.timers if not each.name.startswith("sla:")),
        cancelled=tuple(name for name in made.cancelled if not name.startswith("sla:")),
    )


@given(situations(), situations(), st.integers(-NOW // 2, NOW))
def test_clocks_too_know_no_time_but_that_which_is_handed_in(
    first: tuple[Snapshot, Activity], second: tuple[Snapshot, Activity], by: int
) -> None:
    start = with_sla(first[0])
    begun = decide(start, first[1], NOW)
    later = replace(start, case=begun.case)
    made = decide(later, second[1], NOW)
    assert moved(made, by) == decide(moved(later, by), moved(second[1], by), NOW + by)


# --- what agents are told --------------------------------------------------------------------------------------------
def test_handoffs_and_notices_carry_the_clocks_as_they_were_then() -> None:
    desk = Desk(rules(last=""))
    desk.act(at(MONDAY, "10:00"), message())
    made = fired(desk, SlaMark.BREACHED)
    (handoff,) = [effect for effect in made.effects if effect.kind is EffectKind.HANDOFF]
    assert handoff.sla is not None
    lines = dict(handoff.sla.lines())
    assert lines["SLA standard, first response"] == "missed, was due 2026-11-30 10:00:00 UTC"
    assert lines["SLA standard, resolution"] == "due 2026-12-01 09:00:00 UTC"
