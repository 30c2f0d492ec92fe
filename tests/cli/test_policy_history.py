"""`baton policy explain|replay`: over a real store that a case went through, read only."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from gateway.cli.commands import baton
from gateway.cli.configuration import read_outline
from gateway.model import Activity, ActivityKind, Satisfaction
from gateway.store import open_store
from tests.routing.stored import Stored, at
from tests.routing.values import activity, answer, message

ROOT: Final = Path(__file__).parents[2]
SECOND: Final = 1_000_000
START: Final = round(datetime.fromisoformat("2026-11-24T10:00:00+01:00").timestamp()) * SECOND
CANARY: Final = "canary of a customer"


def on_slack(text: str, thread: str = "C1/1") -> Activity:
    return message(text, connection="support-slack", thread=thread)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with the shipped files, all live, whose store three cases went through."""
    for name in ("plugins.toml", "escalation.toml"):
        text = (ROOT / name).read_text(encoding="utf-8").replace('mode = "observe"', 'mode = "live"')
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "baton-data").mkdir()
    outline = read_outline(tmp_path / "plugins.toml")
    real = Stored(open_store(f"sqlite:///{tmp_path / 'baton-data' / 'baton.db'}"), outline.policy, outline.facts)
    tale = [
        (0, on_slack(f"hello, {CANARY}")),
        (60, on_slack("can I talk to a human?")),
        (1200, answer("On it.", connection="zendesk", thread="1001")),
    ]
    other = [
        (5000, on_slack("my site is down", "C1/2")),
        (
            12_000,
            activity(
                ActivityKind.SATISFACTION,
                connection="support-slack",
                thread="C1/2",
                satisfaction=Satisfaction(score=0.1),
            ),
        ),
    ]
    for number, (after, each) in enumerate((*tale, *other)):
        instant = START + after * SECOND
        real.pass_time(instant)
        real.take(at(each, instant, number))
    real.pass_time(START + 20_000 * SECOND)
    real.store.close()
    return tmp_path


def run(place: Path, *words: str) -> tuple[int, str, str]:
    runner = CliRunner(env={"BATON_CONFIG": str(place / "plugins.toml"), "BATON_DATABASE_URL": ""})
    result = runner.invoke(baton, list(words), prog_name="baton")
    return result.exit_code, result.stdout, result.stderr


def told(place: Path, *words: str) -> Any:
    code, output, errors = run(place, *words, "--json")
    assert code == 0, errors
    return json.loads(output)


def first_case(place: Path) -> str:
    cases = told(place, "cases", "list")
    return str(min(cases, key=lambda case: case["opened_at"])["id"])


# --- explain ---------------------------------------------------------------------------------------------------------
def test_each_rule_and_condition_is_told_with_what_became_of_it(place: Path) -> None:
    """PO-7."""
    answer_ = told(place, "policy", "explain", first_case(place))
    hello, human = answer_["activities"]
    assert (hello["result"], human["result"]) == ("mirror", "escalate")
    verdicts = {each["rule"]: each["verdict"] for each in human["rules"]}
    assert verdicts == {
        **dict.fromkeys(
            ("distress", "legal-threat", "wants-manager", "disputed-charge", "service-down", "vip"), "passed over"
        ),
        "wants-person": "matched",
        **dict.fromkeys(
            (
                *("bot-gives-up", "call-back", "voicemail", "agent-asks", "many-messages", "in-circles"),
                *("no-answer-in-time", "offer-person", "keep-chats", "everything-else"),
            ),
            "not asked",
        ),
    }
    rules = {each["rule"]: each for each in human["rules"]}
    assert rules["distress"]["why"] == "This does not hold: message.distress."
    assert rules["keep-chats"]["why"] == "Rule wants-person stands above it, matched, and does not continue."
    assert rules["keep-chats"]["conditions"] == [{"condition": "channel == 'chat'", "holds": True}]
    assert rules["wants-person"]["evidence"] == {"message.wants_person": "en: talk to a human"}
    assert human["seen"]["case.customer_messages"] == 2
    assert human["seen"]["message.phrases"] == []
    assert human["doubts"] == hello["doubts"] == []


def test_people_are_told_the_same_without_what_anybody_wrote(place: Path) -> None:
    case = first_case(place)
    code, output, _ = run(place, "policy", "explain", case)
    assert code == 0
    assert CANARY not in output
    flat = " ".join(output.split())
    assert "case.customer_messages 2, case.agent_messages 0" in flat
    assert "wants-person: matched yes sender.role == 'customer' yes message.wants_person" in flat
    assert "message.wants_person: en: talk to a human" in flat
    assert "distress: passed over yes sender.role == 'customer' no message.distress" in flat
    assert "in-circles: not asked Rule wants-person stands above it, matched, and does not continue." in flat
    code, output, _ = run(place, "policy", "explain", case, "--all")
    assert "The handoff to zendesk arrived." in output
    assert "message of agent on zendesk" in output


def test_what_a_mute_held_is_told_with_its_author_and_reason(tmp_path: Path) -> None:
    for name in ("plugins.toml", "escalation.toml"):
        text = (ROOT / name).read_text(encoding="utf-8").replace('mode = "observe"', 'mode = "live"')
        (tmp_path / name).write_text(text, encoding="utf-8")
    with (tmp_path / "escalation.toml").open("a", encoding="utf-8") as file:
        file.write('[[mute]]\nid = "night"\nuntil = 2026-11-24T11:00:00Z\nauthor = "anna"\nreason = "It is known."\n')
    (tmp_path / "baton-data").mkdir()
    outline = read_outline(tmp_path / "plugins.toml")
    real = Stored(open_store(f"sqlite:///{tmp_path / 'baton-data' / 'baton.db'}"), outline.policy, outline.facts)
    real.take(at(on_slack(f"can I talk to a human, {CANARY}?"), START, 1))
    real.pass_time(START + 60 * SECOND)
    real.store.close()
    held = (
        "Mute night of anna (It is known.) holds the notice to support-slack:#second-line until 2026-11-24 11:00 UTC."
    )
    code, output, _ = run(tmp_path, "policy", "explain", first_case(tmp_path))
    assert code == 0
    assert held.replace(" ", "") in "".join(output.split())
    assert CANARY not in output
    notes = [each["notes"] for each in told(tmp_path, "policy", "explain", first_case(tmp_path))["activities"]]
    assert notes == [[], [held]]


