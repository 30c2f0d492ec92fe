"""The end, when it comes while something is under way between two loops."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

from gateway.store.ports import EffectState
from tests.pipeline.world import looping


async def test_what_a_claim_brings_while_it_ends_is_sent_and_its_proof_recorded(tmp_path: Path) -> None:
    """The claim was under way when the end began: the loop that records must not be gone before its results."""
    async with looping(tmp_path) as world:
        store: Any = world.store
        right, claimed, ending = store.claim, threading.Event(), threading.Event()

        def claim(*arguments: Any) -> Any:
            found = right(*arguments)
            if found:
                claimed.set()
                ending.wait(60)
            return found

        store.claim = claim
        await world.pipeline.intake.accept(world.message())
        await world.until(claimed.is_set)
        stopping = asyncio.create_task(world.pipeline.stop())
        await world.pass_time(1, step=0.1)
        assert not stopping.done()
        ending.set()
        await world.until(stopping.done)
        assert world.states() == [EffectState.DONE]
        assert world.vendor.count("write") == 1
