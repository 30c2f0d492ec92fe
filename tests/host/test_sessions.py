"""Session endpoints follow the connector object: those of the old one are gone when the new one is there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from gateway.config import ConnectionConfig
from gateway.host.connection import Connection
from gateway.host.status import ConnectionState
from gateway.sdk import ChannelEvent, Connector, Delivery, Endpoint, Host, Sessions, SessionSource, TemporaryFailure
from gateway.testing.clock import VirtualClock
from gateway.testing.sessions import FakeSessions
from tests.host.bench import breathe, config
from tests.host.troubled import TroubledSettings


class Talking(Connector[TroubledSettings], SessionSource):
    """Counts its objects; fails to open where it is told to."""

    made: list[Talking] = []  # noqa: RUF012 (the test's own record)
    names: tuple[tuple[str, str], ...] = (("socket", "GET"),)

    def __init__(self, settings: TroubledSettings, host: Host) -> None:
        super().__init__(settings, host)
        self.sessions: Sessions | None = None
        Talking.made.append(self)

    async def open(self) -> None:
        if self.settings.trouble == "open" and len(Talking.made) < 3:
            raise TemporaryFailure("away")

    async def check(self) -> None: ...

    async def close(self) -> None: ...

    def parse(self, delivery: Delivery) -> Iterable[ChannelEvent]:
        return ()

    def endpoints(self, sessions: Sessions) -> Iterable[Endpoint]:
        self.sessions = sessions
        return [Endpoint(name=name, method=method, handler=self.answer) for name, method in self.names]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        return web.Response()


def connection(clock: VirtualClock, trouble: str = "", sessions: Sessions | None = None) -> Connection:
    Talking.made.clear()
    made: ConnectionConfig = replace(config(), settings=TroubledSettings(trouble=trouble))
    return Connection(made, load=lambda _: Talking, clock=clock, sessions=sessions)


async def test_endpoints_are_there_before_it_is_open_and_gone_when_it_is_closed() -> None:
    found = connection(VirtualClock(), sessions=FakeSessions())
    assert list(found.served) == [("socket", "GET")]
    assert found.status.state is ConnectionState.STARTING
    await found.close()
    assert not found.served


async def test_after_a_failure_they_are_those_of_the_new_object() -> None:
    import asyncio

    clock = VirtualClock()
    found = connection(clock, "open", FakeSessions())
    before: Any = found.served["socket", "GET"]
    task = asyncio.create_task(found.run())
    while found.status.state is not ConnectionState.OK:
        clock.advance(1.0)
        await breathe()
    after: Any = found.served["socket", "GET"]
    assert before.__self__ is Talking.made[0]
    assert after.__self__ is Talking.made[-1]
    assert after.__self__ is not before.__self__
    assert Talking.made[-1].sessions is Talking.made[0].sessions
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await found.close()


@pytest.mark.parametrize("names", [(("a/b", "GET"),), (("", "GET"),), (("x", "GET"), ("x", "get")), (("UP", "GET"),)])
async def test_names_that_cannot_be_addresses_are_told(
    names: tuple[tuple[str, str], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Talking, "names", names)
    found = connection(VirtualClock(), sessions=FakeSessions())
    assert found.status.state is ConnectionState.ABSENT
    assert "no usable name" in found.status.error
    assert not found.served


async def test_without_sessions_there_is_nothing_to_serve() -> None:
    assert not connection(VirtualClock()).served
