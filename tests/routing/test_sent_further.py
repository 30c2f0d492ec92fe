"""Who sends a case further does not get it on the step that it comes to."""

from __future__ import annotations

from typing import Final

import pytest

from gateway.model import Mode, Party, Role
from routing.decide import decide
from tests.routing.test_steps import failures, steps
from tests.routing.values import NOW, connections, message, play, policy, pressed, snapshot

FIRST: Final = 'target = "queue:desk/First"\nnotify = ["chat:#first"]'
STRANGER: Final = Party(kind="slack_user", value="U99", name="Zoe", role=Role.CUSTOMER)
TEAMS: Final = steps(FIRST, 'target = "team:first"', 'target = "team:first"')
BUTTON: Final = '[[policy_test.event]]\npress = "escalate_further"\nactor = "{}"\n'
TAG: Final = '[[policy_test.event]]\nticket = "tags"\ntags = ["escalate_further"]\nactor = "{}"\n'
HELP: Final = '[[policy_test.event]]\nmessage = "help"\n'


@pytest.mark.parametrize("sends", [BUTTON, TAG])
@pytest.mark.parametrize(("who", "gets"), [("ann", "ben"), ("ben", "ann"), ("cy", "ann")])
def test_another_member_of_the_next_team_gets_it(sends: str, who: str, gets: str) -> None:
    assert failures(TEAMS, HELP + sends.format(who) + f'expect = {{ path = [1, 2], assigned = ["{gets}"] }}\n') == []


def test_where_nobody_else_can_take_it_the_step_is_passed_over() -> None:
    rules = steps(FIRST, 'target = "agent:ann"', 'target = "team:second"')
    expect = (
        'expect = { path = [1, 3], assigned = ["cy"], passed_over = { 2 = "ann is the one who sent it further" } }\n'
    )
    assert failures(rules, HELP + BUTTON.format("ann") + expect) == []


def test_on_the_step_after_that_they_may_be_asked_again() -> None:
    rules = steps(FIRST, 'target = "team:second"', 'target = "agent:ann"')
    later = '[[policy_test.event]]\nwait = "10m"\nexpect = { path = [1, 2, 3], assigned = ["ann"] }\n'
    assert failures(rules, HELP + BUTTON.format("ann") + later) == []


def test_of_somebody_whom_the_policy_does_not_name_nothing_is_kept() -> None:
    start, _ = play(snapshot(policy(TEAMS), connections=connections(desk=Mode.LIVE)), message("help"))
    press = pressed("escalate_further", reference="n1", thread="C-agents/9", dedupe="f1", sender=STRANGER)
    made = decide(start, press, NOW)
    assert made.episode is not None
    assert (made.episode.step, made.episode.sent_further_by, made.episode.assigned) == (1, "", ("ann",))
