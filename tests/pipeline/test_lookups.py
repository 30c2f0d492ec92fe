"""What the CRM knows of a customer: asked for by a look-up, answered later, and the rules look again (SG-9).

In virtual time, on both engines.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.model import EffectKind, Mode, Priority
from gateway.pipeline.lookups import MOST_TRIES
from gateway.sdk import RateLimit
from gateway.store.ports import EffectState
from routing.lookup import AGAIN
from tests.pipeline.customers import ANN, GOLD, MINUTE, POLICY, SECOND, of, only, story, world_of
from tests.pipeline.world import looping

LOOKUP, HANDOFF = EffectKind.LOOKUP, EffectKind.HANDOFF
DONE, PENDING, FAILED = EffectState.DONE, EffectState.PENDING, EffectState.FAILED


# --- the way -----------------------------------------------------------------------------------------------------------
async def test_a_vip_is_escalated_although_the_first_look_did_not_know_them(
    tmp_path: Path, where: dict[str, str]
) -> None:
    """SG-9: the first decision is made at once; the answer is an activity on which the rules look again."""
    async with world_of(tmp_path, where) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.say("good morning", sender=ANN)
        world.decide()
        assert only(world).case.priority is None
        assert world.states() == [PENDING]
        await world.rest(until=world.clock.now())
        history = only(world)
        assert history.case.priority is Priority.P1
        assert [(each.rule, each.reasons) for each in history.episodes] == [("vip", ("vip",))]
        assert story(history)[:2] == [("message", "none"), ("outcome", "escalate")]
        assert history.case.lookup is None
        assert world.vendor.asked == [(("email", "ann@example.com"),)]
        (handoff,) = world.vendor.handoffs
        assert handoff.packet is not None
        facts = dict(handoff.packet.profile)
        assert (facts["VIP"], facts["Organization"], facts["Profile"]) == ("tier gold", "Acme GmbH", "desk, 0s old")
        (reply,) = world.vendor.replies
        assert reply.thread == "t"


async def test_the_priority_stands_without_anybody_waiting_for_a_clock(tmp_path: Path) -> None:
    """SG-9: latency from event to priority is far below 1 s: every step is woken by the one before it, none by a poll.

    Time stands still here, so that whoever waits for a clock waits for ever.
    """
    async with looping(tmp_path, policy=POLICY) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        begun = world.clock.now()
        world.say("good morning", sender=ANN)
        world.pipeline.ring()
        await world.until(lambda: any(each.case.priority for each in world.histories()), step=0)
        assert world.clock.now() == begun


async def test_a_profile_is_reused_for_other_cases_while_it_is_fresh(tmp_path: Path, where: dict[str, str]) -> None:
    async with world_of(tmp_path, where) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.say("one", thread="t1", sender=ANN)
        await world.rest(until=world.clock.now())
        world.clock.advance(23 * 3600)
        world.say("two", thread="t2", sender=ANN)
        world.decide()
        second = of(world, "t2")
        assert story(second) == [("message", "escalate")], "it is known at the first look"
        trace = second.activities[0].trace
        assert trace is not None
        assert "tier gold (desk, 23h old)" in str(trace["steps"])
        assert len(world.vendor.asked) == 1


async def test_a_stale_profile_counts_is_told_as_stale_and_is_asked_for_anew(
    tmp_path: Path, where: dict[str, str]
) -> None:
    """SG-9: stale → the last known value, with a flag."""
    async with world_of(tmp_path, where) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.say("one", thread="t1", sender=ANN)
        await world.rest(until=world.clock.now())
        world.clock.advance(25 * 3600)
        world.vendor.customers["ann@example.com"] = {"tier": "basic"}
        world.say("two", thread="t2", sender=ANN)
        world.decide()
        second = of(world, "t2")
        assert second.case.priority is Priority.P1
        handoff = next(each.effect for each in second.effects if each.effect.kind is HANDOFF)
        assert dict(handoff.profile)["Profile"] == "desk, 1d old, stale"
        await world.rest(until=world.clock.now())
        assert len(world.vendor.asked) == 2
        world.say("three", thread="t3", sender=ANN)
        world.decide()
        third = of(world, "t3")
        assert third.case.priority is None, "they are no VIP any more"


# --- what goes wrong ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("trouble", ["refuse", "hang", "away", "bug", "login"])
async def test_a_look_up_that_fails_keeps_nothing_waiting_and_is_no_dead_letter(
    tmp_path: Path, where: dict[str, str], trouble: str
) -> None:
    async with world_of(tmp_path, where) as world:
        world.vendor.always["profile"] = trouble
        world.say("help", sender=ANN)
        world.decide()
        assert only(world).case.priority is Priority.P3, "decided at once"
        await world.step()
        await world.step()
        if trouble != "login":
            assert world.states(HANDOFF) == [DONE]
            await world.rest(until=world.clock.now() + 30 * MINUTE)
            assert world.states(LOOKUP) == [FAILED]
            assert world.vendor.count("profile") == (1 if trouble == "refuse" else MOST_TRIES)
            lookup = only(world).case.lookup
            assert lookup is not None
            assert lookup.failed_at is not None
        assert world.store.dead_letters() == []
        world.vendor.always.clear()


async def test_what_failed_is_asked_again_after_a_while_and_not_before(tmp_path: Path) -> None:
    async with world_of(tmp_path) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.vendor.plan("profile", "refuse")
        for _ in range(3):
            world.say(sender=ANN)
            await world.rest(until=world.clock.now())
        assert len(world.vendor.asked) == 1
        world.clock.advance(AGAIN / SECOND)
        world.say(sender=ANN)
        await world.rest(until=world.clock.now())
        assert len(world.vendor.asked) == 2
        assert only(world).case.priority is Priority.P1


async def test_a_slow_answer_keeps_no_effect_of_the_same_case_waiting(tmp_path: Path, where: dict[str, str]) -> None:
    async with world_of(tmp_path, where) as world:
        world.vendor.plan("profile", "away", "away")
        world.say("help", sender=ANN)
        world.decide()
        assert world.states(LOOKUP, HANDOFF) == [PENDING, PENDING]
        await world.dispatch()
        assert world.states(HANDOFF) == [DONE]
        assert world.states(LOOKUP) == [PENDING]
        await world.rest(until=world.clock.now() + MINUTE)


async def test_a_handoff_that_waits_keeps_no_look_up_waiting(tmp_path: Path, where: dict[str, str]) -> None:
    async with world_of(tmp_path, where) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.vendor.plan("write", "limit")
        world.say("help", thread="t1", sender=ANN)
        world.decide()
        await world.dispatch()
        assert world.states(HANDOFF) == [PENDING]
        world.decide()
        assert only(world).case.priority is Priority.P1
        await world.rest(until=world.clock.now() + 20 * MINUTE)


async def test_a_look_up_that_died_in_the_middle_is_asked_again(tmp_path: Path) -> None:
    async with world_of(tmp_path) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.say(sender=ANN)
        world.decide()
        claims = await world.pipeline.dispatch._claim()
        assert [claim.effects[0].kind for claim in claims] == [LOOKUP], "and now the process is gone"
        await world.rest()
        assert only(world).case.priority is Priority.P1
        assert world.states(LOOKUP) == [DONE]


async def test_an_answer_that_was_recorded_twice_counts_once(tmp_path: Path, where: dict[str, str]) -> None:
    async with world_of(tmp_path, where) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.say(sender=ANN)
        world.decide()
        dispatch = world.pipeline.dispatch
        claims = await dispatch._claim()
        for claim in claims:
            dispatch._running[claim.connection] += 1
            await dispatch._one(claim)
        results, dispatch._results = dispatch._results, []
        assert [world.store.finish(results, world.clock.now()) for _ in range(2)] == [1, 0]
        await world.rest(until=world.clock.now())
        assert [kind for kind, _ in story(only(world))].count("outcome") == len(world.effects())
        assert len(only(world).episodes) == 1


# --- modes and pauses --------------------------------------------------------------------------------------------------
async def test_it_is_asked_in_observe_mode_since_it_only_reads(tmp_path: Path, where: dict[str, str]) -> None:
    async with world_of(tmp_path, where, mode=Mode.OBSERVE) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.say(sender=ANN)
        await world.rest(until=world.clock.now())
        assert only(world).case.priority is Priority.P1
        assert world.states(HANDOFF) == [EffectState.OBSERVED]
        assert not world.vendor.written


async def test_a_paused_connection_is_not_asked_until_it_goes_on(tmp_path: Path, where: dict[str, str]) -> None:
    async with world_of(tmp_path, where) as world:
        world.vendor.customers["ann@example.com"] = GOLD
        world.store.pause("connection:desk", "op", "maintenance", world.clock.now())
        for text in ("one", "two", "three"):
            world.say(text, sender=ANN)
            await world.step()
        assert world.vendor.asked == []
        assert world.states(LOOKUP) == [PENDING]
        world.store.resume("connection:desk", "op", world.clock.now())
        await world.rest(until=world.clock.now())
        assert len(world.vendor.asked) == 1
        assert only(world).case.priority is Priority.P1


async def test_a_look_up_counts_against_the_connection_s_limit_and_not_against_the_ticket_s(
    tmp_path: Path, where: dict[str, str]
) -> None:
    limits = (RateLimit(calls=1, seconds=600, scope="ticket"),)
    async with world_of(tmp_path, where, limits=limits) as world:
        world.say("help", sender=ANN)
        world.decide()
        assert await world.dispatch() == 2
        await world.rest(until=world.clock.now() + MINUTE)
        assert world.states(LOOKUP, HANDOFF) == [DONE, DONE]
