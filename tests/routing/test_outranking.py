"""A second rule escalates a case that is escalated: the ladder of the one that outranks the other is climbed."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model import (
    Activity,
    Decision,
    EffectKind,
    Episode,
    EpisodeState,
    Membership,
    Mode,
    Priority,
    TicketLink,
    altered,
)
from gateway.model.party import Channel
from routing.decide import decide
from routing.policy import ConnectionFacts, Policy
from routing.practice import Happening, exercise
from routing.snapshot import Snapshot
from tests.routing import desk
from tests.routing.values import (
    CATCH_ALL,
    LADDER,
    LINK,
    MINUTE,
    NOW,
    after,
    answer,
    connection,
    connections,
    message,
    outcome,
    play,
    policy,
    pressed,
    snapshot,
    timer,
)


def rule(name: str, word: str, ladder: str, more: str = "", **sets: str) -> str:
    """Return a rule that escalates on a word, and continues."""
    values = ", ".join(f'{key} = "{value}"' for key, value in ({"reason": f"Because of {name}."} | sets).items())
    return f"""
[[rule]]
id = "{name}"
do = "escalate"
continue = true
ladder = "{ladder}"
when.all = ["message.text contains '{word}'"]
set = {{ {values} }}
{more}
"""


BOSS_TYPE: Final = 'type = "hierarchical"'
HELP: Final = rule("help", "person", "second", 'reply = "Your reference is #{{ticket.id}}."', priority="P3")
URGENT: Final = rule("urgent", "urgent", "third", priority="P1", group="Fire")
BOSS: Final = rule("boss", "manager", "managers", BOSS_TYPE, priority="P4")
LADDERS: Final = (
    LADDER
    + """
