"""Cases given to agents: what they have to do counts over all cases, and whether they are there comes from rosters."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from gateway.model import EffectKind
from gateway.pipeline.census import BELIEVED
from gateway.pipeline.rosters import EVERY, RARELY, presence_of
from gateway.sdk import Roster, RosterEntry
from routing.people import Agent, People, Presence
from tests.pipeline.world import POLICY, World, looping, stepping

TEAM: Final = (
    POLICY.replace('target = "queue:desk/Second"', 'target = "team:duty"\nin = "desk/Second"')
    + """
[agent.ann]
ids = { desk = "1" }
capacity = { chat = 2 }
[agent.ben]
ids = { desk = "2" }
notify = ["line:@ben"]
capacity = { chat = 3 }
[team.duty]
members = ["ann", "ben"]
"""
)


def given(world: World) -> Counter[str | None]:
    """Return how many cases were handed off to whom, by the helpdesk's id."""
    return Counter(view.effect.assignee for view in world.effects(EffectKind.HANDOFF))


async def test_cases_of_one_batch_are_spread_and_nobody_gets_more_than_fills_them(tmp_path: Path) -> None:
    async with stepping(tmp_path, policy=TEAM) as world:
        for number in range(7):
            world.say("help", thread=f"t{number}")
        world.decide()
        assert given(world) == {"1": 2, "2": 3, None: 2}
        await world.rest(until=world.clock.now() + 60_000_000)
        assert Counter(handoff.assignee for handoff in world.vendor.handoffs) == {"1": 2, "2": 3, None: 2}
        assert {handoff.group for handoff in world.vendor.handoffs} == {"Second", "Last"}


async def test_a_case_that_ends_makes_room_at_once_and_after_a_restart_the_store_knows(tmp_path: Path) -> None:
    async with stepping(tmp_path, policy=TEAM) as world:
        for number in range(5):
            world.say("help", thread=f"t{number}")
        await world.rest(until=world.clock.now() + 60_000_000)
        world.say("help", thread="full")
        world.decide()
        assert given(world) == {"1": 2, "2": 3, None: 1}
        # Of the first case, which Ann has.
        world.say(thread="t0", ticket="T1", status="solved")
        world.say("help", thread="room")
        world.decide()
        assert given(world) == {"1": 3, "2": 3, None: 1}
        fresh = type(world.pipeline.applying.census)(world.store)
        fresh.look(world.clock.now())
        assert fresh.staff.loads == world.pipeline.applying.census.staff.loads


async def test_the_count_is_made_anew_when_it_is_too_old(tmp_path: Path) -> None:
    async with stepping(tmp_path, policy=TEAM) as world:
        world.say("help", thread="t1")
        world.decide()
        census = world.pipeline.applying.census
        census._open.clear()
        census.look(world.clock.now() + BELIEVED - 1)
        assert not census._open
        census.look(world.clock.now() + BELIEVED)
        assert sum(census._open.values()) == 1


async def test_a_policy_without_teams_counts_nothing(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        world.say("help")
        world.decide()
        assert world.pipeline.applying.census._counted_at is None


# --- rosters (AS-6) --------------------------------------------------------------------------------------------------
def roster(world: World, **available: bool | None) -> Roster:
    agents = tuple(RosterEntry(id=id_.lstrip("_"), name=id_, available=there) for id_, there in available.items())
    return Roster(agents=agents, read_at=world.clock.now())


async def test_as_6_who_is_away_by_the_roster_gets_nothing_until_they_are_back(tmp_path: Path) -> None:
    """AS-6: presence from the CRM's roster, read-only, cached with its age."""
    async with stepping(tmp_path, policy=TEAM) as world:
        world.vendor.roster = roster(world, _1=False, _2=None, _99=True)
        await world.pipeline.rosters.look()
        world.say("help", thread="t1")
        world.say("help", thread="t2")
        world.decide()
        assert given(world) == {"2": 2}
        world.vendor.roster = None
        world.clock.advance(EVERY)
        await world.pipeline.rosters.look()
        assert world.pipeline.applying.census.presence["ann"].available is False, "what was known is kept, with its age"
        world.clock.advance(EVERY)
        world.vendor.roster = roster(world, _1=True)
        await world.pipeline.rosters.look()
        world.say("help", thread="t3")
        world.decide()
        assert given(world) == {"2": 2, "1": 1}


async def test_a_roster_that_tells_of_nobodys_presence_is_seldom_read(tmp_path: Path) -> None:
    async with stepping(tmp_path, policy=TEAM) as world:
        rosters = world.pipeline.rosters
        for presence, seconds in ((None, EVERY), (True, EVERY)):
            world.vendor.roster = roster(world, _1=presence)
            await rosters.look()
            world.clock.advance(seconds)
        assert "ann" not in world.pipeline.applying.census.presence
        world.clock.advance(RARELY)
        await rosters.look()
        assert world.pipeline.applying.census.presence["ann"].available is True


async def test_rosters_are_read_by_themselves(tmp_path: Path) -> None:
    async with looping(tmp_path, policy=TEAM) as world:
        world.vendor.roster = roster(world, _1=False)
        await world.until(lambda: "ann" in world.pipeline.applying.census.presence, step=EVERY / 8)


ANN: Final = Agent(name="ann", ids={"a": ("1",), "b": ("Ann",)})
PEOPLE: Final = People(agents={"ann": ANN}, known={("a", "1"): "ann", ("b", "ann"): "ann"})


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        (True, None, Presence(available=True, read_at=5)),
        (True, False, Presence(available=False, read_at=9)),
        (False, False, Presence(available=False, read_at=9)),
        (None, None, None),
    ],
)
def test_who_is_away_somewhere_is_away(one: bool | None, two: bool | None, expected: Presence | None) -> None:
    entry = RosterEntry(id="1", name="Ann", available=one)
    rosters = {
        "a": Roster(agents=(entry,), read_at=5),
        "b": Roster(agents=(replace(entry, id="ANN", available=two),), read_at=9),
    }
    assert presence_of(PEOPLE, rosters).get("ann") == expected
