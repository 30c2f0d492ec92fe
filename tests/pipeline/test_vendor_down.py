"""A vendor that is down shows on its connection, and is called all the same."""

from __future__ import annotations

from pathlib import Path

from gateway.store.ports import EffectState
from tests.pipeline.world import stepping

DONE = EffectState.DONE
SECOND = 1_000_000


async def test_a_vendor_that_is_away_shows_on_its_connection_until_a_call_lands(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        world.vendor.plan("write", *["away"] * 5)
        desk = world.supervisor.connections["desk"]
        world.say()
        world.decide()
        seen: list[tuple[str, str]] = []
        while world.vendor.plans["write"]:
            assert await world.dispatch() == 1
            seen.append((desk.status.state.value, desk.status.error))
            due = world.store.next_due()
            assert due is not None
            world.clock.advance((due - world.clock.now()) / SECOND + 0.001)
        assert seen == [*[("ok", "The vendor is away.")] * 2, *[("degraded", "The vendor is away.")] * 3]
        await world.rest()
        assert world.states() == [DONE], "it is still called while it is degraded"
        assert (desk.status.state.value, desk.status.error) == ("ok", "")
        assert world.supervisor.connections["line"].status.state.value == "ok"
