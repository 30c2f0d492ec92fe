"""`baton contacts`, over a store in which somebody writes and types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli.commands import baton
from gateway.store import open_store
from tests.identity.desk import Desk


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with a store and its configuration."""
    (tmp_path / "plugins.toml").write_text("[gateway]\n")
    (tmp_path / "baton-data").mkdir()
    store = open_store(f"sqlite:///{tmp_path / 'baton-data' / 'baton.db'}")
    desk = Desk(store=store).open()
    desk.mail("ann@example.org", "by mail")
    desk.chat("s1", "typed", email="ann@example.org")
    store.close()
    return tmp_path


def run(directory: Path, *words: str) -> tuple[int, str]:
    runner = CliRunner(env={"BATON_CONFIG": str(directory / "plugins.toml"), "BATON_DATABASE_URL": ""})
    result = runner.invoke(baton, ["contacts", *words])
    return result.exit_code, result.output


def listed(directory: Path, *words: str) -> list[dict[str, Any]]:
    code, said = run(directory, *words, "--json")
    assert code == 0
    found: list[dict[str, Any]] = json.loads(said)
    return found


def test_contacts_are_listed_and_shown(directory: Path) -> None:
    code, said = run(directory, "list")
    assert (code, said.count("mail"), said.count("web")) == (0, 1, 1)
    (by_mail,) = (
        each["id"]
        for each in listed(directory, "list")
        if "ann@example.org" in json.dumps(each["identifiers"][0]["party"]["value"])
    )
    code, said = run(directory, "show", str(by_mail))
    assert code == 0
    assert "email ann@example.org on mail (verified)" in said
    assert run(directory, "show", "nobody")[0] == 2


def test_a_suggestion_is_accepted_or_rejected_once(directory: Path) -> None:
    code, said = run(directory, "suggestions")
    assert code == 0
    assert "ann@" not in said
    code, said = run(directory, "suggestions", "--reject", "1", "--reason", "asked them")
    assert (code, "two people" in said) == (0, True)
    code, said = run(directory, "suggestions", "--accept", "1")
    assert (code, "was rejected already" in said) == (2, True)
    assert "No suggestion is open" in run(directory, "suggestions")[1]
    (one,) = listed(directory, "suggestions", "--state", "rejected")
    code, said = run(directory, "link", str(one["contact"]), str(one["other"]), "--reason", "r")
    assert (code, "must not be linked" in said) == (2, True)
    assert run(directory, "suggestions", "--accept", "1", "--reject", "1")[0] == 2


def test_a_link_is_made_and_undone(directory: Path) -> None:
    one, two = (str(each["id"]) for each in listed(directory, "list"))
    assert run(directory, "link", one, two, "--reason", "r") == (0, f"Contact {one} is linked into {two}.\n")
    assert f"{one} is linked into {two}" in run(directory, "show", one)[1]
    assert run(directory, "unlink", one, "--reason", "r")[0] == 0
    assert "are two people" in run(directory, "show", two)[1]
    assert run(directory, "unlink", one, "--reason", "r")[0] == 2
    store = open_store(f"sqlite:///{directory / 'baton-data' / 'baton.db'}", readonly=True)
    assert [row["action"] for row in store.audit_trail()] == ["contact.unlink", "contact.link"]
    store.close()
