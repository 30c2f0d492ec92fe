"""SG-7: which SLA applies, what rules hear of its clocks, and when they stand."""

from __future__ import annotations

import pytest

from gateway.model import (
    Audience,
    CaseStatus,
    Priority,
    SlaMark,
    TicketChange,
    TicketStatus,
    altered,
)
from routing.explain import explain
from tests.routing.days import FRIDAY, MONDAY, Desk, at
from tests.routing.slas import (
    STANDARD,
    TUESDAY,
    URGENT,
    clocks,
    due,
    fired,
    rules,
    seen_of,
    sla_deadlines,
)
from tests.routing.values import (
    BOT,
    answer,
    case,
    message,
    ticket,
)


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
def test_the_first_that_applies_counts_and_no_other() -> None:
    desk = Desk(rules(URGENT + STANDARD, more=""))
    desk.now = altered(desk.now, case=case(priority=Priority.P1))
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
    desk.now = altered(desk.now, case=altered(desk.now.case, priority=Priority.P1))
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
        desk.now = altered(desk.now, case=altered(desk.now.case, priority=priority))
        desk.act(at(MONDAY, f"11:{minute}"), message())
    assert clocks(desk)["first"].told == (SlaMark.AT_RISK, SlaMark.BREACHED)
    assert not [name for name in desk.deadlines if ":first:" in name]


def test_a_condition_of_an_sla_has_its_signal_remembered_as_a_rules_has() -> None:
    cross = STANDARD.replace('id = "standard"', 'id = "cross"\nwhen.all = ["case.sentiment < -0.2"]').replace(
        "1h", "10m"
    )
    desk = Desk(rules(cross + STANDARD, more=""))
    desk.act(at(MONDAY, "10:00"), message("this is terrible, awful, I hate it", language="en"))
    assert due(desk) == at(MONDAY, "10:10")


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
    return altered(facts, id=ticket_id)


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
