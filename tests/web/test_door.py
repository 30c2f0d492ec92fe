"""What a stranger can make the front door hold, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network

import aiohttp
import pytest
from aiohttp import web

from gateway.config import Limits, Network
from gateway.web.door import FrontDoor
from tests.web.toy import until


@asynccontextmanager
async def opened(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    limits: Limits | None = None,
    trusted: tuple[Network, ...] = (),
) -> AsyncGenerator[FrontDoor, None]:
    door = FrontDoor([web.post("/hooks/x", handler)], limits=limits or Limits(), trusted=trusted)
    await door.start("127.0.0.1", 0)
    try:
        yield door
    finally:
        await door.finish()


async def hello(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


async def test_it_says_nothing_about_what_it_runs_on() -> None:
    async with opened(hello) as door, aiohttp.ClientSession(f"http://127.0.0.1:{door.port}") as client:
        for method, path in (("POST", "/hooks/x"), ("GET", "/hooks/x"), ("GET", "/nowhere"), ("POST", "/hooks/x/y/z")):
            async with client.request(method, path) as answer:
                text = await answer.text()
                assert answer.headers["Server"] == "baton"
                assert "aiohttp" not in text.lower()
                assert "python" not in text.lower()


async def test_a_handler_that_breaks_shows_no_trace() -> None:
    async def broken(_: web.Request) -> web.Response:
        raise ValueError("canary of a secret place")

    async with opened(broken) as door, aiohttp.ClientSession(f"http://127.0.0.1:{door.port}") as client:
        async with client.post("/hooks/x", data=b"x") as answer:
            assert answer.status == 500
            text = await answer.text()
        assert "canary" not in text
        assert "Traceback" not in text


async def test_a_peer_may_hold_only_so_many_connections() -> None:
    async with opened(hello, Limits(connections_per_peer=3)) as door:
        held = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(3)]
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(b"POST /hooks/x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()
        held[0][1].close()
        await held[0][1].wait_closed()
        await until(lambda: door.visitors == 2)
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(b"POST /hooks/x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        for _, each in (*held[1:], (reader, writer)):
            each.close()


async def test_a_trusted_proxy_brings_as_many_as_it_likes() -> None:
    async with opened(hello, Limits(connections_per_peer=1), (ip_network("127.0.0.0/8"),)) as door:
        held = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(5)]
        for reader, writer in held:
            writer.write(b"POST /hooks/x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            writer.close()


async def test_a_header_that_is_too_long_is_refused() -> None:
    async with (
        opened(hello, Limits(header=1_024)) as door,
        aiohttp.ClientSession(f"http://127.0.0.1:{door.port}") as client,
    ):
        async with client.post("/hooks/x", headers={"X-Long": "x" * 900}) as answer:
            assert answer.status == 200
        async with client.post("/hooks/x", headers={"X-Long": "x" * 2_000}) as answer:
            assert answer.status == 400


async def test_a_compressed_body_is_not_unpacked() -> None:
    headers = {"Content-Encoding": "gzip"}
    async with (
        opened(hello) as door,
        aiohttp.ClientSession(f"http://127.0.0.1:{door.port}", auto_decompress=False) as client,
        client.post("/hooks/x", data=b"no gzip at all", headers=headers) as answer,
    ):
        assert await answer.read() == b"no gzip at all"


async def test_the_end_waits_for_requests_in_work() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        begun.set()
        await go_on.wait()
        return web.Response(text="done")

    async with (
        opened(slow) as door,
        aiohttp.ClientSession(f"http://127.0.0.1:{door.port}") as client,
        asyncio.TaskGroup() as group,
    ):
        answer = group.create_task(client.post("/hooks/x", data=b"x"))
        await begun.wait()
        end = group.create_task(door.finish())
        await asyncio.sleep(0.05)
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", door.port)
        go_on.set()
        response = await answer
        assert response.status == 200
        assert await response.text() == "done"
        await end
