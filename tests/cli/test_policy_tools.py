"""`baton policy check|test|coverage|doc`: what they print, their exit codes, and that no secret is needed for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from gateway.cli.commands import baton
from tests.routing.test_shipped_policy import ENVIRON

ROOT: Final = Path(__file__).parents[2]
TEST: Final = """
[[policy_test]]
name = "calm <words> & \\u0001"
at = 2026-11-24T10:00:00+01:00
[[policy_test.event]]
message = "hello"
expect.rules = ["keep-chats"]
[[policy_test]]
name = "a person is wanted"
at = 2026-11-24T10:00:00+01:00
[[policy_test.event]]
message = "can I talk to a human?"
expect.rules = ["keep-chats"]
expect.priority = "P1"
"""
GAPPED: Final = """
[[rule]]
id = "help"
do = "escalate"
ladder = "up"
when.all = ["message.wants_person"]
[[rule]]
id = "rest"
catch_all = true
do = "none"
[calendar.office]
tz = "Europe/Berlin"
mon = ["09:00-17:00"]
[ladder.up]
calendar = "office"
final = { target = "queue:zendesk/x", notify = ["support-slack:#x"] }
[[ladder.up.step]]
target = "queue:zendesk/x"
ack_within = "5m"
"""
#: A second step, of an agent whom no notice reaches.
QUIET: Final = """
[[ladder.up.step]]
target = "agent:ben"
in = "zendesk/y"
ack_within = "5m"
[agent.ben]
ids = { zendesk = "11" }
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with the shipped files."""
    for name in ("plugins.toml", "escalation.toml", "escalation.test.toml"):
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


def run(place: Path, *words: str) -> tuple[int, str, str]:
    # No secret stands in the environment.
    runner = CliRunner(env={"BATON_CONFIG": str(place / "plugins.toml"), "BATON_DATABASE_URL": ""})
    result = runner.invoke(baton, ["policy", *words], prog_name="baton")
    return result.exit_code, result.stdout, result.stderr


def told(place: Path, *words: str) -> tuple[int, Any]:
    code, output, _ = run(place, *words, "--json")
    return code, json.loads(output)


# --- test ------------------------------------------------------------------------------------------------------------
def test_the_shipped_tests_pass_and_reach_everything(place: Path) -> None:
    code, output, _ = run(place, "test", "--fail-under", "100")
    assert code == 0, output
    assert "tests passed." in output
    assert "100 % of escalation.toml is reached: 17 of 17 rules, 4 of 4 steps of ladders." in output


def test_what_failed_is_told_with_its_place_and_what_came(place: Path) -> None:
    (place / "mine.toml").write_text(TEST)
    code, output, _ = run(place, "test", str(place / "mine.toml"))
    assert code == 1
    assert f'{place}/mine.toml:13:16: expected rules = ["keep-chats"]' in output
    assert 'but it is rules = ["wants-person"]' in output
    assert "Rule wants-person matched: the case is escalated on ladder second-line." in output
    assert "1 test failed, 1 passed." in output
    assert "No test reaches the steps second-line/final, management/1, management/final." in " ".join(output.split())
    assert run(place, "test")[0] == 0, "the files beside the policy are what is played when none is named"


def test_programs_are_told_the_same(place: Path) -> None:
    (place / "mine.toml").write_text(TEST)
    code, answer = told(place, "test", str(place / "mine.toml"), "--fail-under", "99.5")
    assert code == 1
    assert (answer["ok"], [each["passed"] for each in answer["tests"]]) == (False, [True, False])
    first = answer["tests"][1]["failures"][0]
    assert (first["line"], first["column"], first["key"]) == (13, 16, "rules")
    assert (first["expected"], first["got"]) == ('["keep-chats"]', '["wants-person"]')
    assert answer["coverage"]["at_least"] == 99.5
    assert answer["coverage"]["steps"]["missed"] == ["second-line/final", "management/1", "management/final"]


def test_too_little_coverage_fails_though_every_test_passes(place: Path) -> None:
    (place / "mine.toml").write_text(TEST[: TEST.index("[[policy_test]]", 10)])
    code, output, errors = run(place, "test", str(place / "mine.toml"), "--fail-under", "50")
    assert (code, "1 test passed." in output, "At least 50 % must be reached." in errors) == (1, True, True)
    assert run(place, "test", str(place / "mine.toml"))[0] == 0


def test_junit_is_xml_whatever_tests_are_called(place: Path) -> None:
    (place / "mine.toml").write_text(TEST)
    assert run(place, "test", str(place / "mine.toml"), "--junit", str(place / "out.xml"))[0] == 1
    suite = ET.parse(place / "out.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [case.get("name") for case in suite] == ["calm <words> & \ufffd", "a person is wanted"]
    (failure,) = suite.iter("failure")
    assert failure.get("message") == 'expected rules = ["keep-chats"], but it is ["wants-person"]'
    assert "line 14: expected priority" in (failure.text or "")
    code, _, errors = run(place, "test", "--junit", str(place / "nowhere" / "out.xml"))
    assert (code, "cannot be written" in errors) == (1, True)


def test_mistakes_of_all_files_are_told_and_end_with_2(place: Path) -> None:
    (place / "one.toml").write_text("[[policy_tst]]\n")
    code, _, errors = run(place, "test", str(place / "one.toml"), str(place / "two.toml"))
    assert code == 2
    assert "one.toml:1:3: a file of policy tests has no key policy_tst: did you mean policy_test?" in errors
    assert "two.toml:1:1: there is no such file" in errors


def test_a_candidate_is_tested_with_the_tests_of_the_policy(place: Path) -> None:
    (place / "new.toml").write_text((place / "escalation.toml").read_text().replace('"P3"', '"P4"'))
    code, output, _ = run(place, "test", "--policy", str(place / "new.toml"))
    assert (code, 'but it is priority = "P4"' in output) == (1, True)


# --- check -----------------------------------------------------------------------------------------------------------
def test_a_policy_that_is_in_order_needs_no_secret_to_be_found_so(place: Path) -> None:
    code, output, errors = run(place, "check")
    assert (code, errors) == (0, "")
    assert "17 rules, 2 ladders in escalation.toml." in output


def silence(place: Path) -> None:
    """Let nobody be told at the end of the second line's ladder."""
    head, mark, rest = (place / "escalation.toml").read_text().partition("\n[ladder.second-line]")
    rest = rest.replace(', notify = ["support-slack:#cx-leads"] }', " }", 1)
    (place / "escalation.toml").write_text(head + mark + rest)


