"""What a connection does by itself: one replica at a time, from where it stood, and never at the cost of the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

import pytest

from gateway.host.duties import LEASE, POLL, STREAM, Duties
from gateway.sdk import (
    Backfill,
    Connector,
    CredentialsRefused,
    Cursor,
    Delivery,
    Emit,
    StreamSource,
    TemporaryFailure,
)
from gateway.testing.clock import VirtualClock
from gateway.testing.host import FakeHost
from tests.host.bench import breathe
from tests.host.troubled import TroubledSettings


@dataclass
class Kept:
    """What a store keeps for the connections of several replicas."""

    clock: VirtualClock
    cursors: dict[str, str] = field(default_factory=dict[str, str])
    owner: str = ""
    until: int = 0


class Share:
    """One replica's side of it."""

    def __init__(self, kept: Kept, name: str) -> None:
        self.kept = kept
        self.name = name

    def paused(self, connection: str) -> bool:
        return False

    async def blob(self, sha256: str) -> bytes | None:
        return None

    async def copy_blob(self, sha256: str, to: BinaryIO) -> bool:
        return False

    async def cursor(self, connection: str, name: str) -> Cursor | None:
        return self.kept.cursors.get(name)

    async def keep_cursor(self, connection: str, name: str, cursor: Cursor) -> None:
        self.kept.cursors[name] = cursor

    async def hold(self, connection: str, seconds: float) -> bool:
        now = self.kept.clock.now()
        if self.kept.owner not in {"", self.name} and self.kept.until > now:
            return False
        self.kept.owner, self.kept.until = self.name, now + int(seconds * 1_000_000)
        return True


def delivery(body: bytes) -> Delivery:
    return Delivery(connection="line", endpoint="", received_at=0, method="POLL", url="", headers=(), body=body)


class Busy(Connector[TroubledSettings], StreamSource, Backfill):
    """Listens and polls, and goes wrong where it is told to."""

    def __init__(self) -> None:
        super().__init__(TroubledSettings(), FakeHost())
        self.said: list[str] = []
        self.listening = 0
        self.on = True
        self.polls: list[Exception | bytes | str] = []

    async def open(self) -> None: ...

    async def check(self) -> None: ...

    async def close(self) -> None: ...

    def parse(self, delivery: Delivery) -> list[object]:  # type: ignore[override]
        return []

    @property
    def streaming(self) -> bool:
        return self.on

    async def listen(self, since: Cursor | None, emit: Emit) -> None:
        self.said.append(f"listen {since}")
        self.listening += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.listening -= 1

    async def backfill(self, since: Cursor | None, emit: Emit) -> Cursor:
        self.said.append(f"poll {since}")
        what = self.polls.pop(0) if self.polls else str(int(since or 0) + 1)
        if isinstance(what, bytes):
            await emit(delivery(what), None)
            return since or "0"
        if isinstance(what, Exception):
            raise what
        return what


class Replica:
    """The duties of one replica's connection."""

    def __init__(self, kept: Kept, name: str, every: float | None = None) -> None:
        self.connector = Busy()
        self.failed = asyncio.Event()
        self.raised: Exception | None = None
        self.heard: list[str] = []
        self.share = Share(kept, name)
        self.duties = Duties(
            "line",
            kept.clock,
            emit=self._emit,
            things=self.share,
            poll_every=every,
            heard=lambda: self.heard.append("delivery"),
            polled=lambda error: self.heard.append("poll" if error is None else f"poll: {error}"),
        )

    async def _emit(self, delivery: Delivery, cursor: Cursor | None) -> None:
        if delivery.body == b"unkept":
            raise OSError("the store is away")

    async def run(self) -> None:
        try:
            await self.duties.run(self.connector, self.failed)
        except Exception as error:
            self.raised = error


@asynccontextmanager
async def running(*replicas: Replica) -> AsyncGenerator[list[asyncio.Task[None]], None]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each.run()) for each in replicas]
        await breathe()
        yield tasks
        for task in tasks:
            task.cancel()


async def passing(clock: VirtualClock, seconds: float) -> None:
    for _ in range(int(seconds)):
        clock.advance(1.0)
        await breathe()


