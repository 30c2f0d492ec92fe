"""Deadlines while the machine's clock is stepped by hours, forward and back, and the gateway is killed and started again.

The gateway is the real one, under libfaketime: its clock is what a file says, and the file changes while it runs and while it is down.
On PostgreSQL the server keeps the machine's clock: deadlines are due by the gateway's, leases run out by the server's.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any, Final, cast

import aiohttp

from gateway.store.engine import Engine
from tests.facilities import faketime_library, start_postgres
from tests.prove.conservation import require_conservation
from tests.prove.proof import Figures, Proof, Size
from tests.prove.verdicts import at_slack, rows_of
from tests.prove.world import POLICY, World, world

_MICRO: Final = 1_000_000
_HOUR: Final = 3600
_MINUTE: Final = 60
#: Groups that the sandbox knows, one for each step.
_GROUPS: Final = ("Second line", "Billing", "Second line")
_STEPS: Final = len(_GROUPS)
_ROUNDS: Final = 2
#: What is due at the latest, from when it began: the resolution of a case.
_LAST: Final = 30 * _HOUR
#: How late a deadline may be when nothing but the clock wakes the gateway, and some.
_LOOK: Final = 1.6
_STEP: Final = """
[[ladder.management.step]]
target = "queue:desk/{group}"
notify = ["support:#cx-leads"]
ack_within = "1h"
"""
_LADDER: Final = "".join(
    [
        POLICY.partition("[ladder.management]")[0],
        f'[ladder.management]\nrepeat = {_ROUNDS - 1}\nfinal = {{ target = "queue:desk/Escalations" }}\n',
        *(_STEP.format(group=group) for group in _GROUPS),
        '[[sla]]\nid = "all"\nfirst = "2h"\nresolution = "30h"\n',
    ]
)
_MARKS: Final = ("first:at_risk", "first:breached", "resolution:at_risk", "resolution:breached")


class FalseClock:
    """The gateway's clock: the machine's, and so much more."""

    def __init__(self, file: Path) -> None:
        """Begin with the machine's."""
        self._file = file
        self.ahead = 0
        self.set(0)

    def set(self, ahead: int) -> None:
        """Set it so many seconds ahead, at once."""
        self.ahead = ahead
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{ahead:+d}\n")
        fresh.replace(self._file)

    def environment(self) -> dict[str, str]:
        """Return what makes a process live by it. What only ever grows is left alone, as when an administrator sets a clock."""
        return {
            "LD_PRELOAD": faketime_library(),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }


async def _escalate(this: World, count: int) -> None:
    """Have customers write, each a second message that makes their case escalate."""
    this.length, this.most, this.escalating, this.pause = 2, 1, 1.0, 0.1
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(this._sender(session, number, random.Random(number)))


async def _still(this: World, seconds: float = 90.0) -> None:
    """Wait until nothing waits in the gateway. Raises TimeoutError with what does."""
    calm = 0
    for _ in range(round(seconds / 0.2)):
        calm = 0 if await asyncio.to_thread(this._moving) else calm + 1
        if calm > 2:
            return
        await asyncio.sleep(0.2)
    raise TimeoutError(f"there still is {this._moving()}; what waits says: {'; '.join(this._said())}")


async def _wander(this: World, clock: FalseClock, moves: int, chance: random.Random) -> Counter[str]:
    """Step the clock to and fro, on the whole forward, and kill the gateway now and then."""
    done: Counter[str] = Counter()
    for _ in range(moves):
        back = chance.random() < 0.35
        by = -chance.randrange(10 * _MINUTE, 5 * _HOUR) if back else chance.randrange(20 * _MINUTE, 6 * _HOUR)
        down = chance.random() < 0.2
        done["back" if back else "forward"] += 1
        if down:
            await asyncio.to_thread(this.gateway.kill)
        clock.set(max(0, clock.ahead + by))
        if not down and chance.random() < 0.3:
            # While it is at what has come due just now: it looks each second.
            await asyncio.sleep(chance.random() * 1.2)
            await asyncio.to_thread(this.gateway.kill)
            down = True
        if down:
            done["killed"] += 1
            await asyncio.to_thread(this.gateway.start)
        await asyncio.sleep(_LOOK if chance.random() < 0.7 else 0.1)
    return done


