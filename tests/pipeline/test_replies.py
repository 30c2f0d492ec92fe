"""A reply knows what it answers: the customer's newest message on its thread, as of what caused it."""

from __future__ import annotations

from pathlib import Path

from gateway.model import EffectKind
from tests.pipeline.world import World, stepping


def first_message(world: World) -> str:
    (history,) = world.histories()
    return history.activities[0].activity.message_id


async def test_a_reply_names_the_message_it_answers_and_when_that_came(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        said_at = world.clock.now()
        world.say("help")
        await world.rest(until=said_at + 60_000_000)
        (reply,) = world.vendor.replies
        assert reply.in_reply_to == first_message(world)
        assert reply.last_message_at == said_at
        assert reply.subject == world.histories()[0].case.subject == "help"


async def test_a_second_attempt_carries_the_same_though_more_was_said_since(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        said_at = world.clock.now()
        world.say("help")
        world.decide()
        assert await world.dispatch() >= 1  # the handoff: the reply follows it
        world.decide()
        world.vendor.always["write"] = "away"
        while not world.vendor.replies:
            await world.dispatch()
            world.decide()
            world.clock.advance(30)
        del world.vendor.always["write"]
        world.say("are you there?")
        await world.rest(until=said_at + 600_000_000)
        replies = [reply for reply in world.vendor.replies if reply.key == world.vendor.replies[0].key]
        assert len(replies) >= 2
        assert {(each.in_reply_to, each.last_message_at) for each in replies} == {(first_message(world), said_at)}
        assert len(world.effects(EffectKind.REPLY)) == 1
