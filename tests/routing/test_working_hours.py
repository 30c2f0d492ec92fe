"""Ladders over days and nights: deadlines fire in their order, and every decision is one of `decide`."""

from __future__ import annotations

from typing import Final

import pytest

from gateway.model import EpisodeState, Mode, TicketChange, TicketStatus, altered
from routing.decide import decide
from tests.routing.days import FRIDAY, MONDAY, RULES, Desk, at, written
from tests.routing.values import CATCH_ALL, MINUTE, after, answer, message, outcome, policy, snapshot, ticket, timer

RESPECTS: Final = 'calendar = "office"'


# --- pause -----------------------------------------------------------------------------------------------------------
def test_a_step_that_pauses_keeps_its_remaining_time_over_a_weekend() -> None:
    desk = Desk(written(RESPECTS, ""))
    desk.ask(at(FRIDAY, "16:50"))
    assert desk.until(at(FRIDAY, "16:50")) == [("Fri 16:50", "ticket in Step 1"), ("Fri 16:50", "#step1")]
    assert desk.until(at(MONDAY, "09:04")) == []
    assert desk.until(at(MONDAY, "09:05")) == [("Mon 09:05", "ticket to End"), ("Mon 09:05", "#end")]
    assert desk.until(at(MONDAY, "23:00")) == []


def test_outside_of_hours_the_ticket_stands_at_once_and_people_hear_of_it_in_the_morning() -> None:
    desk = Desk(written(RESPECTS, ""))
    made = desk.ask(at(FRIDAY, "20:00"))
    assert made.effects[0].acknowledge_by == at(MONDAY, "09:15")
    assert desk.until(at(MONDAY, "08:59")) == [("Fri 20:00", "ticket in Step 1")]
    assert desk.until(at(MONDAY, "09:15")) == [
        ("Mon 09:00", "#step1"),
        ("Mon 09:15", "ticket to End"),
        ("Mon 09:15", "#end"),
    ]


def test_whoever_answers_at_night_is_not_woken_in_the_morning() -> None:
    desk = Desk(written(RESPECTS, ""))
    desk.ask(at(FRIDAY, "20:00"))
    desk.act(at(FRIDAY, "21:00"), answer())
    assert desk.deadlines == {}
    assert desk.until(at(MONDAY, "12:00")) == []


def test_a_rehearsal_tells_nobody_in_the_morning_either() -> None:
    desk = Desk(written(RESPECTS, ""), desk=Mode.OBSERVE)
    desk.ask(at(FRIDAY, "20:00"))
    assert not [each for each in desk.act(at(MONDAY, "09:30"), message("x")).effects if each.mode is Mode.LIVE]


def test_while_the_ticket_is_on_its_way_people_hear_of_it_when_it_stands() -> None:
    rules = written(RESPECTS, "")
    opened = decide(snapshot(rules), message("a real person"), at(FRIDAY, "20:00"))
    start = after(snapshot(rules), opened)
    morning = decide(start, timer(opened.timers[1].name), opened.timers[1].due_at)
    assert morning.effects == ()
    landed = decide(after(start, morning), outcome(opened.effects[0].id, opened.episode), at(MONDAY, "09:01"))
    assert [each.destination for each in landed.effects] == ["#step1"]


def test_a_night_that_repeats_an_hour_is_an_hour_longer() -> None:
    desk = Desk(written('calendar = "nights"', ""))
    made = desk.ask(at("2026-10-24", "22:00"))
    assert made.effects[0].acknowledge_by == at("2026-10-24", "22:15")
    long = policy(
        RULES
        + CATCH_ALL
        + """
[ladder.up]
calendar = "nights"
final = { target = "queue:desk/End" }
[[ladder.up.step]]
target = "queue:desk/x"
ack_within = "9h"
"""
    )
    assert Desk(long).ask(at("2026-10-24", "22:00")).effects[0].acknowledge_by == at("2026-10-25", "06:00")
    assert Desk(long).ask(at("2026-11-07", "22:00")).effects[0].acknowledge_by == at("2026-11-08", "23:00")


