"""`baton replay`: deliveries of a connection that is not there any more wait, and that is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.store import open_store
from gateway.store.ports import ParsedDelivery
from tests.cli.test_policy_history import ROOT, run, told
from tests.store.acts import NOW, entry


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with the shipped files, to whose store two deliveries came, one of them to a connection that is gone."""
    for name in ("plugins.toml", "escalation.toml"):
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "baton-data").mkdir()
    store = open_store(f"sqlite:///{tmp_path / 'baton-data' / 'baton.db'}")
    store.register({"support-slack": None, "old-chat": None})
    connections = ("support-slack", "old-chat", "old-chat")
    numbers = store.journal([entry(connection=each) for each in connections])
    # The last one was never parsed: its connection went before.
    store.save_parsed([ParsedDelivery(id=number, lane="l", activities=()) for number in numbers[:2]], NOW)
    store.close()
    return tmp_path


def test_what_came_to_a_connection_that_is_gone_waits_and_is_named(place: Path) -> None:
    code, output, errors = run(place, "replay", "1", "2", "3")
    assert (code, errors) == (0, "")
    assert output.startswith("1 deliveries are parsed again.")
    assert "2 of old-chat wait: plugins.toml has no connection of that name." in output
    assert 'renamed_from = "old-chat"' in output
    again = told(place, "replay", "1", "2", "3")
    assert (again["replayed"], again["without_connection"]) == (0, {"old-chat": 2})


def test_where_every_connection_is_there_nothing_is_said(place: Path) -> None:
    _, output, _ = run(place, "replay", "1")
    assert "wait" not in output
    assert told(place, "replay", "1")["without_connection"] == {}
