"""The life of an escalation, activity after activity."""

from __future__ import annotations

from typing import Final

import pytest

from gateway.model import (
    CaseStatus,
    Effect,
    EffectKind,
    EpisodeState,
    Mode,
    Party,
    Priority,
    Role,
    TicketChange,
    TicketStatus,
    altered,
)
from routing.decide import decide
from tests.routing.values import (
    AGENT,
    BOT,
    CATCH_ALL,
    CUSTOMER,
    LADDER,
    LINK,
    MINUTE,
    NOW,
    answer,
    case,
    connections,
    message,
    open_episode,
    outcome,
    play,
    policy,
    pressed,
    snapshot,
    ticket,
    timer,
)

RULES: Final = """
[phrases]
person = ["real person"]
[[rule]]
id = "help"
do = "escalate"
ladder = "second"
when.all = ["message.phrases contains 'person'"]
set = { priority = "P3", reason = "The customer asks for a person." }
reply = "Your reference is #{{ticket.id}}."
"""
POLICY: Final = policy(RULES + CATCH_ALL + LADDER)
HELP: Final = message("a real person please")
#: How Slack tells of a pressed button: whoever pressed it looks like a customer, in the thread of the notice.
PRESSER: Final = Party(kind="slack_user", value="U9", name="Grace", role=Role.CUSTOMER)
ACKNOWLEDGED: Final = pressed("acknowledge", "n1", reference="n1", sender=PRESSER, thread="C-agents/9", dedupe="a1")


def shown(effects: tuple[Effect, ...]) -> list[tuple[str, str, str]]:
    return [(effect.kind.value, effect.destination, effect.mode.value) for effect in effects]


def test_from_the_first_word_to_the_end() -> None:
    start, (opened,) = play(snapshot(POLICY), HELP)
    assert opened.episode is not None
    assert opened.timers[0].due_at == NOW + 15 * MINUTE
    assert opened.effects[0].acknowledge_by == NOW + 15 * MINUTE
    assert shown(opened.effects) == [("handoff", "Second line", "live")]
    start = altered(start, tickets=(LINK,))
    start, (landed, more, taken, late, over) = play(
        start,
        outcome(opened.effects[0].id, opened.episode),
        message("hello?", dedupe="e2"),
        ACKNOWLEDGED,
        timer(opened.timers[0].name),
        ticket(TicketChange.STATUS, TicketStatus.SOLVED),
    )
    assert shown(landed.effects) == [("notify", "#second", "live"), ("reply", "C1/1", "live")]
    assert shown(more.effects) == [("update", "", "live")]
    assert taken.episode is not None
    assert taken.episode.state is EpisodeState.ACKNOWLEDGED
    assert [effect.text for effect in taken.effects] == ["Acknowledged by Grace."]
    assert late.effects == ()
    assert over.case.status is CaseStatus.RESOLVED
    assert start.episode is None
    _, (back,) = play(start, message("a real person again", dedupe="e3"))
    assert back.case.status is CaseStatus.OPEN
    assert back.episode is not None
    assert back.episode.id != opened.episode.id


def test_nobody_took_it_in_time() -> None:
    start, (opened,) = play(snapshot(POLICY), HELP)
    assert opened.episode is not None
    start, (_, late, again) = play(
        start, outcome(opened.effects[0].id, opened.episode), timer(opened.timers[0].name), timer(opened.timers[0].name)
    )
    assert shown(late.effects) == [("update", "End", "live"), ("notify", "#leads", "live")]
    assert late.effects[1].title.startswith("not acknowledged in time: P3 escalation")
    assert again.effects == ()


def test_a_ticket_that_could_not_be_written_is_told_at_the_end_of_the_ladder() -> None:
    start, (opened,) = play(snapshot(POLICY), HELP)
    _, (failed,) = play(start, outcome(opened.effects[0].id, opened.episode, landed=False))
    assert shown(failed.effects) == [("notify", "#leads", "live")]
    assert "could not be written" in failed.effects[0].title


# --- what was only observed ------------------------------------------------------------------------------------------
def test_of_a_handoff_that_was_not_sent_nobody_is_ever_told() -> None:
    quiet = connections(desk=Mode.OBSERVE)
    start, (opened,) = play(snapshot(POLICY, connections=quiet), HELP)
    assert shown(opened.effects) == [("handoff", "Second line", "observe"), ("notify", "#second", "observe")]
    _, (late,) = play(start, timer(opened.timers[0].name))
    assert shown(late.effects) == [("notify", "#leads", "observe")]


def test_in_notes_mode_agents_are_told_though_no_ticket_is_made() -> None:
    quiet = connections(desk=Mode.NOTES)
    start, (opened,) = play(snapshot(POLICY, connections=quiet), HELP)
    assert shown(opened.effects) == [("handoff", "Second line", "observe"), ("notify", "#second", "live")]
    _, (late,) = play(start, timer(opened.timers[0].name))
    assert shown(late.effects) == [("notify", "#leads", "live")]


