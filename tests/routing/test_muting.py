"""A mute holds notices and nothing else, says so, and what it held is told when it is over."""

from __future__ import annotations

from typing import Any, Final

import pytest

from gateway.model import Activity, Decision, EffectKind, EpisodeState, TicketChange, TicketStatus, altered
from routing.policy import Policy
from routing.snapshot import Snapshot
from tests.routing.values import (
    CATCH_ALL,
    LADDER,
    LINK,
    MINUTE,
    NOW,
    answer,
    message,
    outcome,
    play,
    policy,
    pressed,
    snapshot,
    ticket,
    timer,
)

RULE: Final = """
[[rule]]
id = "help"
do = "escalate"
ladder = "second"
when.all = ["message.text contains 'help'"]
set = { tags = ["crowd"], reason = "Somebody asks." }
reply = "We know."
"""
#: NOW is 2023-11-14 22:13:20 UTC.
MUTE: Final = """
[[mute]]
id = "night"
MORE
until = 2023-11-14T22:23:20Z
author = "anna"
reason = "The crowd is known."
"""


def muted(more: str = "", rule: str = RULE) -> Policy:
    return policy(rule + CATCH_ALL + LADDER + MUTE.replace("MORE", more))


def notices(*decisions: Decision) -> list[tuple[str, str]]:
    return [
        (each.destination, each.title)
        for decision in decisions
        for each in decision.effects
        if each.kind is EffectKind.NOTIFY
    ]


def escalated(rules: Policy, **changes: Any) -> tuple[Snapshot, list[Decision]]:
    """Escalate a case whose ticket stands at once."""
    where, (first,) = play(snapshot(rules, **changes), message("help"))
    where, (landed,) = play(altered(where, tickets=(LINK,)), outcome("e9", where.episode))
    return where, [first, landed]


def at(what: Activity, minutes: int) -> Activity:
    return altered(what, received_at=NOW + minutes * MINUTE, dedupe=f"{what.dedupe}:{minutes}")


def over(where: Snapshot, minutes: int = 10) -> Activity:
    assert where.episode is not None
    return at(timer(f"unmute:{where.episode.id}:{where.episode.epoch}"), minutes)


@pytest.mark.parametrize(
    "more",
    [
        "",
        "when.all = [\"case.tags contains 'crowd'\"]",
        "when.any = [\"case.channel == 'chat'\", \"case.channel == 'email'\"]",
        'rules = ["help"]',
    ],
)
def test_it_holds_the_notice_and_nothing_else_and_says_who_wants_it(more: str) -> None:
    _, (first, landed) = escalated(muted(more))
    assert [each.kind for each in first.effects] == [EffectKind.HANDOFF]
    assert first.episode is not None
    assert first.episode.acknowledge_by == NOW + 15 * MINUTE
    assert notices(first, landed) == []
    assert [each.kind for each in landed.effects] == [EffectKind.REPLY], "the customer is answered"
    assert landed.trace.notes == (
        "Mute night of anna (The crowd is known.) holds the notice to chat:#second until 2023-11-14 22:23 UTC.",
    )
    assert [(each.name.partition(":")[0], each.due_at) for each in landed.timers] == [("unmute", NOW + 10 * MINUTE)]


@pytest.mark.parametrize(
    "more",
    [
        "when.all = [\"case.tags contains 'other'\"]",
        'rules = ["rest"]',
        "when.all = [\"case.tags contains 'crowd'\"]\nwhen.any = [\"case.channel == 'email'\"]",
    ],
)
def test_it_holds_no_notice_of_another_case_or_rule(more: str) -> None:
    _, made = escalated(muted(more))
    assert notices(*made) == [("#second", "escalation: Somebody asks.")]
    assert not made[1].trace.notes


def test_what_it_held_is_told_when_it_is_over() -> None:
    where, _ = escalated(muted())
    _, (told,) = play(where, over(where))
    assert notices(told) == [("#second", "escalation: Somebody asks.")]
    assert told.trace.result == "unmuted"


@pytest.mark.parametrize("what", [answer(), pressed("acknowledge", reference="r1", thread="C9/9")])
def test_nobody_is_told_later_of_what_somebody_took_meanwhile(what: Activity) -> None:
    where, _ = escalated(muted())
    where, (_, told) = play(where, at(what, 5), over(where))
    assert notices(told) == []
    assert where.episode is not None
    assert where.episode.state is EpisodeState.ACKNOWLEDGED


def test_the_ladder_goes_on_and_the_next_step_is_held_as_long_as_the_mute_holds() -> None:
    where, _ = escalated(policy(RULE + CATCH_ALL + LADDER.replace("15m", "5m") + MUTE.replace("MORE", "")))
    assert where.episode is not None
    late = at(timer(f"ack:{where.episode.id}:0"), 5)
    before = over(where)
    where, (climbed, stale) = play(where, late, before)
    assert climbed.trace.result == "final"
    assert notices(climbed, stale) == [], "the step that the timer is of is passed"
    _, (told,) = play(where, over(where))
    assert notices(told) == [("#leads", "escalation: Somebody asks.")]


