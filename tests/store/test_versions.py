"""Stores of earlier versions are brought to this one, on both engines, with everything that stood in them."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.model import ActivityKind, altered
from gateway.store import Store, StoreUnavailable, open_store
from gateway.store.migrations import migrate
from gateway.store.schema import VERSION
from tests.store.acts import NOW, apply_all, bring, message

VERSIONS: Final = Path(__file__).parent / "versions"


def lay(url: str) -> None:
    """Lay the stored database of version 1 down."""
    if url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
            database.executescript((VERSIONS / "1.sqlite.sql").read_text())
        return
    import psycopg

    with psycopg.connect(url) as connection:
        for statement in (VERSIONS / "1.postgresql.sql").read_text().split(";;\n"):
            if statement.strip():
                connection.execute(statement.encode())


def rows(url: str, sql: str) -> list[Any]:
    if url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
            return database.execute(sql).fetchall()
    import psycopg

    with psycopg.connect(url) as connection:
        return connection.execute(sql.encode()).fetchall()


def columns(url: str) -> set[tuple[str, str]]:
    """Return every column of every table of ours."""
    if url.startswith("sqlite"):
        found = rows(
            url,
            "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
            " AND m.name NOT LIKE 'sqlite_%'",
        )
    else:
        found = rows(
            url, "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
        )
    return {(row[0], row[1]) for row in found if row[0] != "alembic_version"}


def indexes(url: str) -> set[str]:
    if url.startswith("sqlite"):
        found = rows(url, "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
    else:
        found = rows(
            url,
            "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND tablename <> 'alembic_version'",
        )
    return {row[0] for row in found}


def cases_of(store: Store, keys: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for case in store.cases():
        history = store.history(case.id)
        assert history is not None
        found.update({item.activity.dedupe: case.id for item in history.activities if item.activity.dedupe in keys})
    return found


def test_a_store_of_version_1_is_brought_to_this_one_and_lives_on(url: str) -> None:
    lay(url)
    store = open_store(url)
    assert rows(url, "SELECT value FROM meta WHERE key = 'version'") == [(str(VERSION),)]
    assert store.accounts().unaccounted == 0
    cases = cases_of(store, {"a1", "b1", "b2", "c1", "g1"})
    assert set(cases) == {"a1", "b1", "b2", "c1", "g1"}
    assert cases["b2"] == cases["a1"]
    bring(store, message("a3", thread="a"), lane="free")
    apply_all(store)
    assert cases_of(store, {"a3"}) == {"a3": cases["a1"]}
    store.unmerge(cases["b1"], "test", NOW)
    assert cases_of(store, {"b2"})["b2"] == cases["b1"]
    assert store.verify_audit() is None
    store.close()


def test_what_was_claimed_is_set_apart_from_what_was_proven(url: str) -> None:
    lay(url)
    open_store(url).close()
    found = rows(url, "SELECT value, proven, era FROM identifiers ORDER BY value")
    assert found == [("Ann@Example.org", 0, 0), ("ann", 1, 0), ("bob", 1, 0)]
    assert rows(url, "SELECT count(*) FROM contacts WHERE root_id <> id") == [(0,)]
    assert rows(url, "SELECT key FROM threads WHERE contact_id IS NOT NULL ORDER BY key") == [("a",), ("b",), ("c",)]


def test_an_upgraded_store_has_the_tables_and_indexes_of_a_fresh_one(
    url: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    lay(url)
    open_store(url).close()
    if url.startswith("sqlite"):
        fresh = f"sqlite:///{tmp_path / 'fresh.db'}"
    else:
        fresh = request.getfixturevalue("postgres_server").schema()
    open_store(fresh).close()
    assert columns(url) == columns(fresh)
    assert indexes(url) == indexes(fresh)


def test_the_way_back_to_version_1_keeps_what_version_1_can_say(url: str) -> None:
    lay(url)
    before = {
        table: rows(url, f"SELECT * FROM {table} ORDER BY 1, 2") for table in ("identifiers", "contacts", "threads")
    }
    open_store(url).close()
    migrate(url, 1)
    assert rows(url, "SELECT value FROM meta WHERE key = 'version'") == [("1",)]
    assert {table: rows(url, f"SELECT * FROM {table} ORDER BY 1, 2") for table in before} == before
    open_store(url).close()
    assert rows(url, "SELECT value FROM meta WHERE key = 'version'") == [(str(VERSION),)]


def test_a_store_that_must_be_migrated_is_not_opened_to_read_only(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'baton.db'}"
    lay(url)
    with pytest.raises(StoreUnavailable, match="must be migrated first"):
        open_store(url, readonly=True)


def test_a_stop_that_was_said_before_version_3_stands_with_its_thread(url: str) -> None:
    lay(url)
    store = open_store(url)
    for key, granted in (("a", False), ("b", False), ("b", True)):
        said = altered(message(f"{key}{granted}", thread=key), kind=ActivityKind.CONSENT, consent=granted)
        bring(store, said, lane="free")
    apply_all(store)
    store.close()
    migrate(url, 2)
    open_store(url).close()
    assert rows(url, "SELECT key FROM threads WHERE silenced = 1") == [("a",)]
