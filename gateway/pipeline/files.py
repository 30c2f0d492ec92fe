"""Files on their way out: fetched when something goes out that carries them, kept by their hash, within limits.

A file is never in memory as a whole: it comes in pieces, is counted and hashed as it comes, waits in a temporary file, and goes
into the store part by part.

What cannot be carried is said in a few words beside the file's name wherever it is shown: nothing is left out silently.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar

from gateway.clock import Clock
from gateway.host.connection import Connection
from gateway.host.spool import Spool
from gateway.model import Effect, EffectKind
from gateway.sdk import CredentialsRefused, MediaSource, PermanentFailure
from gateway.store.ports import FileBytes, Store, WantedFile

T = TypeVar("T")

_log: Final = logging.getLogger("baton.pipeline")

#: Longest that all files of one effect may take, seconds: the lease of an effect that carries files is longer by as much.
LONGEST: Final = 30.0
#: How long a file that cannot be fetched just now is waited for, from the moment of the decision, seconds.
PATIENCE: Final = 120.0
#: Messages that are looked through for files, the newest.
MESSAGES: Final = 500
#: Files fetched at a time.
_AT_ONCE: Final = 4
_CARRIERS: Final = frozenset({EffectKind.HANDOFF, EffectKind.UPDATE})


class Files:
    """Fetches what is needed, once."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        connections: Callable[[], Mapping[str, Connection]],
        in_thread: Callable[[Callable[[], object]], Awaitable[object]],
        largest: int,
    ) -> None:
        """Take the store and where connections are found; `largest` is the most bytes of a file that are kept."""
        self._store = store
        self._clock = clock
        self._connections = connections
        self._in_thread = in_thread
        self._largest = largest

    async def bring(self, effects: Sequence[Effect], most: int | None) -> bool:
        """Fetch what effects carry, each file of at most `most` bytes; False when it is worth trying again soon.

        `most` is None for a target that takes no files.
        """
        carriers = [effect for effect in effects if effect.kind in _CARRIERS]
        if most is None or not carriers:
            return True
        wanted = await self._asked(lambda: self._store.wanted_files(carriers, MESSAGES))
        if not wanted:
            return True
        last = self._clock.now() - min(each.due_at for each in carriers) > PATIENCE * 1_000_000
        limit = min(most, self._largest)
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(file: WantedFile) -> bool:
            async with gate:
                return await self._one(file, limit, last=last)

        try:
            async with asyncio.timeout(LONGEST):
                return all(await asyncio.gather(*(one(file) for file in wanted)))
        except TimeoutError:
            if last:
                for file in wanted:
                    await self._keep(file, None, "not carried: it could not be fetched in time")
            return last

    async def _one(self, file: WantedFile, limit: int, *, last: bool) -> bool:
        spool = Spool()
        try:
            await self._fetch(file, limit, spool)
        except _NotCarried as why:
            await self._keep(file, None, f"not carried: {why}")
            return True
        except Exception as error:  # noqa: BLE001 (a file's trouble must not cost the message it came with)
            _log.warning(
                "a file could not be fetched",
                extra={"action": "file_failed", "connection": file.connection, "error": type(error).__name__},
            )
            if last:
                await self._keep(file, None, "not carried: it could not be fetched")
            return last
        else:
            await self._keep(file, FileBytes(sha256=spool.sha256, size=spool.size, source=spool.file), "")
            return True
        finally:
            spool.close()

    async def _fetch(self, file: WantedFile, limit: int, spool: Spool) -> None:
        if file.attachment.size is not None and file.attachment.size > limit:
            raise _NotCarried(_too_large(limit))
        connection = self._connections().get(file.connection)
        if connection is None:
            raise _NotCarried("its connection was removed")
        stored = await self._asked(lambda: self._store.delivery(file.delivery_id))
        if stored is None:
            raise _NotCarried("what brought it is not kept any more")
        async with connection.calling() as connector:
            source: object = connector
            if not isinstance(source, MediaSource):
                raise _NotCarried("its connector carries no files")
            try:
                async for chunk in source.fetch(file.attachment, stored.delivery):
                    due = spool.take(chunk)
                    if spool.size > limit:
                        raise _NotCarried(_too_large(limit))
                    if due:
                        await self._in_thread(spool.write)
            except PermanentFailure as error:
                raise _NotCarried(str(error).rstrip(".") or "it is gone") from None
            except CredentialsRefused:
                raise _NotCarried("the vendor does not let us have it") from None
        await self._in_thread(spool.write)

    async def _keep(self, file: WantedFile, body: FileBytes | None, note: str) -> None:
        await self._in_thread(lambda: self._store.keep_file(file, body, note))

    async def _asked(self, call: Callable[[], T]) -> T:
        answer: T
        answer = await self._in_thread(call)  # type: ignore[assignment] # pyright: ignore[reportAssignmentType]
        return answer


class _NotCarried(Exception):
    """It will never be carried; a few words say why."""


def _too_large(limit: int) -> str:
    return f"larger than {limit / 1_000_000:g} MB"
