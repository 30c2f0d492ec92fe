"""Dispatch: due effects are claimed, sent, and their results recorded; an answer that is lost is an outcome of its own."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

from gateway.clock import Clock
from gateway.host.connection import Connection
from gateway.model import EffectKind, Mode, Receipt
from gateway.pipeline.bell import Bell
from gateway.pipeline.calls import GRACE, Judge, Judgement, look, send
from gateway.pipeline.files import LONGEST as FILES_LONGEST
from gateway.pipeline.files import Files
from gateway.pipeline.lookups import look_up
from gateway.pipeline.outgoing import Forbidden, Outgoing, Pointless, outgoing
from gateway.pipeline.policies import Policies
from gateway.pipeline.telling import tell_sent
from gateway.store.ports import ClaimedEffects, Destination, EffectResult, Store, StoreUnavailable, Verdict

T = TypeVar("T")

_log: Final = logging.getLogger("baton.pipeline")

#: Calls to one connection at a time.
SLOTS: Final = 4
#: Bytes of a file that are carried at most.
LARGEST_FILE: Final = 25_000_000
#: How often the outbox is looked into when nothing hints at work, seconds.
POLL: Final = 0.5


class Dispatch:
    """The loop from outbox to vendors."""

    def __init__(
        self,
        store: Store,
        policies: Policies,
        clock: Clock,
        *,
        connections: Callable[[], Mapping[str, Connection]],
        finished: Callable[[], None],
        counted: Callable[[str, Judgement], None],
        largest_file: int = LARGEST_FILE,
    ) -> None:
        """Take the store, and where connections are found; `finished` is told of results, `counted` of each judgement.

        Of a file that came with a message at most `largest_file` bytes are carried.
        """
        self._store = store
        self._policies = policies
        self._clock = clock
        self._connections = connections
        self._finished = finished
        self._counted = counted
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="baton-dispatch")
        self._files = Files(store, clock, connections=connections, in_thread=self._in_thread, largest=largest_file)
        self._running: Counter[str] = Counter()
        self._results: list[EffectResult] = []
        self._recording = False
        self._closing = False
        self._cut = False
        #: True until the last claim was made and all that it brought is done.
        self._claiming = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.bell = Bell(clock)
        self._done = Bell(clock)
        self._ended = Bell(clock)

    # --- loops -------------------------------------------------------------------------------------------------------
    async def run(self) -> None:
        """Claim and send until closed; then wait for what runs."""
        self._claiming = True
        try:
            await self._send()
        finally:
            self._claiming = False
            self._done.ring()

    async def _send(self) -> None:
        async with asyncio.TaskGroup() as group:
            while not self._closing:
                try:
                    claims = await self._claim()
                except StoreUnavailable as error:
                    # The calls in work go on: they must not be cut because the store is away.
                    _log.warning("the store cannot serve dispatch: %s", error, extra={"action": "store_unavailable"})
                    await self._clock.sleep(POLL)
                    continue
                if self._cut:
                    # Nobody waits for them any more: their leases run out.
                    return
                for claim in claims:
                    self._running[claim.connection] += 1
                    task = group.create_task(self._one(claim))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
                if not claims:
                    await self.bell.wait(POLL)

    async def record(self) -> None:
        """Record results, those that came together in one transaction, until closed and nothing is left or may come."""
        while not (self._closing and not self._results and not self._claiming):
            if not self._results:
                await self._done.wait(POLL)
                continue
            batch, self._results = self._results, []
            self._recording = True
            try:
                await self._in_thread(partial(self._finish, batch))
            except StoreUnavailable:
                if self._cut:
                    _log.warning("results could not be recorded before the end", extra={"action": "results_cut"})
                    continue
                # The proof of a write must not be lost: it is kept until the store is back.
                self._results = batch + self._results
                await self._clock.sleep(POLL)
                continue
            finally:
                self._recording = False
            self._finished()
            self.bell.ring()
        self._ended.ring()

    def _finish(self, batch: Sequence[EffectResult]) -> None:
        """Record a batch; one by one when a result of it spoils the others, whose proofs must not be lost with it."""
        try:
            self._store.finish(batch, self._clock.now())
        except StoreUnavailable:
            raise
        except Exception:  # noqa: BLE001 (one bad result must not cost its neighbours)
            if len(batch) == 1:
                _log.exception(
                    "a result could not be recorded: it is settled when its lease runs out",
                    extra={"action": "result_lost", "connection": batch[0].connection},
                )
                return
            for result in batch:
                self._finish([result])

    def close(self) -> None:
        """Claim no more. Safe twice."""
        self._closing = True
        self.bell.ring()
        self._done.ring()

    async def quiet(self) -> None:
        """Return once nothing is in work and nothing may begin: for whoever has closed it."""
        while self._claiming or self._results or self._recording:
            await self._ended.wait(POLL)

    async def cut(self) -> None:
        """Stop waiting for what still runs, and for a store that is away: leases run out, and it is settled later."""
        self._cut = True
        for task in list(self._tasks):
            task.cancel()

    def free(self) -> None:
        """Free the threads, once the loops have ended."""
        self._threads.shutdown(wait=True)

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    # --- claims ------------------------------------------------------------------------------------------------------
    async def _claim(self) -> list[ClaimedEffects]:
        wanted = [
            Destination(
                connection=name,
                limits=connection.config.spec.capabilities.limits,
                lease=_lease(connection),
                free=SLOTS - self._running[name],
            )
            for name, connection in self._connections().items()
            if connection.ready and self._running[name] < SLOTS
        ]
        if not wanted:
            return []
        return list(await self._in_thread(lambda: self._store.claim(wanted, self._clock.now())))

    async def _one(self, claim: ClaimedEffects) -> None:
        judgement = Judge(claim, self._clock.now()).returned("The gateway was shut down before it was sent.")
        try:
            if claim.effects[0].kind is EffectKind.LOOKUP:
                judgement = await look_up(self._connections().get(claim.connection), claim, self._clock.now)
            else:
                judgement = await self._judge(claim)
        except StoreUnavailable as error:
            judgement = Judge(claim, self._clock.now()).returned(str(error), seconds=1.0)
        except Exception as error:  # noqa: BLE001 (nothing was sent yet: what is sent is judged in `_call`)
            _log.exception(
                "an effect could not be made ready", extra={"action": "outgoing_failed", "case": claim.case.id}
            )
            reason = f"It could not be made ready to send ({type(error).__name__}): this is a fault of Baton."
            result = Judge(claim, self._clock.now()).result(Verdict.FAILED, reason)
            judgement = Judgement(result=result, outcome="failed", bug=True)
        finally:
            self._running[claim.connection] -= 1
            self._take(claim, judgement)

    def _take(self, claim: ClaimedEffects, judgement: Judgement | None) -> None:
        if judgement is not None:
            self._results.append(judgement.result)
            self._counted(claim.connection, judgement)
            tell_sent(claim, judgement)
        self._done.ring()
        self.bell.ring()

    async def _judge(self, claim: ClaimedEffects) -> Judgement:
        connection = self._connections().get(claim.connection)
        judge = Judge(claim, self._clock.now())
        if connection is None:
            return judge.returned("The connection was removed.", seconds=5.0)
        mode = connection.config.mode
        if not claim.settle and mode is not Mode.OBSERVE:
            ready = await self._files.bring(claim.effects, connection.config.spec.capabilities.max_file)
            if not ready:
                return judge.returned("A file that goes with it cannot be fetched just now.", seconds=10.0)
        try:
            what = await self._in_thread(lambda: outgoing(claim, mode, self._store, self._policies))
        except Forbidden:
            if claim.settle:
                # It may stand at the vendor: to call it observed would be to lose it.
                return judge.lost("Its mode forbids to look.")
            return Judgement(result=judge.result(Verdict.OBSERVED, "The mode forbids it."), outcome="observed")
        except Pointless as reason:
            return Judgement(result=judge.result(Verdict.CANCELLED, str(reason)), outcome="cancelled")
        return await self._call(connection, claim, what)

    # --- calls -------------------------------------------------------------------------------------------------------
    async def _call(self, connection: Connection, claim: ClaimedEffects, what: Outgoing) -> Judgement:
        """Call the connector. Cancelled in the middle (shutdown), the outcome is unknown: the lease says so later."""
        seconds = connection.config.spec.capabilities.call_timeout
        try:
            async with connection.calling() as connector, asyncio.timeout(seconds):
                receipt: Receipt | None
                receipt = await (look(connector, what) if claim.settle else send(connector, what))
        except asyncio.CancelledError:
            return Judge(claim, self._clock.now()).lost("The gateway was shut down while it was sent.")
        except Exception as error:  # noqa: BLE001 (every error has its meaning, and what has none is a bug)
            judgement = Judge(claim, self._clock.now()).error(error)
            if judgement.refused is not None:
                connection.refused(judgement.refused)
            else:
                connection.failed(error)
            return judgement
        connection.succeeded()
        judge = Judge(claim, self._clock.now())
        return judge.absent() if receipt is None else judge.landed(receipt)


def _lease(connection: Connection) -> float:
    """Return after how many seconds an effect without a result has an unknown outcome: call, files and grace."""
    capabilities = connection.config.spec.capabilities
    files = FILES_LONGEST if capabilities.max_file is not None else 0.0
    return capabilities.call_timeout + files + 2 * GRACE
