"""`baton policy signals`: one text or many, with what each signal stands on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli.commands import baton


def run(*words: str, given: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(baton, ["policy", "signals", *words], input=given)
    return result.exit_code, result.output


def batch(*rows: dict[str, Any]) -> dict[Any, dict[str, Any]]:
    code, output = run("--batch", given="\n".join(json.dumps(row) for row in rows) + "\n\n")
    assert code == 0, output
    told = [json.loads(line) for line in output.splitlines()]
    return {each["id"]: each["signals"] for each in told}


def test_a_batch_answers_each_line_under_its_id() -> None:
    told = batch(
        {"id": 1, "text": "Let me talk to your manager"},
        {"id": "b", "text": "I want to die", "language": "en"},
        {"id": None, "text": ""},
    )
    assert list(told) == [1, "b", None]
    assert told[1]["wants_manager"] == {"value": True, "evidence": ["en: talk to your manager"]}
    assert told["b"]["distress"] == {"value": True, "evidence": ["en: want to die"]}
    assert told["b"]["language"]["value"] == "en"
    for signals in told.values():
        assert list(signals) == ["wants_person", "wants_manager", "distress", "solved", "sentiment", "language"]
        assert all(set(each) == {"value", "evidence"} for each in signals.values())
    assert told[None]["sentiment"]["value"] is None


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{", "line 2 is no JSON"),
        ('{"id": 1}', "line 2 has no text"),
        ("[]", "line 2 has no text"),
        ('{"text": "a", "language": 3}', "the language in line 2 is no text"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(line: str, sentence: str) -> None:
    code, output = run("--batch", given='{"text": "hello"}\n' + line + "\n")
    assert code == 2
    assert sentence in output


def test_a_text_is_an_argument_or_comes_from_standard_input() -> None:
    for code, output in (run("human please", "--json"), run("--json", given="human please")):
        assert code == 0
        assert json.loads(output)["signals"]["wants_person"]["value"] is True
    code, output = run("human please")
    assert "wants_person" in output
    assert "yes" in output
    assert run("text", "--batch")[0] == 2


def test_the_lexicons_of_a_policy_score_its_languages(tmp_path: Path) -> None:
    policy = tmp_path / "escalation.toml"
    policy.write_text('[lexicon.de]\n"sehr schlecht" = -4\n')
    code, output = run("Das ist sehr schlecht", "--language", "de", "--policy", str(policy), "--json")
    assert code == 0
    assert json.loads(output)["signals"]["sentiment"]["value"] < -0.5


def test_the_phrases_of_a_policy_are_looked_for_and_it_is_told_why_one_does_not_count(tmp_path: Path) -> None:
    policy = tmp_path / "escalation.toml"
    policy.write_text(
        '[phrases]\nlegal = ["sue you", "in court"]\n[phrases.cancel]\nde = ["storno"]\nen = ["cancel it"]\n'
    )
    given = ("--language", "en", "--policy", str(policy))
    code, output = run("I am not going to sue you. See you in court. Storno? Cancel it!", *given, "--json")
    assert code == 0
    assert json.loads(output)["signals"]["phrases"] == {
        "value": ["cancel", "legal"],
        "evidence": [
            "legal: sue you: denied",
            "legal: in court",
            "cancel: storno: not in en",
            "cancel: cancel it",
        ],
    }
    assert "cancel, legal" in run("See you in court. Cancel it!", *given)[1]
    assert "none" in run("hello", *given)[1]
    assert "phrases" not in json.loads(run("hello", "--json")[1])["signals"]


def test_a_wrong_lexicon_is_told_with_its_place(tmp_path: Path) -> None:
    policy = tmp_path / "escalation.toml"
    policy.write_text('[lexicon.de]\nschlecht = "very"\n')
    code, output = run("x", "--policy", str(policy))
    assert code == 2
    assert "escalation.toml:2:12: the weight of 'schlecht' must be a number from -4 to 4" in output
    assert run("x", "--policy", str(tmp_path / "none.toml"))[0] == 2
