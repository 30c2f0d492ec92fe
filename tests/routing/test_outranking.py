"""A second rule escalates a case that is escalated: the ladder of the one that outranks the other is climbed."""

from __future__ import annotations

from typing import Final

import pytest

from gateway.model import (
    EffectKind,
    EpisodeState,
    Membership,
    Mode,
    Priority,
    altered,
)
from routing.decide import decide
from tests.routing import desk
from tests.routing.outranking import (
    ALL_AT_ONCE,
    BOSS,
    BOSS_TYPE,
    HELP,
    HURRY,
    LADDERS,
    MANAGER,
    PERSON,
    POLICY,
    TAKEN,
    URGENT,
    begun,
    of,
    rule,
    written,
)
from tests.routing.values import (
    CATCH_ALL,
    LADDER,
    MINUTE,
    NOW,
    answer,
    connections,
    message,
    play,
    policy,
    pressed,
    snapshot,
    timer,
)


# --- the higher level ------------------------------------------------------------------------------------------------
def test_who_asks_for_a_manager_while_tier_1_is_asked_comes_to_the_managers() -> None:
    start = begun()
    before = start.episode
    assert before is not None
    made = decide(start, MANAGER, MANAGER.received_at)
    episode = of(made)
    kept = ("id", "case_id", "rule", "opened_at", "policy", "mode")
    assert all(getattr(episode, name) == getattr(before, name) for name in kept)
    assert episode.reasons == ("help", "boss")
    assert (episode.ladder, episode.step, episode.leading, episode.began_on) == ("managers", 0, "boss", "second")
    assert episode.state is EpisodeState.OPEN
    assert made.replaced is None
    assert made.case.priority is Priority.P3  # it rises only
    assert made.cancelled == (f"ack:{before.id}:0",)
    assert [(each.name, each.due_at) for each in made.timers] == [
        (f"ack:{before.id}:1", MANAGER.received_at + 10 * MINUTE)
    ]
    assert written(made) == [
        ("update", "desk", ""),
        ("update", "desk", "Managers"),
        ("notify", "chat", "#managers"),
        ("update", "desk", ""),
    ]
    assert made.effects[0].text == "One more reason (boss): Because of boss."
    assert made.effects[1].text == "Moved from ladder second to ladder managers by rule boss."
    assert made.effects[2].title == "moved from ladder second: P3 escalation: Because of boss."
    assert made.trace.result == "moved"
    assert made.trace.sentence == (
        "Rule boss matched as well, and outranks help: it is hierarchical, and help is not."
        " It goes to step 1 of ladder managers."
    )


def test_the_old_deadline_does_nothing_and_the_new_ladder_is_climbed_to_its_own_end() -> None:
    start, (moved,) = play(begun(), MANAGER)
    name = of(moved).id
    start, (old, again, end) = play(start, timer(f"ack:{name}:0"), timer(f"ack:{name}:1"), timer(f"ack:{name}:2"))
    assert old.effects == ()
    assert (of(again).ladder, of(again).step, of(again).round) == ("managers", 0, 1)
    assert written(end) == [("update", "desk", "Directors"), ("notify", "chat", "#directors")]
    assert "Because of boss." in end.effects[1].title


def test_rounds_of_the_old_ladder_do_not_count_for_the_new_one() -> None:
    start = begun()
    assert start.episode is not None
    start = altered(start, episode=altered(start.episode, round=1, passed_over=((0, "nobody"),)))
    episode = of(decide(start, MANAGER, NOW))
    assert (episode.round, episode.passed_over) == (0, ())


@pytest.mark.parametrize("answered", [False, True])
def test_a_higher_level_moves_a_case_that_somebody_has(answered: bool) -> None:
    start, _ = play(begun(), TAKEN, *([answer()] if answered else []))
    start, (made,) = play(start, MANAGER)
    assert (of(made).ladder, of(made).state, of(made).answered_at) == ("managers", EpisodeState.OPEN, None)
    assert "Because of boss." in made.effects[2].title


def test_no_rule_of_a_lower_level_takes_it_back_however_urgent() -> None:
    _, (_, made) = play(begun(), MANAGER, HURRY)
    assert made.trace.result == "joined"
    assert (of(made).ladder, of(made).reasons) == ("managers", ("help", "boss", "urgent"))
    assert made.case.priority is Priority.P1
    assert made.trace.sentence.endswith("It stays on ladder managers: urgent does not outrank boss.")
    assert made.cancelled == ()


def test_a_rule_that_outranks_on_the_same_ladder_leads_and_moves_nothing() -> None:
    rules = policy(HELP + rule("boss", "manager", "second", BOSS_TYPE) + URGENT + CATCH_ALL + LADDERS)
    start, (made, hurry) = play(begun(rules), MANAGER, HURRY)
    assert made.trace.result == "joined"
    assert (of(made).leading, of(made).began_on, of(made).epoch) == ("boss", "", 0)
    assert not made.timers
    assert not made.cancelled
    assert of(hurry).ladder == "second"
    _, (late,) = play(start, timer(f"ack:{of(made).id}:0"))
    assert "Because of boss." in late.effects[1].title


