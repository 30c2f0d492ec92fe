"""The audit, read and verified from the command line."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.commands import baton
from gateway.clock import SystemClock
from gateway.store import open_store

HOUR = 3_600_000_000


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory whose audit has three rows: of ten hours ago, of two, and of now."""
    (tmp_path / "plugins.toml").write_text("[gateway]\n")
    (tmp_path / "baton-data").mkdir()
    store = open_store(f"sqlite:///{tmp_path / 'baton-data' / 'baton.db'}")
    now = SystemClock().now()
    store.audit("cli:ann", "pause", "all", {"reason": "a vendor is away"}, now - 10 * HOUR)
    store.audit("cli:ben", "resume", "all", {}, now - 2 * HOUR)
    store.audit("cli:ann", "dead-letter-discard", "7", {"reason": "rubbish"}, now)
    store.close()
    return tmp_path


def run(place: Path, *words: str) -> Result:
    return CliRunner(env={"BATON_DATABASE_URL": "", "COLUMNS": "160"}).invoke(
        baton, ["audit", *words, "--config", str(place / "plugins.toml")]
    )


def tamper(place: Path, *statements: str) -> None:
    with sqlite3.connect(place / "baton-data" / "baton.db") as other:
        for statement in ("DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete", *statements):
            other.execute(statement)
    other.close()


def test_it_lists_who_did_what_newest_first(place: Path) -> None:
    result = run(place, "list")
    assert result.exit_code == 0, result.output
    shown = result.output.splitlines()
    assert ["cli:" in line for line in shown].count(True) == 3
    rows = [line for line in shown if "cli:" in line]
    for row, words in zip(
        rows,
        (
            ("3", "cli:ann", "dead-letter-discard", "7", "reason rubbish"),
            ("2", "cli:ben", "resume", "all"),
            ("1", "cli:ann", "pause", "all", "reason a vendor is away"),
        ),
        strict=True,
    ):
        assert all(word in row for word in words), row


def test_only_a_while_is_listed_when_asked(place: Path) -> None:
    rows = json.loads(run(place, "list", "--since", "3h", "--json").stdout)
    assert [(row["id"], row["actor"], row["detail"]) for row in rows] == [
        (3, "cli:ann", {"reason": "rubbish"}),
        (2, "cli:ben", {}),
    ]
    assert [row["id"] for row in json.loads(run(place, "list", "--limit", "1", "--json").stdout)] == [3]
    assert run(place, "list", "--since", "soon").exit_code == 2


def test_one_that_is_whole_holds(place: Path) -> None:
    result = run(place, "verify")
    assert (result.exit_code, result.output) == (0, "The audit holds: each row is as it was written.\n")
    assert json.loads(run(place, "verify", "--json").stdout) == {"holds": True, "first_broken": None}


@pytest.mark.parametrize(
    ("statement", "row"),
    [
        ("UPDATE audit SET actor = 'cli:eve' WHERE id = 1", 1),
        ("UPDATE audit SET detail = '{}' WHERE id = 3", 3),
        ("DELETE FROM audit WHERE id = 2", 3),
    ],
)
def test_the_first_row_that_was_changed_is_named_and_ends_with_1(place: Path, statement: str, row: int) -> None:
    tamper(place, statement)
    result = run(place, "verify")
    assert result.exit_code == 1
    assert f"row {row} of the audit is not as it was written" in result.output
    said = run(place, "verify", "--json")
    assert said.exit_code == 1
    assert json.loads(said.stdout) == {"holds": False, "first_broken": row}


def test_an_empty_audit_says_so(place: Path) -> None:
    tamper(place, "DELETE FROM audit")
    assert run(place, "list").output == "Nothing stands in the audit.\n"
    assert run(place, "verify").exit_code == 0
