"""`baton incidents`, and what the other commands say of a case that belongs to one, over a store in which there was an outage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.commands import baton
from gateway.store import open_store
from tests.routing.values import MINUTE, NOW
from tests.store.outage import POLICY, Outage, says

#: The connections of the policy, as somebody would configure them.
PLUGINS = """
[gateway]
policy = "escalation.toml"
[chat.chat]
connector = "slack"
signing_secret = { env = "X" }
bot_token = { env = "X" }
bot_user_id = "U0"
[helpdesk.desk]
connector = "zendesk"
subdomain = "acme"
email = "a@example.org"
user_id = 1
api_token = { env = "X" }
webhook_secret = { env = "X" }
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with a store in which three customers wrote of an outage."""
    (tmp_path / "plugins.toml").write_text(PLUGINS)
    (tmp_path / "escalation.toml").write_text(POLICY.source)
    (tmp_path / "baton-data").mkdir()
    store = open_store(f"sqlite:///{tmp_path / 'baton-data' / 'baton.db'}")
    desk = Outage(store)
    for number, who in enumerate(("ann", "bob", "cat")):
        desk.take(says(who, at=NOW + number * MINUTE))
    desk.take(says("ann", "Still down", at=NOW + 4 * MINUTE))
    store.close()
    return tmp_path


def run(directory: Path, *words: str) -> tuple[int, str]:
    runner = CliRunner(env={"BATON_CONFIG": str(directory / "plugins.toml"), "BATON_DATABASE_URL": ""})
    result = runner.invoke(baton, list(words))
    return result.exit_code, " ".join(result.output.split())


def listed(directory: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(run(directory, "incidents", "list", "--json")[1])
    return found


def case_of(directory: Path, who: str) -> str:
    cases = json.loads(run(directory, "cases", "list", "--json")[1])
    return next(str(each["id"]) for each in cases if each["customer"] and each["customer"]["value"] == who)


def test_incidents_are_listed(directory: Path) -> None:
    """SG-8."""
    code, said = run(directory, "incidents", "list")
    (incident,) = listed(directory)
    assert code == 0
    assert f"{incident['id']} open Service outage: chat 3 T-{incident['id']} rules" in said


def test_a_case_says_that_it_belongs_to_an_incident_and_why_its_rule_was_held_back(directory: Path) -> None:
    """PO-7: `policy explain` tells why a rule did not escalate, as it was decided then."""
    (incident,) = listed(directory)
    ann = case_of(directory, "ann")
    assert (
        f"belongs to incident Service outage: chat (ticket T-{incident['id']}"
        in run(directory, "cases", "show", ann)[1]
    )
    assert "stands for incident Service outage: chat" in run(directory, "cases", "show", str(incident["id"]))[1]
    code, said = run(directory, "policy", "explain", ann)
    assert code == 0
    assert "broken: held back Its conditions hold, and incident Service outage: chat" in said
    assert "Then, other rules matched" not in said
    code, said = run(directory, "policy", "explain", case_of(directory, "cat"))
    assert "burst.customers" not in said
    assert "broken: held back" in said


def test_an_incident_is_opened_and_closed_by_hand(directory: Path) -> None:
    """Groups: it is decided on as everything is, in the order of its case."""
    (incident,) = listed(directory)
    code, said = run(directory, "incidents", "open", "outag")
    assert (code, 'did you mean "outage"' in said) == (2, True)
    code, said = run(directory, "incidents", "open", "outage", "--fingerprint", "chat")
    assert (code, "is open already" in said) == (2, True)
    code, said = run(directory, "incidents", "close", str(incident["id"]), "--reason", "mended")
    assert code == 0
    code, said = run(directory, "incidents", "open", "outage", "--title", "Database", "--fingerprint", "desk")
    assert (code, said.startswith("Incident outage is being opened: its parent is case ")) == (0, True)
    store = open_store(f"sqlite:///{directory / 'baton-data' / 'baton.db'}")
    Outage(store)._settle(NOW + 5 * MINUTE)
    store.close()
    database, outage = listed(directory)
    assert (database["title"], database["closed_at"]) == ("Database", None)
    assert outage["closed_at"] == NOW + 5 * MINUTE
