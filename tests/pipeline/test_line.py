"""AS-4 through the pipeline: a case ends, and the one whose turn it is gets its seat."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gateway.model import EffectKind, Episode
from tests.pipeline.world import POLICY, World, stepping

RULE: Final = """[[rule]]
id = "fire"
do = "escalate"
ladder = "second"
when.all = ["message.text contains 'fire'"]
set = { priority = "P1" }

"""
LINE: Final = (
    RULE
    + POLICY.replace('"P1", reason', '"P3", reason').replace(
        'target = "queue:desk/Second"', 'target = "team:duty"\nin = "desk/Second"\nwhen_full = "wait"'
    )
    + """
[agent.ann]
ids = { desk = "1" }
capacity = { chat = 1 }
[team.duty]
members = ["ann"]
"""
)


def having(world: World) -> dict[str, Episode]:
    """Return the newest escalation of each case, by the customer's thread."""
    found: dict[str, Episode] = {}
    for case in world.store.cases():
        history = world.store.history(case.id)
        assert history is not None
        thread = next(each.activity.thread for each in history.activities if each.activity.connection != "baton")
        if history.episodes:
            found[thread] = history.episodes[-1]
    return found


def assigned(world: World) -> dict[str, tuple[str, ...]]:
    return {thread: episode.assigned for thread, episode in having(world).items()}


async def come_and_wait(world: World) -> None:
    """Have four customers come, one after the other: the first gets Ann, the third is the most urgent."""
    for words, thread in (("help", "a"), ("help", "b"), ("fire", "c"), ("help", "d")):
        world.clock.advance(1)
        world.say(words, thread=thread)
        await world.rest(until=world.clock.now() + 2_000_000)
    assert assigned(world) == {"a": ("ann",), "b": (), "c": (), "d": ()}


async def test_as_4_the_seat_of_a_case_that_ends_goes_to_the_most_urgent_and_then_to_the_oldest(tmp_path: Path) -> None:
    """AS-4: highest priority, then oldest; nobody who comes later gets in before them."""
    async with stepping(tmp_path, policy=LINE) as world:
        await come_and_wait(world)
        for ends, gets in (("a", "c"), ("c", "b"), ("b", "d")):
            world.clock.advance(1)
            world.say(thread=ends, ticket=f"T-{ends}", status="solved")
            world.say("help", thread=f"late-{ends}")
            await world.rest(until=world.clock.now() + 5_000_000)
            assert [
                thread for thread, who in assigned(world).items() if who and having(world)[thread].state != "closed"
            ] == [gets]


async def test_as_4_a_call_is_made_once_and_survives_a_restart_of_the_count(tmp_path: Path) -> None:
    """What is known of the line is read anew from the store."""
    async with stepping(tmp_path, policy=LINE) as world:
        await come_and_wait(world)
        census = world.pipeline.applying.census
        fresh = type(census)(world.store)
        fresh.look(world.clock.now())
        assert fresh.line.keys() == census.line.keys()
        assert len(fresh.line) == 3
        assert fresh.staff.line == frozenset({"duty"})
        handoffs = len(list(world.effects(EffectKind.HANDOFF)))
        await world.rest(until=world.clock.now() + 60_000_000)
        assert len(list(world.effects(EffectKind.HANDOFF))) == handoffs
