"""A case becomes more urgent while nobody has it: by whatever it does, it goes up once, at once. AS-3."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Activity, Decision, EffectKind, Episode, Mode, Priority, TicketChange, TicketFacts, altered
from gateway.model.keeping import Suspended
from routing.decide import decide
from routing.resolving import entry
from routing.snapshot import Snapshot
from routing.suspending import timer_name
from tests.routing.outranking import of, written
from tests.routing.test_outranking import MATRIX
from tests.routing.test_steps import failures
from tests.routing.values import (
    CATCH_ALL,
    LINK,
    MINUTE,
    NOW,
    after,
    answer,
    connections,
    message,
    outcome,
    play,
    policy,
    pressed,
    snapshot,
    ticket,
    timer,
)

FIELDS: Final = '[severity]\nimpact = { desk = "71" }\nurgency = { desk = "72" }\n'
RULES: Final = """
[[rule]]
id = "help"
do = "escalate"
continue = true
ladder = "up"
when.all = ["message.text contains 'help'"]
set = { priority = "P3", reason = "Somebody asks for help." }
[[rule]]
id = "quiet"
do = "none"
continue = true
when.all = ["message.text contains 'fire'"]
set = { priority = "P1" }
[[rule]]
id = "tried"
do = "none"
continue = true
mode = "observe"
when.all = ["message.text contains 'smoke'"]
set = { priority = "P1" }
[[rule]]
id = "severe"
do = "escalate"
ladder = "up"
when.all = ["activity.kind == 'ticket'", "case.severity in ['P1', 'P2']"]
[[rule]]
id = "soon"
do = "none"
continue = true
when.all = ["sla.event == 'at_risk'"]
set = { priority = "P1" }
"""
LADDER: Final = """
[ladder.up]
final = { target = "queue:desk/End", notify = ["chat:#end"] }
[[ladder.up.step]]
target = "queue:desk/First"
notify = ["chat:#first"]
ack_within = "1h"
[[ladder.up.step]]
target = "queue:desk/Second"
notify = ["chat:#second"]
ack_within = "1h"
[[ladder.up.step]]
target = "queue:desk/Third"
notify = ["chat:#third"]
ack_within = "10m"
min_priority = "P1"
"""
SLA: Final = '[[sla]]\nid = "std"\nfirst = "1h"\nat_risk = "30m"\n'
TEXT: Final = FIELDS + MATRIX + RULES + CATCH_ALL + LADDER
POLICY: Final = policy(TEXT)
HELP: Final = message("help", dedupe="e1")
FIRE: Final = message("fire", dedupe="e2", received_at=NOW + MINUTE)
TAKEN: Final = pressed("acknowledge", "n1", reference="n1", thread="C-agents/9", dedupe="a1")


def begun(text: str = TEXT, *, stands: bool = True, modes: Mode = Mode.LIVE) -> Snapshot:
    start, _ = play(snapshot(policy(text), connections=connections(desk=modes)), HELP)
    return altered(start, tickets=(LINK,)) if stands else start


def fields(dedupe: str, **values: str) -> Activity:
    """Return what an agent fills in on the ticket."""
    facts = TicketFacts(id="55", change=TicketChange.FIELDS, fields={key[1:]: value for key, value in values.items()})
    return altered(ticket(TicketChange.FIELDS, dedupe=dedupe, received_at=NOW + MINUTE), ticket=facts)


def test_a_rule_that_escalates_nothing_and_makes_it_urgent_sends_it_up() -> None:
    start = begun()
    before = start.episode
    assert before is not None
    made = decide(start, FIRE, FIRE.received_at)
    assert (of(made).step, of(made).epoch, of(made).reasons) == (2, 1, ("help",))
    assert made.cancelled == (f"ack:{before.id}:0",)
    assert [(each.name, each.due_at) for each in made.timers] == [
        (f"ack:{before.id}:1", FIRE.received_at + 10 * MINUTE)
    ]
    assert written(made) == [("update", "desk", "Third"), ("notify", "chat", "#third"), ("update", "desk", "")]
    assert (made.effects[0].text, made.effects[0].priority) == ("More urgent now.", Priority.P1)
    assert made.effects[1].title == "more urgent now: P1 escalation: Somebody asks for help."
    assert (made.trace.result, made.trace.sentence) == (
        "climbed",
        "Rule quiet makes it P1: it goes to step 3 of ladder up.",
    )
    again = decide(after(start, made), altered(FIRE, dedupe="e3"), NOW + 2 * MINUTE)
    assert (of(again).epoch, again.timers, again.cancelled) == (1, (), ())


@pytest.mark.parametrize("done", [(TAKEN,), (answer(),), (TAKEN, answer())])
def test_whoever_has_the_case_keeps_it(done: tuple[Activity, ...]) -> None:
    start, _ = play(begun(), *done)
    made = decide(start, FIRE, NOW)
    assert (made.case.priority, of(made).step, made.trace.result) == (Priority.P1, 0, "none")


def test_a_rule_that_is_tried_out_sends_nothing_up() -> None:
    made = decide(begun(), message("smoke", dedupe="e2"), NOW)
    assert (made.case.priority, of(made).step) == (Priority.P3, 0)


@pytest.mark.parametrize("first", ["medium", "high"])
def test_a_field_that_an_agent_raises_sends_it_up_whether_its_rule_matches_again_or_none_does(first: str) -> None:
    text = TEXT if first == "high" else TEXT.replace("in ['P1', 'P2']", "in ['P4']")
    _, (low, made) = play(begun(text), fields("f1", _71=first, _72="medium"), fields("f2", _71="high", _72="high"))
    assert (of(low).step, of(made).step, made.case.priority) == (0, 2, Priority.P1)
    assert made.trace.sentence.startswith("Impact and urgency make it P1: it goes to step 3 of ladder up.")
    assert ("matched again" in made.trace.sentence) is (first == "high")
    moved = next(each for each in made.effects if each.destination == "Third")
    assert (moved.kind, moved.priority) == (EffectKind.UPDATE, Priority.P1)


def test_an_sla_at_risk_sends_it_up() -> None:
    test = """
