"""What one connection's connector is given of the gateway."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol, TypeVar

from gateway.clock import Clock
from gateway.host.session import loopback_doors, make_session
from gateway.host.spool import temporary
from gateway.sdk import Cursor, PermanentFailure

if TYPE_CHECKING:
    from aiohttp import ClientSession

T = TypeVar("T")

#: Blocking calls of one connection at a time.
THREADS: Final = 4


class Things(Protocol):
    """What the gateway keeps for its connections."""

    def paused(self, connection: str) -> bool:
        """Return whether an operator holds what a connection sends."""
        ...

    async def blob(self, sha256: str) -> bytes | None:
        """Return the bytes of a file, None when they are not kept."""
        ...

    async def copy_blob(self, sha256: str, to: BinaryIO) -> bool:
        """Write the bytes of a file to an open one, part by part; False when they are not kept."""
        ...

    async def cursor(self, connection: str, name: str) -> Cursor | None:
        """Return where a connection's stream or poll stood, None when it never ran."""
        ...

    async def keep_cursor(self, connection: str, name: str, cursor: Cursor) -> None:
        """Remember where a poll stands."""
        ...

    async def hold(self, connection: str, seconds: float) -> bool:
        """Take or renew the lease on what a connection does by itself; False while another replica holds it."""
        ...


class HostSide:
    """The `Host` of one connection: its name, its session, its log, its threads."""

    def __init__(self, connection: str, clock: Clock, settings: object, things: Things | None = None) -> None:
        """Take the connection's name, the clock, the settings that may name ports of this machine, and what is kept."""
        self._things = things
        self._connection = connection
        self._clock = clock
        self._doors = loopback_doors(settings)
        self._log = logging.LoggerAdapter(
            logging.getLogger(f"baton.connector.{connection}"), {"connection": connection}
        )
        self._session: ClientSession | None = None
        self._threads: ThreadPoolExecutor | None = None

    @property
    def connection(self) -> str:
        """The connection's name."""
        return self._connection

    @property
    def http(self) -> ClientSession:
        """The guarded HTTP session, made at first use."""
        if self._session is None or self._session.closed:
            self._session = make_session(self._doors)
        return self._session

    @property
    def log(self) -> logging.LoggerAdapter[logging.Logger]:
        """A logger that names the connection."""
        return self._log

    @property
    def paused(self) -> bool:
        """Whether an operator holds what this connection sends."""
        return self._things is not None and self._things.paused(self._connection)

    async def blob(self, sha256: str) -> bytes:
        """Return the bytes of a file. Raises PermanentFailure when they are not kept."""
        found = await self._things.blob(sha256) if self._things is not None else None
        if found is None:
            raise PermanentFailure("The file's bytes are not kept any more.")
        return found

    async def blob_file(self, sha256: str) -> BinaryIO:
        """Return the bytes of a file as an open temporary file. Raises PermanentFailure when they are not kept."""
        made = temporary()
        try:
            found = self._things is not None and await self._things.copy_blob(sha256, made)
            if not found:
                raise PermanentFailure("The file's bytes are not kept any more.")
        except BaseException:
            made.close()
            raise
        made.seek(0)
        return made

    def now(self) -> int:
        """Return the time, UTC microseconds."""
        return self._clock.now()

    async def run_blocking(self, call: Callable[[], T]) -> T:
        """Run a blocking call in the connection's own threads. Cancelling does not stop it: nothing could."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix=f"baton-{self._connection}")
        context = copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: context.run(call))

    async def close(self) -> None:
        """Free session and threads. Safe twice. A call that still blocks is not waited for."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None
