"""Applying: waiting activities are decided by the rules, case by case under the case's lock, in batches.

A turn runs in a worker thread of its own, beside parsing: the one waits for the database while the other thinks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from gateway.clock import Clock
from gateway.model import Activity, Decision, Timer
from gateway.pipeline.bell import Bell
from gateway.pipeline.census import Census
from gateway.pipeline.policies import Direction, Policies
from gateway.store.ports import AppliedBatch, CaseView, Step, Store
from routing.climbing import seat_name
from routing.decide import decide
from routing.line import offers

#: Activities in one transaction at most; intake goes before the next one.
BATCH: Final = 256
#: How long a case that was called for free room is not called again, microseconds.
AGAIN: Final = 10_000_000
#: How often the store is looked into when nothing hints at work, seconds.
POLL: Final = 1.0


class Applying:
    """The loop from activities to the outbox."""

    def __init__(
        self, store: Store, policies: Policies, clock: Clock, *, applied: Callable[[AppliedBatch], None]
    ) -> None:
        """Take the store and the policies; `applied` is told of every batch."""
        self._store = store
        self._policies = policies
        self._clock = clock
        self._applied = applied
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="baton-apply")
        self._closing = False
        #: What is known of the policy's agents.
        self.census = Census(store)
        #: When cases were called that wait for room, by the name of the call.
        self._called: dict[str, int] = {}
        self.bell = Bell(clock)

    async def run(self) -> None:
        """Apply what waits until closed."""
        loop = asyncio.get_running_loop()
        while not self._closing:
            batch = await loop.run_in_executor(self._thread, self._turn)
            self._applied(batch)
            if not batch.more and not batch.applied:
                await self.bell.wait(POLL)

    def close(self) -> None:
        """End after the turn in work. Safe twice."""
        self._closing = True
        self.bell.ring()

    def free(self) -> None:
        """Free the thread, once `run` has ended."""
        self._thread.shutdown(wait=True)

    # --- one turn, in the worker's thread ----------------------------------------------------------------------------
    def _turn(self) -> AppliedBatch:
        direction = self._policies.direction
        asks = direction.policy.customer
        profiles = asks.connection if asks is not None else None
        batch = self._store.apply(BATCH, self._clock.now(), self._step(direction), direction.cases, profiles)
        self._offer()
        return batch

    def _offer(self) -> None:
        """Call the cases that wait for room and have their turn now; a call that comes to nothing is made again after a while."""
        now, line = self._clock.now(), self.census.line
        self._called = {name: at for name, at in self._called.items() if 0 <= now - at < AGAIN}
        if not line:
            return
        made = offers(line.values(), self._policies.by_digest, self.census.staff, now)
        due = [
            (case.id, Timer(name=seat_name(episode), due_at=now + place))
            for place, (case, episode) in enumerate(made)
            if seat_name(episode) not in self._called
        ]
        if due:
            self._called |= dict.fromkeys((timer.name for _, timer in due), now)
            self._store.call(due)

    def _step(self, direction: Direction) -> Step:
        now = self._clock.now()
        if not direction.policy.people.teams:
            return lambda view, activity: decide(self._policies.snapshot(view, direction), activity, now)
        census = self.census
        census.look(now)

        def step(view: CaseView, activity: Activity) -> Decision:
            decision = decide(self._policies.snapshot(view, direction, census.staff), activity, now)
            census.heed(view.episode, decision)
            return decision

        return step
