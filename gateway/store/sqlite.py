"""SQLite: one writing connection, readers beside it, every commit synced.

WAL with ``synchronous=FULL`` (sqlite.org/pragma.html#pragma_synchronous): NORMAL may roll back acknowledged commits after a
power cut. Exactly one connection writes, which also keeps clear of the WAL-reset fault of versions before 3.51.3
(sqlite.org/wal.html#walresetbug). A lock file keeps a second process out.
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, BinaryIO, Final, TypeVar
from urllib.parse import quote

from gateway.store.engine import LIST, PART, Columns, Row, Transaction
from gateway.store.values import StoreUnavailable

T = TypeVar("T")

#: Versions before this have the WAL-reset fault.
SOUND_VERSION: Final = (3, 51, 3)
_BUSY_SECONDS: Final = 10.0


@lru_cache(maxsize=512)
def _dialect(sql: str) -> str:
    return LIST.sub("IN (SELECT value FROM json_each(?))", sql)


def _value(value: object) -> object:
    return json.dumps(value) if isinstance(value, list | tuple) else value


class SqliteTransaction:
    """Statements on one SQLite connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use a connection on which a transaction is open."""
        self._connection = connection

    def rows(self, sql: str, *values: object) -> list[Row]:
        """Run a statement and return its rows."""
        return self._connection.execute(_dialect(sql), [_value(v) for v in values]).fetchall()

    def run(self, sql: str, *values: object) -> int:
        """Run a statement and return how many rows it touched."""
        return self._connection.execute(_dialect(sql), [_value(v) for v in values]).rowcount

    def insert(
        self, table: str, columns: Columns, rows: Sequence[Row], *, conflict: str = "", returning: str = ""
    ) -> list[Row]:
        """Insert many rows. Returned ids are those of consecutive numbers: there is no other writer."""
        if not rows:
            return []
        names = ", ".join(name for name, _ in columns)
        marks = ", ".join("?" for _ in columns)
        statement = f"INSERT INTO {table} ({names}) VALUES ({marks}) {conflict}"
        if not returning:
            self._connection.executemany(statement, rows)
            return []
        if not conflict:
            self._connection.executemany(statement, rows)
            last: int = self._connection.execute("SELECT last_insert_rowid()").fetchone()[0]
            return [(number,) for number in range(last - len(rows) + 1, last + 1)]
        found: list[Row] = []
        for row in rows:
            found += self._connection.execute(f"{statement} RETURNING {returning}", row).fetchall()
        return found

    def update(self, table: str, key: tuple[str, str], columns: Columns, rows: Sequence[Row]) -> None:
        """Update many rows by their key, which is each row's first value."""
        if rows:
            sets = ", ".join(f"{name} = ?" for name, _ in columns)
            self._connection.executemany(
                f"UPDATE {table} SET {sets} WHERE {key[0]} = ?", [(*row[1:], row[0]) for row in rows]
            )

    def keep_blob(self, sha256: str, size: int, source: BinaryIO) -> None:
        """Keep bytes by their hash: room is made for them, which is then written part by part."""
        found = self._connection.execute(
            "INSERT INTO blobs (sha256, body) VALUES (?, zeroblob(?)) ON CONFLICT (sha256) DO NOTHING RETURNING rowid",
            (sha256, size),
        ).fetchall()
        for (row,) in found:
            with self._connection.blobopen("blobs", "body", row) as blob:
                while part := source.read(PART):
                    blob.write(part)

    def copy_blob(self, sha256: str, to: BinaryIO) -> bool:
        """Write the bytes of a hash to a file, part by part."""
        found = self._connection.execute("SELECT rowid FROM blobs WHERE sha256 = ?", (sha256,)).fetchall()
        for (row,) in found:
            with self._connection.blobopen("blobs", "body", row, readonly=True) as blob:
                while part := blob.read(PART):
                    to.write(part)
        return bool(found)


