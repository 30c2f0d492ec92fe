"""A host for tests: what a connector gets from the gateway, without a gateway."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from io import BytesIO
from typing import BinaryIO, TypeVar

import aiohttp

from gateway.sdk import PermanentFailure

T = TypeVar("T")

#: The time of a fake host until it is moved: 2026-01-01, UTC microseconds.
BEGINNING = 1_767_225_600_000_000


class FakeHost:
    """A `Host` with a clock that stands still, a plain session, and a log that is kept."""

    def __init__(self, connection: str = "test", *, now: int = BEGINNING) -> None:
        """Take the connection's name and the time."""
        self.connection = connection
        self.time = now
        self.lines: list[str] = []
        #: Set to True by a test to stand for an operator's pause.
        self.paused = False
        #: Files by their hash, put here by a test.
        self.blobs: dict[str, bytes] = {}
        logger = logging.Logger(f"connector.{connection}")
        handler = logging.Handler()
        handler.emit = lambda record: self.lines.append(record.getMessage())  # type: ignore[method-assign]
        logger.addHandler(handler)
        self.log: logging.LoggerAdapter[logging.Logger] = logging.LoggerAdapter(logger, {"connection": connection})
        self.threads_used = 0
        self._session: aiohttp.ClientSession | None = None
        self._threads: ThreadPoolExecutor | None = None

    @property
    def http(self) -> aiohttp.ClientSession:
        """A session as the real host's: no proxy of the environment, nothing sent twice."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10), trust_env=False)
            self._session._retry_connection = False  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] (as the host's)
        return self._session

    def now(self) -> int:
        """Return the time, UTC microseconds."""
        return self.time

    async def blob(self, sha256: str) -> bytes:
        """Return the bytes of a file. Raises PermanentFailure when no test put them here."""
        try:
            return self.blobs[sha256]
        except KeyError:
            raise PermanentFailure("The file's bytes are not kept any more.") from None

    async def blob_file(self, sha256: str) -> BinaryIO:
        """Return the bytes of a file as an open file. Raises as `blob` does."""
        return BytesIO(await self.blob(sha256))

    async def run_blocking(self, call: Callable[[], T]) -> T:
        """Run a blocking call in a thread, with the caller's context variables."""
        self.threads_used += 1
        if self._threads is None:
            self._threads = ThreadPoolExecutor(4)
        context = copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: context.run(call))

    async def close(self) -> None:
        """Free everything. Safe twice."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        if self._threads is not None:
            self._threads.shutdown(wait=True)
            self._threads = None
