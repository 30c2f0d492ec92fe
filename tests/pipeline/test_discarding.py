"""What follows when a person gives a dead letter up: nothing waits for it any more, and the next match begins anew."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from gateway.model import EffectKind, EpisodeState
from gateway.store.ports import EffectState
from tests.pipeline.world import stepping

DONE, FAILED = EffectState.DONE, EffectState.FAILED
HANDOFF: Final = EffectKind.HANDOFF
#: Long enough for everything that is in work, and before any deadline.
MINUTE: Final = 60_000_000


async def test_an_update_of_a_handoff_that_was_discarded_is_cancelled(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        world.vendor.plan("write", "refuse")
        world.say()
        await world.rest()
        world.say()
        await world.rest()
        (letter,) = world.store.dead_letters()
        world.store.discard_dead_letter(letter.id, "anna", "a test", world.clock.now())
        await world.rest()
        assert world.states() == [FAILED, EffectState.CANCELLED]
        assert world.vendor.count("write") == 1


@pytest.mark.parametrize("said", ["hello", "help"])
async def test_after_a_discard_the_next_match_hands_off_again_and_makes_one_ticket(tmp_path: Path, said: str) -> None:
    """Mirrored or escalated: what a person gave up is not there, so the case is handed off anew, with a key of its own."""
    async with stepping(tmp_path) as world:
        world.vendor.plan("write", "refuse")
        world.say(said)
        await world.rest(until=world.clock.now() + MINUTE)
        (letter,) = world.store.dead_letters()
        assert world.store.discard_dead_letter(letter.id, "anna", "a test", world.clock.now())
        world.decide()
        (history,) = world.histories()
        assert [episode.state for episode in history.episodes] == [EpisodeState.CLOSED] * (said == "help")
        assert world.vendor.tickets == {}
        for _ in range(2):
            world.clock.advance(1)
            world.say(said)
            await world.rest(until=world.clock.now() + MINUTE)
        (history,) = world.histories()
        assert world.states(HANDOFF) == [FAILED, DONE]
        assert list(world.vendor.tickets) == [f"baton:{history.case.id}"]
        assert [link.ticket_id for link in history.tickets] == ["T1"]
        given_up, anew = world.effects(HANDOFF)
        assert (world.vendor.written[given_up.effect.id], world.vendor.written[anew.effect.id]) == (0, 1)
        if said == "help":
            assert [episode.state for episode in history.episodes] == [EpisodeState.CLOSED, EpisodeState.OPEN]
            assert anew.effect.episode_id == history.episodes[1].id != given_up.effect.episode_id
        assert set(world.states(EffectKind.UPDATE)) == {DONE}


async def test_what_waited_behind_a_discarded_handoff_makes_no_ticket_before_the_next_match(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        world.vendor.plan("write", "refuse")
        world.say()
        await world.rest()
        world.say()
        world.decide()
        (letter,) = world.store.dead_letters()
        world.store.discard_dead_letter(letter.id, "anna", "a test", world.clock.now())
        world.say()
        await world.rest()
        assert world.states(HANDOFF) == [FAILED, DONE]
        assert world.states(EffectKind.UPDATE) == [EffectState.CANCELLED]
        assert len(world.vendor.tickets) == 1
