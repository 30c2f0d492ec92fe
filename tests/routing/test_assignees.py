"""Whose manager a step asks: of whom the case was assigned to last, by Baton or in the helpdesk; also when an SLA is missed."""

from __future__ import annotations

from typing import Final

import pytest

from gateway.model import Activity, Case, TicketChange, TicketFacts, altered, count_in
from gateway.model.life import recount
from tests.routing import desk
from tests.routing.test_steps import failures
from tests.routing.values import CATCH_ALL, MINUTE, NOW, message, play, policy, snapshot, ticket

PEOPLE: Final = """
[agent.bob]
ids = { desk = ["7", "bob@example.com"], chat = "U7" }
manager = "carla"
[agent.ben]
ids = { desk = "8" }
manager = "dora"
[agent.carla]
ids = { desk = "9" }
[agent.dora]
ids = { desk = "10" }
"""
RULES: Final = """
[[rule]]
id = "help"
do = "escalate"
ladder = "up"
when.all = ["message.text contains 'help'"]
[[rule]]
id = "late"
do = "escalate"
ladder = "LATE"
when.all = ["sla.event == 'breached'"]
"""
SLA: Final = '[[sla]]\nid = "std"\nfirst = "30m"\n'
LADDERS: Final = """
[ladder.up]
final = { target = "queue:desk/End", notify = ["chat:#end"] }
[[ladder.up.step]]
target = "agent:bob"
in = "desk/First"
ack_within = "10m"
[[ladder.up.step]]
target = "queue:desk/Second"
ack_within = "10m"
[[ladder.up.step]]
target = "manager_of:assignee"
in = "desk/Managers"
ack_within = "10m"
[ladder.actor]
final = { target = "queue:desk/End", notify = ["chat:#end"] }
[[ladder.actor.step]]
target = "manager_of:actor"
in = "desk/Managers"
ack_within = "10m"
[ladder.assignee]
final = { target = "queue:desk/End", notify = ["chat:#end"] }
[[ladder.assignee.step]]
target = "manager_of:assignee"
in = "desk/Managers"
ack_within = "10m"
"""


def rules(late: str = "actor") -> str:
    return SLA + PEOPLE + RULES.replace("LATE", late) + CATCH_ALL + LADDERS


LATER: Final = '[[policy_test.event]]\nwait = "1s"\n'


def given(number: str) -> str:
    """Return that somebody gives the ticket to an agent, a second after what was before: who had it last, instants tell."""
    facts = f'{{ ticket = {{ id = "1001", change = "assigned", assignee = "{number}" }} }}'
    return f'{LATER}[[policy_test.event]]\nticket = "assigned"\nactivity = {facts}\n'


def said(text: str, *, role: str = "customer") -> str:
    return f'[[policy_test.event]]\nmessage = "{text}"\nrole = "{role}"\n'


MISSED: Final = (
    '[[policy_test.event]]\nwait = "31m"\nexpect = {{ rules = ["late"], assigned = [{}], passed_over = {{ {} }} }}\n'
)


@pytest.mark.parametrize("late", ["actor", "assignee"])
@pytest.mark.parametrize(("number", "manager"), [("7", "carla"), ("BOB@example.com", "carla"), ("8", "dora")])
def test_an_sla_that_is_missed_on_somebody_s_ticket_goes_to_their_manager(late: str, number: str, manager: str) -> None:
    assert failures(rules(late), said("hello") + given(number) + MISSED.format(f'"{manager}"', "")) == []


def test_of_several_assignees_the_last_counts_also_when_the_ticket_was_taken_from_them() -> None:
    assert failures(rules(), said("hello") + given("7") + given("8") + MISSED.format('"dora"', "")) == []
    assert failures(rules(), said("hello") + given("7") + given("") + MISSED.format('"carla"', "")) == []


@pytest.mark.parametrize(
    ("late", "why"),
    [
        ("actor", "no agent did it whom the policy names"),
        ("assignee", "it was assigned to no agent whom the policy names"),
    ],
)
def test_a_ticket_of_somebody_whom_the_policy_does_not_name_is_nobody_s(late: str, why: str) -> None:
    assert failures(rules(late), said("hello") + given("99") + MISSED.format("", f'1 = "{why}"')) == []
    assert failures(rules(late), said("hello") + MISSED.format("", f'1 = "{why}"')) == []


UP: Final = """
[[policy_test.event]]
wait = "10m"
[[policy_test.event]]
wait = "10m"
expect = {{ path = [1, 2, 3], assigned = ["{}"] }}
"""


def test_whom_baton_asked_counts_until_somebody_gives_the_ticket_to_another() -> None:
    text = rules()
    assert failures(text, said("help") + UP.format("carla")) == []
    earlier = given("8") + LATER + said("help")
    assert failures(text, earlier + UP.format("carla")) == [], "who had it before does not count"
    assert failures(text, said("help") + given("8") + UP.format("dora")) == []
    assert failures(text, earlier + given("8") + UP.format("carla")) == [], "it is said once more"


def assigned(number: str | None, at: int) -> Activity:
    facts = TicketFacts(id="55", change=TicketChange.ASSIGNED, assignee=number)
    return altered(ticket(TicketChange.ASSIGNED, occurred_at=at), ticket=facts)


def told(*happened: Activity) -> Case:
    start = snapshot(policy(CATCH_ALL))
    case = start.case
    for each in happened:
        case = count_in(case, each, start.thread)
    assert recount(case, [(each, start.thread) for each in happened]) == case
    return case


def test_a_word_that_comes_late_changes_nothing_and_one_that_is_repeated_makes_it_no_later() -> None:
    bob, ben = assigned("7", NOW), assigned("8", NOW + MINUTE)
    assert told(message("hello")).last_assignee == ("", "")
    assert (told(bob, ben, bob).last_assignee, told(bob, ben, bob).assignee_since) == (("desk", "8"), NOW + MINUTE)
    assert told(bob, altered(bob, occurred_at=NOW + MINUTE)).assignee_since == NOW
    assert told(bob, assigned(None, NOW + MINUTE), assigned("", NOW + MINUTE)).last_assignee == ("desk", "7")


def test_a_case_that_nobody_asked_for_yet_goes_to_the_manager_of_its_ticket_s_assignee() -> None:
    text = desk.POLICY.replace("manager_of:actor", "manager_of:assignee")
    start, _ = play(desk.start(policy(text + CATCH_ALL)), altered(assigned("7", desk.WORKING), dedupe="g1"))
    _, (made,) = play(start, desk.refund("900", by="11"))
    assert desk.assigned(made) == ("carla",)
