"""PostgreSQL: row locks, array parameters, and a pool that forgets connections the server has lost.

A server that may lose what it acknowledged is refused (postgresql.org/docs/current/runtime-config-wal.html). A transaction
that the server gave up because of a deadlock or a serialization conflict is run again: nothing of it happened.
"""

from __future__ import annotations

import queue
import struct
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, BinaryIO, Final, TypeVar, cast

import psycopg
import tenacity
from psycopg import errors
from psycopg.rows import tuple_row

from gateway.store.engine import LIST, PART, Columns, Row, Transaction
from gateway.store.values import StoreUnavailable

T = TypeVar("T")
Connection = psycopg.Connection[Row]

_POOL: Final = 10
_REPEATS: Final = 8
#: What the server gives up to solve a conflict: nothing of it happened, so it is safe to repeat.
_CONFLICTS: Final = (errors.DeadlockDetected, errors.SerializationFailure)
_CHANNEL: Final = "baton_work"
#: What a binary COPY begins and ends with (postgresql.org/docs/current/sql-copy.html, "Binary Format").
_COPY_BEGINS: Final = b"PGCOPY\n\xff\r\n\x00" + struct.pack("!ii", 0, 0)
_COPY_ENDS: Final = struct.pack("!h", -1)
#: Bytes of a blob in one answer: more than a part, since the server may unpack all of the value for each.
_SLICE: Final = 8 * PART
_MUST_BE_ON: Final = ("fsync", "synchronous_commit", "full_page_writes")
_OPTIONS: Final = {
    "connect_timeout": "5",
    "keepalives": "1",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "application_name": "baton",
}


@lru_cache(maxsize=512)
def _dialect(text: str) -> str:
    return LIST.sub(lambda found: f"= ANY(%b::{found[1]}[])", text).replace("?", "%b")


def _values(values: Sequence[object]) -> list[object]:
    return [list(cast("tuple[object, ...]", v)) if isinstance(v, tuple) else v for v in values]


def _arrays(columns: Columns, rows: Sequence[Row]) -> tuple[str, list[object]]:
    """Return SQL that stands for the rows as one array a column, and its values.

    Numbers go as the text of an array: psycopg packs a binary one number by number, which costs more than all the rest.
    """
    parts: list[str] = []
    values: list[object] = []
    for (_, kind), column in zip(columns, zip(*rows, strict=True), strict=True):
        if kind == "bigint":
            parts.append("%b::text::bigint[]")
            values.append("{" + ",".join(["NULL" if each is None else str(each) for each in column]) + "}")
        else:
            parts.append(f"%b::{kind}[]")
            values.append(list(column))
    return f"unnest({', '.join(parts)})", values


