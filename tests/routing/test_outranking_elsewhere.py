"""A second rule outranks the one that a case climbs by: with modes, helpdesks and policies of its own, and whatever happens."""

from __future__ import annotations

from typing import Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model import (
    Activity,
    EffectKind,
    Mode,
    TicketLink,
    altered,
)
from gateway.model.party import Channel
from routing.decide import decide
from routing.policy import ConnectionFacts
from routing.practice import Happening, exercise
from routing.snapshot import Snapshot
from tests.routing.outranking import (
    ALL_AT_ONCE,
    BOSS,
    BOSS_TYPE,
    HELP,
    LADDERS,
    MANAGER,
    PERSON,
    POLICY,
    TAKEN,
    URGENT,
    begun,
    of,
    written,
)
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
    snapshot,
    timer,
)


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
