"""The day: its parts, each with how it is played and what is claimed of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from gateway.demo import morning
from gateway.demo import proof as morning_proof
from gateway.demo.afternoon import proof as afternoon_proof
from gateway.demo.afternoon import story
from gateway.demo.world import AFTERNOON, MORNING, Part, World

if TYPE_CHECKING:
    from gateway.demo.claims import Proof

#: Plays a part in its world, and proves what came of it.
Playing: TypeAlias = "Callable[[World], Awaitable[Proof]]"


def parts() -> tuple[tuple[Part, Playing], ...]:
    """Return the parts, in order."""
    return ((MORNING, _morning), (AFTERNOON, _afternoon))


async def _morning(world: World) -> Proof:
    played = await morning.play(world)
    return await asyncio.to_thread(morning_proof.prove, world, played)


async def _afternoon(world: World) -> Proof:
    played = await story.play(world)
    return await asyncio.to_thread(afternoon_proof.prove, world, played)
