"""What Alembic runs around a migration: one connection, one transaction, one process at a time."""

from __future__ import annotations

import sqlite3
from typing import Any, Final
from urllib.parse import unquote

from alembic import context
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.pool import NullPool

_SQLITE: Final = "sqlite:///"
#: The lock under which PostgreSQL's tables are made and changed; see `gateway.store.opening`.
_LOCK: Final = 72617


def _engine(url: str) -> Engine:
    if url.startswith(_SQLITE):
        path = unquote(url.removeprefix(_SQLITE).partition("?")[0])
        made = create_engine(
            "sqlite://",
            poolclass=NullPool,
            creator=lambda: sqlite3.connect(path, isolation_level=None, timeout=10, check_same_thread=False),
        )
        # Python's module would begin no transaction for DDL, and a kill would leave half a migration.
        event.listen(made, "begin", _begin)
        return made
    import psycopg

    def connect() -> psycopg.Connection[Any]:
        return psycopg.connect(url, application_name="baton migration")

    return create_engine("postgresql+psycopg://", poolclass=NullPool, creator=connect)


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _migrate(url: str) -> None:
    engine = _engine(url)
    with engine.connect() as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        _tell_alembic(connection)
        context.configure(connection=connection, transactional_ddl=True)
        context.run_migrations()
    engine.dispose()


def _tell_alembic(connection: Connection) -> None:
    """Let Alembic know the version that stands in `meta`: a fresh store is made by the schema, not by migrations."""
    version = connection.execute(text("SELECT value FROM meta WHERE key = 'version'")).scalar_one()
    connection.execute(
        text("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    )
    connection.execute(text("DELETE FROM alembic_version"))
    if int(version) > 1:
        connection.execute(
            text("INSERT INTO alembic_version (version_num) VALUES (:version)"), {"version": f"{int(version):04d}"}
        )


_migrate(context.config.attributes["url"])