[ladder.third]
final = { target = "queue:desk/End", notify = ["chat:#leads"] }
[[ladder.third.step]]
target = "queue:desk/Third line"
notify = ["chat:#third"]
ack_within = "5m"
[ladder.managers]
repeat = 1
final = { target = "queue:desk/Directors", notify = ["chat:#directors"] }
[[ladder.managers.step]]
target = "queue:desk/Managers"
notify = ["chat:#managers"]
ack_within = "10m"
"""
)
POLICY: Final = policy(HELP + URGENT + BOSS + CATCH_ALL + LADDERS)
PERSON: Final = message("a person, please", dedupe="e1")
MANAGER: Final = message("get me a manager", dedupe="e2", received_at=NOW + MINUTE)
HURRY: Final = message("this is urgent", dedupe="e3", received_at=NOW + 2 * MINUTE)
TAKEN: Final = pressed("acknowledge", "n1", reference="n1", thread="C-agents/9", dedupe="a1")


def begun(rules: Policy = POLICY, *, stands: bool = True, **changes: Any) -> Snapshot:
    """Return a case that the rule `help` escalated, by default with its ticket."""
    start, _ = play(snapshot(rules, **changes), PERSON)
    return altered(start, tickets=(LINK,)) if stands else start


def of(decision: Decision) -> Episode:
    assert decision.episode is not None
    return decision.episode


def written(decision: Decision) -> list[tuple[str, str, str]]:
    return [(each.kind.value, each.connection, each.destination) for each in decision.effects]


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
ALL_AT_ONCE: Final = message("a person, a manager, this is urgent", dedupe="e1")


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


# --- modes -----------------------------------------------------------------------------------------------------------
def test_a_rule_that_is_tried_out_moves_nothing() -> None:
    rules = policy(HELP + BOSS.replace(BOSS_TYPE, BOSS_TYPE + '\nmode = "observe"') + CATCH_ALL + LADDERS)
    for start in (begun(rules), snapshot(rules)):
        made = decide(start, altered(ALL_AT_ONCE, dedupe="e7"), NOW)
        assert (of(made).ladder, of(made).leading) == ("second", "help")
        assert "boss" not in of(made).reasons


def test_a_rule_that_reaches_less_far_moves_nothing() -> None:
    rules = policy(HELP + BOSS.replace(BOSS_TYPE, BOSS_TYPE + '\nmode = "notes"') + CATCH_ALL + LADDERS)
    _, (made,) = play(begun(rules), MANAGER)
    assert (of(made).ladder, of(made).leading, of(made).reasons) == ("second", "help", ("help", "boss"))
    assert made.trace.sentence.endswith("It stays on ladder second: rule boss reaches less far on desk.")


def test_a_rehearsal_moves_as_a_rehearsal() -> None:
    start = begun(stands=False, connections=connections(desk=Mode.OBSERVE))
    made = decide(start, MANAGER, NOW)
    assert of(made).ladder == "managers"
    assert {each.mode for each in made.effects} == {Mode.OBSERVE}
    assert made.case.targets == ()


# --- another helpdesk ------------------------------------------------------------------------------------------------
def two_desks(mode: Mode = Mode.LIVE) -> dict[str, ConnectionFacts]:
    return connections() | {"other": connection("other", Channel.HELPDESK, "handoff", mode=mode)}


ELSEWHERE: Final = policy(
    HELP
    + BOSS.replace(BOSS_TYPE, BOSS_TYPE + '\nreply = "A manager has #{{ticket.id}}."')
    + CATCH_ALL
    + LADDERS.replace("queue:desk/Managers", "queue:other/Managers"),
    two_desks(),
)


def test_a_ladder_in_another_helpdesk_gets_a_handoff_and_the_old_ticket_is_told() -> None:
    start, (made,) = play(begun(ELSEWHERE, connections=two_desks()), MANAGER)
    assert [each[:2] for each in written(made)] == [
        ("update", "desk"),
        ("update", "desk"),
        ("handoff", "other"),
        ("update", "desk"),
    ][: len(made.effects)]
    assert made.effects[1].text.endswith("by rule boss. It goes on in other.")
    assert (made.effects[2].destination, made.effects[2].acknowledge_by) == ("Managers", NOW + 11 * MINUTE)
    assert made.case.targets == ("desk", "other")
    landed = outcome(made.effects[2].id, of(made), connection="other", rule="boss")
    there = TicketLink(connection="other", ticket_id="9", adopted=False)
    _, (told,) = play(altered(start, tickets=(LINK, there)), landed)
    assert written(told) == [("notify", "chat", "#managers"), ("reply", "chat", "C1/1")]
    assert told.effects[1].text == "A manager has #55."


def test_the_other_helpdesk_is_left_alone_while_its_mode_allows_less() -> None:
    facts = two_desks(Mode.OBSERVE)
    _, (made,) = play(begun(ELSEWHERE, connections=facts), MANAGER)
    assert (of(made).ladder, made.case.targets) == ("second", ("desk",))
    assert "reaches less far on other" in made.trace.sentence


def test_while_the_ticket_is_on_its_way_the_managers_hear_once_when_it_stands() -> None:
    start, (made,) = play(begun(stands=False), MANAGER)
    assert not [each for each in made.effects if each.kind is EffectKind.NOTIFY]
    first = outcome("e9", of(made), rule="help")
    _, (told,) = play(altered(start, tickets=(LINK,)), first)
    assert written(told) == [("notify", "chat", "#managers"), ("reply", "chat", "C1/1")]
    assert told.effects[0].title == "P3 escalation: Because of boss."
    assert told.effects[1].text == "Your reference is #55."


def test_the_first_ticket_s_landing_tells_nobody_whose_own_is_on_its_way() -> None:
    start, (made,) = play(begun(ELSEWHERE, stands=False, connections=two_desks()), MANAGER)
    _, (told,) = play(altered(start, tickets=(LINK,)), outcome("e9", of(made), rule="help"))
    assert written(told) == [("reply", "chat", "C1/1")]


# --- the policy it began under ---------------------------------------------------------------------------------------
def test_an_older_policy_that_knows_no_such_rule_keeps_the_case_on_its_ladder_and_says_so() -> None:
    older = policy(HELP + CATCH_ALL + LADDER)
    start = altered(begun(older), policy=POLICY, episode_policy=older)
    made = decide(start, MANAGER, NOW)
    assert (of(made).ladder, of(made).reasons) == ("second", ("help", "boss"))
    assert made.trace.sentence.endswith(
        "It stays on ladder second: the policy that it began under has no rule boss that escalates."
    )
    assert not made.timers
    assert not made.cancelled


def test_a_rule_of_the_older_policy_is_meant_as_that_has_it() -> None:
    later = policy(
        HELP
        + BOSS.replace('"managers"', '"third"').replace(BOSS_TYPE, BOSS_TYPE + '\nmode = "notes"')
        + CATCH_ALL
        + LADDERS
    )
    start = begun(tickets=(LINK,), connections=connections(desk=Mode.NOTES))
    made = decide(altered(start, policy=later, episode_policy=POLICY), MANAGER, NOW)
    assert (of(made).ladder, of(made).policy) == ("managers", POLICY.digest)
    assert {each.mode for each in made.effects if each.rule == "boss"} <= {Mode.NOTES, Mode.OBSERVE}
    no_more = policy(HELP + BOSS.replace(BOSS_TYPE, "") + CATCH_ALL + LADDERS)
    made = decide(altered(begun(no_more), policy=POLICY, episode_policy=no_more), MANAGER, NOW)
    assert of(made).ladder == "second"


def test_an_episode_whose_ladder_is_gone_stays_as_it_is() -> None:
    start = begun()
    gone = policy(BOSS + CATCH_ALL + LADDERS.replace("ladder.second", "ladder.tenth"))
    made = decide(altered(start, policy=gone), MANAGER, NOW)
    assert (of(made).ladder, of(made).reasons) == ("second", ("help", "boss"))
    assert [each.kind for each in made.effects] == [EffectKind.UPDATE]


# --- accounts --------------------------------------------------------------------------------------------------------
def test_whoever_practises_is_asked_for_the_ladder_that_was_chosen_first() -> None:
    opened = decide(snapshot(POLICY), PERSON, NOW)
    moved = decide(after(altered(snapshot(POLICY), tickets=(LINK,)), opened), MANAGER, NOW)
    happened = [
        Happening(number=1, activity=PERSON, trace={"steps": ()}),
        Happening(number=2, activity=MANAGER, trace={"steps": ()}),
    ]
    made = exercise(opened.case.id, "chat", happened, [of(moved)])
    assert made is not None
    assert (made.rule, made.ladder) == ("help", "second")


# --- whatever happens ------------------------------------------------------------------------------------------------
WORDS: Final = ("hello", "a person", "a manager", "urgent", "a person, urgent", "urgent manager", "a person, a manager")


@st.composite
def stories(draw: st.DrawFn) -> tuple[Snapshot, list[Activity]]:
    """Return a policy whose rules stand in some order and modes, and what happens to a case under it."""
    parts = draw(st.permutations((HELP, URGENT, BOSS)))
    quiet = draw(st.sampled_from(("", "", "", "notes", "observe")))
    if quiet:
        parts[0] = parts[0].replace("continue = true", f'continue = true\nmode = "{quiet}"')
    modes = st.sampled_from((Mode.LIVE, Mode.LIVE, Mode.LIVE, Mode.NOTES, Mode.OBSERVE))
    start = snapshot(
        policy("".join(parts) + CATCH_ALL + LADDERS),
        connections=connections(desk=draw(modes)),
        tickets=draw(st.sampled_from(((), (LINK,)))),
    )
    story: list[Activity] = []
    for number in range(draw(st.integers(1, 6))):
        dedupe, at = f"x{number}", NOW + number * MINUTE
        what = draw(st.sampled_from(("said", "said", "said", "taken", "answered", "late")))
        made = {
            "said": message(draw(st.sampled_from(WORDS))),
            "taken": altered(TAKEN, reference=dedupe),
            "answered": answer(),
            "late": timer("late"),
        }[what]
        story.append(altered(made, dedupe=dedupe, received_at=at))
    return start, story


def heard(start: Snapshot, activity: Activity) -> Activity:
    """Return an activity; a deadline is that of the open episode."""
    episode = start.episode
    if activity.name and episode is not None:
        return altered(activity, name=f"ack:{episode.id}:{episode.epoch}")
    return activity


_LEVELS: Final = {"help": 0, "urgent": 0, "boss": 1}


@settings(suppress_health_check=(HealthCheck.too_slow,), deadline=None)
@given(stories())
def test_whatever_outranks_what_one_episode_is_open_keeps_all_reasons_and_waits_for_nothing_old(
    story: tuple[Snapshot, list[Activity]],
) -> None:
    start, happenings = story
    running: set[str] = set()
    for each in happenings:
        activity, before = heard(start, each), start.episode
        if activity.name:
            running.discard(activity.name)
        made = decide(start, activity, activity.received_at)
        assert repr(made) == repr(decide(altered(start), altered(activity), activity.received_at))
        running |= {timer.name for timer in made.timers}
        running -= set(made.cancelled)
        episode = made.episode
        if episode is not None:
            assert {name.rpartition(":")[0].partition(":")[2] for name in running} <= {episode.id}
            assert {name.rpartition(":")[2] for name in running} <= {str(episode.epoch)}
            assert episode.leading in episode.reasons
            assert episode.reasons[0] == episode.rule
            assert len(set(episode.reasons)) == len(episode.reasons)
            if before is not None and made.replaced is None:
                assert episode.id == before.id
                assert set(before.reasons) <= set(episode.reasons)
                assert _LEVELS[episode.leading] >= _LEVELS[before.leading]
                assert (episode.ladder != before.ladder) <= (episode.epoch == before.epoch + 1)
                assert (made.trace.result == "moved") == (episode.ladder != before.ladder)
            handoffs = [effect for effect in made.effects if effect.kind is EffectKind.HANDOFF]
            assert len([effect for effect in handoffs if effect.mode is Mode.LIVE]) <= 1
            if before is not None and before.mode is Mode.OBSERVE and made.replaced is None:
                assert {effect.mode for effect in made.effects if effect.rule} <= {Mode.OBSERVE}
        start = after(start, made)


@settings(suppress_health_check=(HealthCheck.too_slow,), deadline=None)
@given(st.permutations((HELP, URGENT, BOSS)), st.sampled_from(WORDS), st.none() | st.sampled_from(WORDS[1:]))
def test_the_ladder_does_not_depend_on_the_order_of_the_rules(parts: list[str], text: str, first: str | None) -> None:
    told = [*([message(first, dedupe="a")] if first else []), message(text, dedupe="b", received_at=NOW + MINUTE)]

    def ends(rules: str) -> tuple[str, str, frozenset[str]] | None:
        _, made = play(snapshot(policy(rules + CATCH_ALL + LADDERS)), *told)
        episode = made[-1].episode
        return None if episode is None else (episode.ladder, episode.leading, frozenset(episode.reasons))

    assert ends("".join(parts)) == ends(HELP + URGENT + BOSS)