def test_a_lint_warns_ends_with_1_and_can_be_left_out(place: Path) -> None:
    silence(place)
    code, output, errors = run(place, "check")
    assert code == 1
    assert (
        "nobody is told when a case comes to the end of ladder second-line: add notify to final [silent-end]" in errors
    )
    assert "1 warning." in output
    assert run(place, "check", "--ignore", "silent-end")[0] == 0
    code, answer = told(place, "check")
    assert (code, answer["ok"], answer["warnings"][0]["lint"]) == (1, False, "silent-end")
    code, _, errors = run(place, "check", "--ignore", "silent-ends")
    assert (code, "did you mean silent-end?" in errors) == (2, True)


def test_baton_check_warns_of_the_same_and_ends_with_0_all_the_same(place: Path) -> None:
    silence(place)
    runner = CliRunner(env={"BATON_CONFIG": str(place / "plugins.toml"), "BATON_DATABASE_URL": "", **ENVIRON})
    result = runner.invoke(baton, ["check"], prog_name="baton")
    assert result.exit_code == 0, result.stderr
    assert "add notify to final [silent-end]" in result.stderr
    answer = json.loads(runner.invoke(baton, ["check", "--json"], prog_name="baton").stdout)
    assert answer["ok"] is True
    assert [each for each in answer["warnings"] if each.endswith("[silent-end]")]