def _judge(this: World, figures: Figures, cases: int) -> None:
    store = this.store()
    try:
        engine: Engine = cast("Any", store)._engine
        require_conservation(figures, store, "at the end")
        accounts = store.accounts()
        figures.must_be("unaccounted deliveries, events, activities", accounts.unaccounted, 0)
        figures.must_be("dead letters", accounts.dead_letters_open, 0)
        figures.must_be("effects not done", sum(accounts.effects.values()) - accounts.effects.get("done", 0), 0)
        figures.must_be("deadlines that still wait", len(rows_of(engine, "SELECT name FROM timers")), 0)
        episodes = [json.loads(row[0]) for row in rows_of(engine, "SELECT doc FROM episodes")]
        fired = [
            json.loads(row[0])
            for row in rows_of(
                engine,
                "SELECT c.doc FROM activities a JOIN contents c ON c.activity_id = a.id WHERE a.kind = 'timer'",
            )
        ]
    finally:
        store.close()
    names = Counter(str(each["name"]) for each in fired)
    wanted = {f"ack:{each['id']}:{number}" for each in episodes for number in range(_STEPS * _ROUNDS)}
    wanted |= {f"sla:{each['case_id']}:{mark}:1" for each in episodes for mark in _MARKS}
    figures.must_be("episodes", len(episodes), cases)
    figures.none_of(
        "episodes not at the end of their ladder",
        [each["id"] for each in episodes if (each["step"], each.get("round")) != (_STEPS, _ROUNDS - 1)],
    )
    figures.must_be("deadlines that fired", sum(names.values()), len(wanted))
    figures.none_of("fired more than once", [f"{name}: {count}" for name, count in names.items() if count > 1])
    figures.none_of("never fired", sorted(wanted - names.keys()))
    figures.none_of("fired and not expected", sorted(names.keys() - wanted))
    early = [each["name"] for each in fired if each["received_at"] < each["occurred_at"]]
    figures.none_of("fired before their time", early)
    at_slack(this, figures)


async def _step(directory: Path, cases: int, moves: int, database: str = "") -> Figures:
    figures = Figures(tries=0, unit="deadline")
    clock = FalseClock(directory / "clock")
    chance = random.Random(7)
    async with world(directory / "world", policy=_LADDER, database=database) as this:
        this.gateway.environment = {**this.gateway.environment, **clock.environment()}
        await asyncio.to_thread(this.gateway.start)
        await _escalate(this, cases)
        await _still(this)
        done = await _wander(this, clock, moves, chance)
        reached = clock.ahead
        # Past everything that was set at the furthest instant: so the rest of each ladder comes, step after step.
        for hours in range(_STEPS * _ROUNDS + 1):
            clock.set(max(reached, 6 * moves * _HOUR) + _LAST + hours * 2 * _HOUR)
            await asyncio.sleep(_LOOK)
        await _still(this)
        await asyncio.to_thread(_judge, this, figures, cases)
    figures.tries = cases * (_STEPS * _ROUNDS + len(_MARKS))
    figures.at_least("steps of the clock forward, by up to 6 h", done["forward"], 1)
    figures.at_least("steps of the clock back, by up to 5 h", done["back"], 1)
    figures.at_least("kills", done["killed"], 1)
    return figures


def run_on_sqlite(size: Size, directory: Path) -> Figures:
    """Run the proof."""
    return asyncio.run(_step(directory, size.pick(3, 8, 40), size.pick(8, 16, 150)))


def run_on_postgresql(size: Size, directory: Path) -> Figures:
    """Run the proof on a server that keeps the machine's clock."""
    server = start_postgres()
    try:
        return asyncio.run(_step(directory, size.pick(3, 3, 40), size.pick(6, 6, 150), server.schema()))
    finally:
        server.close()


_PROMISE: Final = (
    "The machine's clock is stepped forward and back by hours, the gateway is killed and started again: each deadline of each"
    " (episode, step, epoch) and of each SLA fires exactly once, none before its time, and people are told once (PO-8)."
)
_LIMITS: Final = (
    "A clock that was set back makes deadlines late by as much as it was set back: what is due is what the clock says."
)
PROOF: Final = Proof(
    name="clock_steps", promise=_PROMISE, limits=_LIMITS, run=run_on_sqlite, needs=frozenset({"faketime"})
)
ON_POSTGRESQL: Final = Proof(
    name="clock_steps_postgresql",
    promise=f"{_PROMISE} The database's clock stands still meanwhile: leases run by it.",
    limits=_LIMITS,
    run=run_on_postgresql,
    needs=frozenset({"faketime", "postgres"}),
)
