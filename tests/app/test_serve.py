"""`baton serve` in a process of its own: what stops it, and what it leaves."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import pytest

from gateway.clock import SystemClock
from gateway.store import open_store
from tests.app.gateways import PLUGINS, Knocker, Served, write


@pytest.fixture
async def served(tmp_path: Path) -> AsyncGenerator[Served, None]:
    write(tmp_path)
    served = Served(directory=tmp_path)
    yield served
    served.kill()


async def knock(served: Served, name: str, answers: dict[str, int]) -> None:
    """Send until the door is closed."""
    async with aiohttp.ClientSession(f"http://127.0.0.1:{served.port}") as client:
        knocker = Knocker(client=client, now=SystemClock().now)
        for number in range(100_000):
            key = f"{name}-{number}"
            try:
                answers[key] = await knocker.say(key, thread=name)
            except aiohttp.ClientConnectionError:
                return


@pytest.mark.parametrize("after", [0.05, 0.4, 1.0])
async def test_sigterm_under_load_loses_and_doubles_nothing(served: Served, after: float) -> None:
    served.start()
    await served.until_ready()
    answers: dict[str, int] = {}
    async with asyncio.TaskGroup() as group:
        for name in "abcdefgh":
            group.create_task(knock(served, name, answers))
        await asyncio.sleep(after)
        served.signal(signal.SIGTERM)
        assert await served.ended(30) == 0
    accepted = {key for key, status in answers.items() if status == 204}
    assert set(answers.values()) <= {204, 503}
    store = open_store(f"sqlite:///{served.directory / 'baton-data' / 'baton.db'}")
    accounts = store.accounts()
    assert accounts.unaccounted == 0
    assert len(accepted) <= accounts.deliveries <= len(accepted) + 8
    assert accounts.events_duplicate == 0
    store.close()
    served.start()
    await served.until_ready()
    served.signal(signal.SIGTERM)
    assert await served.ended() == 0


async def test_a_second_sigterm_ends_it_at_once(served: Served) -> None:
    served.start()
    await served.until_ready()
    _, writer = await asyncio.open_connection("127.0.0.1", served.port)
    # A request whose body never comes: the polite end would wait for it.
    writer.write(b"POST /hooks/toys HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx")
    await writer.drain()
    await asyncio.sleep(0.2)
    served.signal(signal.SIGTERM)
    await asyncio.sleep(0.3)
    assert served.process is not None
    assert served.process.poll() is None
    served.signal(signal.SIGTERM)
    assert await served.ended() == 1, "the polite end would have been a 0"
    writer.close()


async def test_a_second_gateway_on_the_same_store_is_refused_with_a_sentence(served: Served) -> None:
    served.start()
    await served.until_ready()
    done = await asyncio.to_thread(served.run, "serve")
    assert done.returncode == 1
    assert b"Another process is using" in done.stderr


async def test_an_unset_secret_and_an_unknown_key_are_sentences_and_exit_code_2(served: Served) -> None:
    served.environ = {}
    write(served.directory, PLUGINS + "colour = 'red'\n")
    for command in ("serve", "check"):
        done = await asyncio.to_thread(served.run, command)
        assert done.returncode == 2, done
        lines = done.stderr.decode().splitlines()
        assert "plugins.toml:7:10: secret: the environment variable TOY_SECRET is not set" in lines
        assert any(line.startswith('plugins.toml:8:1: unknown key "colour"') for line in lines)
        assert b"Traceback" not in done.stderr
    assert not (served.directory / "baton-data").exists()


async def test_a_port_that_is_taken_is_a_sentence(served: Served) -> None:
    served.start()
    await served.until_ready()
    taken = PLUGINS.replace("127.0.0.1:0", f'127.0.0.1:{served.port}"\ndata = "other')
    write(served.directory, taken)
    done = await asyncio.to_thread(served.run, "serve")
    assert done.returncode == 1
    assert f"127.0.0.1:{served.port} cannot be listened on".encode() in done.stderr
    assert b"Traceback" not in done.stderr
