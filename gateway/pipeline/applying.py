"""Applying: waiting activities are decided by the rules, case by case under the case's lock, in batches.

A turn runs in a worker thread of its own, beside parsing: the one waits for the database while the other thinks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeAlias

from gateway.clock import Clock
from gateway.model import Activity, Decision, Timer, altered
from gateway.pipeline.bell import Bell
from gateway.pipeline.census import Census, gives_out_room
from gateway.pipeline.policies import Direction, Policies
from gateway.pipeline.risk import Risks
from gateway.pipeline.shadow import Seen
from gateway.store.ports import AppliedBatch, CaseView, Staffing, Step, Store
from routing.climbing import seat_name
from routing.decide import decide
from routing.line import offers
from routing.people import UNKNOWN

#: What was decided in one transaction, by connection and dedupe key of the activity.
Hearing: TypeAlias = dict[tuple[str, str], Seen]

#: Activities in one transaction at most; intake goes before the next one.
BATCH: Final = 1_024
#: How long a case that was called for free room is not called again, microseconds.
AGAIN: Final = 10_000_000
#: How often the store is looked into when nothing hints at work, seconds.
POLL: Final = 1.0


class Applying:
    """The loop from activities to the outbox."""

    def __init__(
        self,
        store: Store,
        policies: Policies,
        clock: Clock,
        *,
        applied: Callable[[AppliedBatch], None],
        seen: Callable[[Sequence[Seen]], None] | None = None,
    ) -> None:
        """Take the store and the policies; `applied` is told of every batch.

        `seen` is given what was decided, while a policy is tried.
        """
        self._store = store
        self._policies = policies
        self._clock = clock
        self._applied = applied
        self._seen = seen
        #: What is known of the risk of escalation.
        self.risks = Risks(store, clock, rules=lambda: policies.direction.policy.risk)
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
        self.risks.free()

    # --- one turn, in the worker's thread ----------------------------------------------------------------------------
    def _turn(self) -> AppliedBatch:
        direction = self._policies.direction
        asks = direction.policy.customer
        profiles = asks.connection if asks is not None else None
        now = self._clock.now()
        seen: Hearing | None = None if direction.shadow is None or self._seen is None else {}
        step, watch = self._step(direction, now, seen), self._policies.watch(direction, now)
        batch = self._store.apply(BATCH, now, step, direction.cases, profiles, watch)
        if seen and self._seen is not None:
            # Only now does it stand in the store.
            self._seen(list(seen.values()))
        self._offer()
        return batch

    def _offer(self) -> None:
        """Call the cases that wait for room and have their turn now; a call that comes to nothing is made again after a while."""
        now = self._clock.now()
        self._called = {name: at for name, at in self._called.items() if 0 <= now - at < AGAIN}
        if self._due(frozenset(), now):
            calls: list[tuple[str, Timer]] = []

            def choose(found: Staffing) -> Sequence[tuple[str, Timer]]:
                self.census.recount(found)
                calls[:] = self._due(found.called, now)
                return calls

            # What is known here may be old: whose turn it is, is seen from all that stands in the store.
            self._store.call(choose)
            self._called |= dict.fromkeys((timer.name for _, timer in calls), now)

    def _due(self, called: frozenset[str], now: int) -> list[tuple[str, Timer]]:
        """Return the calls that are to be made, in their order; those of some names are on their way already."""
        made = offers(self.census.line.values(), self._policies.by_digest, self.census.staff, now, called)
        return [
            (case.id, Timer(name=name, due_at=now + place))
            for place, (case, episode) in enumerate(made)
            if (name := seat_name(episode)) not in self._called and name not in called
        ]

    def _step(self, direction: Direction, now: int, seen: Hearing | None) -> Step:
        people = direction.policy.people
        census = self.census if people.teams else None
        scarce = any(agent.capacity for agent in people.agents.values())
        if census is not None:
            census.look(now)
        told = self.risks.told

        def step(view: CaseView, activity: Activity) -> Decision:
            staff = UNKNOWN if census is None else census.staff
            snapshot = told(self._policies.snapshot(view, direction, staff), activity, now)
            decision = decide(snapshot, activity, now)
            if census is not None:
                if scarce and view.recount is not None and gives_out_room(view.episode, activity, decision):
                    census.recount(view.recount())
                    snapshot = altered(snapshot, staff=census.staff)
                    decision = decide(snapshot, activity, now)
                census.heed(view.episode, decision)
            if seen is not None:
                # A transaction that the database gave up is run again: what counts is its last run.
                key = (activity.connection, activity.dedupe)
                seen.pop(key, None)
                seen[key] = Seen(snapshot, activity, decision, now)
            return decision

        return step
