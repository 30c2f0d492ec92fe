"""Load over HTTP/1.1 that costs the machine little: prepared requests on kept connections."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Final

from bench.events import SlackEvent, signed
from bench.servers import PATH

_END: Final = b"\r\n\r\n"


def request(event: SlackEvent) -> bytes:
    """Return the event as a request that is signed now."""
    headers = {"Host": "127.0.0.1", **signed(event.body, int(time.time())), "Content-Length": str(len(event.body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {PATH} HTTP/1.1\r\n{head}\r\n".encode() + event.body


class Sender(asyncio.Protocol):
    """One connection; it sends one request at a time."""

    def __init__(self) -> None:
        """Begin with nothing on its way."""
        self._transport: asyncio.Transport | None = None
        self._read = b""
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take the answer's head; it has no body."""
        self._read += data
        if _END in self._read and self._answer is not None:
            status, self._read = int(self._read[9:12]), b""
            answer, self._answer = self._answer, None
            answer.set_result(status)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("closed"))

    async def send(self, data: bytes) -> int:
        """Send a request and return the answer's status."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(data)
        return await self._answer

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()


async def connect(port: int, connections: int) -> list[Sender]:
    """Return open connections."""
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Sender, "127.0.0.1", port))[1] for _ in range(connections)]


async def as_fast_as_answered(port: int, events: Sequence[SlackEvent], connections: int = 64) -> float:
    """Send all events, each connection one at a time; return how many a second were answered with 200."""
    senders = await connect(port, connections)
    waiting: Iterator[SlackEvent] = iter(events)

    async def work(sender: Sender) -> None:
        for event in waiting:
            status = await sender.send(request(event))
            if status != 200:
                message = f"a request was answered with {status}"
                raise RuntimeError(message)

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for sender in senders:
            group.create_task(work(sender))
    taken = time.perf_counter() - begun
    for sender in senders:
        sender.close()
    return len(events) / taken


async def at_a_rate(port: int, events: Sequence[SlackEvent], rate: float, connections: int = 128) -> list[float]:
    """Send events at a steady rate whether or not earlier ones were answered; return each one's latency, seconds, sorted.

    Latency counts from the moment at which the request was due, so that a stalled server cannot hide its stall.
    """
    idle: asyncio.Queue[Sender] = asyncio.Queue()
    senders = await connect(port, connections)
    for sender in senders:
        idle.put_nowait(sender)
    found: list[float] = []

    async def one(event: SlackEvent, due: float) -> None:
        sender = await idle.get()
        status = await sender.send(request(event))
        found.append(time.perf_counter() - due)
        idle.put_nowait(sender)
        if status != 200:
            message = f"a request was answered with {status}"
            raise RuntimeError(message)

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, event in enumerate(events):
            due = begun + number / rate
            if (ahead := due - time.perf_counter()) > 0:
                await asyncio.sleep(ahead)
            group.create_task(one(event, due))
    for sender in senders:
        sender.close()
    return sorted(found)


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """Return the value below which a share (0 to 1) of the values lies."""
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]
