"""Every request at the door: what is kept, what is refused, and that a refusal leaves nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import structlog
import structlog.testing
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from yarl import URL

from gateway.config import Limits
from gateway.sdk import CUT_HEADER, Ack, Delivery, DeliveryRejected, Oversize, Sessions, Standing
from gateway.store import Store, StoreUnavailable, open_store
from gateway.store.values import JournalEntry
from gateway.telemetry.meters import Meters
from gateway.testing.sessions import FakeSessions
from gateway.web.door import FrontDoor
from gateway.web.hooks import Hooks, Intake
from tests.conserved import require_conserved
from tests.toyline.connector import OLD, ToyConnector, sign
from tests.web.toy import Directly, ToyDoor, toy, until

NOW = 1_790_000_000_000_000
PUBLIC = "https://baton.example.com/gate"
BODY = json.dumps({"id": "m1", "thread": "t1", "text": "canary of a customer"}).encode()


@dataclass(slots=True, kw_only=True)
class World:
    """An open door, a store, and a vendor who knocks."""

    client: aiohttp.ClientSession
    store: Store
    meters: Meters
    intake: Intake
    now: int = NOW

    async def knock(
        self, body: bytes = BODY, headers: Mapping[str, str] | CIMultiDict[str] | None = None, path: str = "/hooks/toys"
    ) -> tuple[int, Mapping[str, str], bytes]:
        async with self.client.post(
            URL(path, encoded=True), data=body, headers=sign(body, NOW) if headers is None else headers
        ) as answer:
            return answer.status, answer.headers, await answer.read()

    def kept(self) -> list[Delivery]:
        return [stored.delivery for stored in self.store.unparsed(100)]

    def count(self, result: str, connector: str = "toy") -> float:
        return (
            self.meters.registry.get_sample_value(
                "baton_events_received_total", {"connector": connector, "result": result}
            )
            or 0.0
        )


class Switch:
    """An intake that can be told to fail or to wait."""

    def __init__(self, inner: Intake) -> None:
        self.inner = inner
        self.full = False
        self.gate: asyncio.Event | None = None

    async def accept(self, entry: JournalEntry) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.full:
            raise StoreUnavailable("the disk is full")
        await self.inner.accept(entry)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World, None]:
    async with opened(tmp_path) as opened_world:
        yield opened_world


@asynccontextmanager
async def opened(
    tmp_path: Path, door: ToyDoor | None = None, sessions: FakeSessions | None = None
) -> AsyncGenerator[World, None]:
    store = open_store(f"sqlite:///{tmp_path / 'baton.db'}")
    store.register({"toys": None})
    meters = Meters()
    intake = Switch(Directly(store))
    doors = {"toys": door or ToyDoor()}
    hooks = Hooks(
        find=doors.get,
        intake=intake,
        meters=meters,
        now=lambda: NOW,
        monotonic=lambda: 0.0,
        public_url=PUBLIC,
        read_seconds=0.5,
        requests=2,
        sessions=None if sessions is None else lambda _: sessions,
    )
    front = FrontDoor(hooks.routes(), limits=Limits())
    await front.start("127.0.0.1", 0)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{front.port}") as client:
        yield World(client=client, store=store, meters=meters, intake=intake)
    await front.finish()
    require_conserved(store)
    store.close()


async def test_an_authentic_delivery_is_kept_byte_for_byte_before_it_is_acknowledged(world: World) -> None:
    body = b'{"id": "m1",  "odd spacing": "\xc3\xa9", "thread": "t"}'
    headers = CIMultiDict(sign(body, NOW))
    headers.add("X-Twice", "one")
    headers.add("X-Twice", "two")
    status, answered, text = await world.knock(body, headers, "/hooks/toys?a=%2F&b=+&a=2")
    assert (status, text) == (204, b"")
    assert answered["Cache-Control"] == "no-store"
    (delivery,) = world.kept()
    assert delivery.body == body
    assert (delivery.connection, delivery.endpoint, delivery.method, delivery.received_at) == ("toys", "", "POST", NOW)
    assert delivery.url == f"{PUBLIC}/hooks/toys?a=%2F&b=+&a=2"
    assert [value for name, value in delivery.headers if name.lower() == "x-twice"] == ["one", "two"]
    assert world.count("accepted") == 1


async def test_the_vendor_gets_the_answer_that_its_connector_wants(world: World) -> None:
    status, answered, text = await world.knock(path="/hooks/toys/challenge")
    assert (status, text) == (200, b"c0de")
    assert answered["Content-Type"] == "text/plain"
    assert answered["X-Toy"] == "yes"
    assert world.kept()[0].endpoint == "challenge"


def forged() -> dict[str, CIMultiDict[str]]:
    good = sign(BODY, NOW)
    twice = CIMultiDict(good)
    twice.add("X-Toy-Signature", "0" * 64)
    return {
        "unsigned": CIMultiDict(),
        "another secret": CIMultiDict(sign(BODY, NOW, b"another")),
        "an empty secret": CIMultiDict(sign(BODY, NOW, b"")),
        "another body": CIMultiDict(sign(BODY + b" ", NOW)),
        "too old": CIMultiDict(sign(BODY, NOW - OLD - 1)),
        "from the future": CIMultiDict(sign(BODY, NOW + OLD + 1)),
        "another time": CIMultiDict({**good, "X-Toy-Time": str(NOW + 1)}),
        "cut short": CIMultiDict({**good, "X-Toy-Signature": good["X-Toy-Signature"][:-1]}),
        "in capitals": CIMultiDict({**good, "X-Toy-Signature": good["X-Toy-Signature"].upper()}),
        "signature given twice": twice,
        "no number for a time": CIMultiDict({**good, "X-Toy-Time": "now"}),
    }


@pytest.mark.parametrize("how", forged())
async def test_what_is_not_authentic_gets_401_and_leaves_nothing(world: World, how: str) -> None:
    before = world.store.accounts()
    status, _, text = await world.knock(headers=forged()[how])
    assert (status, text) == (401, b"")
    assert world.store.accounts() == before
    assert world.count("rejected") == 1
    assert world.meters.registry.get_sample_value("baton_signature_failures_total", {"connector": "toy"}) == 1


@pytest.mark.parametrize(
    ("how", "reason"),
    [("too old", "old"), ("another secret", "forged")],
)
async def test_the_log_says_why_a_delivery_was_refused_and_the_answer_does_not(
    world: World, how: str, reason: str
) -> None:
    with structlog.testing.capture_logs() as lines:
        _, _, text = await world.knock(headers=forged()[how])
    assert text == b""
    assert [(line["log_level"], line["connection"], line["size"], line["reason"]) for line in lines] == [
        ("warning", "toys", len(BODY), reason)
    ]
    assert "canary" not in repr(lines)


async def test_a_request_without_a_body_is_refused_and_is_no_forgery(world: World) -> None:
    """`baton doctor` asks so whether the address leads here."""
    with structlog.testing.capture_logs() as lines:
        status, _, text = await world.knock(b"", {})
    assert (status, text) == (401, b"")
    assert (world.count("empty"), world.count("rejected")) == (1, 0)
    assert world.meters.registry.get_sample_value("baton_signature_failures_total", {"connector": "toy"}) is None
    assert [line["log_level"] for line in lines] == ["info"]
    assert not world.kept()


async def test_a_verifier_that_breaks_proves_nothing_so_nothing_is_kept(world: World) -> None:
    body = b"break the verifier"
    status, _, text = await world.knock(body)
    assert (status, text) == (500, b"")
    assert not world.kept()
    assert world.count("error") == 1


async def test_unknown_connections_and_endpoints_are_not_found_and_make_no_label(world: World) -> None:
    for path in ("/hooks/others", "/hooks/toys/other", "/hooks/toys/challenge/more", "/hooks/", "/hooks/../etc/passwd"):
        status, _, _ = await world.knock(path=path)
        assert status == 404, path
    assert not world.kept()
    text = world.meters.expose().decode()
    assert "others" not in text
    assert "passwd" not in text


async def test_other_methods_are_refused(world: World) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS"):
        async with world.client.request(method, "/hooks/toys", headers=sign(b"", NOW)) as answer:
            assert answer.status == 405
    assert not world.kept()


async def test_a_body_beyond_the_connectors_limit_is_413_and_at_the_limit_is_kept(world: World) -> None:
    at_the_limit, beyond = b"x" * 4_096, b"x" * 4_097
    assert (await world.knock(at_the_limit))[0] == 204
    assert (await world.knock(beyond))[0] == 413
    assert [len(delivery.body) for delivery in world.kept()] == [4_096]


@pytest.mark.parametrize("stated", [True, False])
async def test_a_body_that_may_be_cut_is_kept_to_the_limit_and_says_how_large_it_was(
    tmp_path: Path, stated: bool
) -> None:
    async def chunks() -> AsyncGenerator[bytes, None]:
        for _ in range(100):
            yield b"x" * 1_000

    forged = {CUT_HEADER.lower(): "7"}
    async with opened(tmp_path, door=ToyDoor(oversize=Oversize.CUT)) as world:
        whole = b"x" * 4_096
        assert (await world.knock(whole, {**sign(whole, NOW), **forged}))[0] == 204
        body = b"x" * 100_000 if stated else chunks()
        headers = {**sign(b"x" * 4_096, NOW), **forged}
        async with world.client.post("/hooks/toys", data=body, headers=headers) as answer:
            assert answer.status == 204
        assert [(len(kept.body), kept.whole_size) for kept in world.kept()] == [(4_096, None), (4_096, 100_000)]


async def test_what_is_signed_as_a_whole_is_refused_when_it_is_cut(tmp_path: Path) -> None:
    async with opened(tmp_path, door=ToyDoor(oversize=Oversize.CUT)) as world:
        assert (await world.knock(b"x" * 5_000))[0] == 401
        assert not world.kept()


async def test_a_body_that_states_no_length_is_cut_off_at_the_limit(world: World) -> None:
    async def chunks() -> AsyncGenerator[bytes, None]:
        for _ in range(100):
            yield b"x" * 1_000

    try:
        async with world.client.post("/hooks/toys", data=chunks(), headers=sign(b"", NOW)) as answer:
            assert answer.status == 413
    except aiohttp.ClientConnectionError:
        pass  # the door may close while the sender is still sending
    assert world.count("too_large") == 1
    assert not world.kept()


async def test_a_body_that_drips_is_given_up(world: World) -> None:
    async def drips() -> AsyncGenerator[bytes, None]:
        yield b"x"
        await asyncio.sleep(1.5)
        yield b"y"

    try:
        async with world.client.post("/hooks/toys", data=drips(), headers=sign(b"", NOW)) as answer:
            assert answer.status == 408
    except aiohttp.ClientConnectionError:
        pass
    assert world.count("slow") == 1
    assert not world.kept()


async def test_a_store_that_cannot_take_it_is_503_with_a_time_to_come_again(world: World) -> None:
    assert isinstance(world.intake, Switch)
    world.intake.full = True
    status, answered, text = await world.knock()
    assert (status, text) == (503, b"")
    assert int(answered["Retry-After"]) > 0
    assert not world.kept()
    world.intake.full = False
    assert (await world.knock())[0] == 204


async def test_more_requests_than_there_is_room_for_are_503_and_room_comes_back(world: World) -> None:
    assert isinstance(world.intake, Switch)
    world.intake.gate = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(world.knock()) for _ in range(2)]
        await until(lambda: all(not task.done() for task in waiting) and world.client.connector is not None)
        await asyncio.sleep(0.1)
        status, answered, _ = await world.knock()
        assert status == 503
        assert "Retry-After" in answered
        world.intake.gate.set()
    assert [task.result()[0] for task in waiting] == [204, 204]
    assert (await world.knock())[0] == 204


async def test_a_sender_who_hangs_up_after_the_body_loses_nothing(world: World) -> None:
    assert isinstance(world.intake, Switch)
    world.intake.gate = asyncio.Event()
    task = asyncio.create_task(world.knock())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    world.intake.gate.set()
    await until(lambda: len(world.kept()) == 1)


@given(body=st.binary(max_size=200), position=st.integers(0, 199), flip=st.integers(1, 255))
async def test_no_changed_byte_gets_past_the_verifier(body: bytes, position: int, flip: int) -> None:
    if not body:
        return
    changed = bytearray(body)
    changed[position % len(body)] ^= flip
    delivery = Delivery(
        connection="toys",
        endpoint="",
        received_at=NOW,
        method="POST",
        url=PUBLIC,
        headers=tuple(sign(body, NOW).items()),
        body=bytes(changed),
    )
    with pytest.raises(DeliveryRejected):
        await toy().verify(delivery)


class Answering(ToyConnector):
    """Answers with where the case stands."""

    async def answer(self, delivery: Delivery, sessions: Sessions) -> Ack:
        del delivery
        standing = await sessions.state("t1")
        if standing.state == "slow":
            await asyncio.sleep(3600)
        return Ack(body=standing.case_id.encode())


@pytest.mark.parametrize(
    ("state", "away", "told"), [("open", False, b"c-1"), ("slow", False, b""), ("open", True, b"")]
)
async def test_an_answer_speaks_of_the_case_or_is_the_plain_one_in_time(
    tmp_path: Path, state: str, away: bool, told: bytes
) -> None:
    sessions = FakeSessions()
    sessions.standings["t1"], sessions.away = Standing(case_id="c-1", state=state), away
    plain = toy()
    door = ToyDoor(webhook=Answering(plain.settings, plain.host))
    async with opened(tmp_path, door, sessions) as world:
        status, _, text = await world.knock()
        assert status in {200, 204}
        assert text == told
        assert len(world.kept()) == 1
