"""The bare references: the least that each engine does for a durable event, with nothing of ours around it.

One connection, one table with the dedupe key's UNIQUE index and two partial indexes over what waits, groups of 256 a
commit, every commit synced. What the gateway reaches is told as a share of this, measured right beside it.
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from bench.events import SlackEvent

#: Source, dedupe key, thread, body, instant, state.
Row: TypeAlias = tuple[int, str, str, bytes, int, int]

GROUP: Final = 256
_INDEXES: Final = (
    "CREATE INDEX {name}_waiting ON {name} (id) WHERE state = 0",
    "CREATE INDEX {name}_thread_waiting ON {name} (thread, id) WHERE state = 0",
)


def rows_of(events: Sequence[SlackEvent]) -> list[Row]:
    """Return what the reference inserts for the events."""
    return [(1, event.event_id, event.thread, event.body, number, 0) for number, event in enumerate(events)]


def groups(rows: Sequence[Row], size: int = GROUP) -> Iterator[Sequence[Row]]:
    """Cut rows into groups of one commit each."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


class SqliteReference:
    """A bare SQLite file: WAL, ``synchronous=FULL``."""

    def __init__(self, path: Path) -> None:
        """Make the file with its table."""
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute(
            "CREATE TABLE inbox (id INTEGER PRIMARY KEY AUTOINCREMENT, source INTEGER NOT NULL, dedupe TEXT NOT NULL,"
            " thread TEXT NOT NULL, body BLOB NOT NULL, received INTEGER NOT NULL, state INTEGER NOT NULL,"
            " UNIQUE (source, dedupe))"
        )
        for index in _INDEXES:
            self._connection.execute(index.format(name="inbox"))

    def insert(self, group: Sequence[Row]) -> None:
        """Insert one group in one synced commit."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(
            "INSERT INTO inbox (source, dedupe, thread, body, received, state) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            group,
        )
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class PostgresReference:
    """A bare PostgreSQL table: one connection, one statement a group with an array for each column."""

    def __init__(self, url: str) -> None:
        """Make the table in a schema of its own."""
        import psycopg
        from psycopg import sql

        self._schema = sql.Identifier("bare_" + uuid.uuid4().hex[:12])
        self._connection = psycopg.connect(url, autocommit=False)
        self._connection.execute(sql.SQL("CREATE SCHEMA {}").format(self._schema))
        self._connection.execute(sql.SQL("SET search_path TO {}").format(self._schema))
        self._connection.execute(
            "CREATE TABLE inbox (id BIGSERIAL PRIMARY KEY, source BIGINT NOT NULL, dedupe TEXT NOT NULL,"
            " thread TEXT NOT NULL, body BYTEA NOT NULL, received BIGINT NOT NULL, state BIGINT NOT NULL,"
            " UNIQUE (source, dedupe))"
        )
        for index in _INDEXES:
            self._connection.execute(index.format(name="inbox").encode())
        self._connection.commit()

    def insert(self, group: Sequence[Row]) -> None:
        """Insert one group in one synced commit."""
        self._connection.execute(
            "INSERT INTO inbox (source, dedupe, thread, body, received, state) SELECT * FROM"
            " unnest(%b::bigint[], %b::text[], %b::text[], %b::bytea[], %b::bigint[], %b::bigint[])"
            " ON CONFLICT DO NOTHING",
            [list(column) for column in zip(*group, strict=True)],
        )
        self._connection.commit()

    def close(self) -> None:
        """Drop what was made."""
        from psycopg import sql

        self._connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(self._schema))
        self._connection.commit()
        self._connection.close()


def rate(reference: SqliteReference | PostgresReference, rows: Sequence[Row]) -> float:
    """Return how many rows a second the reference takes."""
    begun = time.perf_counter()
    for group in groups(rows):
        reference.insert(group)
    return len(rows) / (time.perf_counter() - begun)