# --- redirect, continue, ignore --------------------------------------------------------------------------------------
MANAGER: Final = f'{RESPECTS}\noutside_hours = "redirect:2"'


def test_outside_of_hours_another_step_stands_in() -> None:
    desk = Desk(written("", MANAGER, ""))
    desk.ask(at(FRIDAY, "20:00"))
    assert desk.until(at(FRIDAY, "20:15")) == [
        ("Fri 20:00", "ticket in Step 2"),
        ("Fri 20:00", "#step2"),
        ("Fri 20:15", "ticket to End"),
        ("Fri 20:15", "#end"),
    ]


def test_within_hours_the_step_itself_is_told_first() -> None:
    desk = Desk(written("", MANAGER, ""))
    desk.ask(at(FRIDAY, "12:00"))
    assert [what for _, what in desk.until(at(FRIDAY, "13:00"))] == [
        *("ticket in Step 1", "#step1", "ticket to Step 2", "#step2", "ticket to End", "#end"),
    ]


def test_when_hours_end_before_somebody_took_it_the_other_step_stands_in() -> None:
    desk = Desk(written("", MANAGER.replace("redirect:2", "redirect:3"), "", ""))
    made = desk.ask(at(FRIDAY, "16:50"))
    assert made.effects[0].acknowledge_by == at(FRIDAY, "17:00")
    assert desk.until(at(FRIDAY, "17:14"))[2:] == [("Fri 17:00", "ticket to Step 3"), ("Fri 17:00", "#step3")]
    assert desk.until(at(FRIDAY, "17:15")) == [("Fri 17:15", "ticket to End"), ("Fri 17:15", "#end")]


def test_who_took_it_within_hours_and_loses_it_later_loses_it_to_the_next_step() -> None:
    manager = MANAGER.replace("redirect:2", "redirect:3") + '\nack_ttl = "1h"'
    desk = Desk(written("", manager, "", ""))
    desk.ask(at(FRIDAY, "16:50"))
    desk.press(at(FRIDAY, "16:55"), "acknowledge")
    desk.until(at(FRIDAY, "16:55"))
    assert desk.until(at(MONDAY, "09:55")) == [("Mon 09:55", "ticket to Step 2"), ("Mon 09:55", "#step2")]


def test_redirects_follow_one_another_to_the_end() -> None:
    desk = Desk(written(RESPECTS, 'outside_hours = "redirect:2"', 'outside_hours = "redirect:final"'))
    made = desk.ask(at(FRIDAY, "20:00"))
    assert made.timers == ()
    assert desk.until(at(MONDAY, "23:00")) == [("Fri 20:00", "ticket in End"), ("Fri 20:00", "#end")]


@pytest.mark.parametrize("line", ['hours = "ignore"', 'outside_hours = "continue"'])
def test_a_step_may_pay_no_heed_to_the_hours_of_its_ladder(line: str) -> None:
    made = Desk(written(RESPECTS, line)).ask(at(FRIDAY, "20:00"))
    assert made.effects[0].acknowledge_by == at(FRIDAY, "20:15")


# --- several steps ---------------------------------------------------------------------------------------------------
def test_steps_are_gone_through_anew_as_often_as_the_ladder_says_and_then_it_ends() -> None:
    desk = Desk(written("repeat = 2", "", ""))
    desk.ask(at(FRIDAY, "10:00"))
    told = [what for _, what in desk.until(at(MONDAY, "10:00")) if what.startswith("#")]
    assert told == [*("#step1", "#step2") * 3, "#end"]
    assert desk.deadlines == {}
    assert desk.now.episode is not None
    assert (desk.now.episode.round, desk.now.episode.epoch) == (2, 6)