[[policy_test.event]]
message = "help"
expect = { path = [1], priority = "P3" }
[[policy_test.event]]
wait = "30m"
expect = { path = ["1 at 0s", "3 at 30m"], priority = "P1" }
"""
    assert failures(SLA + TEXT, test) == []


def test_a_case_that_is_raised_by_the_very_message_that_escalates_it_says_both_and_its_people_hear_once() -> None:
    made = decide(snapshot(POLICY), message("help, fire", dedupe="e1"), NOW)
    assert (of(made).step, made.trace.result) == (2, "escalate")
    assert made.trace.sentence.endswith("Rule quiet makes it P1: it goes to step 3 of ladder up.")
    assert [each[0] for each in written(made)] == ["handoff", "update"]
    start = altered(after(snapshot(POLICY), made), tickets=(LINK,))
    _, (told,) = play(start, outcome(made.effects[0].id, of(made), rule="help"))
    assert written(told) == [("notify", "chat", "#third")]


def test_while_the_ticket_is_on_its_way_people_hear_once_when_it_stands() -> None:
    start, (made,) = play(begun(stands=False), FIRE)
    assert not [each for each in made.effects if each.kind is EffectKind.NOTIFY]
    _, (told,) = play(altered(start, tickets=(LINK,)), outcome("e9", of(made), rule="help"))
    assert written(told) == [("notify", "chat", "#third")]


def test_a_rehearsal_goes_up_as_a_rehearsal() -> None:
    made = decide(begun(stands=False, modes=Mode.OBSERVE), FIRE, NOW)
    assert (of(made).step, written(made)) == (2, [("notify", "chat", "#third")])
    assert {each.mode for each in made.effects} == {Mode.OBSERVE}


def test_an_escalation_that_waited_comes_straight_to_the_step_of_its_priority() -> None:
    start = snapshot(POLICY)
    waits = Suspended(rule="severe", matched_at=NOW - MINUTE, due_at=NOW)
    start = altered(start, case=altered(start.case, priority=Priority.P1, suspended=(waits,)))
    made = decide(start, timer(timer_name("severe")), NOW)
    assert (of(made).step, of(made).epoch) == (2, 0)
    assert written(made)[0] == ("handoff", "desk", "Third")


def test_an_episode_whose_ladder_the_policy_has_no_more_stays_as_it_is() -> None:
    start = altered(begun(), policy=policy(TEXT.replace("ladder.up", "ladder.tenth").replace('"up"', '"tenth"')))
    made = decide(start, FIRE, NOW)
    assert (made.case.priority, of(made).step) == (Priority.P1, 0)


# --- whatever happens ------------------------------------------------------------------------------------------------
@given(
    st.lists(st.sampled_from(("help", "fire", "help fire", "taken", "answered", "high", "medium", "late")), max_size=6)
)
def test_nobody_s_case_ever_stands_below_the_step_of_its_priority(story: list[str]) -> None:
    start = snapshot(POLICY, tickets=(LINK,))
    for number, what in enumerate(story):
        activity = {
            "taken": TAKEN,
            "answered": answer(),
            "high": fields("f", _71="high", _72="high"),
            "medium": fields("f", _71="medium", _72="high"),
            "late": timer("" if start.episode is None else f"ack:{start.episode.id}:{start.episode.epoch}"),
        }.get(what) or message(what)
        activity = altered(activity, dedupe=f"x{number}", received_at=NOW + number * MINUTE)
        made = decide(start, activity, activity.received_at)
        assert stands(made.episode, made)
        assert repr(made) == repr(decide(start, activity, activity.received_at))
        start = after(start, made)


def stands(episode: Episode | None, made: Decision) -> bool:
    """Tell whether an episode that nobody has is at least as far up as its case must be."""
    if episode is None or episode.state.value != "open":
        return True
    return episode.step >= entry(POLICY.ladders[episode.ladder], made.case)
