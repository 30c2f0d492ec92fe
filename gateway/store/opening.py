"""Opening a store by its URL: tables made or migrated, weak or newer ones refused."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from gateway.store.engine import Engine, Transaction
from gateway.store.ports import Store
from gateway.store.schema import VERSION, statements
from gateway.store.sqlite import SOUND_VERSION, SqliteEngine
from gateway.store.sqlstore import SqlStore
from gateway.store.values import StoreUnavailable

_SQLITE: Final = "sqlite:///"


def open_store(url: str, *, readonly: bool = False) -> Store:
    """Open the store of a URL: ``sqlite:///PATH`` or ``postgresql://…``.

    Raises StoreUnavailable when it cannot serve, and ValueError for a URL of another kind.
    """
    engine = _engine(url, readonly=readonly)
    try:
        _prepare(engine, url, readonly=readonly)
        return SqlStore(engine)
    except BaseException:
        engine.close()
        raise


def _engine(url: str, *, readonly: bool) -> Engine:
    if url.startswith(_SQLITE):
        return SqliteEngine(Path(unquote(url.removeprefix(_SQLITE).partition("?")[0])), readonly=readonly)
    if urlsplit(url).scheme in {"postgresql", "postgres"}:
        try:
            from gateway.store.postgresql import PostgresEngine
        except ImportError:
            raise StoreUnavailable(
                "The database URL names PostgreSQL, but psycopg is not installed: pip install 'baton-gateway[postgresql]'."
            ) from None
        return PostgresEngine(url)
    raise ValueError("The database URL must begin with sqlite:/// or postgresql://.")


def _prepare(engine: Engine, url: str, *, readonly: bool) -> None:
    found = engine.read(lambda t: version(engine, t))
    if found > VERSION:
        raise StoreUnavailable(
            f"The store has version {found}, this Baton knows up to {VERSION}: use the newer Baton that wrote it."
        )
    if found == VERSION:
        return
    if readonly:
        raise StoreUnavailable(f"The store has version {found} and must be migrated first: start `baton serve` once.")
    if found == 0:
        engine.write(lambda t: _create(engine, t))
    else:
        from gateway.store.migrations import migrate

        migrate(url, VERSION)


def _create(engine: Engine, t: Transaction) -> None:
    if engine.name == "postgresql":
        # Two processes may start on an empty database at once: one makes the tables, the other finds them.
        t.run("SELECT pg_advisory_xact_lock(72617)")
        if version(engine, t):
            return
    for statement in statements(engine.name):
        t.run(statement)
    t.run("INSERT INTO meta (key, value) VALUES ('version', ?)", str(VERSION))


def version(engine: Engine, t: Transaction) -> int:
    """Return the version of a store's tables, 0 for an empty database."""
    if engine.name == "sqlite":
        there = t.rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'meta'")
    else:
        there = t.rows("SELECT 1 WHERE to_regclass('meta') IS NOT NULL")
    if not there:
        return 0
    rows = t.rows("SELECT value FROM meta WHERE key = 'version'")
    return int(rows[0][0]) if rows else 0


def warnings(url: str) -> list[str]:
    """Return what an operator should know about the engine of a URL."""
    if url.startswith(_SQLITE) and sqlite3.sqlite_version_info < SOUND_VERSION:
        wanted = ".".join(map(str, SOUND_VERSION))
        said = (
            f"SQLite {sqlite3.sqlite_version} has the WAL-reset fault that {wanted} mends. Baton keeps clear of it by"
            " writing through one connection only; let no other program write to the file."
        )
        return [said]
    return []
