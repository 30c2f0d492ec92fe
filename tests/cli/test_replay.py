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


def test_a_delivery_that_is_not_there_is_said(place: Path) -> None:
    code, output, errors = run(place, "replay", "9999")
    assert (code, output) == (2, "")
    assert "there is no delivery 9999: " in errors


def test_what_was_given_up_for_good_comes_back_only_by_its_number(place: Path) -> None:
    store = open_store(f"sqlite:///{place / 'baton-data' / 'baton.db'}")
    store.replay([1], "test", NOW)
    store.save_parsed([ParsedDelivery(id=1, lane="l", unreadable="It is not JSON.")], NOW)
    (letter,) = store.dead_letters()
    store.close()
    code, _, errors = run(place, "dlq", "discard", str(letter.id), "--reason", " ")
    assert code == 2
    assert f"say with --reason why dead letter {letter.id} is given up" in errors
    code, _, _ = run(place, "dlq", "discard", str(letter.id), "--reason", "rubbish")
    assert code == 0
    assert told(place, "replay", "--since", "9999d", "--connection", "support-slack")["replayed"] == 0
    assert told(place, "replay", "1")["replayed"] == 1
