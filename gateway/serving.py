"""`baton serve`: a gateway and the signals that end it or have it read its configuration again."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog

from gateway.app import Gateway
from gateway.telemetry.collector import calm_collector
from gateway.telemetry.logs import error_words

if TYPE_CHECKING:
    from gateway.host.registry import Specs
    from gateway.loading import Setup
    from gateway.telemetry.redaction import Redaction

_log: Final = structlog.stdlib.get_logger("gateway.app")


async def serve(setup: Setup, *, path: Path, specs: Specs, redaction: Redaction) -> None:
    """Run a gateway until SIGTERM or SIGINT; a second one ends the process at once. SIGHUP reloads."""
    calm_collector()
    gateway = Gateway(setup, path=path, specs=specs, redaction=redaction)
    wanted = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_stray)
    asked = 0

    def end() -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            # Nothing is lost by that: what was accepted is committed, what was being sent is settled at the next start.
            os._exit(1)
        gateway.end()

    async def reload() -> None:
        while True:
            await wanted.wait()
            wanted.clear()
            await gateway.reload("signal:SIGHUP")

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    loop.add_signal_handler(signal.SIGHUP, wanted.set)
    try:
        async with asyncio.TaskGroup() as group:
            reloads = group.create_task(reload())
            try:
                await gateway.run()
            finally:
                reloads.cancel()
    except BaseExceptionGroup as several:
        raise _only(several) from None


def _only(error: BaseException) -> BaseException:
    """Return the one error that a group holds, the group itself when it holds several."""
    if isinstance(error, BaseExceptionGroup):
        several: list[BaseException] = list(error.exceptions)
        if len(several) == 1:
            return _only(several[0])
    return error


def _stray(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what nobody waited for: asyncio's own words would quote the task, and with it what it held."""
    error = context.get("exception")
    words = error_words(error) if isinstance(error, BaseException) else "no error"
    _log.error("an error that nobody waited for: %s", words, action="stray_error", exc_info=error)
