"""The guarded session: no address inside this network is reached, in whatever form it hides, but the ports that were named."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from gateway.host.session import ForbiddenAddressError, is_public, loopback_doors, make_session

FORBIDDEN_V4 = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
]
FORBIDDEN_V6 = [
    "::",
    "::1",
    "100::1",
    "2001:db8::1",
    "2001::1",
    "64:ff9b:1::7f00:1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "4000::1",
    "::ffff:0:7f00:1",
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "172.32.0.1", "2606:4700::1111", "2a00:1450:4001::1"]


def hidden(address: str) -> list[str]:
    """Return the IPv6 forms in which an IPv4 address can hide."""
    number = int(ipaddress.IPv4Address(address))
    v6 = ipaddress.IPv6Address
    return [
        str(v6(0xFFFF << 32 | number)),
        str(v6(number)),
        str(v6(int(v6("64:ff9b::")) | number)),
        str(v6(0x2002 << 112 | number << 80 | 1)),
    ]


@pytest.mark.parametrize("address", FORBIDDEN_V4 + FORBIDDEN_V6)
def test_an_address_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", FORBIDDEN_V4)
def test_an_address_inside_is_not_public_in_any_clothes(address: str) -> None:
    assert not [form for form in hidden(address) if is_public(form)]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_clothes_never_make_an_address_more_public(address: ipaddress.IPv4Address) -> None:
    plain = is_public(str(address))
    mapped, compatible, nat64, six_to_four = (is_public(form) for form in hidden(str(address)))
    assert {mapped, nat64, six_to_four} == {plain}
    # `::a.b.c.d` is deprecated, and not one of its addresses is global unicast.
    assert not compatible


@given(st.ip_addresses(v=6))
def test_only_global_unicast_is_public(address: ipaddress.IPv6Address) -> None:
    if is_public(str(address)):
        inside = address in ipaddress.ip_network("2000::/3")
        assert inside or address.ipv4_mapped is not None or address in ipaddress.ip_network("64:ff9b::/96")


# --- the session -----------------------------------------------------------------------------------------------------
class Names(AbstractResolver):
    """A resolver that answers with the next of some addresses: a name server that rebinds."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        address = self.addresses.pop(0) if len(self.addresses) > 1 else self.addresses[0]
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=0)]

    async def close(self) -> None: ...