# --- the priority ----------------------------------------------------------------------------------------------------
def test_the_more_urgent_rule_wins_while_nobody_has_the_case() -> None:
    _, (made,) = play(begun(), HURRY)
    assert (of(made).ladder, of(made).asked_priority) == ("third", Priority.P1)
    assert written(made)[1:3] == [("update", "desk", "Fire"), ("notify", "chat", "#third")]
    assert "it asks for P1, and help for P3" in made.trace.sentence


def test_by_priority_alone_nobody_loses_a_case_that_they_have_and_once_nobody_has_it_the_next_match_moves_it() -> None:
    start, (_, made) = play(begun(), TAKEN, HURRY)
    assert (of(made).ladder, of(made).state) == ("second", EpisodeState.ACKNOWLEDGED)
    assert "does not outrank" in made.trace.sentence
    further = pressed("escalate_further", reference="n2", thread="C-agents/9", dedupe="f1")
    _, (on, again) = play(start, further, altered(HURRY, dedupe="e9"))
    assert of(on).state is EpisodeState.OPEN
    assert (again.trace.result, of(again).ladder) == ("moved", "third")
    assert of(again).reasons == ("help", "urgent")


@pytest.mark.parametrize("wanted", ["P3", "P4", ""])
def test_a_rule_that_is_no_more_urgent_joins_alone(wanted: str) -> None:
    sets = {"priority": wanted} if wanted else {}
    rules = policy(HELP + rule("urgent", "urgent", "third", **sets) + CATCH_ALL + LADDERS)
    _, (made,) = play(begun(rules), HURRY)
    assert (of(made).ladder, of(made).reasons, made.trace.result) == ("second", ("help", "urgent"), "joined")
    assert not made.timers
    assert not made.cancelled


def test_what_counts_is_the_priority_that_the_rule_asked_for_and_not_what_the_case_got_since() -> None:
    start = begun()
    start = altered(start, case=altered(start.case, priority=Priority.P1))
    assert of(decide(start, HURRY, NOW)).ladder == "third"


def test_of_an_episode_that_an_older_baton_opened_the_rule_s_own_priority_counts() -> None:
    start = begun()
    assert start.episode is not None
    start = altered(start, episode=altered(start.episode, asked_priority=None))
    assert of(decide(start, HURRY, NOW)).ladder == "third"
    rules = policy(HELP + rule("urgent", "urgent", "third", priority="P3") + CATCH_ALL + LADDERS)
    assert of(decide(altered(start, policy=rules), HURRY, NOW)).ladder == "second"


MATRIX: Final = """
[severity.matrix]
high = { high = "P1", medium = "P2", low = "P3" }
medium = { high = "P2", medium = "P3", low = "P4" }
low = { high = "P3", medium = "P4", low = "P4" }
"""


def test_what_the_matrix_makes_of_a_rule_s_levels_is_the_priority_that_it_asks_for() -> None:
    levels = rule("urgent", "urgent", "third", impact="high", urgency="high")
    rules = policy(MATRIX + HELP + levels + CATCH_ALL + LADDERS)
    _, (made,) = play(begun(rules), HURRY)
    assert (of(made).ladder, of(made).asked_priority) == ("third", Priority.P1)
    silent = policy(MATRIX + HELP + rule("urgent", "urgent", "third") + CATCH_ALL + LADDERS)
    start = begun(silent)
    start = altered(start, case=altered(start.case, impact="high", urgency="high"))
    made = decide(start, HURRY, NOW)
    assert made.case.priority is Priority.P1
    assert of(made).ladder == "second"


# --- several at once -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["", "open"])
@pytest.mark.parametrize(
    ("rules", "ladder", "leading"),
    [
        ((HELP, URGENT, BOSS), "managers", "boss"),
        ((BOSS, URGENT, HELP), "managers", "boss"),
        ((HELP, URGENT), "third", "urgent"),
        ((URGENT, HELP), "third", "urgent"),
    ],
)
def test_the_order_of_rules_that_match_together_does_not_decide_on_the_ladder(
    rules: tuple[str, ...], ladder: str, leading: str, first: str
) -> None:
    made_of = policy("".join(rules) + CATCH_ALL + LADDERS)
    start = begun(made_of) if first else snapshot(made_of)
    made = decide(start, altered(ALL_AT_ONCE, dedupe="e5"), NOW)
    assert (of(made).ladder, of(made).leading) == (ladder, leading)
    assert set(of(made).reasons) == {each for each in ("help", "urgent", "boss") if f'"{each}"' in "".join(rules)}
    groups = [each.destination for each in made.effects if each.kind is not EffectKind.NOTIFY and each.destination]
    assert groups == [{"managers": "Managers", "third": "Fire"}[ladder]]
    assert len([each for each in made.effects if each.kind is EffectKind.HANDOFF]) == (0 if first else 1)


