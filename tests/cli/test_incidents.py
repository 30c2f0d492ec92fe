"""`baton incidents`, and what the other commands say of a case that belongs to one, over a store in which there was an outage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
    (directory / "escalation.toml").write_text(
        POLICY.source.replace('id = "outage"\n', 'id = "outage"\nmode = "observe"\n')
    )
    code, said = run(directory, "incidents", "open", "outage")
    assert (code, 'incident "outage" has mode = "observe" and opens nothing' in said) == (2, True)
    (directory / "escalation.toml").write_text(POLICY.source)
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


# --- replay ----------------------------------------------------------------------------------------------------------
def replayed(directory: Path, *words: str) -> dict[str, Any]:
    code, said = run(directory, "policy", "replay", "--since", "2023-11-14", *words, "--json")
    assert code == 0, said
    report: dict[str, Any] = json.loads(said)
    return report


def test_the_policy_of_then_replayed_makes_the_same_incident_of_the_same_cases(directory: Path) -> None:
    """PO-5: its customers are counted anew."""
    report = replayed(directory)
    assert (report["cases"], report["differences"]) == (3, [])
    (then,), (now,) = report["incidents"]["before"], report["incidents"]["after"]
    (incident,) = listed(directory)
    assert then["id"] == now["id"] == incident["id"]
    assert then["opened_at"] == now["opened_at"] == NOW + 2 * MINUTE
    assert (
        sorted(then["cases"])
        == sorted(now["cases"])
        == sorted(case_of(directory, who) for who in ("ann", "bob", "cat"))
    )
    # Nobody waited so long in the store yet; gone through up to today it closed by itself.
    assert (then["closed_at"], now["closed_at"]) == (None, NOW + 124 * MINUTE)


@pytest.mark.parametrize(
    ("was", "would", "opened", "escalated"),
    [
        ("threshold = 3", "threshold = 2", [(NOW + MINUTE, 3)], 1),
        ("threshold = 3", "threshold = 4", [], 3),
        ('window = "10m"', 'window = "1m"', [], 3),
        ('fingerprint = "case.connection"', 'fingerprint = "sender.role"', [(NOW + 2 * MINUTE, 3)], 2),
        ('inhibit = ["broken"]', "inhibit = []", [(NOW + 2 * MINUTE, 3)], 3),
    ],
)
def test_a_candidate_shows_when_an_incident_would_open_and_who_would_be_escalated(
    directory: Path, was: str, would: str, opened: list[tuple[int, int]], escalated: int
) -> None:
    """PO-5: another threshold, window or fingerprint, and what it costs in cases that are escalated by themselves."""
    assert was in POLICY.source
    (directory / "new.toml").write_text(POLICY.source.replace(was, would))
    report = replayed(directory, "--candidate", str(directory / "new.toml"))
    assert report["before"] == {"cases": 3, "escalated": 2, "over": 0, "under": 0, "unknown": 3}
    assert report["after"] == {"cases": 3, "escalated": escalated, "over": 0, "under": 0, "unknown": 3}
    assert [(each["opened_at"], len(each["cases"])) for each in report["incidents"]["after"]] == opened
    differs = {each["case"]: {one["what"]: one["after"] for one in each["differs"]} for each in report["differences"]}
    if not opened:
        assert differs[case_of(directory, "cat")]["incident"] == "none"
        assert differs[case_of(directory, "cat")]["escalated by"] == "broken"


def test_people_are_told_the_same_of_incidents_without_what_anybody_wrote(directory: Path) -> None:
    """PO-5."""
    (directory / "new.toml").write_text(POLICY.source.replace("threshold = 3", "threshold = 2"))
    words = ("policy", "replay", "--since", "2023-11-14", "--candidate", str(directory / "new.toml"))
    code, said = run(directory, *words)
    assert code == 0
    assert "Incidents: now 1, candidate 1." in said
    assert "now Service outage: chat 2023-11-14 22:15:20 2023-11-15 00:17:20 3 3" in said
    assert "candidate Service outage: chat 2023-11-14 22:14:20 2023-11-15 00:17:20 3 3" in said
    assert "escalated by: broken -> nobody" in said
    assert "Still down" not in said
