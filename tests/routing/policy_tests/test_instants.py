"""Policy tests count to the second, and a button is pressed only of a notice that somebody got."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import pytest

from tests.routing.policy_tests.test_playing import HELP, RULES, event, failures, played
from tests.routing.values import CATCH_ALL, LADDER, policy

HOURS: Final = policy(
    RULES
    + CATCH_ALL
    + """
[calendar.office]
tz = "Europe/Berlin"
tue = ["08:00-17:00"]
wed = ["08:00-17:00"]
[ladder.second]
calendar = "office"
final = { target = "queue:desk/End", notify = ["chat:#leads"] }
[[ladder.second.step]]
target = "queue:desk/Second line"
notify = ["chat:#second"]
ack_within = "1h"
[[sla]]
id = "usual"
first = "1h"
calendar = "office"
"""
)
DUE: Final = {"path": ["1 at 0s", "final at 1h"]}


def test_what_happens_at_an_instant_has_all_the_time_until_the_hours_end() -> None:
    """PO-4: an hour from 16:00 is due at 17:00 and not at 08:00 on the next day, also when something happened right before."""
    until = event(DUE, until=datetime.fromisoformat("2026-11-24T17:00+01:00"))
    for before in ("", event({}, message="hello", times=3)):
        begun = event({"timers": {"ack": "1h"}, "sla": {"id": "usual", "first": "1h"}}, message=HELP)
        assert failures(played(before + begun + until, rules=HOURS, at="2026-11-24T16:00:00+01:00")) == []


def test_time_that_passes_to_a_second_takes_in_what_is_due_in_it_and_nothing_of_the_next() -> None:
    """PO-4: waits add up, whatever happens between them."""
    for begun in (HELP, "hello"):
        events = event({}, message=begun) + (event({}, message=HELP) if begun != HELP else "")
        waits = event({"path": [1]}, wait="30m") + event({}, message="hello?") + event({"path": [1]}, wait="1799s")
        assert failures(played(events + waits + event(DUE, wait="1s"), rules=HOURS)) == []
    # A share of a target is due within a second: at risk after 75 % of 2 hours and 3 seconds.
    odd = policy(
        RULES.replace("message.wants_person", "sla.event == 'at_risk'")
        + CATCH_ALL
        + LADDER
        + '[[sla]]\nid = "odd"\nfirst = "7203s"\n'
    )
    late = event({"rules": []}, wait="5401s") + event({"rules": ["help"]}, wait="1s")
    assert failures(played(event({}, message="hello") + late, rules=odd)) == []


def test_what_led_to_an_escalation_is_no_evidence_for_another_and_what_follows_at_once_is() -> None:
    bots = policy(RULES.replace("message.wants_person", "case.bot_fallbacks >= 2") + CATCH_ALL + LADDER)
    failed = {"role": "bot", "fallback": True, "message": "What?"}
    twice = event({"case": {"bot_fallbacks": 2}}, **failed, times=2)
    asked = event({"rules": ["help"], "case": {"bot_fallbacks": 0}}, message="hello")
    assert failures(played(twice + asked + event({"case": {"bot_fallbacks": 1}}, **failed), rules=bots)) == []


@pytest.mark.parametrize(
    ("head", "at"),
    [
        ('modes = { chat = "observe" }', "2026-11-24T10:00:00+01:00"),
        ('down = ["chat"]', "2026-11-24T10:00:00+01:00"),
        # On Sunday the notice waits for Tuesday morning.
        ("", "2026-11-22T10:00:00+01:00"),
    ],
)
def test_nobody_presses_a_button_of_a_notice_that_never_came(head: str, at: str) -> None:
    """PO-4: observed, not to be delivered, or held until the hours begin."""
    pressed = event({"result": "none", "episode": "open"}, press="acknowledge")
    assert failures(played(event({}, message=HELP) + pressed, rules=HOURS, head=head, at=at)) == []


def test_before_there_is_a_case_there_is_no_button() -> None:
    assert failures(played(event({"result": "none", "episode": "none"}, press="acknowledge"))) == []


def test_an_agent_who_is_nobody_where_the_notice_went_cannot_press_it() -> None:
    pressed = event({}, message=HELP) + event({"episode": "acknowledged"}, press="acknowledge", actor="anna")
    (told,) = failures(played(pressed))
    assert told.startswith(
        "7: expected actor = somebody with an id on chat, where the newest notice went, but it is anna, who"
    )
    assert told.endswith("who has no id on chat: give one in [agent.anna], or name another agent")
    known = policy(RULES + CATCH_ALL + LADDER + '[agent.anna]\nids = { chat = "U7" }\n')
    assert failures(played(pressed, rules=known)) == []
