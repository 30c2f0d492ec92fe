"""Intake: `accept` returns after the commit and never before; what cannot be kept is refused, and nothing of it stays."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.pipeline.intake import BATCH, Intake
from gateway.sdk import Delivery
from gateway.store import Store, StoreUnavailable, open_store
from gateway.store.ports import JournalEntry


def entry(body: bytes = b"{}") -> JournalEntry:
    delivery = Delivery(
        connection="line", endpoint="", received_at=1, method="POST", url="https://x/", headers=(), body=body
    )
    return JournalEntry(delivery=delivery, lane="-")


class Journal:
    """A store whose journal can be held, and told to fail."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.may = threading.Event()
        self.may.set()
        self.entered = threading.Event()
        self.batches: list[int] = []
        self.failures: list[Exception] = []
        #: A body that spoils every batch it is in.
        self.bad = b""

    def journal(self, entries: Sequence[JournalEntry]) -> Sequence[int]:
        self.entered.set()
        assert self.may.wait(10)
        self.batches.append(len(entries))
        if self.failures:
            raise self.failures.pop(0)
        if self.bad and self.bad in {each.delivery.body for each in entries}:
            raise OverflowError
        return self.store.journal(entries)

    def bodies(self) -> list[bytes]:
        return [stored.delivery.body for stored in self.store.unparsed(10_000)]


@asynccontextmanager
async def open_intake(directory: Path, **options: Any) -> AsyncGenerator[tuple[Intake, Journal, list[int]], None]:
    store = open_store(f"sqlite:///{directory / 'baton.db'}")
    store.register({"line": None})
    journal: Any = Journal(store)
    told: list[int] = []
    intake = Intake(journal, accepted=lambda: told.append(len(journal.batches)), **options)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(intake.run())
        try:
            yield intake, journal, told
        finally:
            journal.may.set()
            intake.close()
            await running
    intake.free()
    store.close()


async def held(journal: Journal) -> None:
    """Wait until a commit is in work."""
    assert await asyncio.to_thread(journal.entered.wait, 10)


async def test_accept_returns_after_the_commit_and_never_before(tmp_path: Path) -> None:
    async with open_intake(tmp_path) as (intake, journal, told), asyncio.TaskGroup() as group:
        journal.may.clear()
        accepting = group.create_task(intake.accept(entry()))
        await held(journal)
        await asyncio.sleep(0.05)
        assert not accepting.done()
        assert journal.bodies() == []
        journal.may.set()
        await accepting
        # Another connection to the file sees it: it was committed, not only written.
        other = open_store(f"sqlite:///{tmp_path / 'baton.db'}", readonly=True)
        assert other.accounts().deliveries == 1
        other.close()
        assert told == [1]


async def test_what_arrives_during_a_commit_is_the_next_one_in_order(tmp_path: Path) -> None:
    async with open_intake(tmp_path) as (intake, journal, _):
        journal.may.clear()
        async with asyncio.TaskGroup() as group:
            group.create_task(intake.accept(entry(b"0")))
            await held(journal)
            for number in range(1, BATCH + 10):
                group.create_task(intake.accept(entry(str(number).encode())))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert intake.waiting == BATCH + 9
            journal.may.set()
        assert journal.batches == [1, BATCH, 9]
        assert journal.bodies() == [str(number).encode() for number in range(BATCH + 10)]
        assert intake.waiting == 0


async def test_a_store_that_cannot_serve_refuses_everything_that_waited_and_keeps_nothing(tmp_path: Path) -> None:
    async with open_intake(tmp_path) as (intake, journal, _):
        journal.failures.append(StoreUnavailable("The disk is full."))
        journal.may.clear()
        first = asyncio.gather(*(intake.accept(entry(b"x")) for _ in range(5)), return_exceptions=True)
        await held(journal)
        journal.may.set()
        answers = await first
        assert [str(answer) for answer in answers][:1] == ["The disk is full."]
        refused = sum(1 for answer in answers if isinstance(answer, StoreUnavailable))
        # Those that came while the failing commit ran are in the next one, which works.
        assert len(journal.bodies()) == 5 - refused
        await intake.accept(entry(b"later"))
        assert journal.bodies()[-1] == b"later"


async def test_one_that_cannot_be_kept_refuses_only_itself(tmp_path: Path) -> None:
    async with open_intake(tmp_path) as (intake, journal, _):
        journal.bad = b"bad"
        journal.may.clear()
        blocker = asyncio.ensure_future(intake.accept(entry(b"first")))
        await held(journal)
        answers = asyncio.gather(*(intake.accept(entry(body)) for body in (b"a", b"bad", b"c")), return_exceptions=True)
        await asyncio.sleep(0)
        journal.may.set()
        await blocker
        first, second, third = await answers
        assert (first, third) == (None, None)
        assert isinstance(second, StoreUnavailable)
        assert "OverflowError" in str(second)
        assert journal.bodies() == [b"first", b"a", b"c"]


async def test_too_many_that_wait_are_refused_at_once(tmp_path: Path) -> None:
    async with open_intake(tmp_path, waiting=3) as (intake, journal, _):
        journal.may.clear()
        async with asyncio.TaskGroup() as group:
            group.create_task(intake.accept(entry(b"in work")))
            await held(journal)
            for _ in range(3):
                group.create_task(intake.accept(entry()))
            await asyncio.sleep(0)
            with pytest.raises(StoreUnavailable, match="Too many"):
                await intake.accept(entry(b"too many"))
            journal.may.set()
        assert len(journal.bodies()) == 4


async def test_a_closed_intake_refuses_and_still_commits_what_waits(tmp_path: Path) -> None:
    async with open_intake(tmp_path) as (intake, journal, _):
        journal.may.clear()
        async with asyncio.TaskGroup() as group:
            group.create_task(intake.accept(entry(b"in work")))
            await held(journal)
            group.create_task(intake.accept(entry(b"waits")))
            await asyncio.sleep(0)
            intake.close()
            intake.close()
            with pytest.raises(StoreUnavailable):
                await intake.accept(entry(b"too late"))
            journal.may.set()
        assert journal.bodies() == [b"in work", b"waits"]


async def test_a_sender_that_hung_up_is_kept_all_the_same(tmp_path: Path) -> None:
    """Its commit runs already; and nobody else's answer may be spoilt by it."""
    async with open_intake(tmp_path) as (intake, journal, _):
        journal.may.clear()
        gone = asyncio.ensure_future(intake.accept(entry(b"gone")))
        await held(journal)
        also_gone = asyncio.ensure_future(intake.accept(entry(b"also gone")))
        stays = asyncio.ensure_future(intake.accept(entry(b"stays")))
        await asyncio.sleep(0)
        gone.cancel()
        also_gone.cancel()
        await asyncio.sleep(0)
        journal.may.set()
        await stays
        assert gone.cancelled()
        assert also_gone.cancelled()
        assert journal.bodies() == [b"gone", b"also gone", b"stays"]
