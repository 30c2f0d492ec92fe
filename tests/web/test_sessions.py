"""The sessions' door: who is let in, how many, what errors mean, and how sockets end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gateway.config import Limits
from gateway.sdk import (
    ChatMessage,
    Delivery,
    DeliveryRejected,
    Party,
    PermanentFailure,
    Role,
    Source,
    TemporaryFailure,
    UnreadableDelivery,
)
from gateway.store import open_store
from gateway.store.ports import ParsedDelivery
from gateway.store.values import JournalEntry, StoreUnavailable
from gateway.telemetry.meters import Meters
from gateway.web.conversing import Conversing
from gateway.web.door import FrontDoor
from gateway.web.sessions import SessionRoutes
from normalizers import normalize
from tests.web.toy import Directly, until

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ERRORS: dict[str, tuple[Exception, int, str]] = {
    "rejected": (DeliveryRejected("no"), 401, "rejected"),
    "later": (TemporaryFailure("no"), 503, "overload"),
    "never": (PermanentFailure("no"), 400, "unreadable"),
    "unreadable": (UnreadableDelivery("no"), 400, "unreadable"),
    "broken": (ZeroDivisionError(), 500, "error"),
}


@dataclass(kw_only=True)
class Talker:
    """A connection with a socket that echoes, an address that waits, and one that goes wrong."""

    connection: str = "talk"
    connector: str = "toy"
    max_delivery: int = 1_000
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    served: Mapping[tuple[str, str], Handler] = field(default_factory=dict[tuple[str, str], Handler])

    def __post_init__(self) -> None:
        self.served = {
            ("socket", "GET"): self.socket,
            ("wait", "POST"): self.wait,
            ("wait", "GET"): self.wait,
            **{(name, "POST"): self.fails(error) for name, (error, _, _) in ERRORS.items()},
        }

    async def socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(str(message.data))
        return socket

    async def wait(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        await self.gate.wait()
        return web.Response(body=body)

    def fails(self, error: Exception) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            raise error

        return handle


@dataclass(slots=True, kw_only=True)
class World:
    client: aiohttp.ClientSession
    door: FrontDoor
    talker: Talker
    meters: Meters

    def count(self, result: str, connector: str = "toy") -> float:
        labels = {"connector": connector, "result": result}
        return self.meters.registry.get_sample_value("baton_events_received_total", labels) or 0.0

    async def ask(
        self, name: str, method: str = "POST", body: bytes = b"", **headers: str
    ) -> tuple[int, Mapping[str, str]]:
        async with self.client.request(method, f"/sessions/{name}", data=body, headers=headers) as answer:
            await answer.read()
            return answer.status, answer.headers


@pytest.fixture
async def world() -> AsyncGenerator[World]:
    talker, meters = Talker(), Meters()
    limits = Limits(requests=2, sockets=4, sockets_per_peer=2)
    sessions = SessionRoutes(
        find={"talk": talker}.get, meters=meters, limits=limits, trusted=[ip_network("127.0.0.1/32")]
    )
    door = FrontDoor([], limits=limits, sessions=sessions)
    await door.start("127.0.0.1", 0)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{door.port}") as client:
        yield World(client=client, door=door, talker=talker, meters=meters)
    await door.finish()


async def test_what_nobody_owns_is_not_found_and_makes_no_label(world: World) -> None:
    for name in ("others/socket", "talk/other", "talk/socket/more", "talk/", "talk/%2e%2e"):
        assert (await world.ask(name))[0] == 404, name
    assert b"others" not in world.meters.expose()


async def test_another_method_is_told_which_there_are(world: World) -> None:
    status, headers = await world.ask("talk/wait", "DELETE")
    assert (status, headers["Allow"]) == (405, "GET, POST")


async def test_a_request_beyond_what_the_connector_declares_never_reaches_it(world: World) -> None:
    world.talker.gate.set()
    assert (await world.ask("talk/wait", body=b"x" * 1_000))[0] == 200
    assert (await world.ask("talk/wait", body=b"x" * 1_001))[0] == 413
    assert world.count("too_large") == 1


@pytest.mark.parametrize("name", ERRORS)
async def test_a_connectors_error_means_what_it_means_at_a_hook(world: World, name: str) -> None:
    _, status, word = ERRORS[name]
    answered, headers = await world.ask(f"talk/{name}")
    assert answered == status
    assert headers["Cache-Control"] == "no-store"
    assert headers["Server"] == "baton"
    assert ("Retry-After" in headers) == (status == 503)
    assert world.count(word) == 1


async def test_more_requests_than_there_is_room_for_are_503_and_room_comes_back(world: World) -> None:
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(world.ask("talk/wait")) for _ in range(2)]
        await asyncio.sleep(0.1)
        assert (await world.ask("talk/wait"))[0] == 503
        world.talker.gate.set()
    assert [task.result()[0] for task in waiting] == [200, 200]
    assert (await world.ask("talk/wait"))[0] == 200


async def test_one_visitor_holds_so_many_sockets_and_another_behind_the_same_proxy_as_many(world: World) -> None:
    async with AsyncExitStack() as stack:

        async def enter(visitor: str) -> None:
            headers = {"X-Forwarded-For": f"203.0.113.9, {visitor}"}
            await stack.enter_async_context(world.client.ws_connect("/sessions/talk/socket", headers=headers))

        await enter("198.51.100.1")
        await enter("198.51.100.1")
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await enter("198.51.100.1")
        assert refused.value.status == 503
        await enter("198.51.100.2")
        await enter("198.51.100.3")
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await enter("198.51.100.4")
        assert world.door.sockets == 4
    await until(lambda: world.door.sockets == 0)
    async with world.client.ws_connect("/sessions/talk/socket") as socket:
        await socket.send_str("still open")
        assert await socket.receive_str() == "still open"


async def test_at_the_end_every_socket_is_told_to_come_back_and_no_new_one_opens(world: World) -> None:
    async with (
        world.client.ws_connect("/sessions/talk/socket") as one,
        world.client.ws_connect("/sessions/talk/socket") as two,
    ):
        begun = asyncio.get_running_loop().time()
        await asyncio.gather(world.door.finish(), one.receive(), two.receive())
        assert (one.close_code, two.close_code) == (1012, 1012)
        assert asyncio.get_running_loop().time() - begun < 5
    assert world.door.sockets == 0


async def test_a_socket_whose_visitor_says_no_goodbye_does_not_hold_the_end_up(world: World) -> None:
    socket = await world.client.ws_connect("/sessions/talk/socket", autoclose=False)
    async with asyncio.timeout(8):
        await world.door.finish()
    await socket.close()


# --- what a session may hand in and read -----------------------------------------------------------------------------
class Lines(Source):
    """Says that each delivery is a message of thread ``t``."""

    def lane(self, delivery: Delivery) -> str:
        return f"lane-{delivery.endpoint}"

    def parse(self, delivery: Delivery) -> Any:
        author = Party(kind="x", value="ann", name="Ann", role=Role.CUSTOMER)
        text = delivery.body.decode()
        yield ChatMessage(thread="t", dedupe=text, occurred_at=1, sender=author, message_id=text, text=text)


@dataclass(kw_only=True)
class Side:
    source: Source | None = field(default_factory=Lines)
    max_delivery: int = 10


class Away:
    async def accept(self, entry: JournalEntry) -> None:
        raise StoreUnavailable("the disk is full")


def delivery(body: bytes, connection: str = "talk") -> Delivery:
    return Delivery(
        connection=connection, endpoint="socket", received_at=5, method="FRAME", url="", headers=(), body=body
    )


async def test_what_a_session_hears_is_durable_in_its_lane_and_comes_back_as_history(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'baton.db'}")
    store.register({"talk": None})
    conversing = Conversing("talk", find={"talk": Side()}.get, intake=Directly(store), threads=lambda: store)
    await conversing.emit(delivery(b"hello"))
    (stored,) = store.unparsed(5)
    assert (stored.lane, stored.delivery.body) == ("lane-socket", b"hello")
    (event,) = Lines().parse(stored.delivery)
    activity = normalize(event, connection="talk", channel=_chat(), received_at=5)
    store.save_parsed([ParsedDelivery(id=stored.id, lane=stored.lane, activities=((0, activity),))], 5)
    (entry,) = await conversing.history("t")
    assert (entry.key, entry.text, entry.author.name, entry.occurred_at) == ("hello", "hello", "Ann", 5)
    assert await conversing.history("t", limit=0) == []
    assert (await conversing.state("t")).state == "open"
    assert (await conversing.state("other")).state == "none"
    store.close()


async def test_what_may_never_be_kept_and_what_cannot_be_kept_now_are_told_apart() -> None:
    def made(side: Side | None) -> Conversing:
        return Conversing("talk", find=lambda _: side, intake=Away(), threads=_gone)

    for body, connection in ((b"x" * 11, "talk"), (b"x", "other")):
        with pytest.raises(PermanentFailure):
            await made(Side()).emit(delivery(body, connection))
    for side in (Side(), Side(source=None), None):
        with pytest.raises(TemporaryFailure) as failure:
            await made(side).emit(delivery(b"x"))
        assert failure.value.retry_after
    for read in (made(Side()).history("t"), made(Side()).state("t")):
        with pytest.raises(TemporaryFailure):
            await read


def _gone() -> Any:
    raise StoreUnavailable("away")


def _chat() -> Any:
    from gateway.sdk import Channel

    return Channel.CHAT
