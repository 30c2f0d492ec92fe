"""Migrations, by Alembic; imported only when one is due.

An empty store gets the tables of `gateway.store.schema` at once. One that stands is brought to them by the modules in
`versions/`, in the order of their numbers; docs/how-to/add-a-store-column.md says how to write one. All that are due run in one
transaction, and `meta` says where the store stands: what breaks, or is killed, leaves the store as it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import sqlalchemy
from alembic import command
from alembic.config import Config

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_HERE: Final = Path(__file__).parent
#: Where the migrations stand.
VERSIONS: Final = _HERE / "versions"


def migrate(url: str, wanted: int, *, versions: Path | None = None) -> None:
    """Bring the tables of a store to a version, an earlier one too.

    The caller holds a SQLite file alone; replicas on PostgreSQL wait here.
    """
    engine = _engine(url)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(_LOCKS[engine.dialect.name])
            found = int(connection.exec_driver_sql("SELECT value FROM meta WHERE key = 'version'").scalar_one())
            if found != wanted:
                _move(connection, found, wanted, versions or VERSIONS)
    finally:
        engine.dispose()


def revision(version: int) -> str:
    """Return how Alembic names a version."""
    return f"{version:04d}"


def _move(connection: Connection, found: int, wanted: int, versions: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.stamp(config, revision(found), purge=True)
    (command.upgrade if found < wanted else command.downgrade)(config, revision(wanted))
    connection.exec_driver_sql(f"UPDATE meta SET value = '{wanted}' WHERE key = 'version'")


#: The first statement of the transaction: nobody else changes anything from here on.
_LOCKS: Final = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "SELECT pg_advisory_xact_lock(72617)"}


def _engine(url: str) -> sqlalchemy.Engine:
    def file() -> Any:
        import sqlite3

        path = unquote(url.removeprefix("sqlite:///").partition("?")[0])
        # No transaction but the one that is begun by hand: Python's own leaves statements on tables out of it.
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    def server() -> Any:
        import psycopg

        return psycopg.connect(url)

    if url.startswith("sqlite:"):
        return sqlalchemy.create_engine("sqlite://", creator=file, poolclass=sqlalchemy.NullPool)
    return sqlalchemy.create_engine("postgresql+psycopg://", creator=server, poolclass=sqlalchemy.NullPool)