def test_after_its_end_it_holds_nothing() -> None:
    where, (first,) = play(snapshot(muted()), at(message("help"), 10))
    _, (landed,) = play(altered(where, tickets=(LINK,)), at(outcome("e9", first.episode), 10))
    assert notices(landed) == [("#second", "escalation: Somebody asks.")]


def test_the_policy_in_force_mutes_also_what_began_under_another() -> None:
    """A mute is written while things happen: the reloaded file counts for escalations that run."""
    plain = policy(RULE + CATCH_ALL + LADDER)
    where, (first,) = play(snapshot(plain), message("help"))
    reloaded = altered(where, policy=muted(), episode_policy=plain, tickets=(LINK,))
    _, (landed,) = play(reloaded, outcome("e9", first.episode))
    assert notices(landed) == []
    lifted = altered(reloaded, policy=plain, episode_policy=None)
    assert notices(play(lifted, outcome("e9", first.episode))[1][0])


def test_a_mute_that_was_prolonged_holds_on() -> None:
    where, _ = escalated(muted())
    longer = policy(RULE + CATCH_ALL + LADDER + MUTE.replace("MORE", "").replace("22:23:20", "23:13:20"))
    _, (still,) = play(altered(where, policy=longer), over(where))
    assert notices(still) == []
    assert [each.due_at for each in still.timers] == [NOW + 60 * MINUTE]


# --- the reminder of those who took it ---------------------------------------------------------------------------------
OWED: Final = LADDER.replace('ack_within = "15m"', 'ack_within = "15m"\nreply_within = "5m"\nack_ttl = "2h"')
REMINDER: Final = ("#second", "taken, but not answered in time: escalation: Somebody asks.")


def reminded(ladder: str = OWED, until: str = "22:23:20") -> tuple[Snapshot, Decision]:
    """Take a case 4 minutes after a mute began to hold, and let the time pass in which the customer should be answered."""
    mute = MUTE.replace("MORE", "").replace("22:23:20", until)
    where, _ = escalated(policy(RULE + CATCH_ALL + ladder + mute))
    where, (taken,) = play(where, at(pressed("acknowledge", reference="r1", thread="C9/9"), 4))
    assert taken.episode is not None
    assert taken.episode.answer_by == NOW + 9 * MINUTE
    where, (late,) = play(where, at(timer(f"reply:{taken.episode.id}:0"), 9))
    return where, late


def reminder_over(where: Snapshot, minutes: int = 10) -> Activity:
    assert where.episode is not None
    return at(timer(f"unmute:reply:{where.episode.id}:{where.episode.epoch}"), minutes)


def test_a_reminder_that_it_held_is_told_when_it_is_over_while_the_customer_waits() -> None:
    where, late = reminded()
    assert notices(late) == []
    assert late.trace.notes == (
        "Mute night of anna (The crowd is known.) holds the notice to chat:#second until 2023-11-14 22:23 UTC.",
    )
    (held,) = late.timers
    assert held.due_at == NOW + 10 * MINUTE
    _, (first, second) = play(where, over(where), at(timer(held.name), 10))
    assert notices(first) == [], "that somebody should take it is no matter any more"
    assert notices(second) == [REMINDER]
    assert second.trace.result == "unmuted"
    assert "the customer has no answer yet" in second.trace.sentence


@pytest.mark.parametrize(
    "meanwhile",
    [
        answer(),
        ticket(TicketChange.STATUS, TicketStatus.SOLVED),
        pressed("escalate_further", reference="r1", thread="C9/9"),
    ],
)
def test_nobody_is_reminded_later_of_what_needs_no_answer_of_theirs_any_more(meanwhile: Activity) -> None:
    """Answered, over, or gone to another step, which the same mute holds for itself."""
    where, _ = reminded()
    (_, (_, late)) = play(where, at(meanwhile, 9), reminder_over(where))
    assert notices(late) == []


def test_a_reminder_that_comes_after_its_end_is_told_at_once_and_once() -> None:
    where, late = reminded(until="22:21:20")
    assert notices(late) == [REMINDER]
    assert late.timers == ()
    _, (again,) = play(where, over(where))
    assert notices(again) == []


def test_a_case_that_is_taken_no_longer_asks_anew_and_is_not_reminded_of() -> None:
    where, _ = reminded(OWED.replace("2h", "6m"))
    assert where.episode is not None
    late = reminder_over(where, 11)
    where, (released,) = play(where, at(timer(f"ttl:{where.episode.id}:0"), 10))
    assert notices(released) == [("#leads", "taken, but not answered in time: escalation: Somebody asks.")]
    _, (stale,) = play(where, late)
    assert notices(stale) == []


def test_a_reminder_under_a_mute_that_was_prolonged_is_held_on() -> None:
    where, _ = reminded()
    longer = policy(RULE + CATCH_ALL + OWED + MUTE.replace("MORE", "").replace("22:23:20", "23:13:20"))
    where, (still,) = play(altered(where, policy=longer), reminder_over(where))
    assert notices(still) == []
    assert [each.due_at for each in still.timers] == [NOW + 60 * MINUTE]
    _, (told,) = play(where, reminder_over(where, 60))
    assert notices(told) == [REMINDER]
