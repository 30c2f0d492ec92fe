"""Whatever the vendor answers, in whatever order: each effect stands there once, or waits for a person; nothing is lost."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.model import EffectKind, Mode
from gateway.store.ports import EffectState
from tests.pipeline.world import World, stepping

#: What a write can come to. All but the last three certainly did not happen, or are settled.
WRITES = ["ok", "ok", "away", "limit", "lost before", "lost after", "bug after", "login", "refuse"]
#: What a question can come to.
LOOKS = ["ok", "ok", "away", "unknown", "refuse", "bug", "login"]

PENDING, DONE, FAILED = EffectState.PENDING, EffectState.DONE, EffectState.FAILED

#: One thing that happens: a message on a thread, or some time that passes.
HAPPENINGS = st.one_of(
    st.tuples(st.sampled_from(["hello", "help"]), st.integers(0, 3)), st.tuples(st.just("wait"), st.integers(1, 600))
)


async def happen(world: World, happenings: Sequence[tuple[str, int]]) -> None:
    for what, number in happenings:
        if what == "wait":
            world.clock.advance(number)
        else:
            world.say(what, thread=f"t{number}")
        await world.step()
        world.check()


def settled(world: World) -> None:
    """Check that each effect is done once, or waits for a person, or waits behind one that does."""
    world.check()
    letters = {letter.ref: letter for letter in world.store.dead_letters(limit=10_000)}
    for history in world.histories():
        stuck: set[str] = set()
        for view in history.effects:
            connection = view.effect.connection
            assert view.state in {PENDING, DONE, FAILED, EffectState.CANCELLED}
            if view.state is FAILED:
                assert view.effect.id in letters
                if letters[view.effect.id].reason == "The vendor does not take it.":
                    assert world.vendor.written[view.effect.id] == 0
                if view.effect.kind is EffectKind.HANDOFF:
                    stuck.add(connection)
            elif view.state is PENDING:
                assert connection in stuck, "it waits for nobody"
                assert world.vendor.written[view.effect.id] == 0


async def mend(world: World) -> None:
    """Do what a person does with dead letters: look into the vendor's system, discard what stands there, replay the rest."""
    world.vendor.plans.clear()
    while letters := world.store.dead_letters(limit=10_000):
        for letter in letters:
            if world.vendor.written[letter.ref]:
                assert world.store.discard_dead_letter(letter.id, "anna", "it stands", world.clock.now())
            else:
                assert world.store.replay_dead_letter(letter.id, "anna", world.clock.now())
        await world.rest()


def mended(world: World) -> None:
    """Check that nothing waits any more, and that all that stands at the vendor is known to have landed."""
    world.check()
    for view in world.effects():
        assert view.state in {DONE, FAILED, EffectState.CANCELLED, EffectState.OBSERVED}
        # What a person gave up stands there: that is why they did.
        assert world.vendor.written[view.effect.id] == (view.state in {DONE, FAILED})
    assert not world.store.dead_letters()


@settings(max_examples=60)
@given(
    happenings=st.lists(HAPPENINGS, min_size=1, max_size=14),
    writes=st.lists(st.sampled_from(WRITES), max_size=30),
    looks=st.lists(st.sampled_from(LOOKS), max_size=30),
)
@example(happenings=[("help", 0), ("hello", 0)], writes=["lost after"] * 3, looks=["unknown"] * 20)
@example(happenings=[("hello", 0), ("hello", 0)], writes=["ok", "bug after", "login"], looks=["refuse", "away"])
def test_any_sequence_of_outcomes_leaves_each_effect_once_or_with_a_person(
    happenings: list[tuple[str, int]], writes: list[str], looks: list[str]
) -> None:
    async def run(directory: Path) -> None:
        async with stepping(directory) as world:
            world.vendor.plan("write", *writes)
            world.vendor.plan("settle", *looks)
            await happen(world, happenings)
            await world.rest()
            settled(world)
            await mend(world)
            mended(world)

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(run(Path(directory)))


@settings(max_examples=25)
@given(
    happenings=st.lists(HAPPENINGS, min_size=2, max_size=8),
    writes=st.lists(st.sampled_from([*WRITES, "hang before", "hang after"]), max_size=8),
    looks=st.lists(st.sampled_from([*LOOKS, "hang"]), max_size=8),
    kills=st.lists(st.integers(0, 6), max_size=4),
)
@example(happenings=[("hello", 0), ("wait", 5)], writes=["lost before"], looks=[], kills=[1])
def test_a_gateway_that_dies_with_calls_in_work_sends_nothing_twice(
    happenings: list[tuple[str, int]], writes: list[str], looks: list[str], kills: list[int]
) -> None:
    """Claims whose result is never recorded, as after a kill: some landed, some not; the leases run out."""

    async def run(directory: Path) -> None:
        async with stepping(directory) as world:
            world.vendor.plan("write", *writes)
            world.vendor.plan("settle", *looks)
            for number, happening in enumerate(happenings):
                await happen(world, [happening])
                if number in kills:
                    world.decide()
                    dispatch = world.pipeline.dispatch
                    for claim in await dispatch._claim():
                        dispatch._running[claim.connection] += 1
                        await dispatch._one(claim)
                    dispatch._results.clear()
            await world.rest()
            settled(world)
            await mend(world)
            mended(world)

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(run(Path(directory)))


@settings(max_examples=25)
@example(steps=[("say", "hello"), ("mode", "notes"), ("say", "help")], writes=[])
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("mode"), st.sampled_from(list(Mode))),
            st.tuples(st.just("say"), st.sampled_from(["hello", "help"])),
            st.tuples(st.just("pause"), st.sampled_from(["all", "connection:desk", "rule:help"])),
            st.tuples(st.just("resume"), st.sampled_from(["all", "connection:desk", "rule:help"])),
        ),
        max_size=16,
    ),
    writes=st.lists(st.sampled_from(WRITES), max_size=12),
)
def test_modes_and_pauses_in_any_order_write_nothing_that_they_forbid(
    steps: list[tuple[str, str]], writes: list[str]
) -> None:
    async def run(directory: Path) -> None:
        async with stepping(directory) as world:
            world.vendor.plan("write", *writes)
            for what, word in steps:
                if what == "mode":
                    await world.set_mode(Mode(word), "desk")
                    await world.set_mode(Mode(word), "line")
                elif what == "say":
                    world.say(word, thread="t0")
                elif what == "pause":
                    world.store.pause(word, "anna", "", world.clock.now())
                else:
                    world.store.resume(word, "anna", world.clock.now())
                before = world.vendor.written.copy()
                calls, tickets = len(world.vendor.calls), len(world.vendor.tickets)
                await world.rest(until=world.clock.now() + 5_000_000)
                paused = "all" in world.store.pauses()
                observing = world.modes["desk"] is Mode.OBSERVE
                if paused or observing:
                    assert world.vendor.written == before
                    assert len(world.vendor.calls) == calls
                if world.modes["desk"] is Mode.NOTES:
                    replies = {view.effect.id for view in world.effects(EffectKind.REPLY)}
                    assert not (world.vendor.written - before).keys() & replies
                    assert len(world.vendor.tickets) == tickets, "a note goes onto a ticket that stands"
            for scope in list(world.store.pauses()):
                world.store.resume(scope, "anna", world.clock.now())
            await world.set_mode(Mode.LIVE, "desk")
            await world.set_mode(Mode.LIVE, "line")
            await world.rest()
            world.check()
            await mend(world)
            mended(world)

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(run(Path(directory)))
