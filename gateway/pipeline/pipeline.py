"""The pipeline: its loops, started, watched and ended together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from gateway.clock import Clock
from gateway.host.supervisor import Supervisor
from gateway.model import Channel
from gateway.pipeline.applying import Applying
from gateway.pipeline.calls import Judgement
from gateway.pipeline.dispatch import Dispatch
from gateway.pipeline.intake import Intake
from gateway.pipeline.parsing import Parsing, ParsingSide
from gateway.pipeline.policies import Direction, Policies
from gateway.pipeline.rosters import Rosters
from gateway.pipeline.shadow import Shadow
from gateway.pipeline.telling import tell_applied, tell_parsed
from gateway.pipeline.timers import Timers
from gateway.store.ports import AppliedBatch, SavedBatch, Store, StoreUnavailable
from routing.shadow import Divergence

if TYPE_CHECKING:
    from gateway.telemetry.meters import Meters

_log: Final = logging.getLogger("baton.pipeline")

#: How a policy that is tried may differ.
_KINDS: Final = frozenset(Divergence)
#: A loop that broke is started again after this, seconds.
AGAIN: Final = 1.0
#: How long the store is waited for to hint at work, seconds.
_HINT: Final = 0.5


class Pipeline:
    """From the journal to the vendors."""

    def __init__(
        self, store: Store, supervisor: Supervisor, direction: Direction, clock: Clock, meters: Meters
    ) -> None:
        """Put the steps together. Nothing runs yet."""
        self._store = store
        self._supervisor = supervisor
        self._clock = clock
        self._meters = meters
        self.policies = Policies(store, direction)
        self.shadow = Shadow(store, self.policies, clock, counted=self._count_shadow)
        self.applying = Applying(store, self.policies, clock, applied=self._batch_applied, seen=self.shadow.offer)
        self.parsing = Parsing(
            store,
            clock,
            connections=self._parsing_sides,
            saved=self._batch_saved,
            direction=lambda: self.policies.direction,
        )
        self.intake = Intake(store, accepted=self.parsing.bell.ring)
        self.dispatch = Dispatch(
            store,
            self.policies,
            clock,
            connections=lambda: supervisor.connections,
            finished=self.applying.bell.ring,
            counted=self._count_call,
        )
        self.timers = Timers(store, clock, fired=self._timers_fired, expired=self.dispatch.bell.ring)
        self.rosters = Rosters(
            clock,
            connections=lambda: supervisor.connections,
            people=lambda: self.policies.direction.policy.people,
            told=lambda presence: setattr(self.applying.census, "presence", presence),
        )
        self._hints = ThreadPoolExecutor(1, thread_name_prefix="baton-hints")
        self._closing = False
        #: What operators hold, as of half a second ago: ``all``, ``connection:NAME``, ``rule:ID``.
        self.pauses: frozenset[str] = frozenset()

    # --- life --------------------------------------------------------------------------------------------------------
    async def run(self) -> None:
        """Run all loops until `stop`, and end with everything in work finished."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep("intake", self.intake.run))
            group.create_task(self._keep("parsing", self.parsing.run))
            group.create_task(self._apply())
            group.create_task(self._keep("shadow", self.shadow.run))
            group.create_task(self._keep("dispatch", self.dispatch.run))
            group.create_task(self._keep("results", self.dispatch.record))
            group.create_task(self._keep("timers", self.timers.run))
            group.create_task(self._keep("rosters", self.rosters.run))
            group.create_task(self._keep("risk", self.applying.risks.run))
            group.create_task(self._keep("hints", self._listen))
        for step in (self.intake, self.parsing, self.applying, self.shadow, self.dispatch, self.timers):
            step.free()
        self._hints.shutdown(wait=True)

    async def _apply(self) -> None:
        """Apply to the end, and only then let what was decided last be followed to its end."""
        await self._keep("applying", self.applying.run)
        self.shadow.close()

    async def _keep(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        """Run a loop to its end; one that breaks is started again, never silently gone."""
        while True:
            try:
                await loop()
            except StoreUnavailable as error:
                self._meters.store_up.set(0)
                _log.warning(
                    "the store cannot serve %s: %s", name, error, extra={"action": "store_unavailable", "loop": name}
                )
            except Exception:  # noqa: BLE001 (whatever it is, the loop must go on)
                _log.exception("a loop broke and is started again", extra={"action": "loop_broke", "loop": name})
            else:
                return
            if not self._closing:
                await self._clock.sleep(AGAIN)

    async def stop(self, grace: float = 15.0) -> None:
        """End: no more claims, calls in work are waited for at most `grace` seconds. Safe twice."""
        self._closing = True
        self.intake.close()
        self.timers.close()
        self.rosters.close()
        self.applying.risks.close()
        self.dispatch.close()
        self.parsing.close()
        self.applying.close()
        async with asyncio.TaskGroup() as group:
            cutter = group.create_task(self._cut(grace))
            await self.dispatch.quiet()
            cutter.cancel()

    async def _cut(self, grace: float) -> None:
        await self._clock.sleep(grace)
        await self.dispatch.cut()

    def swap(self, direction: Direction) -> None:
        """Decide by a new policy and new connections from the next batch on."""
        self.policies.swap(direction)
        self.rosters.bell.ring()
        self.applying.risks.bell.ring()
        self._work()

    def ring(self) -> None:
        """Look for work now: an operator has changed something."""
        self._work()
        self.timers.bell.ring()
        self.applying.risks.bell.ring()

    async def _listen(self) -> None:
        """Take hints of other processes. Only a hint: each loop polls as well."""
        loop = asyncio.get_running_loop()
        while not self._closing:
            if await loop.run_in_executor(self._hints, self._store.wait, _HINT):
                self._work()
            self.pauses = frozenset(await loop.run_in_executor(self._hints, self._store.pauses))

    def _work(self) -> None:
        self.parsing.bell.ring()
        self.applying.bell.ring()
        self.dispatch.bell.ring()

    # --- what the steps ask and tell ---------------------------------------------------------------------------------
    def _parsing_sides(self) -> Mapping[str, tuple[ParsingSide, Channel, int]]:
        return {
            name: (connection, connection.config.channel, connection.config.spec.capabilities.max_events)
            for name, connection in self._supervisor.connections.items()
        }

    def _batch_saved(self, batch: SavedBatch) -> None:
        for word, count in (("fresh", batch.fresh), ("duplicate", batch.duplicates), ("dead", batch.dead)):
            if count:
                self._meters.parsed.labels(word).inc(count)
        tell_parsed(batch)
        if batch.fresh:
            self.applying.bell.ring()

    def _batch_applied(self, batch: AppliedBatch) -> None:
        for word, count in (("applied", batch.applied), ("dead", batch.dead)):
            if count:
                self._meters.applied.labels(word).inc(count)
        for metric, outcome in batch.targets:
            self._meters.sla_targets.labels(metric.value, outcome.value).inc()
        for word, count in batch.incidents.items():
            self._meters.incidents.labels(word).inc(count)
        tell_applied(batch)
        if batch.connections:
            self.dispatch.bell.ring()
        if batch.applied:
            self.shadow.bell.ring()

    def _count_shadow(self, word: str, count: int) -> None:
        metric = self._meters.shadow_divergences if word in _KINDS else self._meters.shadow_decisions
        metric.labels(word).inc(count)

    def _count_call(self, connection: str, judgement: Judgement) -> None:
        found = self._supervisor.find(connection)
        connector = found.connector if found is not None else "removed"
        self._meters.deliveries.labels(connector, judgement.outcome).inc()
        if judgement.throttled:
            self._meters.throttled.labels(connector).inc()
        if judgement.bug:
            self._meters.bugs.labels(connector).inc()

    def _timers_fired(self, count: int) -> None:
        self._meters.timers.inc(count)
        self.applying.bell.ring()


__all__ = ["Direction", "Pipeline"]
