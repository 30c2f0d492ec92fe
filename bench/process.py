"""The real program as a process: how long it takes to start, what a busy gateway answers, how much memory it keeps."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bench.events import SECRET, SlackEvent
from bench.load import as_fast_as_answered, at_a_rate, percentile
from bench.policy import policy_text
from connectors.slack.sandbox import SlackSandbox
from connectors.zendesk.sandbox import ZendeskSandbox
from tests.prove.gateway_process import GatewayProcess, free_port
from tests.prove.phases import Board
from tests.prove.world import World


@asynccontextmanager
async def gateway(directory: Path, *, mode: str = "observe") -> AsyncGenerator[GatewayProcess, None]:
    """Serve a gateway with the hundred rules, both connections in a mode."""
    await asyncio.to_thread(directory.mkdir, parents=True)
    slack, zendesk = SlackSandbox(secret=SECRET), ZendeskSandbox()
    await slack.start()
    await zendesk.start()
    process = GatewayProcess(directory=directory, port=free_port(), watched=False)
    made = World(
        directory=directory,
        gateway=process,
        board=Board(directory / "board"),
        zendesk=zendesk,
        slack=slack,
        database=f"sqlite:///{directory}/data/baton.db",
    )
    made.write(policy_text(), mode=mode)
    process.environment = made.environment()
    try:
        await asyncio.to_thread(process.start)
        yield process
    finally:
        await asyncio.to_thread(process.stop)
        await slack.stop()
        await zendesk.stop()


def seconds_of(command: Sequence[str]) -> float:
    """Return how long a command takes."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begun


def start_times(repeats: int) -> tuple[float, float]:
    """Return the least seconds of `python -c pass` and of `baton --help`."""
    nothing = [sys.executable, "-c", "pass"]
    helping = [sys.executable, "-c", "from gateway.cli import main; main()", "--help"]
    return min(seconds_of(nothing) for _ in range(repeats)), min(seconds_of(helping) for _ in range(repeats))


async def ready_time(directory: Path) -> float:
    """Return the seconds from the start of `baton serve` to its first 200 on /readyz, on a store that exists."""
    async with gateway(directory) as process:
        await asyncio.to_thread(process.stop)
        begun = time.perf_counter()
        await asyncio.to_thread(process.start)
        return time.perf_counter() - begun


def resident(process: GatewayProcess) -> float:
    """Return the process's resident memory, MB."""
    assert process.process is not None
    status = Path(f"/proc/{process.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


async def whole_latency(directory: Path, events: Sequence[SlackEvent]) -> tuple[float, float, float]:
    """Return the most that a whole gateway accepts, a second, and median and 99th percentile at half of it, seconds."""
    third = len(events) // 3
    async with gateway(directory) as process:
        rate = await as_fast_as_answered(process.port, events[:third])
        await asyncio.sleep(3)
        found = await at_a_rate(process.port, events[third:], rate / 2)
    return rate, percentile(found, 0.5), percentile(found, 0.99)


async def memory(directory: Path, events: Sequence[SlackEvent], parts: int = 10) -> list[float]:
    """Return resident memory, MB, before the first and after each part of the events went through the whole gateway."""
    size = len(events) // parts
    async with gateway(directory) as process:
        found = [resident(process)]
        for start in range(0, len(events), size):
            await as_fast_as_answered(process.port, events[start : start + size], connections=32)
            found.append(resident(process))
    return found
