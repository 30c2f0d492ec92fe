"""SG-7, PO-8: timers of SLAs that nobody waits for any more, policies that change, and what SLAs leave alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import (
    Activity,
    EffectKind,
    SlaMark,
    TicketChange,
    TicketStatus,
    altered,
)
from routing.decide import decide
from routing.sla import timer_name
from routing.snapshot import Snapshot
from tests.routing.days import MONDAY, Desk, at
from tests.routing.situations import moved, situations
from tests.routing.slas import (
    STANDARD,
    URGENT,
    clocks,
    due,
    fired,
    rules,
    sla_deadlines,
)
from tests.routing.values import (
    BOT,
    CASE_ID,
    CATCH_ALL,
    NOW,
    answer,
    message,
    policy,
    snapshot,
    ticket,
    timer,
)


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
    assert desk.now.case.sla == altered(before, read_at=at(MONDAY, "11:00"))  # type: ignore[type-var]


def test_after_a_stop_of_the_gateway_a_missed_target_is_heard_and_not_that_it_was_at_risk() -> None:
    desk = Desk(rules(last=""))
    desk.act(at(MONDAY, "10:00"), message())
    made = [fired(desk, mark, moment=at(MONDAY, "15:00")) for mark in SlaMark][-1]
    assert made.episode is not None
    assert desk.now.case.tags == (), "the rule on the risk was not looked at"
    assert clocks(desk)["first"].told == tuple(SlaMark)


def test_a_rule_that_makes_the_sla_stricter_upon_a_breach_is_not_told_of_the_risk_under_the_new_one() -> None:
    desk = Desk(rules(URGENT + STANDARD, last=""))
    desk.act(at(MONDAY, "10:00"), message())
    made = [fired(desk, mark, moment=at(MONDAY, "15:00")) for mark in SlaMark][-1]
    assert made.case.sla is not None
    assert made.case.sla.id == "urgent"
    assert not [each for each in made.timers if ":first:" in each.name]


def test_a_wall_clock_that_is_set_back_after_a_timer_fired_loses_nothing_and_doubles_nothing() -> None:
    desk = Desk(rules(last=""))
    desk.act(at(MONDAY, "10:00"), message())
    fired(desk, SlaMark.AT_RISK, moment=at(MONDAY, "10:30"))
    assert fired(desk, SlaMark.BREACHED, moment=at(MONDAY, "10:40")).episode is not None
    assert clocks(desk)["first"].told == tuple(SlaMark)
    desk.act(at(MONDAY, "10:41"), message())
    assert not [name for name in desk.deadlines if ":first:" in name]


# --- a policy that changes -------------------------------------------------------------------------------------------
def test_a_reload_moves_deadlines_with_the_next_thing_that_happens_and_from_the_same_beginning() -> None:
    desk = Desk(rules())
    desk.act(at(MONDAY, "10:00"), message())
    desk.now = altered(desk.now, policy=rules(STANDARD.replace("1h", "4h")))
    assert due(desk) == at(MONDAY, "11:00")
    made = fired(desk, SlaMark.AT_RISK)
    assert made.trace.result == "timer", "under the policy in force nothing is at risk"
    assert due(desk) == at(MONDAY, "14:00")
    assert at(MONDAY, "14:00") in sla_deadlines(desk)


def test_a_reload_that_says_the_same_moves_nothing() -> None:
    desk = Desk(rules())
    desk.act(at(MONDAY, "10:00"), message())
    before, deadlines = clocks(desk), dict(desk.deadlines)
    desk.now = altered(desk.now, policy=rules(more=""))
    desk.act(at(MONDAY, "10:10"), message())
    assert clocks(desk) == before
    assert desk.deadlines == deadlines


def test_without_an_sla_any_more_every_deadline_is_dropped() -> None:
    desk = Desk(rules())
    desk.act(at(MONDAY, "10:00"), message())
    desk.now = altered(desk.now, policy=rules(""))
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
    return altered(start, policy=replace(start.policy, slas=ALWAYS.slas, match_sla=ALWAYS.match_sla))


@given(situations())
def test_slas_that_no_rule_asks_for_change_nothing_but_their_own(situation: tuple[Snapshot, Activity]) -> None:
    start, what = situation
    plain, made = decide(start, what, NOW), decide(with_sla(start), what, NOW)
    assert plain == altered(
        made,
        case=altered(made.case, sla=None),
        effects=tuple(altered(effect, sla=None) for effect in made.effects),
        timers=tuple(each for each in made.timers if not each.name.startswith("sla:")),
        cancelled=tuple(name for name in made.cancelled if not name.startswith("sla:")),
        targets=(),
    )


@given(situations(), situations(), st.integers(-NOW // 2, NOW))
def test_clocks_too_know_no_time_but_that_which_is_handed_in(
    first: tuple[Snapshot, Activity], second: tuple[Snapshot, Activity], by: int
) -> None:
    start = with_sla(first[0])
    begun = decide(start, first[1], NOW)
    later = altered(start, case=begun.case)
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
    assert lines["SLA standard, resolution"] == "due 2026-12-01 09:00:00 UTC, 7 h of 8 h left (office)"