class Server:
    """A server on this machine: `/` answers, `/to?PORT` redirects to a port, `/cut` breaks off."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if request.path == "/to":
            raise web.HTTPFound(f"http://{request.query_string}/")
        if request.path == "/cut":
            assert request.transport is not None
            request.transport.abort()
        return web.Response(text="here", headers={"Set-Cookie": f"seen={len(self.asked)}"})


@pytest.fixture
async def servers() -> AsyncGenerator[tuple[Server, Server], None]:
    """Two servers; only the first is named in the connection's settings."""
    made: list[Server] = []
    runners: list[web.AppRunner] = []
    for _ in range(2):
        server, app = Server(), web.Application()
        app.router.add_route("*", "/{rest:.*}", server.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.port = runner.addresses[0][1]
        made.append(server)
        runners.append(runner)
    yield made[0], made[1]
    for runner in runners:
        await runner.cleanup()


async def refused(session: aiohttp.ClientSession, url: str) -> None:
    """Ask, and find that the guard refused."""
    with pytest.raises(aiohttp.ClientConnectionError) as raised:
        await session.get(url)
    causes: list[BaseException] = []
    error: BaseException | None = raised.value
    while error is not None:
        causes.append(error)
        error = error.__cause__ or error.__context__
    assert any(isinstance(cause, ForbiddenAddressError) or "is not a public address" in str(cause) for cause in causes)


async def test_a_named_port_is_reached_and_no_other(servers: tuple[Server, Server]) -> None:
    ours, other = servers
    async with make_session(frozenset({ours.port})) as session:
        async with session.get(f"http://127.0.0.1:{ours.port}/") as answer:
            assert await answer.text() == "here"
        await refused(session, f"http://127.0.0.1:{other.port}/")
        await refused(session, f"http://localhost:{other.port}/")
    assert other.asked == []


async def test_nothing_is_named_by_default(servers: tuple[Server, Server]) -> None:
    async with make_session() as session:
        await refused(session, f"http://127.0.0.1:{servers[0].port}/")
    assert servers[0].asked == []


async def test_a_redirect_does_not_lead_inside(servers: tuple[Server, Server]) -> None:
    ours, other = servers
    async with make_session(frozenset({ours.port})) as session:
        for place in (f"127.0.0.1:{other.port}", f"[::1]:{other.port}", "169.254.169.254", "[::ffff:10.0.0.1]"):
            await refused(session, f"http://127.0.0.1:{ours.port}/to?{place}")
    assert other.asked == []
    assert ours.asked == ["/to"] * 4


async def test_a_name_that_points_inside_is_refused_at_each_connection(servers: tuple[Server, Server]) -> None:
    """Rebinding: the first answer was right, the next is not. The guard sees what the socket is made for."""
    ours, other = servers
    async with make_session(frozenset({ours.port})) as session:
        connector = session.connector
        assert isinstance(connector, aiohttp.TCPConnector)
        connector._resolver = Names("127.0.0.1", "10.0.0.1", "::1", "::ffff:127.0.0.1", "2002:7f00:1::")
        connector._use_dns_cache = False
        async with session.get(f"http://vendor.example:{ours.port}/", headers={"Connection": "close"}) as answer:
            assert answer.status == 200
        for _ in range(4):
            await refused(session, f"http://vendor.example:{other.port}/")
    assert other.asked == []


async def test_a_named_port_of_this_machine_opens_no_port_of_another(servers: tuple[Server, Server]) -> None:
    ours, _ = servers
    async with make_session(frozenset({ours.port})) as session:
        for host in ("10.0.0.1", "169.254.169.254", "0.0.0.0", "[::]"):
            await refused(session, f"http://{host}:{ours.port}/")


async def test_a_broken_connection_is_not_tried_again(servers: tuple[Server, Server]) -> None:
    """aiohttp repeats idempotent methods on a connection that was kept; whether to repeat is the host's to decide."""
    ours, _ = servers
    async with make_session(frozenset({ours.port})) as session:
        for method in ("GET", "PUT", "DELETE", "POST"):
            async with session.request(method, f"http://127.0.0.1:{ours.port}/") as answer:
                await answer.read()
            ours.asked.clear()
            with pytest.raises(aiohttp.ClientError):
                await session.request(method, f"http://127.0.0.1:{ours.port}/cut")
            assert ours.asked == ["/cut"], method


async def test_the_environments_proxy_and_a_vendors_cookies_are_ignored(
    servers: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, proxy = servers
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    async with make_session(frozenset({ours.port, proxy.port})) as session:
        for _ in range(2):
            async with session.get(f"http://127.0.0.1:{ours.port}/") as answer:
                assert "Cookie" not in answer.request_info.headers
        assert len(session.cookie_jar) == 0
    assert proxy.asked == []


def doors(**settings: Any) -> frozenset[int]:
    return loopback_doors(SimpleNamespace(**settings))


def test_only_addresses_of_this_machine_are_doors() -> None:
    assert doors(api_url="http://127.0.0.1:8123/api", chat_url="wss://localhost/x", other_url="http://[::1]:81") == {
        *(8123, 443, 81)
    }
    assert (
        doors(api_url="https://api.example.com:8443", name="127.0.0.1:22", text="see http://127.0.0.1:1") == frozenset()
    )
    assert doors(
        api_url="http://127.0.0.1.example.com:80", other="http://10.0.0.1:80", user="http://localhost@x.de:9"
    ) == (frozenset())
    assert loopback_doors(None) == frozenset()


async def test_a_session_ends_quietly(servers: tuple[Server, Server]) -> None:
    session = make_session(frozenset({servers[0].port}))
    async with session.get(f"http://127.0.0.1:{servers[0].port}/") as answer:
        await answer.read()
    await session.close()
    await session.close()
    await asyncio.sleep(0)
    assert session.closed
