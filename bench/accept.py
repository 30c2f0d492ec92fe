"""Durable accept over HTTP: Baton's front door against the bare handler, each in a process of its own, turn by turn."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.events import SlackEvent
from bench.load import as_fast_as_answered, at_a_rate, percentile
from tests.prove.gateway_process import ROOT


@contextmanager
def server(kind: str, directory: Path) -> Generator[int]:
    """Run a server; yield its port."""
    file = directory / f"{kind}-{uuid.uuid4().hex[:8]}.db"
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.servers", kind, str(file)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def accept_rate(kind: str, directory: Path, events: Sequence[SlackEvent]) -> float:
    """Return how many events a second a server accepts at most."""
    with server(kind, directory) as port:
        asyncio.run(as_fast_as_answered(port, events[: len(events) // 5]))
        return asyncio.run(as_fast_as_answered(port, events))


def accept_latency(kind: str, directory: Path, events: Sequence[SlackEvent], rate: float) -> tuple[float, float]:
    """Return median and 99th percentile of a server's answers at a steady rate, seconds."""
    with server(kind, directory) as port:
        asyncio.run(as_fast_as_answered(port, events[: len(events) // 5]))
        found = asyncio.run(at_a_rate(port, events, rate))
    return percentile(found, 0.5), percentile(found, 0.99)
