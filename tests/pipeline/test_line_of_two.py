"""AS-4 with two gateways on one database: one line, in which each case is called once, and no place is given twice.

Each gateway knows only by and by what the other one decided: what it counted itself is believed for ten seconds.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event
from typing import Final

import pytest

from gateway.model import Activity, Decision, Episode
from gateway.store.engine import Row, Transaction
from gateway.store.ports import CaseView
from gateway.store.sqlstore import SqlStore
from tests.pipeline.test_line import LINE
from tests.pipeline.world import World, stepping

SECOND: Final = 1_000_000
MAX_WAIT: Final = 30 * 60 * SECOND
#: Ann has one place and Ben has two; a step's deadline is far off.
TWO: Final = (
    LINE.replace('members = ["ann"]', 'members = ["ann", "ben"]').replace('ack_within = "15m"', 'ack_within = "9d"')
    + '[agent.ben]\nids = { desk = "2" }\ncapacity = { chat = 2 }\n'
)
PLACES: Final = {"ann": 1, "ben": 2}
#: Seconds that the one waits for the other, who must wait for it.
A_WHILE: Final = 1.0


def busy(world: World) -> list[str]:
    """Return the threads whose cases somebody has now."""
    docs = rows(
        world,
        "SELECT h.key, e.doc FROM episodes e JOIN threads h ON h.case_id = e.case_id AND h.connection_id > 0"
        " WHERE e.state <> 'closed' ORDER BY e.opened_at, h.key",
    )
    return [str(row[0]) for row in docs if json.loads(row[1]).get("assigned")]


@asynccontextmanager
async def two_gateways(directory: Path, url: str, policy: str) -> AsyncGenerator[tuple[World, World], None]:
    async with (
        stepping(directory, policy=policy, url=url) as one,
        stepping(directory, policy=policy, url=url, beside=one) as other,
    ):
        yield one, other


def rows(world: World, sql: str) -> list[Row]:
    def read(t: Transaction) -> list[Row]:
        return t.rows(sql)

    assert isinstance(world.store, SqlStore)
    return world.store._engine.read(read)


def called(world: World) -> set[str]:
    """Return the names of the calls that are set, or have fired and were not decided on."""
    names = [str(row[0]) for row in rows(world, "SELECT name FROM timers")]
    fired = "SELECT c.doc FROM activities a JOIN contents c ON c.activity_id = a.id WHERE a.state = 0"
    names += [str(json.loads(row[0]).get("name", "")) for row in rows(world, fired)]
    return {name for name in names if name.startswith("seat:")}


def name_of(episode: Episode) -> str:
    return f"seat:{episode.id}:{episode.epoch}"


def line(world: World) -> list[str]:
    """Return the calls of all who wait, whoever's turn it is first; as the documentation says it."""
    now = world.clock.now()

    def place(priority: str, since: int, case_id: str) -> tuple[int, str, int, str]:
        return (0, "", since, case_id) if now - since >= MAX_WAIT else (1, priority, since, case_id)

    found = [
        (place(case.priority.value if case.priority else "P9", episode.line_since or 0, case.id), name_of(episode))
        for case, episode in world.store.in_line()
    ]
    return [name for _, name in sorted(found)]


def check_nobody_has_too_much(world: World) -> Counter[str]:
    has = Counter(each.agent for each in world.store.assigned())
    assert all(has[agent] <= places for agent, places in PLACES.items()), has
    return has


def check_turn(world: World, before: set[str]) -> None:
    """Check what a turn of applying called: as many as there are places, and those whose turn it is."""
    free = sum(PLACES.values()) - sum(check_nobody_has_too_much(world).values())
    waiting, calls = line(world), called(world)
    under_way = [name for name in waiting if name in before]
    fresh = [name for name in waiting if name in calls and name not in before]
    assert len(under_way) + len(fresh) <= max(0, free), "more are called than there are places"
    assert fresh == [name for name in waiting if name not in before][: len(fresh)], "somebody else's turn was first"


def apply(world: World) -> None:
    before = called(world)
    world.pipeline.applying._turn()
    check_turn(world, before)


def parse(world: World) -> None:
    world.pipeline.parsing._turn(world.pipeline._parsing_sides())