class PostgresTransaction:
    """Statements on one PostgreSQL connection."""

    def __init__(self, connection: Connection) -> None:
        """Use a connection on which a transaction is open."""
        self.connection = connection

    def rows(self, sql: str, *values: object) -> list[Row]:
        """Run a statement and return its rows."""
        cursor = self.connection.execute(cast("Any", _dialect(sql)), _values(values), binary=True)
        return cursor.fetchall() if cursor.description else []

    def run(self, sql: str, *values: object) -> int:
        """Run a statement and return how many rows it touched."""
        return self.connection.execute(cast("Any", _dialect(sql)), _values(values)).rowcount

    def insert(
        self, table: str, columns: Columns, rows: Sequence[Row], *, conflict: str = "", returning: str = ""
    ) -> list[Row]:
        """Insert many rows in one statement: an array for each column."""
        if not rows:
            return []
        names = ", ".join(name for name, _ in columns)
        arrays, values = _arrays(columns, rows)
        text = f"INSERT INTO {table} ({names}) SELECT * FROM {arrays} {conflict}"
        if returning:
            text += f" RETURNING {returning}"
        cursor = self.connection.execute(cast("Any", text), values, binary=True)
        return cursor.fetchall() if returning else []

    def update(self, table: str, key: tuple[str, str], columns: Columns, rows: Sequence[Row]) -> None:
        """Update many rows in one statement by their key, which is each row's first value."""
        if not rows:
            return
        sets = ", ".join(f"{name} = v.{name}" for name, _ in columns)
        names = ", ".join([key[0], *(name for name, _ in columns)])
        arrays, values = _arrays((key, *columns), rows)
        text = f"UPDATE {table} AS t SET {sets} FROM {arrays} AS v({names}) WHERE t.{key[0]} = v.{key[0]}"
        self.connection.execute(cast("Any", text), values)

    def keep_blob(self, sha256: str, size: int, source: BinaryIO) -> None:
        """Keep bytes by their hash: as one row of a binary COPY, which takes a value part by part."""
        if self.rows("SELECT 1 FROM blobs WHERE sha256 = ?", sha256):
            return
        digest = sha256.encode()
        try:
            # COPY knows no ON CONFLICT: what another replica keeps at this moment undoes only this.
            with (
                self.connection.transaction(),
                self.connection.cursor() as cursor,
                cursor.copy("COPY blobs (sha256, body) FROM STDIN (FORMAT binary)") as copy,
            ):
                copy.write(_COPY_BEGINS + struct.pack("!hi", 2, len(digest)) + digest + struct.pack("!i", size))
                while part := source.read(PART):
                    copy.write(part)
                copy.write(_COPY_ENDS)
        except errors.UniqueViolation:
            return

    def copy_blob(self, sha256: str, to: BinaryIO) -> bool:
        """Write the bytes of a hash to a file, part by part."""
        start = 1
        while found := self.rows(
            "SELECT substring(body FROM ?::int FOR ?::int) FROM blobs WHERE sha256 = ?", start, _SLICE, sha256
        ):
            part = bytes(found[0][0])
            to.write(part)
            if len(part) < _SLICE:
                return True
            start += len(part)
        return False


