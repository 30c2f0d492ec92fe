"""One gateway, many connections in trouble, one that works: it goes on, and the status says what ails the others."""

from __future__ import annotations

import asyncio
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from gateway.app import Gateway
from gateway.host.registry import GROUP, Specs
from tests import toyline
from tests.app import gateways
from tests.app.gateways import PLUGINS, quiet, running
from tests.host import troubled

TROUBLES = ("made", "open", "check", "login", "away", "hang", "listen", "ends", "read", "close")


def installed() -> Specs:
    """Toyline, a connector in trouble, one whose spec breaks and one whose class does, as if they were installed."""
    spec, broken = f"{troubled.__name__}:SPEC", f"{troubled.__name__}:NO_SUCH_SPEC"
    points = {
        "toyline": EntryPoint("toyline", f"{toyline.__name__}:SPEC", GROUP),
        "troubled": EntryPoint("troubled", spec, GROUP),
        "broken": EntryPoint("broken", broken, GROUP),
        "classless": EntryPoint("classless", f"{troubled.__name__}:CLASSLESS", GROUP),
    }
    return Specs(points, {})


def plugins() -> str:
    lines = [PLUGINS]
    for trouble in TROUBLES:
        lines += [f"[chat.in-{trouble}]", 'connector = "troubled"', f'trouble = "{trouble}"', ""]
    for name in ("broken", "classless"):
        lines += [f"[chat.{name}]", f'connector = "{name}"', ""]
    return "\n".join(lines)


def states(gateway: Gateway) -> dict[str, str]:
    return {status.name: status.state.value for status in gateway.supervisor.statuses()}


async def until(gateway: Gateway, wanted: dict[str, set[str]]) -> None:
    """Wait until each connection is in one of its wanted states."""
    async with asyncio.timeout(60):
        while not all(states(gateway)[name] in words for name, words in wanted.items()):
            await asyncio.sleep(0.02)


async def test_whatever_goes_wrong_in_one_connector_the_others_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateways, "specs", installed)
    async with running(tmp_path, plugins()) as (gateway, knocker):
        await until(
            gateway,
            {
                "toys": {"ok"},
                "in-made": {"absent"},
                "in-open": {"failed"},
                "in-check": {"failed"},
                "in-login": {"credentials_refused"},
                "in-away": {"failed"},
                "in-hang": {"starting"},
                "in-listen": {"degraded"},
                "in-ends": {"ok", "degraded"},
                "in-read": {"ok"},
                "in-close": {"ok"},
                "broken": {"absent"},
                "classless": {"absent"},
            },
        )
        statuses = {status.name: status for status in gateway.supervisor.statuses()}
        assert "ZeroDivisionError" in statuses["in-made"].error
        assert "a bug of theirs in open" in statuses["in-open"].error
        assert statuses["in-login"].error == "The vendor does not accept the token."
        assert "cannot be imported" in statuses["broken"].error
        assert "cannot be imported" in statuses["classless"].error
        assert statuses["toys"].error == ""
        # The one that reads: its frame was made durable, could not be parsed, and is kept as a dead letter.
        async with asyncio.timeout(60):
            while not (letters := gateway.store.dead_letters()):
                await asyncio.sleep(0.02)
        assert [(letter.kind, letter.connection) for letter in letters] == [("delivery", "in-read")]
        for number in range(5):
            assert await knocker.say(f"m{number}") == 204
        await quiet(gateway)
        accounts = gateway.store.accounts()
        assert accounts.activities == accounts.activities_applied == 5
        assert accounts.unaccounted == 0
        # Nobody's trouble makes the gateway unready.
        assert (await knocker.get("/readyz"))[0] == 200


async def test_a_connection_in_trouble_does_not_hold_up_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateways, "specs", installed)
    async with asyncio.timeout(15):
        async with running(tmp_path, plugins()) as (gateway, _):
            await until(gateway, {"toys": {"ok"}, "in-read": {"ok"}})
        assert set(states(gateway).values()) == {"closed"}


async def test_a_mended_connection_comes_up_by_a_reload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateways, "specs", installed)
    async with running(tmp_path, plugins()) as (gateway, _):
        await until(gateway, {"in-login": {"credentials_refused"}, "in-made": {"absent"}})
        path = tmp_path / "plugins.toml"
        path.write_text(plugins().replace('trouble = "login"', 'trouble = ""'))
        troubled.LIVES["in-made"].trouble = ""
        await gateway.reload("test")
        await until(gateway, {"in-login": {"ok"}, "in-made": {"ok"}, "toys": {"ok"}})