def test_of_rules_of_one_rank_the_first_in_the_file_counts() -> None:
    same = rule("other", "person", "third", priority="P3")
    assert of(decide(snapshot(policy(HELP + same + CATCH_ALL + LADDERS)), PERSON, NOW)).ladder == "second"
    assert of(decide(snapshot(policy(same + HELP + CATCH_ALL + LADDERS)), PERSON, NOW)).ladder == "third"


def test_a_rule_that_waits_comes_to_its_ladder_when_it_is_due() -> None:
    waits = BOSS.replace(BOSS_TYPE, BOSS_TYPE + '\nsuspend = "2m"')
    start, (made,) = play(snapshot(policy(waits + HELP + CATCH_ALL + LADDERS)), message("a person, a manager"))
    assert (of(made).ladder, made.case.suspended[0].rule) == ("second", "boss")
    _, (due,) = play(start, timer("suspend:boss"))
    assert (due.trace.result, of(due).ladder) == ("moved", "managers")


# --- where the other ladder begins ----------------------------------------------------------------------------------
def test_the_other_ladder_begins_where_its_steps_let_a_case_in() -> None:
    steps = """
[[ladder.managers.step]]
target = "queue:desk/Chiefs"
notify = ["chat:#chiefs"]
ack_within = "10m"
min_priority = "P2"
[[ladder.managers.step]]
target = "queue:desk/Deputies"
notify = ["chat:#deputies"]
ack_within = "10m"
"""
    boss = rule("boss", "manager", "managers", BOSS_TYPE, priority="P2")
    _, (made,) = play(begun(policy(HELP + boss + CATCH_ALL + LADDERS + steps)), MANAGER)
    assert (of(made).step, made.effects[1].destination) == (1, "Chiefs")
    assert of(made).passed_over == ((0, "a case of P2 goes straight to step 2"),)
    told = 'notify = ["chat:#managers"]'
    skip = "skip_if = \"case.priority == 'P2'\""
    skips = steps.replace('min_priority = "P2"', skip)
    first = LADDERS.replace(told, f"{told}\n{skip}")
    _, (made,) = play(begun(policy(HELP + boss + CATCH_ALL + first + skips)), MANAGER)
    assert (of(made).step, made.effects[1].destination) == (2, "Deputies")


def test_a_manager_is_that_of_whoever_did_what_the_other_rule_is_about() -> None:
    ask = rule("ask", "person", "duty", priority="P3")
    duty = """
[ladder.duty]
final = { target = "queue:desk/End", notify = ["chat:#leads"] }
[[ladder.duty.step]]
target = "team:duty"
in = "desk/Duty"
ack_within = "15m"
"""
    rules = policy(ask + desk.POLICY + CATCH_ALL + duty)
    _, (opened, made) = play(
        desk.start(rules),
        message("a person, please", dedupe="p1", received_at=desk.WORKING),
        desk.refund("900", now=desk.WORKING + MINUTE),
    )
    assert desk.assigned(opened) == ("anna",)
    assert (of(made).ladder, of(made).actor, of(made).amount) == ("managers", "bob", 900)
    assert desk.assigned(made) == ("carla",)
    moved = next(each for each in made.effects if each.destination == "Managers")
    assert (moved.assignee, moved.text.endswith("by rule refund-above-limit. Assigned to carla.")) == ("8", True)
    assert of(made).asked == ("anna", "carla")


def test_a_rule_that_an_incident_holds_back_moves_nothing() -> None:
    incident = """
[[incident]]
id = "outage"
when.all = ["message.text contains 'down'"]
window = "10m"
threshold = 3
inhibit = ["boss"]
ladder = "second"
"""
    start = begun(policy(HELP + BOSS + CATCH_ALL + LADDERS + incident))
    member = Membership(id="i1", name="outage", title="Outage")
    made = decide(altered(start, case=altered(start.case, incident=member)), MANAGER, NOW)
    assert (of(made).ladder, of(made).reasons) == ("second", ("help",))
    both = altered(ALL_AT_ONCE, text="a person, a manager")
    fresh = snapshot(start.policy)
    made = decide(altered(fresh, case=altered(fresh.case, incident=member)), both, NOW)
    assert (of(made).ladder, of(made).reasons) == ("second", ("help",))


def test_an_escalation_in_earnest_is_one_of_the_policy_in_force() -> None:
    older = policy(HELP + CATCH_ALL + LADDER)
    start = begun(older, stands=False, connections=connections(desk=Mode.OBSERVE))
    live = altered(start, policy=POLICY, episode_policy=older, connections=connections())
    made = decide(live, altered(ALL_AT_ONCE, dedupe="e8"), NOW)
    assert made.replaced is not None
    assert (of(made).policy, of(made).ladder) == (POLICY.digest, "managers")
    assert set(of(made).reasons) == {"boss", "help", "urgent"}
