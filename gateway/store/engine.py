"""The two engines behind one small face: a transaction in which statements run, in one dialect.

Statements are written once: ``?`` is a value, ``IN (??text)`` or ``IN (??bigint)`` a list. What differs between SQLite and
PostgreSQL stands in this module and in `sqlite.py` and `postgresql.py`, nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO, Final, Protocol, TypeAlias, TypeVar

T = TypeVar("T")
Row: TypeAlias = tuple[Any, ...]
#: Column name and PostgreSQL type, for statements over many rows.
Columns: TypeAlias = Sequence[tuple[str, str]]

#: Bytes of a blob that are in memory at a time.
PART: Final = 262_144

LIST = re.compile(r"IN \(\?\?(\w+)\)")


class Transaction(Protocol):
    """Statements within one transaction."""

    def rows(self, sql: str, *values: object) -> list[Row]:
        """Run a statement and return its rows."""
        ...

    def run(self, sql: str, *values: object) -> int:
        """Run a statement and return how many rows it touched."""
        ...

    def insert(
        self, table: str, columns: Columns, rows: Sequence[Row], *, conflict: str = "", returning: str = ""
    ) -> list[Row]:
        """Insert many rows; with `conflict` those that collide are left out or mended."""
        ...

    def update(self, table: str, key: tuple[str, str], columns: Columns, rows: Sequence[Row]) -> None:
        """Update many rows by their key, which is each row's first value."""
        ...

    def keep_blob(self, sha256: str, size: int, source: BinaryIO) -> None:
        """Keep the `size` bytes of a file by their hash, read part by part. What is kept already stays."""
        ...

    def copy_blob(self, sha256: str, to: BinaryIO) -> bool:
        """Write the bytes of a hash to a file, part by part; False when they are not kept."""
        ...


class Engine(Protocol):
    """A database that transactions run in."""

    #: ``sqlite`` or ``postgresql``.
    name: str
    #: What to add to a SELECT that locks rows for this transaction: nothing where there is only one writer.
    for_update: str
    skip_locked: str
    share: str
    #: True where several processes may decide at once.
    many: bool

    def write(self, work: Callable[[Transaction], T], *, first: bool = False) -> T:
        """Run `work` in one transaction that may write; `first` goes before all others that wait."""
        ...

    def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in one consistent transaction that reads."""
        ...

    def take_turns(self, transaction: Transaction, names: Sequence[str]) -> None:
        """Wait, until this transaction ends, for nobody else who names one of the same: where there are many writers."""
        ...

    def lease_now(self, now: int) -> int | None:
        """Return the time that leases run by, None when it is the database's own `lease_clock`."""
        ...

    #: SQL for the time leases run by, where the database has a clock of its own.
    lease_clock: str

    def notify(self, transaction: Transaction) -> None:
        """Hint to other processes that there is work, once the transaction commits."""
        ...

    def wait(self, timeout: float) -> bool:
        """Wait for such a hint."""
        ...

    def close(self) -> None:
        """Free everything."""
        ...