async def test_one_replica_listens_and_another_takes_over_when_it_is_gone() -> None:
    kept = Kept(VirtualClock(), cursors={STREAM: "7"})
    one, two = Replica(kept, "one"), Replica(kept, "two")
    async with running(one, two) as tasks:
        await passing(kept.clock, 120)
        assert (one.connector.said, two.connector.said) == (["listen 7"], [])
        tasks[0].cancel()
        await passing(kept.clock, LEASE + LEASE / 3 + 1)
        assert (one.connector.listening, two.connector.said) == (0, ["listen 7"])


async def test_who_loses_the_lease_stops_listening() -> None:
    kept = Kept(VirtualClock())
    one = Replica(kept, "one")
    async with running(one) as tasks:
        kept.owner, kept.until = "two", kept.clock.now() + 10**12
        await passing(kept.clock, LEASE)
        assert one.connector.listening == 0
        assert tasks[0].done()


async def test_a_refused_credential_ends_what_runs_so_that_the_connection_starts_anew() -> None:
    one = Replica(Kept(VirtualClock()), "one")
    async with running(one) as tasks:
        one.failed.set()
        await breathe()
        assert tasks[0].done()
        assert one.connector.listening == 0


async def test_a_stream_that_is_left_off_is_not_listened_to() -> None:
    one = Replica(Kept(VirtualClock()), "one")
    one.connector.on = False
    async with running(one) as tasks:
        assert one.connector.said == []
        assert not tasks[0].done()


async def test_polls_go_on_from_where_they_stood() -> None:
    kept = Kept(VirtualClock(), cursors={POLL: "3"})
    one = Replica(kept, "one", every=60.0)
    async with running(one):
        await passing(kept.clock, 121)
    assert [word for word in one.connector.said if word.startswith("poll")] == ["poll 3", "poll 4", "poll 5"]
    assert kept.cursors[POLL] == "6"


@pytest.mark.parametrize("trouble", [TemporaryFailure("away"), ZeroDivisionError(), TimeoutError()])
async def test_a_poll_that_fails_keeps_its_place_and_costs_the_stream_nothing(trouble: Exception) -> None:
    kept = Kept(VirtualClock(), cursors={POLL: "3"})
    one = Replica(kept, "one", every=60.0)
    one.connector.polls = [trouble, trouble]
    async with running(one):
        assert kept.cursors[POLL] == "3"
        await passing(kept.clock, 60)
        assert one.connector.listening == 1
        assert int(kept.cursors[POLL]) >= 4
    assert one.raised is None


async def test_a_poll_whose_credentials_are_refused_takes_the_connection_down() -> None:
    one = Replica(Kept(VirtualClock()), "one", every=60.0)
    one.connector.polls = [CredentialsRefused("no")]
    async with running(one) as tasks:
        await breathe()
        assert tasks[0].done()
    assert isinstance(one.raised, CredentialsRefused)
    assert one.connector.listening == 0


async def test_each_poll_is_told_of_and_one_that_failed_is_logged_with_its_sentence(
    caplog: pytest.LogCaptureFixture,
) -> None:
    kept = Kept(VirtualClock())
    one = Replica(kept, "one", every=60.0)
    one.connector.polls = [TemporaryFailure("RT answered 502."), ValueError("what the customer wrote"), b"kept"]
    async with running(one):
        await passing(kept.clock, 60)
    assert one.heard[:4] == ["poll: RT answered 502.", "poll: what the customer wrote", "delivery", "poll"]
    said = [record.__dict__["error"] for record in caplog.records if record.msg == "a poll failed"]
    assert said == ["RT answered 502.", "The connector raised what no connector may raise (ValueError)."]


async def test_a_store_that_is_away_is_not_held_against_the_vendor(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Kept(VirtualClock())
    one = Replica(kept, "one", every=60.0)

    async def away(connection: str, name: str) -> Cursor | None:
        raise OSError("the store is away")

    one.connector.polls = [b"unkept"]
    async with running(one):
        monkeypatch.setattr(one.share, "cursor", away)
        await passing(kept.clock, 30)
    assert one.heard == []
    assert {record.__dict__["error"] for record in caplog.records if record.msg == "a poll failed"} == {"OSError"}