class PostgresEngine:
    """A PostgreSQL database."""

    name = "postgresql"
    for_update = "FOR UPDATE"
    skip_locked = "FOR UPDATE SKIP LOCKED"
    share = "FOR SHARE"
    lease_clock = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    many = True

    def __init__(self, url: str) -> None:
        """Connect once, to see that the server is there and keeps what it acknowledges."""
        self._url = url
        self._idle: queue.LifoQueue[Connection] = queue.LifoQueue()
        self._room = threading.BoundedSemaphore(_POOL)
        self._listen_lock = threading.Lock()
        self._listener: Connection | None = None
        self._closed = threading.Event()
        try:
            self.read(self._refuse_weak)
        except BaseException:
            self.close()
            raise

    @staticmethod
    def _refuse_weak(transaction: Transaction) -> None:
        for name in _MUST_BE_ON:
            value = transaction.rows("SELECT current_setting(?::text)", name)[0][0]
            if value == "off":
                raise StoreUnavailable(
                    f"PostgreSQL runs with {name} = off and may lose what was acknowledged: switch it on."
                )

    def _connect(self) -> Connection:
        connection = psycopg.connect(self._url, autocommit=False, row_factory=tuple_row, **_OPTIONS)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        try:
            connection.execute("SET statement_timeout = '30s'")
            connection.execute("SET idle_in_transaction_session_timeout = '30s'")
            connection.execute("SET lock_timeout = '20s'")
            # What waits is read in the order of an index. Statistics of a queue are always old, and by them PostgreSQL
            # may gather and sort the whole backlog for every batch.
            connection.execute("SET enable_bitmapscan = off")
            connection.commit()
        except BaseException:
            connection.close()
            raise
        return connection

    def _run(self, work: Callable[[Transaction], T]) -> T:
        if self._closed.is_set():
            raise StoreUnavailable("The store is closed.")
        with self._room:
            try:
                connection = self._idle.get_nowait()
            except queue.Empty:
                connection = None
            try:
                if connection is None:
                    connection = self._connect()
                result = work(PostgresTransaction(connection))
                connection.commit()
            except _CONFLICTS:
                if connection is not None:
                    self._give_back(connection)
                raise
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                if connection is not None:
                    connection.close()
                self._forget()
                raise StoreUnavailable(f"PostgreSQL cannot serve now: {_first_line(error)}") from error
            except BaseException:
                if connection is not None:
                    self._give_back(connection)
                raise
            self._give_back(connection)
            return result

    def _give_back(self, connection: Connection) -> None:
        try:
            connection.rollback()
        except psycopg.Error:
            connection.close()
        if connection.closed or self._closed.is_set():
            connection.close()
        else:
            self._idle.put(connection)

    def _forget(self) -> None:
        """Drop the idle connections: after the server went away they are all dead."""
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return

    def write(self, work: Callable[[Transaction], T], *, first: bool = False) -> T:  # noqa: ARG002 (there are many writers)
        """Run `work` in one transaction; again when the server gave it up to solve a conflict."""
        try:
            result: T = _WRITING(lambda: self._run(work))
        except _CONFLICTS as error:
            raise StoreUnavailable(
                f"PostgreSQL gave a transaction up {_REPEATS} times: {_first_line(error)}"
            ) from error
        return result

    def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` on one snapshot that cannot write; again, on a new connection, when the one at hand was dead."""

        def reading(transaction: Transaction) -> T:
            transaction.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            return work(transaction)

        result: T = _READING(lambda: self._run(reading))
        return result

    def take_turns(self, transaction: Transaction, names: Sequence[str]) -> None:
        """Hold an advisory lock for each name to the end of the transaction, taken in one order."""
        if names:
            transaction.rows(
                "SELECT pg_advisory_xact_lock(key) FROM (SELECT DISTINCT hashtextextended(name, 72618) AS key"
                " FROM unnest(?::text[]) AS name ORDER BY 1) AS keys",
                list(dict.fromkeys(names)),
            )

    def lease_now(self, now: int) -> int | None:  # noqa: ARG002 (the other engine needs it)
        """Leases run by the database's clock: the replicas' clocks may differ."""
        return None

    def notify(self, transaction: Transaction) -> None:
        """Hint to all processes, once the transaction commits. Once a batch: NOTIFY takes a lock at commit."""
        transaction.run(f"NOTIFY {_CHANNEL}")

    def wait(self, timeout: float) -> bool:
        """Wait for a hint on a connection of its own; without one, just wait."""
        with self._listen_lock:
            if self._closed.is_set():
                return False
            try:
                if self._listener is None or self._listener.closed:
                    self._listener = psycopg.connect(self._url, autocommit=True, **_OPTIONS)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
                    self._listener.execute(f"LISTEN {_CHANNEL}")
                return any(True for _ in self._listener.notifies(timeout=timeout, stop_after=1))
            except psycopg.Error:
                if self._listener is not None:
                    self._listener.close()
                    self._listener = None
                self._closed.wait(timeout)
                return False

    def close(self) -> None:
        """Close all connections."""
        self._closed.set()
        self._forget()
        listener = self._listener
        if listener is not None:
            with self._listen_lock:
                listener.close()


def _went_away(error: BaseException) -> bool:
    """Tell whether a connection was lost: what only reads is safe to repeat."""
    return isinstance(error, StoreUnavailable) and isinstance(error.__cause__, psycopg.Error)


_WRITING: Final = tenacity.Retrying(
    retry=tenacity.retry_if_exception_type(_CONFLICTS),
    stop=tenacity.stop_after_attempt(_REPEATS),
    wait=tenacity.wait_random(0, 0.05),
    reraise=True,
)
_READING: Final = tenacity.Retrying(
    retry=tenacity.retry_if_exception(_went_away), stop=tenacity.stop_after_attempt(2), reraise=True
)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
