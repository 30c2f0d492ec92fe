"""Parsing in a process of its own: the parent's side.

Deliveries are written and answers read at once, so a batch costs one round trip and no delivery waits for a full pipe. When the
process ends, the delivery that it was working on is to blame: it becomes a dead letter, and the others go on in another process.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Final

from gateway.pipeline.child import CPU_SECONDS, LENGTH, MEMORY, Answer, Order, answer_from, encode, framed
from gateway.sdk import Connector, Source
from gateway.store.values import ParsedDelivery

_log: Final = logging.getLogger("baton.pipeline")

#: Longest that one delivery may take by the clock, seconds: the processor's time is bounded more sharply by the child itself.
PATIENCE: Final = 60.0
#: Longest that a new process may take until it answers for the first time, seconds: it imports the connector.
_START: Final = 60.0
_PIECE: Final = 65_536


class Apart:
    """The process of one connection. Not thread-safe: the parsing thread alone uses it."""

    def __init__(self, connection: str, *, patience: float = PATIENCE, cpu: float = CPU_SECONDS) -> None:
        """Start nothing yet. `patience` and `cpu` bound each delivery, seconds by the clock and of processor time."""
        self._connection = connection
        self._cpu = cpu
        self._patience = patience
        self._opening = b""
        self._process: subprocess.Popen[bytes] | None = None
        #: How many processes were started: the first, and one for each that ended.
        self.started = 0

    def parse(self, source: Source, orders: Sequence[Order]) -> list[ParsedDelivery]:
        """Return what deliveries say, in their order. Whatever one of them does costs only itself."""
        try:
            opening = pickle.dumps((type(source), _settings(source), self._connection, self._cpu))
        except Exception as error:  # noqa: BLE001 (whatever a plugin's settings are)
            why = type(error).__name__
            reason = f"The connector cannot be taken into a process of its own ({why}): this is a fault of its code."
            return [_dead(each, reason) for each in orders]
        if opening != self._opening:
            self.close()
            self._opening = opening
        done: list[ParsedDelivery] = []
        while len(done) < len(orders):
            try:
                self._work(orders, done)
            except _Ended as ended:
                self._kill()
                if ended.reason:
                    guilty = orders[len(done)]
                    _log.warning(
                        "parsing ended its process",
                        extra={
                            "action": "parse_ended",
                            "delivery": guilty.stored.id,
                            "connection": self._connection,
                            "error": ended.reason,
                        },
                    )
                    done.append(_dead(guilty, ended.reason))
        return done

    def close(self) -> None:
        """End the process. Safe twice."""
        process, self._process = self._process, None
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        try:
            process.wait(CPU_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
        self.close()

    def _running(self) -> tuple[subprocess.Popen[bytes], bool]:
        """Return the process, started when there is none, and whether it is new."""
        if self._process is not None and self._process.poll() is None:
            return self._process, False
        self.close()
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TZ") if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gateway.pipeline.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Secrets of the gateway's environment are none of a parser's affair.
            env={**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONDONTWRITEBYTECODE": "1"},
            bufsize=0,
        )
        self.started += 1
        return self._process, True

    def _work(self, orders: Sequence[Order], done: list[ParsedDelivery]) -> None:
        """Send what is not done yet and append the answers. Raises `_Ended` when the process ends before the last of them."""
        process, new = self._running()
        if process.stdin is None or process.stdout is None:
            raise _Ended("The process for parsing has no pipes.")
        into, out = process.stdin.fileno(), process.stdout.fileno()
        os.set_blocking(into, False)
        os.set_blocking(out, False)
        waiting = iter(orders[len(done) :])
        outgoing = memoryview(framed(self._opening) if new else b"")
        incoming = bytearray()
        patience = self._patience + (_START if new else 0.0)
        until = time.monotonic() + patience
        with selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_READ)
            selector.register(into, selectors.EVENT_WRITE)
            while len(done) < len(orders):
                left = until - time.monotonic()
                ready = selector.select(max(left, 0.0))
                if not ready and left <= 0:
                    raise _Ended(f"Reading the delivery took longer than {self._patience:.0f} seconds.")
                for key, _ in ready:
                    if key.fd == out:
                        if self._take(process, incoming, done):
                            until = time.monotonic() + self._patience
                        continue
                    if not outgoing:
                        order = next(waiting, None)
                        if order is None:
                            selector.unregister(into)
                            continue
                        outgoing = memoryview(framed(encode(order)))
                    outgoing = _sent(into, outgoing, selector)

    def _take(self, process: subprocess.Popen[bytes], incoming: bytearray, done: list[ParsedDelivery]) -> bool:
        """Read what came, and return whether an answer was among it."""
        if process.stdout is None:
            raise _Ended("The process for parsing has no pipes.")
        try:
            piece = os.read(process.stdout.fileno(), _PIECE * 16)
        except BlockingIOError:
            return False
        if not piece:
            raise _Ended(_why(process.wait(), self._cpu))
        incoming += piece
        before = len(done)
        while len(incoming) >= LENGTH.size:
            size = LENGTH.unpack_from(incoming)[0]
            if len(incoming) < LENGTH.size + size:
                break
            answer: Answer = answer_from(bytes(incoming[LENGTH.size : LENGTH.size + size]))
            del incoming[: LENGTH.size + size]
            done.append(answer.parsed)
            if answer.last:
                raise _Ended("")
        return len(done) > before


class _Ended(Exception):
    """The process ended. The sentence is why, as the delivery in work sees it; empty when none is to blame."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _sent(into: int, outgoing: memoryview, selector: selectors.BaseSelector) -> memoryview:
    try:
        return outgoing[os.write(into, outgoing[:_PIECE]) :]
    except BlockingIOError:
        return outgoing
    except BrokenPipeError:
        # It has ended; what it still answered is read first.
        selector.unregister(into)
        return outgoing


def _settings(source: Source) -> object:
    return source.settings if isinstance(source, Connector) else None  # pyright: ignore[reportUnknownMemberType]


def _dead(order: Order, reason: str) -> ParsedDelivery:
    return ParsedDelivery(id=order.stored.id, lane=order.stored.lane, unreadable=reason)


def _why(code: int, cpu: float) -> str:
    if code in {-signal.SIGPROF, -signal.SIGXCPU}:
        return f"Reading the delivery takes more than {cpu:.0f} seconds of processor time."
    if code == -signal.SIGKILL:
        return "The process that read the delivery was killed, most likely for want of memory."
    if code < 0:
        return f"The process that read the delivery ended by signal {-code}: this is a fault of the code, not of the sender."
    limits = f"{cpu:.0f} seconds of processor time or {MEMORY // 1024**2} MB of memory"
    return f"The process that read the delivery ended (code {code}): it may need more than {limits}."
