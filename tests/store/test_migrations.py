"""A store of an earlier version is brought to this one, whole or not at all."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Final

import pytest

from gateway.store import Store, open_store
from gateway.store.engine import Row, Transaction
from gateway.store.migrations import VERSIONS, migrate, revision
from gateway.store.schema import VERSION
from gateway.store.sqlstore import SqlStore
from tests.store.acts import NOW, apply_all, bring, message

COLUMN: Final = """
import sqlalchemy
from alembic import op

revision = "{number}"
down_revision = "{before}"


def upgrade():
    op.add_column("cases", sqlalchemy.Column("language", sqlalchemy.Text, nullable=False, server_default="de"))
    {then}


def downgrade():
    op.drop_column("cases", "language")
"""


def next_version(directory: Path, then: str = "pass") -> Path:
    """Make the migrations of a Baton that is one version further: cases have one more column."""
    shutil.copytree(VERSIONS, directory, ignore=shutil.ignore_patterns("__pycache__"))
    number, before = revision(VERSION + 1), revision(VERSION)
    (directory / f"v{number}_language.py").write_text(COLUMN.format(number=number, before=before, then=then))
    return directory


def rows(store: Store, sql: str) -> list[Row]:
    assert isinstance(store, SqlStore)

    def work(t: Transaction) -> list[Row]:
        return list(t.rows(sql))

    return store._engine.read(work)


def test_the_modules_lead_to_the_version_of_the_tables() -> None:
    """One chain from the first to the newest, with every module in it."""
    names = {path.name[1:5]: path.read_text() for path in VERSIONS.glob("v*.py")}
    before = {
        number: re.search(r'^down_revision(?:: .+)? = "(.+)"$', text, re.MULTILINE) for number, text in names.items()
    }
    chain, found = [revision(VERSION)], before[revision(VERSION)]
    while found is not None:
        chain.append(found[1])
        found = before[found[1]]
    assert sorted(chain) == sorted(names)
    assert chain[-1] == revision(1)


def test_a_column_is_added_and_everything_that_was_there_stays(store: Store, url: str, tmp_path: Path) -> None:
    bring(store, message("m1"))
    apply_all(store)
    versions = next_version(tmp_path / "versions")
    migrate(url, VERSION + 1, versions=versions)
    assert rows(store, "SELECT language FROM cases") == [("de",)]
    assert rows(store, "SELECT value FROM meta WHERE key = 'version'") == [(str(VERSION + 1),)]
    bring(store, message("m2"))
    apply_all(store)
    (case,) = store.cases()
    assert case.seq == 2


def test_a_migration_that_is_done_is_not_done_again(store: Store, url: str, tmp_path: Path) -> None:
    versions = next_version(tmp_path / "versions")
    for _ in range(2):
        migrate(url, VERSION + 1, versions=versions)
    assert rows(store, "SELECT value FROM meta WHERE key = 'version'") == [(str(VERSION + 1),)]


def test_a_migration_that_breaks_leaves_the_store_as_it_was(store: Store, url: str, tmp_path: Path) -> None:
    bring(store, message("m1"))
    broken = next_version(tmp_path / "broken", then="raise ZeroDivisionError")
    with pytest.raises(ZeroDivisionError):
        migrate(url, VERSION + 1, versions=broken)
    assert rows(store, "SELECT value FROM meta WHERE key = 'version'") == [(str(VERSION),)]
    sound = next_version(tmp_path / "sound")
    migrate(url, VERSION + 1, versions=sound)
    assert rows(store, "SELECT language FROM cases") == [("de",)]


def test_an_older_store_is_migrated_when_it_is_opened(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(url).close()
    versions = next_version(tmp_path / "versions")
    monkeypatch.setattr("gateway.store.opening.VERSION", VERSION + 1)
    monkeypatch.setattr("gateway.store.migrations.VERSIONS", versions)
    store = open_store(url)
    store.register({"chat": None})
    bring(store, message("m1"), now=NOW)
    assert rows(store, "SELECT language FROM cases") == [("de",)]
    store.close()