def test_an_old_deadline_moves_nothing() -> None:
    desk = Desk(written("repeat = 1", "", ""))
    first = desk.ask(at(FRIDAY, "10:00")).timers[0].name
    desk.until(at(FRIDAY, "10:30"))
    before = desk.now.episode
    assert desk.act(at(FRIDAY, "10:31"), timer(first)).effects == ()
    assert desk.now.episode == before


def test_a_notice_offers_to_take_the_case_or_to_send_it_on_and_the_last_one_only_to_take_it() -> None:
    desk = Desk(written("", "", ""))
    desk.ask(at(FRIDAY, "10:00"))
    first = desk.press(at(FRIDAY, "10:01"), "escalate_further")
    last = desk.press(at(FRIDAY, "10:02"), "escalate_further")
    buttons = [[action for action, _ in each.buttons] for made in (first, last) for each in made.effects[1:]]
    assert buttons == [["acknowledge", "escalate_further"], ["acknowledge"]]


# --- a person sends it on --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("taken", [False, True])
def test_a_person_sends_the_case_on_whether_it_is_taken_or_not(taken: bool) -> None:
    desk = Desk(written("repeat = 1", 'reply_within = "1h"', ""))
    desk.ask(at(FRIDAY, "10:00"))
    if taken:
        desk.press(at(FRIDAY, "10:01"), "acknowledge")
    desk.until(at(FRIDAY, "10:05"))
    made = desk.press(at(FRIDAY, "10:05"), "escalate_further")
    assert made.effects[0].text == "Escalated further by Grace."
    assert made.case.customer is not None
    assert made.case.customer.name == "Ada"
    assert desk.until(at(FRIDAY, "10:19")) == [("Fri 10:05", "ticket to Step 2"), ("Fri 10:05", "#step2")]
    assert desk.now.episode is not None
    assert desk.now.episode.state is EpisodeState.OPEN
    desk.press(at(FRIDAY, "10:19"), "escalate_further")
    assert desk.until(at(MONDAY, "10:00")) == [("Fri 10:19", "ticket to End"), ("Fri 10:19", "#end")]
    assert desk.press(at(MONDAY, "10:00"), "escalate_further").effects == ()


def test_the_tag_sends_it_on_once_until_it_is_taken_off() -> None:
    desk = Desk(written("", "", "", ""))
    desk.ask(at(FRIDAY, "10:00"))
    for minute, tags in enumerate((("escalate_further",), ("escalate_further", "vip"), (), ("escalate_further",)), 1):
        desk.act(at(FRIDAY, f"10:0{minute}"), ticket(TicketChange.TAGS, tags=tags))
    assert [what for _, what in desk.until(at(FRIDAY, "10:04"))] == ["ticket to Step 3", "#step3"]
    assert desk.now.episode is not None
    assert desk.now.episode.step == 2


def test_two_who_press_the_same_notice_move_the_case_one_step() -> None:
    desk = Desk(written("", "", "", ""))
    desk.ask(at(FRIDAY, "10:00"))
    for second in ("01", "02"):
        made = desk.press(at(FRIDAY, f"10:01:{second}"), "escalate_further", "n-first")
    assert made.effects == ()
    assert desk.now.episode is not None
    assert desk.now.episode.step == 1


def test_what_is_not_escalated_cannot_go_further() -> None:
    desk = Desk(written("", ""))
    assert desk.press(at(FRIDAY, "10:00"), "escalate_further").trace.result == "further"


# --- taken, and then -------------------------------------------------------------------------------------------------
def test_who_takes_a_case_and_does_not_answer_is_reminded_and_loses_it() -> None:
    desk = Desk(written("", 'reply_within = "1h"\nack_ttl = "2h"', ""))
    desk.ask(at(FRIDAY, "10:00"))
    desk.press(at(FRIDAY, "10:10"), "acknowledge")
    desk.until(at(FRIDAY, "10:10"))
    assert desk.until(at(FRIDAY, "11:10")) == [("Fri 11:10", "#step1")]
    assert desk.until(at(FRIDAY, "12:10")) == [("Fri 12:10", "ticket to Step 2"), ("Fri 12:10", "#step2")]
    assert desk.now.episode is not None
    assert desk.now.episode.state is EpisodeState.OPEN
    assert desk.now.episode.acknowledged_at is None


