"""Rules look again at the answer of a look-up: what they did they do not do again, and nothing is overlooked (SG-9, SG-12)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model import EffectKind, EpisodeState, Priority
from gateway.store.ports import EffectState
from tests.pipeline.customers import ANN, GOLD, POLICY, only, world_of

LOOKUP, HANDOFF, NOTIFY = EffectKind.LOOKUP, EffectKind.HANDOFF, EffectKind.NOTIFY
DONE, PENDING, FAILED = EffectState.DONE, EffectState.PENDING, EffectState.FAILED


async def test_an_escalation_of_the_first_look_gets_one_more_reason_and_a_higher_priority(
    tmp_path: Path, where: dict[str, str]
) -> None:
    async with world_of(tmp_path, where) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.say("help", sender=ANN)
        await world.rest(until=world.clock.now())
        history = only(world)
        (episode,) = history.episodes
        assert (episode.rule, episode.reasons) == ("help", ("help", "vip"))
        assert history.case.priority is Priority.P1
        assert len(world.effects(HANDOFF)) == 1


async def test_an_episode_that_has_ended_is_not_opened_again_by_a_late_answer(
    tmp_path: Path, where: dict[str, str]
) -> None:
    """SG-12: what an episode was opened on is spent, also for an answer that comes late."""
    async with world_of(tmp_path, where) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.vendor.plan("profile", "away", "away", "away", "away")
        world.say("help", sender=ANN)
        await world.step()
        (episode,) = only(world).episodes
        (ticket,) = only(world).tickets
        solved = {"ticket": ticket.ticket_id, "thread": "t", "id": "s1", "status": "solved"}
        world.store.journal([world.entry(json.dumps(solved).encode(), lane="t")])
        await world.step()
        assert only(world).episodes[0].state is EpisodeState.CLOSED
        await world.rest()
        assert [each.id for each in only(world).episodes] == [episode.id]
        assert world.states(LOOKUP) == [DONE]


async def test_everything_that_was_said_meanwhile_is_looked_at_again(tmp_path: Path, where: dict[str, str]) -> None:
    """A rule that wants a VIP and a word finds the word in the second message, though the first one asked."""
    both = POLICY.replace('"customer.vip"]', '"customer.vip", "message.phrases contains \'help\'"]')
    policy = both.replace(
        '"message.phrases contains \'help\'"]\ndo = "escalate"\nladder = "second"\nset = { priority = "P3"',
        '"case.age > 1d"]\ndo = "escalate"\nladder = "second"\nset = { priority = "P3"',
    )
    async with world_of(tmp_path, where, policy=policy) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        for text in ("hello", "help", "please"):
            world.say(text, sender=ANN)
        world.decide()
        assert world.states() == [PENDING]
        await world.rest(until=world.clock.now())
        (episode,) = only(world).episodes
        assert episode.rule == "vip"


async def test_a_rule_that_stood_below_one_that_the_answer_takes_away_acts_then(tmp_path: Path) -> None:
    """`not customer.vip` holds while nothing is known; once it does not, the next rule has its turn."""
    policy = POLICY.replace(
        '"customer.vip"]\ndo = "escalate"\nladder = "second"\n', '"not customer.vip"]\ndo = "none"\n'
    )
    policy = policy.replace('reply = "We are on it. #{{ticket.id}}"\n', "")
    async with world_of(tmp_path, policy=policy) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.say("help", sender=ANN)
        world.decide()
        assert only(world).episodes == ()
        await world.rest(until=world.clock.now())
        assert [each.rule for each in only(world).episodes] == ["help"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    acts=st.lists(
        st.sampled_from(
            ["say", "say", "say", "say elsewhere", "help", "step", "decide", "pause", "resume", "time", "die"]
        ),
        max_size=14,
    ),
    troubles=st.lists(st.sampled_from(["ok", "away", "refuse", "hang", "bug"]), max_size=5),
)
async def test_a_case_has_never_more_than_one_look_up_out(
    tmp_path_factory: pytest.TempPathFactory, acts: list[str], troubles: list[str]
) -> None:
    """Whatever happens: at most one is out for a case, and every rule acts once on what was said."""
    async with world_of(tmp_path_factory.mktemp("w")) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.vendor.plan("profile", *troubles)
        for act in acts:
            match act:
                case "say" | "help" | "say elsewhere":
                    world.say(act, thread="t2" if act == "say elsewhere" else "t", sender=ANN)
                case "decide":
                    world.decide()
                case "step":
                    await world.step()
                case "pause":
                    world.store.pause("connection:desk", "op", "r", world.clock.now())
                case "resume":
                    world.store.resume("connection:desk", "op", world.clock.now())
                case "time":
                    world.clock.advance(400)
                case _:
                    world.decide()
                    await world.pipeline.dispatch._claim()
            for history in world.histories():
                out = [
                    view for view in history.effects if view.effect.kind is LOOKUP and view.state not in {DONE, FAILED}
                ]
                assert len(out) <= 1
        world.store.resume("connection:desk", "op", world.clock.now())
        await world.rest()
        for history in world.histories():
            assert len(history.episodes) <= 1
            handoffs = [view for view in history.effects if view.effect.kind is HANDOFF]
            assert len(handoffs) == len(history.episodes)
            notices = [view.effect.destination for view in history.effects if view.effect.kind is NOTIFY]
            assert notices.count("#second") <= 1