@pytest.mark.parametrize("command", ["check", "test", "coverage", "doc"])
def test_a_wrong_policy_or_configuration_ends_with_2(place: Path, command: str) -> None:
    (place / "bad.toml").write_text("[[rule]]\n")
    code, _, errors = run(place, command, "--policy", str(place / "bad.toml"))
    assert (code, "bad.toml:1:1: " in errors) == (2, True)
    (place / "plugins.toml").write_text('[chat.a]\nconnector = "slak"\n[chat.b]\nconnector = "slack"\nmode = "lve"\n')
    code, _, errors = run(place, command)
    assert code == 2
    assert "plugins.toml:2:1: connection a has no such connector" in errors
    assert "plugins.toml:5:1: connection b has no mode 'lve'" in errors


# --- coverage, doc ---------------------------------------------------------------------------------------------------
def test_gaps_are_told_with_the_longest_wait(place: Path) -> None:
    (place / "gapped.toml").write_text(GAPPED)
    words = ("coverage", "--policy", str(place / "gapped.toml"), "--from", "2026-11-23", "--days", "7")
    code, output, _ = run(place, *words)
    assert code == 1
    assert "6d 16h, from 2026-11-23 16:00:00 to 2026-11-30 08:00:00" in " ".join(output.split())
    assert "2 gaps in 7 days, and 1 step without a notice." in output
    assert run(place, *words, "--longest", "7d")[0] == 0
    assert run(place, *words, "--longest", "soon")[0] == 2
    code, answer = told(place, *words)
    assert [(each["step"], len(each["gaps"])) for each in answer["steps"]] == [("1", 2), ("final", 0)]
    assert run(place, "coverage")[0] == 0, "the shipped ladders know no hours"


def test_a_step_that_sends_no_notice_is_not_said_to_be_heard_of(place: Path) -> None:
    (place / "quiet.toml").write_text(GAPPED.replace('calendar = "office"\n', "") + QUIET)
    words = ("coverage", "--policy", str(place / "quiet.toml"), "--from", "2026-11-23", "--days", "7")
    code, output, _ = run(place, *words)
    rows = [" ".join(line.split()) for line in output.splitlines()]
    assert code == 0, "it is no gap: no hours end it"
    assert "up 1 no notice 0 -" in rows
    assert "up final 100 % 0 -" in rows
    assert "up 1 100 % zendesk: x whoever looks there" in rows
    assert "up 2 100 % zendesk: y ben, who got it" in rows
    assert rows[-1] == "No gap in 7 days: but for 2 steps without a notice, somebody hears at once."
    assert "Somebody hears of every case" not in output
    code, answer = told(place, *words)
    first, second, end = answer["steps"]
    assert (code, answer["ok"]) == (0, True)
    assert (first["share"], first["without_notice"], first["unheard"]) == (0, 1, [])
    assert first["stands_in"] == [{"step": 1, "place": "zendesk: x"}]
    assert (second["stands_in"], second["unheard"]) == ([{"step": 2, "place": "zendesk: y"}], ["ben"])
    assert (end["share"], end["without_notice"], end["stands_in"]) == (1, 0, [])
    output = run(place, "coverage")[1]
    assert "Somebody hears of every case at once, on each of 28 days." in output, "the shipped ladders tell people"


def test_the_matrix_is_printed_or_written(place: Path) -> None:
    code, output, _ = run(place, "doc")
    assert (code, output.startswith("# Escalation matrix\n")) == (0, True)
    assert run(place, "doc", "--format", "svg", "-o", str(place / "matrix.svg"))[0] == 0
    assert ET.parse(place / "matrix.svg").getroot().tag.endswith("svg")
    assert run(place, "doc", "-o", str(place / "nowhere" / "x"))[0] == 1
