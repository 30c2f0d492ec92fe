"""Intake: verified deliveries become durable, many in one commit.

Whatever arrived while the last commit ran is the next batch: no timer, so an idle gateway commits at once, and a busy one
groups by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from gateway.store.ports import JournalEntry, Store, StoreUnavailable

_log: Final = logging.getLogger("baton.pipeline")

#: Deliveries in one commit at most.
BATCH: Final = 256
#: Deliveries that may wait for a commit; more are refused with 503.
WAITING: Final = 4_096


class Intake:
    """Makes deliveries durable. `accept` returns after the commit, never before."""

    def __init__(self, store: Store, *, accepted: Callable[[], None], waiting: int = WAITING) -> None:
        """Take the store; `accepted` is told after each commit."""
        self._store = store
        self._accepted = accepted
        self._limit = waiting
        self._queue: list[tuple[JournalEntry, asyncio.Future[None]]] = []
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="baton-journal")
        self._closing = False

    @property
    def waiting(self) -> int:
        """Return how many deliveries wait for their commit."""
        return len(self._queue)

    async def accept(self, entry: JournalEntry) -> None:
        """Return once the delivery is committed. Raises StoreUnavailable when it cannot be: nothing was kept then.

        When the caller is cancelled (the sender hung up) the delivery is kept all the same.
        """
        if self._closing or len(self._queue) >= self._limit:
            raise StoreUnavailable("Too many deliveries wait for their commit.")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((entry, done))
        self._arrived.set()
        await done

    async def run(self) -> None:
        """Commit what arrives until closed and empty."""
        while not (self._closing and not self._queue):
            await self._arrived.wait()
            self._arrived.clear()
            while self._queue:
                batch, self._queue = self._queue[:BATCH], self._queue[BATCH:]
                await self._commit(batch)

    async def _commit(self, batch: Sequence[tuple[JournalEntry, asyncio.Future[None]]]) -> None:
        entries = [entry for entry, _ in batch]
        failures = await asyncio.get_running_loop().run_in_executor(self._thread, self._journal, entries)
        for (_, done), failure in zip(batch, failures, strict=True):
            if done.cancelled():
                continue
            if failure is None:
                done.set_result(None)
            else:
                done.set_exception(failure)
        self._accepted()

    def _journal(self, entries: Sequence[JournalEntry]) -> list[StoreUnavailable | None]:
        """Commit a batch; one by one when a row of it spoils the others."""
        try:
            self._store.journal(entries)
        except StoreUnavailable as error:
            return [error] * len(entries)
        except Exception as error:  # noqa: BLE001 (one bad row must not refuse its neighbours)
            if len(entries) == 1:
                _log.exception("a delivery could not be journaled", extra={"action": "journal_failed"})
                return [StoreUnavailable(f"The delivery could not be kept ({type(error).__name__}).")]
            return [failure for entry in entries for failure in self._journal([entry])]
        return [None] * len(entries)

    def close(self) -> None:
        """Take no more; what waits is still committed. Safe twice."""
        self._closing = True
        self._arrived.set()

    def free(self) -> None:
        """Free the thread, once `run` has ended."""
        self._thread.shutdown(wait=True)
