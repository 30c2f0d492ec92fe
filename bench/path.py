"""The whole path to the outbox: intake, journal, parsing, normalizing, saving, deciding, outbox rows; the gateway's own loops."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from bench.events import SlackEvent, signed
from bench.policy import FACTS, policy
from bench.reference import PostgresReference, SqliteReference, rate, rows_of
from bench.sources import slack_source
from gateway.clock import SystemClock
from gateway.model import Channel
from gateway.pipeline.applying import Applying
from gateway.pipeline.intake import Intake
from gateway.pipeline.parsing import Parsing, ParsingSide
from gateway.pipeline.policies import Direction, Policies
from gateway.sdk import Delivery, Source
from gateway.store import Store, open_store
from gateway.store.ports import AppliedBatch, JournalEntry

#: Senders that each wait for their 200 before they send the next.
SENDERS: Final = 256


@dataclass(frozen=True, slots=True)
class Side:
    """What parsing needs of a connection."""

    source: Source
    parse_apart: bool = False


async def through(store: Store, entries: Sequence[JournalEntry]) -> float:
    """Take all entries in and process them; return how many a second reached the outbox."""
    clock = SystemClock()
    direction = Direction(policy=policy(), connections=FACTS)
    policies = Policies(store, direction)
    sides: Mapping[str, tuple[ParsingSide, Channel, int]] = {
        "support": (Side(slack_source("support")), Channel.CHAT, 1000)
    }
    all_applied = asyncio.Event()
    done = 0

    def applied(batch: AppliedBatch) -> None:
        nonlocal done
        done += batch.applied
        if done >= len(entries):
            all_applied.set()

    applying = Applying(store, policies, clock, applied=applied)
    parsing = Parsing(
        store, clock, connections=lambda: sides, saved=lambda _: applying.bell.ring(), direction=lambda: direction
    )
    intake = Intake(store, accepted=parsing.bell.ring)
    waiting = iter(entries)

    async def sender() -> None:
        for entry in waiting:
            await intake.accept(entry)

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as loops:
        steps = (intake, parsing, applying)
        for step in steps:
            loops.create_task(step.run())
        async with asyncio.TaskGroup() as senders:
            for _ in range(SENDERS):
                senders.create_task(sender())
        await all_applied.wait()
        taken = time.perf_counter() - begun
        for step in steps:
            step.close()
    for step in steps:
        step.free()
    return len(entries) / taken


def entries_of(events: Sequence[SlackEvent]) -> list[JournalEntry]:
    """Return the events as verified deliveries on their way into the journal."""
    source = slack_source("support")
    made: list[JournalEntry] = []
    for event in events:
        at = time.time_ns() // 1000
        delivery = Delivery(
            connection="support",
            endpoint="",
            received_at=at,
            method="POST",
            url="https://baton.example.com/hooks/support",
            headers=tuple(signed(event.body, at // 1_000_000).items()),
            body=event.body,
        )
        made.append(JournalEntry(delivery=delivery, lane=source.lane(delivery)))
    return made


def fresh_store(engine: str, directory: Path, postgres: str) -> Store:
    """Return an empty store."""
    name = f"bench_{uuid.uuid4().hex[:12]}"
    if engine == "sqlite":
        url = f"sqlite:///{directory}/{name}.db"
    else:
        import psycopg

        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        separator = "&" if "?" in postgres else "?"
        url = f"{postgres}{separator}options={quote(f'-csearch_path={name}')}"
    store = open_store(url)
    store.register(dict.fromkeys(FACTS))
    return store


def reference_rate(engine: str, directory: Path, postgres: str, events: Sequence[SlackEvent]) -> float:
    """Return how many of the events a second the bare insert takes."""
    if engine == "sqlite":
        bare: SqliteReference | PostgresReference = SqliteReference(directory / f"bare_{uuid.uuid4().hex[:12]}.db")
    else:
        bare = PostgresReference(postgres)
    try:
        return rate(bare, rows_of(events))
    finally:
        bare.close()


def whole_rate(engine: str, directory: Path, postgres: str, events: Sequence[SlackEvent]) -> float:
    """Return how many of the events a second go the whole path to the outbox."""
    store = fresh_store(engine, directory, postgres)
    try:
        found = asyncio.run(through(store, entries_of(events)))
        accounts = store.accounts()
        if accounts.unaccounted or sum(accounts.effects.values()) != len(events):
            message = f"the path did not do its work: {accounts}"
            raise RuntimeError(message)
        return found
    finally:
        store.close()
