"""The vendor did it, and its answer never came: connections cut, answers halved, late, or a 500 after the effect."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Final

from gateway.testing.faults import Fault, FaultKind
from tests.prove.proof import Figures, Proof, Size
from tests.prove.verdicts import judge
from tests.prove.world import World, world

_SENDERS: Final = 10
#: Faults after the effect; the late one is rarer, since each costs a whole time-out.
_FAULTS: Final = (
    *(
        Fault(kind=kind)
        for kind in (FaultKind.RESET_AFTER, FaultKind.HALF_BODY, FaultKind.ERROR_AFTER)
        for _ in range(4)
    ),
    Fault(kind=FaultKind.DELAY_AFTER, seconds=5.0),
)
#: Routes that write, and the share of their calls whose answer is lost.
_ROUTES: Final = {"tickets.create": 1.0, "tickets.update": 0.5, "chat.postMessage": 0.5}


async def lose(size: Size, directory: Path) -> Figures:
    """Play it."""
    threads = size.pick(2, 24, 100)
    figures = Figures(tries=threads * _SENDERS, unit="handoff")
    async with world(directory) as this:
        this.most, this.length, this.escalating, this.pause = threads, 3, 0.3, 0.2
        this.zendesk.faults.at_random(1, 1.0, _FAULTS, ["tickets.create"])
        this.slack.faults.at_random(2, _ROUTES["chat.postMessage"], _FAULTS, ["chat.postMessage"])
        await asyncio.to_thread(this.gateway.start)
        sending = asyncio.create_task(this.send_all(_SENDERS, 3))
        async with asyncio.timeout(300):
            while this.senders or this.zendesk.count("tickets.create") < threads * _SENDERS:
                await asyncio.sleep(0.05)
        # Creations that were lost stay lost; from here on updates are lost as well.
        this.zendesk.faults.at_random(3, _ROUTES["tickets.update"], _FAULTS, list(_ROUTES))
        await this.finish(sending, 400)
        count(this, figures, threads * _SENDERS)
        await asyncio.to_thread(judge, this, figures)
    return figures


def count(this: World, figures: Figures, handoffs: int) -> None:
    """Note how many answers were lost after the effect, by route."""
    lost = Counter(call.route for sandbox in (this.zendesk, this.slack) for call in sandbox.calls if call.fault)
    figures.at_least("handoffs whose answer was lost after the effect", lost["tickets.create"], handoffs)
    figures.at_least("updates whose answer was lost", lost["tickets.update"], 1)
    figures.at_least("notices and replies whose answer was lost", lost["chat.postMessage"], 1)


def run(size: Size, directory: Path) -> Figures:
    """Run the proof."""
    return asyncio.run(lose(size, directory))


PROOF: Final = Proof(
    name="lost_answers",
    promise="The answer to each handoff is lost after the effect (reset, half a body, a 500, silence), and to half of the"
    " updates, notices and replies: it is looked up at the vendor and never sent blindly; no ticket, note or notice doubles.",
    limits="The vendor is the sandbox: a real one may hide a write for longer than its documents say.",
    run=run,
)