def test_a_rehearsal_stays_one_when_everything_is_live_by_then() -> None:
    start, (opened,) = play(snapshot(POLICY, connections=connections(desk=Mode.OBSERVE)), HELP)
    _, (late,) = play(altered(start, connections=connections()), timer(opened.timers[0].name))
    assert shown(late.effects) == [("notify", "#leads", "observe")]


@pytest.mark.parametrize("before", [Mode.OBSERVE, Mode.NOTES])
@pytest.mark.parametrize("taken", [False, True])
def test_the_next_match_escalates_in_earnest_what_was_only_observed(before: Mode, taken: bool) -> None:
    start, (opened,) = play(snapshot(POLICY, connections=connections(desk=before)), HELP)
    if taken:
        start, _ = play(start, answer())
    live = altered(start, connections=connections())
    live, (earnest, again) = play(live, altered(HELP, dedupe="e2"), altered(HELP, dedupe="e3"))
    assert opened.episode is not None
    assert earnest.replaced is not None
    assert earnest.episode is not None
    assert (earnest.replaced.id, earnest.replaced.state) == (opened.episode.id, EpisodeState.CLOSED)
    assert earnest.cancelled == (f"ack:{opened.episode.id}:0",)
    assert [each.name for each in earnest.timers] == [f"ack:{earnest.episode.id}:0"]
    assert shown(earnest.effects) == [("handoff", "Second line", "live")]
    assert again.trace.result == "joined"
    assert live.episode is not None
    assert live.episode.mode is Mode.LIVE


TRIED: Final = (
    RULES
    + """
[[rule]]
id = "help-too"
do = "escalate"
ladder = "second"
when.all = ["message.phrases contains 'person'"]
"""
)


def test_a_rule_that_is_tried_out_hides_no_rule_and_changes_no_case() -> None:
    tried = policy(TRIED.replace('id = "help"\n', 'id = "help"\nmode = "observe"\n') + CATCH_ALL + LADDER)
    start, made = play(snapshot(tried), HELP, altered(HELP, dedupe="e2"))
    assert start.episode is not None
    assert (start.episode.rule, start.episode.reasons) == ("help-too", ("help-too",))
    assert start.case.priority is None
    assert [(each.rule, each.mode) for decision in made for each in decision.effects] == [
        ("help", Mode.OBSERVE),
        ("help-too", Mode.LIVE),
        ("", Mode.LIVE),
    ]


def test_a_rule_that_is_tried_out_alone_says_so_and_is_written_down_once() -> None:
    tried = policy(RULES.replace('id = "help"\n', 'id = "help"\nmode = "observe"\n') + CATCH_ALL + LADDER)
    start, (first, second) = play(snapshot(tried), HELP, altered(HELP, dedupe="e2"))
    assert [made.trace.result for made in (first, second)] == ["observed", "observed"]
    assert [(each.kind, each.mode, each.priority) for each in first.effects] == [
        (EffectKind.HANDOFF, Mode.OBSERVE, Priority.P3)
    ]
    assert second.effects == ()
    assert start.episode is None
    assert first.timers == ()


def test_after_a_discarded_handoff_the_next_match_hands_off_again() -> None:
    start, (opened,) = play(snapshot(POLICY), HELP)
    assert start.case.targets == ("desk",)
    lost = outcome(opened.effects[0].id, opened.episode, landed=False, discarded=True)
    start, (over, follow_up, again) = play(start, lost, message("hello?", dedupe="e2"), altered(HELP, dedupe="e3"))
    assert over.effects == ()
    assert over.episode is not None
    assert over.episode.state is EpisodeState.CLOSED
    assert follow_up.effects == ()
    assert shown(again.effects) == [("handoff", "Second line", "live")]


def test_a_discarded_note_leaves_the_ticket_that_stands() -> None:
    start = snapshot(POLICY, case=case(targets=("desk",)), episode=open_episode(), tickets=(LINK,))
    start, _ = play(start, outcome("e9", start.episode, effect_kind="update", landed=False, discarded=True))
    assert start.case.targets == ("desk",)
    assert start.episode is not None


# --- who takes it ----------------------------------------------------------------------------------------------------
def test_whoever_presses_a_notice_does_not_become_the_customer() -> None:
    start = snapshot(POLICY, case=case(last_connection="chat", last_thread="C1/1"), episode=open_episode())
    made = decide(start, ACKNOWLEDGED, NOW)
    assert made.trace.result == "acknowledged"
    assert made.case.customer is None
    assert (made.case.last_connection, made.case.last_thread) == ("chat", "C1/1")


def test_a_button_of_that_name_that_we_never_offered_takes_nothing() -> None:
    start = snapshot(POLICY, episode=open_episode())
    made = decide(start, pressed("acknowledge"), NOW)
    assert made.episode is not None
    assert made.episode.state is EpisodeState.OPEN


@pytest.mark.parametrize("who", [AGENT, altered(AGENT, name="")])
def test_an_answer_to_the_customer_takes_the_case_and_a_note_does_not(who: Party) -> None:
    start = snapshot(POLICY, episode=open_episode())
    taken = decide(start, answer(sender=who), NOW)
    assert taken.episode is not None
    assert taken.episode.state is EpisodeState.ACKNOWLEDGED
    assert taken.cancelled == ("ack:episode-1:0",)
    noted = decide(start, answer(sender=who, audience="internal"), NOW)
    assert noted.episode == start.episode
    assert noted.case.agent_messages == 0


