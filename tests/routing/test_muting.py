"""A mute holds notices and nothing else, says so, and what it held is told when it is over."""

from __future__ import annotations

from typing import Any, Final

import pytest

from gateway.model import Activity, Decision, EffectKind, EpisodeState, altered
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
