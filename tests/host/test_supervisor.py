"""All connections together: one that falls leaves the others untouched, and a change touches only what changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace

from gateway.config import ConnectionConfig
from gateway.host.status import ConnectionState
from gateway.host.supervisor import Supervisor
from gateway.model import Mode
from gateway.testing.clock import VirtualClock
from tests.host.bench import breathe, config
from tests.host.troubled import LIVES


@asynccontextmanager
async def supervising(*configs: ConnectionConfig) -> AsyncGenerator[tuple[Supervisor, VirtualClock], None]:
    clock = VirtualClock()
    supervisor = Supervisor(None, clock)
    supervisor.begin(configs)
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        await breathe()
        try:
            yield supervisor, clock
        finally:
            await supervisor.stop()


def states(supervisor: Supervisor) -> dict[str, str]:
    return {status.name: status.state.value for status in supervisor.statuses()}


async def test_one_that_falls_leaves_the_others_working() -> None:
    troubles = ("", "made", "open", "check", "login", "away", "hang")
    async with supervising(*(config(f"line-{each or 'fine'}", each) for each in troubles)) as (supervisor, _):
        assert states(supervisor) == {
            "line-fine": "ok",
            "line-made": "absent",
            "line-open": "failed",
            "line-check": "failed",
            "line-login": "credentials_refused",
            "line-away": "failed",
            "line-hang": "starting",
        }
        for status in supervisor.statuses():
            assert (status.error == "") == (status.name in {"line-fine", "line-hang"}), status


async def test_a_change_starts_what_is_new_ends_what_is_gone_and_leaves_the_rest() -> None:
    kept, gone, changed = config("kept"), config("gone"), config("changed")
    async with supervising(kept, gone, changed) as (supervisor, _):
        before = dict(supervisor.connections)
        stricter = replace(kept, mode=Mode.LIVE)
        await supervisor.change([stricter, config("changed", "away"), config("new")])
        await breathe()
        assert states(supervisor) == {"kept": "ok", "changed": "failed", "new": "ok"}
        assert supervisor.connections["kept"] is before["kept"]
        assert supervisor.connections["kept"].status.mode is Mode.LIVE
        assert supervisor.connections["changed"] is not before["changed"]
        assert before["gone"].status.state is before["changed"].status.state is ConnectionState.CLOSED
        assert LIVES["gone"].said[-1] == "close 1"
        assert LIVES["kept"].made == 1


async def test_a_change_tries_those_that_wait_at_once() -> None:
    waiting = config("waiting", "login")
    async with supervising(waiting) as (supervisor, clock):
        LIVES["waiting"].trouble = ""
        await supervisor.change([waiting])
        await breathe()
        assert states(supervisor) == {"waiting": "ok"}
        assert clock.monotonic() == 0


async def test_a_reload_tries_one_again_that_could_not_be_made() -> None:
    """What was absent may have been installed since."""
    absent = config("absent", "made")
    async with supervising(absent, config("fine")) as (supervisor, _):
        assert states(supervisor) == {"absent": "absent", "fine": "ok"}
        LIVES["absent"].trouble = ""
        await supervisor.change([absent, config("fine")])
        await breathe()
        assert states(supervisor) == {"absent": "ok", "fine": "ok"}
        assert LIVES["fine"].made == 1


async def test_stopping_closes_all_and_twice_is_safe() -> None:
    async with supervising(config("one"), config("two", "away")) as (supervisor, _):
        await supervisor.stop()
    assert set(states(supervisor).values()) == {"closed"}
    assert [LIVES[name].said[-1].split()[0] for name in ("one", "two")] == ["close", "close"]