class _Turns:
    """A lock for one writer at a time, in the order of asking; but intake goes before everybody who waits."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._waiting: deque[object] = deque()
        self._taken = False

    @contextmanager
    def turn(self, *, first: bool) -> Generator[None]:
        mine = object()
        with self._condition:
            if first:
                self._waiting.appendleft(mine)
            else:
                self._waiting.append(mine)
            while self._taken or self._waiting[0] is not mine:
                self._condition.wait()
            self._waiting.popleft()
            self._taken = True
        try:
            yield
        finally:
            with self._condition:
                self._taken = False
                self._condition.notify_all()


class SqliteEngine:
    """A SQLite file."""

    name = "sqlite"
    for_update = ""
    skip_locked = ""
    share = ""
    lease_clock = ""
    many = False

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        """Open the file. Raises StoreUnavailable when another process has it."""
        self._path = path
        self._readonly = readonly
        self._turns = _Turns()
        self._hint = threading.Event()
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._lock_file: IO[bytes] | None = None
        self._writer: sqlite3.Connection | None = None
        self._closed = False
        if readonly:
            if not path.exists():
                raise StoreUnavailable(f"There is no store at {path} yet: start `baton serve` once, or check `data`.")
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock_file = self._lock(path)
        self._writer = self._connect(path)

    @staticmethod
    def _lock(path: Path) -> IO[bytes]:
        file = path.with_name(path.name + ".lock").open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise StoreUnavailable(
                f"Another process is using {path}. SQLite serves one process: stop the other one, or use PostgreSQL."
            ) from None
        return file

    @staticmethod
    def _connect(path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=_BUSY_SECONDS)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "fullfsync=1", "wal_autocheckpoint=8000"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("PRAGMA journal_size_limit=67108864")
        if connection.execute("PRAGMA synchronous").fetchone()[0] != 2:  # noqa: PLR2004 (FULL)
            raise StoreUnavailable("SQLite does not keep synchronous=FULL: what was acknowledged could be lost.")
        return connection

    def write(self, work: Callable[[Transaction], T], *, first: bool = False) -> T:
        """Run `work` in one transaction."""
        if self._writer is None:
            raise StoreUnavailable("The store was opened to read only.")
        connection = self._writer
        with self._turns.turn(first=first):
            if self._closed:
                raise StoreUnavailable("The store is closed.")
            try:
                connection.execute("BEGIN IMMEDIATE")
                result = work(SqliteTransaction(connection))
                connection.execute("COMMIT")
            except BaseException as error:
                self._roll_back(connection)
                if isinstance(error, sqlite3.OperationalError):
                    raise StoreUnavailable(f"SQLite cannot write {self._path}: {error}.") from error
                raise
        return result

    @staticmethod
    def _roll_back(connection: sqlite3.Connection) -> None:
        if connection.in_transaction:
            connection.execute("ROLLBACK")

    def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` on a connection that cannot write."""
        connection = getattr(self._local, "connection", None)
        try:
            if connection is None:
                uri = f"file:{quote(str(self._path.absolute()))}?mode=ro"
                connection = sqlite3.connect(
                    uri, uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY_SECONDS
                )
                self._local.connection = connection
                self._readers.append(connection)
            connection.execute("BEGIN")
            try:
                return work(SqliteTransaction(connection))
            finally:
                connection.execute("ROLLBACK")
        except (sqlite3.OperationalError, sqlite3.ProgrammingError) as error:
            raise StoreUnavailable(f"SQLite cannot read {self._path}: {error}.") from error

    def take_turns(self, transaction: Transaction, names: Sequence[str]) -> None:
        """Nothing: there is one writer."""

    def lease_now(self, now: int) -> int | None:
        """Leases run by the application's clock: there is one process."""
        return now

    def notify(self, transaction: Transaction) -> None:  # noqa: ARG002 (the other engine needs it)
        """Hint to this process's own loops."""
        self._hint.set()

    def wait(self, timeout: float) -> bool:
        """Wait for a hint."""
        found = self._hint.wait(timeout)
        self._hint.clear()
        return found

    def close(self) -> None:
        """Close all connections and free the lock."""
        if self._closed:
            return
        with self._turns.turn(first=True):
            self._closed = True
            for reader in self._readers:
                reader.close()
            if self._writer is not None:
                self._writer.close()
            if self._lock_file is not None:
                self._lock_file.close()