def test_one_activity_can_be_asked_for(place: Path) -> None:
    case = first_case(place)
    (only,) = told(place, "policy", "explain", case, "--activity", "1")["activities"]
    assert only["activity"] == 1
    code, _, errors = run(place, "policy", "explain", case, "--activity", "99")
    assert (code, "has no activity 99: they are numbered 1 to" in errors) == (2, True)
    code, _, errors = run(place, "policy", "explain", "no-such-case")
    assert (code, "there is no case no-such-case" in errors) == (2, True)


def test_a_decision_is_explained_by_the_policy_that_made_it(place: Path) -> None:
    case = first_case(place)
    before = told(place, "policy", "explain", case)
    text = (place / "escalation.toml").read_text().replace('"wants-person"', '"asks-for-somebody"', 1)
    (place / "escalation.toml").write_text(text)
    assert told(place, "policy", "explain", case) == before


# --- replay ----------------------------------------------------------------------------------------------------------
def test_the_policy_of_then_replayed_makes_the_same_of_every_case(place: Path) -> None:
    """PO-5."""
    report = told(place, "policy", "replay", "--since", "2026-11-24")
    assert report["compared"] == ["then", "now"]
    assert (report["cases"], report["changes"], report["differences"]) == (2, {"same": 2}, [])
    # The outage was escalated, no agent ever did anything, and the customer judged badly; who asked for a person was answered.
    none = {"over": 0, "under": 0, "unknown": 0}
    assert report["before"] == report["after"] == {"cases": 2, "escalated": 2, **none}
    assert told(place, "policy", "replay", "--since", "2030-01-01")["cases"] == 0


def test_a_candidate_is_told_apart_from_the_policy_in_force(place: Path) -> None:
    text = (place / "escalation.toml").read_text()
    # Without its word for an outage, and without the rule for whoever hears nothing in time.
    without = (
        text.replace('"site is down", ', "")
        .replace("sla.metric in ['first', 'next']", "case.reopened > 90")
        .replace('priority = "P3", tags = ["wants-person"]', 'priority = "P2", tags = ["wants-person"]')
    )
    (place / "new.toml").write_text(without)
    report = told(place, "policy", "replay", "--since", "2026-11-24", "--candidate", str(place / "new.toml"))
    assert report["compared"] == ["now", "candidate"]
    assert report["changes"] == {"removed": 1, "otherwise": 1}
    assert report["before"] == {"cases": 2, "escalated": 2, "over": 0, "under": 0, "unknown": 0}
    # The customer of the outage judged badly: not to escalate it would have been too little.
    assert report["after"] == {"cases": 2, "escalated": 1, "over": 0, "under": 1, "unknown": 0}
    by_change = {
        each["change"]: {one["what"]: (one["before"], one["after"]) for one in each["differs"]}
        for each in report["differences"]
    }
    assert by_change["removed"]["escalated by"] == ("service-down", "nobody")
    assert by_change["otherwise"] == {"priority": ("P3", "P2")}
    code, output, _ = run(place, "policy", "replay", "--since", "2026-11-24", "--candidate", str(place / "new.toml"))
    flat = " ".join(output.split())
    assert code == 0
    assert "2 cases; 2 would go otherwise: 1 escalated no more, 1 in another way." in flat
    assert "priority: P3 -> P2" in flat
    assert "candidate 1 0 1" in flat


def test_what_is_not_stored_is_told(place: Path) -> None:
    """The shipped policy asks who the customer is."""
    assert told(place, "policy", "replay", "--since", "2026-11-24")["not_stored"] == ["customers"]
    flat = " ".join(run(place, "policy", "replay", "--since", "2026-11-24")[1].split())
    assert "How customers were then is not stored: rules and steps that ask for them were gone through as if" in flat
    text = (place / "escalation.toml").read_text()
    people = '\n[agent.ann]\nids = { zendesk = "1" }\n'
    (place / "new.toml").write_text(text + people)
    report = told(place, "policy", "replay", "--since", "2026-11-24", "--candidate", str(place / "new.toml"))
    assert report["not_stored"] == ["customers", "agents"]
    (place / "escalation.toml").write_text('[[rule]]\nid = "rest"\ndo = "none"\ncatch_all = true\n')
    assert told(place, "policy", "replay", "--since", "2026-11-24")["not_stored"] == []
    assert "not stored" not in run(place, "policy", "replay", "--since", "2026-11-24")[1]


def test_nothing_is_written(place: Path) -> None:
    files = {path: path.read_bytes() for path in place.rglob("*.db")}
    run(place, "policy", "replay", "--since", "2026-11-24")
    run(place, "policy", "explain", first_case(place))
    assert {path: path.read_bytes() for path in place.rglob("*.db")} == files


def test_without_a_store_it_is_said_so(place: Path) -> None:
    (place / "baton-data" / "baton.db").unlink()
    assert run(place, "policy", "replay", "--since", "2026-11-24")[0] == 1
    assert run(place, "policy", "replay")[0] == 2