def test_taking_it_twice_changes_nothing() -> None:
    start = snapshot(POLICY, episode=open_episode())
    start, (first, second) = play(start, ACKNOWLEDGED, altered(ACKNOWLEDGED, dedupe="a2"))
    assert second.episode == first.episode
    assert second.effects == ()


# --- the end ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("status", [TicketStatus.SOLVED, TicketStatus.CLOSED])
@pytest.mark.parametrize("who", [AGENT, CUSTOMER, BOT, altered(BOT, role=Role.SYSTEM)])
def test_a_ticket_that_is_over_ends_the_episode_whoever_ended_it(status: TicketStatus, who: Party) -> None:
    start = snapshot(POLICY, episode=open_episode())
    made = decide(start, ticket(TicketChange.STATUS, status, sender=who), NOW)
    assert made.case.status is CaseStatus.RESOLVED
    assert made.episode is not None
    assert made.episode.state is EpisodeState.CLOSED
    assert made.cancelled == ("ack:episode-1:0",)
    assert made.effects == ()


def test_what_baton_itself_did_to_the_ticket_ends_nothing() -> None:
    start = snapshot(POLICY, episode=open_episode())
    made = decide(start, ticket(TicketChange.STATUS, TicketStatus.SOLVED, own=True), NOW)
    assert made.trace.result == "own"
    assert made.episode == start.episode


def test_a_ticket_that_is_opened_again_opens_the_case_again() -> None:
    start = snapshot(POLICY, case=case(status=CaseStatus.RESOLVED))
    assert decide(start, ticket(TicketChange.STATUS, TicketStatus.OPEN), NOW).case.status is CaseStatus.OPEN


def test_a_merged_case_stays_merged() -> None:
    start = snapshot(POLICY, case=case(status=CaseStatus.MERGED))
    for what in (
        ticket(TicketChange.STATUS, TicketStatus.SOLVED),
        ticket(TicketChange.STATUS, TicketStatus.OPEN),
        HELP,
    ):
        assert decide(start, what, NOW).case.status is CaseStatus.MERGED


# --- policies change, episodes do not --------------------------------------------------------------------------------
def test_an_episode_keeps_the_policy_it_began_under() -> None:
    later = policy(RULES + CATCH_ALL + LADDER.replace("#leads", "#others").replace("/End", "/Other end"))
    start, (opened,) = play(snapshot(POLICY), HELP)
    start = altered(start, policy=later, episode_policy=POLICY)
    _, (late,) = play(start, timer(opened.timers[0].name))
    assert [effect.destination for effect in late.effects] == ["End", "#leads"]


def test_an_episode_whose_rule_is_gone_ends_without_a_word() -> None:
    gone = policy(CATCH_ALL)
    start, (opened,) = play(snapshot(POLICY), HELP)
    assert opened.episode is not None
    start = altered(start, policy=gone)
    _, (late, landed) = play(start, timer(opened.timers[0].name), outcome(opened.effects[0].id, opened.episode))
    assert late.effects == ()
    assert "no such ladder" in late.trace.sentence
    assert landed.effects == ()


# --- mirroring -------------------------------------------------------------------------------------------------------
MIRROR: Final = policy(
    """
[[rule]]
id = "keep"
do = "mirror"
target = "desk"
when.all = ["channel == 'chat'"]
set = { priority = "P4" }
"""
    + CATCH_ALL
)


@pytest.mark.parametrize("desk", list(Mode))
def test_a_case_is_mirrored_once(desk: Mode) -> None:
    start = snapshot(MIRROR, connections=connections(desk=desk))
    _, made = play(start, message("one"), message("two", dedupe="e2"), message("three", dedupe="e3"))
    handoffs = [each for decision in made for each in decision.effects if each.kind is EffectKind.HANDOFF]
    assert [each.mode for each in handoffs] == [Mode.LIVE if desk is Mode.LIVE else Mode.OBSERVE]
    assert [each.priority for each in handoffs] == [Priority.P4]
    assert handoffs[0].episode_id is None
    follows = [each.kind for decision in made[1:] for each in decision.effects]
    assert follows == ([EffectKind.UPDATE] * 2 if desk is Mode.LIVE else [])


def test_a_case_that_was_only_observed_is_mirrored_once_the_helpdesk_is_live() -> None:
    start, _ = play(snapshot(MIRROR, connections=connections(desk=Mode.OBSERVE)), message("one"))
    _, (made,) = play(altered(start, connections=connections()), message("two", dedupe="e2"))
    assert [(each.kind, each.mode) for each in made.effects] == [(EffectKind.HANDOFF, Mode.LIVE)]


def test_what_came_through_a_ticket_is_not_written_to_it_again() -> None:
    start = snapshot(MIRROR, case=case(targets=("desk",)), tickets=(LINK,))
    assert decide(start, message("hello", connection="desk", channel="helpdesk"), NOW).effects == ()
    assert [each.kind for each in decide(start, message("hello"), NOW).effects] == [EffectKind.UPDATE]