async def live(worlds: tuple[World, World], chance: random.Random, steps: int) -> None:
    """Let customers come and cases end while both gateways do what they do in any order."""
    one = worlds[0]
    came = 0
    for _ in range(steps):
        world = chance.choice(worlds)
        what = chance.choices(("come", "end", "parse", "apply", "timers", "time"), (3, 2, 4, 8, 6, 3))[0]
        if what == "come":
            came += 1
            one.say(chance.choice(("help", "help", "help", "fire")), thread=f"t{came}")
        elif what == "end":
            if who := busy(one):
                thread = chance.choice(who)
                one.say(thread=thread, ticket=f"T-{thread}", status="solved")
        elif what == "parse":
            parse(world)
        elif what == "apply":
            apply(world)
        elif what == "timers":
            world.pipeline.timers._turn()
        else:
            one.clock.advance(chance.choice((0.01, 0.5, 3, 7, 600)))
        await asyncio.sleep(0)


async def serve_the_rest(worlds: tuple[World, World]) -> None:
    """Let nobody come any more, and cases end one after the other, until nobody waits."""
    one, other = worlds
    for number in range(400):
        for world in (one, other) if number % 2 else (other, one):
            parse(world)
            apply(world)
            world.pipeline.timers._turn()
        if number % 3 == 2:
            for thread in busy(one)[:1]:
                one.say(thread=thread, ticket=f"T-{thread}", status="solved")
        one.clock.advance(3)
        if not one.store.in_line() and not one.store.accounts().activities_pending:
            return
    raise AssertionError(f"these wait for ever: {line(one)}")


@pytest.mark.parametrize("seed", range(3))
async def test_as_4_two_gateways_keep_one_line(tmp_path: Path, postgres_url: str, seed: int) -> None:
    """Nobody is called twice or in vain, no place is given twice, the order is kept across both, and everybody is served."""
    async with two_gateways(tmp_path, postgres_url, TWO) as worlds:
        await live(worlds, random.Random(seed), 130)
        await serve_the_rest(worlds)
        calls: Counter[str] = Counter()
        words: list[str] = []
        for history in worlds[0].histories():
            for each in history.activities:
                if each.activity.name.startswith("seat:"):
                    calls[each.activity.name] += 1
                    assert each.trace is not None
                    words.append(str(each.trace["result"]))
        assert words.count("seated") > 3
        assert "timer" not in words, "a call came to nothing"
        assert set(calls.values()) == {1}


async def test_as_4_two_gateways_that_decide_at_once_give_one_place_to_one(tmp_path: Path, postgres_url: str) -> None:
    """While the one is about to give Ann a case, and has not written it, the other one decides on the next."""
    async with two_gateways(tmp_path, postgres_url, LINE) as (one, other):
        one.say("help", thread="a")
        one.say("help", thread="b")
        parse(one)
        begun, decided = Event(), Event()

        def apply_one(world: World, *, slowly: bool) -> int:
            direction, now = world.pipeline.applying._policies.direction, world.clock.now()
            decide = world.pipeline.applying._step(direction, now, None)

            def step(view: CaseView, activity: Activity) -> Decision:
                decision = decide(view, activity)
                if slowly:
                    begun.set()
                    decided.wait(A_WHILE)
                else:
                    decided.set()
                return decision

            # The case that the one has in its hands is left to it.
            return world.store.apply(1 if slowly else 2, now, step, direction.cases).applied

        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(apply_one, one, slowly=True)
            begun.wait()
            assert apply_one(other, slowly=False) == 1
            assert first.result() == 1
        assert check_nobody_has_too_much(one) == {"ann": 1}
        assert len(one.store.in_line()) == 1


async def test_as_4_who_was_called_has_the_seat_until_that_is_decided(tmp_path: Path, postgres_url: str) -> None:
    """Neither is the call made again after it has fired, nor is a more urgent case called to the same seat meanwhile."""
    async with two_gateways(tmp_path, postgres_url, LINE) as (one, other):
        for words, thread in (("help", "a"), ("help", "b")):
            one.say(words, thread=thread)
            parse(one)
            apply(one)
        one.say(thread="a", ticket="T-a", status="solved")
        parse(one)
        apply(one)
        calls = called(one)
        assert len(calls) == 1
        one.say("fire", thread="c")
        parse(one)
        apply(one)
        other.pipeline.applying.census.look(one.clock.now())
        assert len(other.pipeline.applying.census.line) == len(("b", "c"))
        other.pipeline.applying._offer()
        assert called(one) == calls
        assert one.pipeline.timers._turn() == (1, 0)
        other.pipeline.applying._offer()
        assert rows(one, "SELECT name FROM timers WHERE substr(name, 1, 5) = 'seat:'") == []
        apply(other)
        assert busy(one) == ["b"]
