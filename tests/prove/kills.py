"""Kills under load: the gateway's process on SQLite, PostgreSQL's server under a gateway that must live on."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.facilities import PostgresServer, start_postgres
from tests.prove.phases import Phase, Point
from tests.prove.proof import Figures, Proof, Size
from tests.prove.verdicts import judge
from tests.prove.world import World, world

_SENDERS: Final = 8
#: How long it is waited until the gateway comes by an armed point, seconds.
_PATIENCE: Final = 10.0


async def hold_or_wait(this: World, point: Point | None, chance: random.Random) -> bool:
    """Wait until the gateway is held at a point, or for a moment by chance; tell whether it is held."""
    if point is None:
        await asyncio.sleep(0.1 + chance.random() * 0.7)
        return False
    this.board.arm(point, chance.randint(1, 3))
    try:
        async with asyncio.timeout(_PATIENCE):
            while not this.board.arrived:
                await asyncio.sleep(0.001)
    except TimeoutError:
        return False
    return True


def plan(kills: int, seed: int) -> list[Point | None]:
    """Return where each kill strikes: each point in turn, and every third at a moment that chance chooses."""
    chance = random.Random(seed)
    points = [list(Point)[number % len(Point)] if number % 3 else None for number in range(kills)]
    chance.shuffle(points)
    return points


async def fire(
    this: World, kills: int, seed: int, strike: Callable[[], None], revive: Callable[[], None]
) -> tuple[Counter[Phase], Counter[Point]]:
    """Kill again and again under load; count what the gateway was inside of, and where it was held."""
    inside: Counter[Phase] = Counter()
    held: Counter[Point] = Counter()
    chance = random.Random(seed)
    for point in plan(kills, seed):
        if await hold_or_wait(this, point, chance) and point is not None:
            held[point] += 1
        await asyncio.to_thread(strike)
        inside.update(this.board.phases())
        this.board.disarm()
        await asyncio.to_thread(revive)
    return inside, held


def tell(figures: Figures, kills: int, inside: Counter[Phase], held: Counter[Point]) -> None:
    """Note where the kills struck."""
    figures.tell("kills", kills)
    for phase in Phase:
        figures.at_least(f"kills inside {phase.name.lower()}", inside[phase], 1)
    for point in Point:
        figures.tell(f"held at {point.name.lower().replace('_', ' ')}", held[point])


async def on_sqlite(size: Size, directory: Path) -> Figures:
    """SIGKILL the gateway."""
    kills = size.pick(8, 60, 300)
    figures = Figures(tries=kills, unit="kill")
    async with world(directory) as this:
        await asyncio.to_thread(this.gateway.start)
        sending = asyncio.create_task(this.send_all(_SENDERS, 1))
        inside, held = await fire(this, kills, 1, this.gateway.kill, this.gateway.start)
        await this.finish(sending)
        tell(figures, kills, inside, held)
        await asyncio.to_thread(judge, this, figures)
    return figures


async def on_postgresql(size: Size, directory: Path, server: PostgresServer) -> Figures:
    """SIGKILL the database server with all its processes; the gateway stays."""
    kills = size.pick(4, 20, 100)
    figures = Figures(tries=kills, unit="kill")
    async with world(directory, database=await asyncio.to_thread(server.schema)) as this:
        await asyncio.to_thread(this.gateway.start)
        sending = asyncio.create_task(this.send_all(_SENDERS, 2))

        def revive() -> None:
            server.start()
            this.gateway.wait_ready(60)

        inside, held = await fire(this, kills, 2, server.kill, revive)
        await this.finish(sending)
        tell(figures, kills, inside, held)
        figures.must_be("starts of the gateway", this.gateway.starts, 1)
        await asyncio.to_thread(judge, this, figures)
    return figures


def run_on_sqlite(size: Size, directory: Path) -> Figures:
    """Run the proof."""
    return asyncio.run(on_sqlite(size, directory))


def run_on_postgresql(size: Size, directory: Path) -> Figures:
    """Run the proof on a server of its own."""
    server = start_postgres(ours=True)
    try:
        return asyncio.run(on_postgresql(size, directory, server))
    finally:
        server.close()


ON_SQLITE: Final = Proof(
    name="kills_sqlite",
    promise="SIGKILL at any moment, inside journal, apply, sending and answer: nothing acknowledged is lost, nothing is applied"
    " or written twice, every thread keeps its order.",
    limits="SIGKILL ends a process, not the machine: what a disk loses in a power cut is the promise of"
    " `sync_before_200` and of the disk.",
    run=run_on_sqlite,
)
ON_POSTGRESQL: Final = Proof(
    name="kills_postgresql",
    promise="PostgreSQL's server dies with all its processes, inside journal, apply, sending and answer: the gateway refuses or"
    " waits and lives on; nothing is lost or doubled.",
    limits="A server that dies, not one that fails over to a replica that lags.",
    run=run_on_postgresql,
    needs=frozenset({"postgres"}),
)
