"""One connection in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from gateway.config import AnySpec, ConnectionConfig
from gateway.host.connection import Connection
from gateway.host.registry import load_class
from gateway.host.status import ConnectionState
from gateway.model import Channel, Mode
from gateway.sdk import Cursor, Delivery
from gateway.testing.clock import VirtualClock
from tests.host.troubled import LIVES, SPEC, Life, TroubledSettings


def config(name: str = "line", trouble: str = "", spec: AnySpec = SPEC) -> ConnectionConfig:
    return ConnectionConfig(
        name=name,
        channel=Channel.CHAT,
        spec=spec,
        mode=Mode.OBSERVE,
        enabled=True,
        renamed_from=None,
        settings=TroubledSettings(trouble=trouble),
    )


class Bench:
    """One connection in virtual time."""

    def __init__(self, trouble: str = "", *, stream: bool = False) -> None:
        self.clock = VirtualClock()
        self.life = LIVES.setdefault("line", Life())
        self.states: list[ConnectionState] = []
        self.emitted: list[bytes] = []
        self.connection = Connection(
            config(trouble=trouble),
            load=lambda spec: load_class(None, spec),
            clock=self.clock,
            emit=self._emit if stream else None,
            changed=self._changed,
        )

    async def _emit(self, delivery: Delivery, cursor: Cursor | None) -> None:
        self.emitted.append(delivery.body)

    def _changed(self) -> None:
        if not hasattr(self, "connection"):
            return
        state = self.connection.status.state
        if not self.states or self.states[-1] is not state:
            self.states.append(state)

    @property
    def state(self) -> ConnectionState:
        return self.connection.status.state

    @property
    def opened(self) -> int:
        """Return how often it was tried."""
        return sum(1 for word in self.life.said if word.startswith("open"))

    async def pass_time(self, seconds: float, step: float = 1.0) -> None:
        """Let time pass, and everybody act in it."""
        await breathe()
        passed = 0.0
        while passed < seconds:
            self.clock.advance(min(step, seconds - passed))
            passed += step
            await breathe()


async def breathe() -> None:
    """Let everybody act who can."""
    for _ in range(12):
        await asyncio.sleep(0)


@asynccontextmanager
async def running(trouble: str = "", *, stream: bool = False) -> AsyncGenerator[Bench, None]:
    bench = Bench(trouble, stream=stream)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(bench.connection.run())
        await breathe()
        yield bench
        task.cancel()
    await bench.connection.close()