@pytest.mark.parametrize("line", ['reply_within = "1h"', 'ack_ttl = "1h"'])
def test_either_time_alone_ends_the_taking(line: str) -> None:
    desk = Desk(written("", line))
    desk.ask(at(FRIDAY, "10:00"))
    desk.press(at(FRIDAY, "10:10"), "acknowledge")
    desk.until(at(FRIDAY, "10:10"))
    assert desk.until(at(FRIDAY, "11:10")) == [("Fri 11:10", "ticket to End"), ("Fri 11:10", "#end")]


def test_the_time_to_answer_is_counted_in_working_hours() -> None:
    desk = Desk(written(RESPECTS, 'reply_within = "1h"', 'hours = "ignore"'))
    desk.ask(at(FRIDAY, "16:20"))
    desk.press(at(FRIDAY, "16:30"), "acknowledge")
    assert list(desk.deadlines.values()) == [at(MONDAY, "09:30")]


def test_an_answer_to_the_customer_ends_the_waiting_and_a_note_does_not() -> None:
    desk = Desk(written("", 'reply_within = "1h"\nack_ttl = "2h"', ""))
    desk.ask(at(FRIDAY, "10:00"))
    desk.press(at(FRIDAY, "10:10"), "acknowledge")
    desk.act(at(FRIDAY, "10:20"), answer(audience="internal"))
    assert len(desk.deadlines) == 2
    desk.act(at(FRIDAY, "10:30"), answer())
    assert desk.deadlines == {}
    assert desk.now.episode is not None
    assert desk.now.episode.answered_at == at(FRIDAY, "10:30")


def test_who_answers_at_once_owes_no_answer() -> None:
    desk = Desk(written("", 'reply_within = "1h"'))
    desk.ask(at(FRIDAY, "10:00"))
    desk.act(at(FRIDAY, "10:05"), answer())
    assert desk.deadlines == {}


@pytest.mark.parametrize("when", ["waiting", "hushed", "taken"])
def test_resolving_cancels_everything(when: str) -> None:
    desk = Desk(written(RESPECTS, 'reply_within = "1h"\nack_ttl = "2h"', ""))
    desk.ask(at(FRIDAY, "20:00" if when == "hushed" else "10:00"))
    if when == "taken":
        desk.press(at(FRIDAY, "10:01"), "acknowledge")
    assert len(desk.deadlines) == (1 if when == "waiting" else 2)
    desk.act(max(desk.now.case.last_activity_at, at(FRIDAY, "10:02")), ticket(TicketChange.STATUS, TicketStatus.SOLVED))
    assert desk.deadlines == {}
    desk.until(at(FRIDAY, "20:00"))
    assert desk.until(at(MONDAY, "23:00")) == []


def test_an_episode_keeps_the_hours_that_it_opened_with() -> None:
    desk = Desk(written(RESPECTS, "", ""))
    old = desk.now.policy
    desk.ask(at(FRIDAY, "10:00"))
    desk.now = altered(desk.now, policy=written("", ""), episode_policy=old)
    desk.until(at(FRIDAY, "10:00"))
    assert desk.until(at(FRIDAY, "10:15")) == [("Fri 10:15", "ticket to Step 2"), ("Fri 10:15", "#step2")]


def test_the_next_step_is_due_from_when_it_was_reached_however_late_that_was() -> None:
    """After a stop of the gateway, deadlines fire late: the people of the next step get their whole time."""
    rules = written("", "", "")
    opened = decide(snapshot(rules), message("a real person"), at(FRIDAY, "10:00"))
    late = decide(after(snapshot(rules), opened), timer(opened.timers[0].name), at(FRIDAY, "14:00"))
    assert [each.due_at for each in late.timers] == [at(FRIDAY, "14:00") + 15 * MINUTE]
