"""OP-7, `baton policy simulate`: practise on past cases, over a real store; and that what people wrote goes nowhere else."""

from __future__ import annotations

import json
import logging
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from gateway.cli.commands import baton
from gateway.cli.configuration import read_outline
from gateway.store import open_store
from tests.routing.stored import Stored, at
from tests.routing.values import answer, message

ROOT: Final = Path(__file__).parents[2]
SECOND: Final = 1_000_000
START: Final = round(datetime.fromisoformat("2026-11-24T10:00:00+01:00").timestamp()) * SECOND
CANARY: Final = "canary of a customer"
CARD: Final = "4111 1111 1111 1111"


def on_slack(text: str, thread: str) -> Any:
    return message(text, connection="support-slack", thread=thread)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with the shipped files, all live, whose store some cases went through."""
    for name in ("plugins.toml", "escalation.toml"):
        text = (ROOT / name).read_text(encoding="utf-8").replace('mode = "observe"', 'mode = "live"')
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "baton-data").mkdir()
    outline = read_outline(tmp_path / "plugins.toml")
    real = Stored(open_store(f"sqlite:///{tmp_path / 'baton-data' / 'baton.db'}"), outline.policy, outline.facts)
    tale = [
        (0, on_slack(f"hello, {CANARY} \x1b[31mred", "C1/1")),
        (30, on_slack(f"my card is {CARD}", "C1/1")),
        (60, on_slack("can I talk to a human?", "C1/1")),
        (400, answer("On it.", connection="zendesk", thread="1001")),
        *((5000 + 60 * number, on_slack(f"thank you {number}", f"C1/q{number}")) for number in range(4)),
    ]
    for number, (after, each) in enumerate(tale):
        instant = START + after * SECOND
        real.pass_time(instant)
        real.take(at(each, instant, number))
    real.store.close()
    return tmp_path


def run(place: Path, *words: str, typed: str = "") -> tuple[int, str, str]:
    runner = CliRunner(env={"BATON_CONFIG": str(place / "plugins.toml"), "BATON_DATABASE_URL": ""})
    result = runner.invoke(baton, ["policy", "simulate", *words], prog_name="baton", input=typed)
    return result.exit_code, result.stdout, result.stderr


def told(place: Path, *words: str) -> Any:
    code, output, errors = run(place, *words, "--json")
    assert code == 0, errors
    return json.loads(output)


def exercises(place: Path, *words: str) -> list[Any]:
    found: list[Any] = told(place, *words)["exercises"]
    return found


def escalated(place: Path) -> str:
    (case,) = [each["case"] for each in exercises(place) if len(each["lines"]) > 1]
    return str(case)


def test_a_case_is_shown_up_to_the_moment_asked_about_and_held_against_what_came_of_it(place: Path) -> None:
    """OP-7."""
    case = escalated(place)
    ladders = told(place)["ladders"]
    code, output, _ = run(place, "--case", case, typed=f"y\n{ladders.index('second-line') + 1}\n")
    flat = " ".join(output.split())
    assert code == 0
    assert f"Case 1 of 1: {case}, on chat" in flat
    assert f"2026-11-24 09:00:00 customer: hello, {CANARY}" in flat
    question = flat.index("Escalate?")
    assert "On it." not in flat, "what was said afterwards would tell"
    assert "wants-person" not in flat[:question]
    assert "The policy: rule wants-person escalated it on ladder second-line." in flat[question:]
    assert "message.wants_person: en: talk to a human" in flat
    assert "What came of it: an agent answered 5m 40s later; " in flat
    assert "In hindsight: somebody had to act." in flat
    assert "As the policy: 1 of 1, in 1 of 1 on the same ladder." in flat
    assert "As hindsight says: 1 of 1; the policy itself: 1 of 1." in flat


def test_a_wrong_answer_is_told(place: Path) -> None:
    code, output, _ = run(place, "--case", escalated(place), typed="n\n")
    flat = " ".join(output.split())
    assert code == 0
    assert "You: do not escalate." in flat
    assert "As the policy: 0 of 1. As hindsight says: 0 of 1; the policy itself: 1 of 1." in flat


def test_secrets_and_what_speaks_to_a_terminal_are_not_shown(place: Path) -> None:
    _, output, _ = run(place, "--case", escalated(place), typed="q\n")
    assert CARD not in output
    assert "[card number ending in 1111]" in output
    assert "\x1b[31m" not in output
    assert "\N{REPLACEMENT CHARACTER}[31mred" in output
    assert CARD not in json.dumps(exercises(place))


def kept(place: Path) -> dict[Path, bytes]:
    """Return every file with its bytes; what SQLite makes for whoever reads is empty or no data."""
    found = {path: path.read_bytes() for path in place.rglob("*") if path.is_file() and path.suffix != ".db-shm"}
    return {path: body for path, body in found.items() if body or path.suffix != ".db-wal"}


def test_what_people_wrote_goes_into_no_log_no_result_and_no_file(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = kept(place)
    case = escalated(place)
    with caplog.at_level(logging.DEBUG):
        run(place, "--case", case, typed="y\n1\n")
        answers = place.parent / "answers.jsonl"
        answers.write_text(json.dumps({"case": case, "escalate": True}))
        results = told(place, "--answers", str(answers))
        code, output, errors = run(place, "--answers", str(answers))
    assert code == 0
    assert CANARY not in caplog.text + json.dumps(results) + output + errors
    assert kept(place) == files


def test_a_seed_chooses_and_orders_and_no_seed_is_always_the_same(place: Path) -> None:
    """Half of them escalated, as far as there are such cases, and not in turn."""
    first = [each["case"] for each in exercises(place)]
    assert first == [each["case"] for each in exercises(place)]
    assert len(set(first)) == 5
    orders = {tuple(each["case"] for each in exercises(place, "--seed", str(seed))) for seed in range(6)}
    assert len(orders) > 1
    chosen = {each["case"] for seed in range(40) for each in exercises(place, "--limit", "2", "--seed", str(seed))}
    assert len(chosen) == 5, "each seed chooses others"
    for seed in range(4):
        two = exercises(place, "--limit", "2", "--seed", str(seed))
        assert sorted(len(each["lines"]) for each in two) == [1, 3]
    assert exercises(place, "--since", "2030-01-01") == []
    code, output, _ = run(place, "--since", "2030-01-01")
    assert (code, "There is no case to practise on yet" in output) == (0, True)


def test_prepared_answers_are_judged_without_asking(place: Path) -> None:
    case = escalated(place)
    quiet = next(each["case"] for each in exercises(place) if each["case"] != case)
    answers = place / "answers.jsonl"
    rows = [{"case": case, "escalate": True, "ladder": "second-line"}, {"case": quiet, "escalate": True}]
    answers.write_text("\n\n".join(map(json.dumps, rows)))
    results = told(place, "--answers", str(answers))
    one, two = results["results"]
    assert (one["case"], one["as_policy"], one["same_ladder"], one["as_hindsight"]) == (case, True, True, True)
    assert one["policy"]["rule"] == "wants-person"
    assert one["aftermath"]["answered_after"] == 340
    assert (two["case"], two["as_policy"], two["same_ladder"], two["as_hindsight"]) == (quiet, False, None, None)
    assert results["score"] == {
        "cases": 2,
        "as_policy": 1,
        "both": 1,
        "same_ladder": 1,
        # The other one is open: nobody knows yet.
        "known": 1,
        "as_hindsight": 1,
        "policy_as_hindsight": 1,
    }
    _, output, _ = run(place, "--answers", str(answers))
    flat = " ".join(output.split())
    assert f"Case {quiet} You: escalate on any ladder. The policy: not escalated." in flat
    assert "As the policy: 1 of 2, in 1 of 1 on the same ladder." in flat


def test_every_answer_that_cannot_be_read_is_told_with_its_line(place: Path) -> None:
    answers = place / "answers.jsonl"
    wrong = {
        "{": "this is no JSON",
        "[]": "this is no JSON object",
        '{"escalate": true}': "case must be the id of a case",
        '{"case": "a", "escalate": "yes"}': "escalate must be true or false",
        '{"case": "a", "escalate": true, "ladder": 1}': "ladder must be the name of a ladder",
        '{"case": "a", "escalate": false, "ladder": "x"}': "what is not escalated goes on no ladder",
        '{"case": "a", "escalate": true, "lader": "x"}': 'there is no key "lader"',
        '{"case": "b", "escalate": true}': "",
        '{"case": "b", "escalate": false}': "case b is answered twice",
    }
    answers.write_text("\n".join(wrong))
    code, _, errors = run(place, "--answers", str(answers))
    assert code == 2
    lines = errors.splitlines()
    assert len(lines) == len(wrong) - 1
    for number, sentence in enumerate(wrong.values(), 1):
        found = [line for line in lines if f"answers.jsonl:{number}:1: " in line]
        assert [sentence in line for line in found] == ([True] if sentence else [])
    answers.write_text("")
    assert "there is no answer in it" in run(place, "--answers", str(answers))[2]
    assert "cannot be read" in run(place, "--answers", str(place / "none"))[2]


def test_cases_and_ladders_that_there_are_not_are_told(place: Path) -> None:
    answers = place / "answers.jsonl"
    case = escalated(place)
    answers.write_text(json.dumps({"case": case, "escalate": True, "ladder": "second-lin"}))
    code, _, errors = run(place, "--answers", str(answers))
    assert (code, 'did you mean "second-line"?' in errors) == (2, True)
    answers.write_text(json.dumps({"case": "nobody", "escalate": True}))
    code, _, errors = run(place, "--answers", str(answers))
    assert (code, "there is no case nobody" in errors) == (2, True)


def test_who_has_enough_ends_it_with_the_score_so_far(place: Path) -> None:
    for typed in ("n\nq\n", "n\n"):
        code, output, _ = run(place, typed=typed)
        flat = " ".join(output.split())
        assert code == 0
        assert "Case 2 of 5" in flat
        assert "1 case: As the policy:" in flat
    assert "As the policy" not in run(place, typed="q\n")[1]
