"""The day: its parts, each with how it is played and what is claimed of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from gateway.demo import morning
from gateway.demo import proof as morning_proof
from gateway.demo.afternoon import proof as afternoon_proof
from gateway.demo.afternoon import story
from gateway.demo.evening import proof as evening_proof
from gateway.demo.evening import script
from gateway.demo.rules import fired
from gateway.demo.world import AFTERNOON, EVENING, MORNING, Part, World

if TYPE_CHECKING:
    from gateway.demo.claims import Proof

#: Plays a part in its world, and proves what came of it.
Playing: TypeAlias = "Callable[[World], Awaitable[Proof]]"


def parts() -> tuple[tuple[Part, Playing], ...]:
    """Return the parts, in order."""
    day = _Day()
    return ((MORNING, day.morning), (AFTERNOON, day.afternoon), (EVENING, day.evening))


class _Day:
    def __init__(self) -> None:
        #: Rules of the shipped policy, under which morning and evening run, that fired so far.
        self._fired: frozenset[str] = frozenset()

    async def morning(self, world: World) -> Proof:
        played = await morning.play(world)
        self._fired |= await asyncio.to_thread(fired, world.gateway.store)
        return await asyncio.to_thread(morning_proof.prove, world, played)

    async def afternoon(self, world: World) -> Proof:
        played = await story.play(world)
        return await asyncio.to_thread(afternoon_proof.prove, world, played)

    async def evening(self, world: World) -> Proof:
        played = await script.play(world)
        return await asyncio.to_thread(evening_proof.prove, world, played, self._fired)
