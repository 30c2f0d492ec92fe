"""A policy of several files: read as one, each mistake told in the file where it stands, kept as one text, reloaded with each."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from gateway.loading import load_outline, policy_text
from gateway.toml import Problems
from routing.lint import lint
from routing.load import load_policy
from tests.app.gateways import PLUGINS, POLICY, running, specs
from tests.routing.values import CATCH_ALL, LADDER, connections

MAIN: Final = """# The policy of the desk.
include = [
    "teams.toml",  # who works here
    "rules/urgent.toml",
]

[[rule]]
id = "help"
do = "escalate"
ladder = "second"
when.all = ["message.text contains 'help'"]
"""
TEAMS: Final = """[agent.anna]
ids = { desk = "7" }
"""
TABLES_ONLY: Final = "holds tables only, and KEY stands before them: write it as [KEY]"
NO_VALUE: Final = "this is no value: write text in quotation marks, a number, true or false, or a list in [ ]"
URGENT: Final = """[[rule]]
id = "urgent"
do = "escalate"
ladder = "second"
when.all = ["message.text contains 'urgent'"]
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").mkdir()
    write(tmp_path)
    return tmp_path


def write(place: Path, *, main: str = MAIN, teams: str = TEAMS, urgent: str = URGENT) -> Path:
    (place / "teams.toml").write_text(teams, encoding="utf-8")
    (place / "rules" / "urgent.toml").write_text(urgent, encoding="utf-8")
    path = place / "escalation.toml"
    path.write_text(main + CATCH_ALL + LADDER, encoding="utf-8")
    return path


def told(path: Path) -> list[str]:
    with pytest.raises(Problems) as caught:
        load_policy(policy_text(path), path.name, connections())
    return [str(each) for each in caught.value.problems]


def test_what_is_included_stands_at_the_beginning(place: Path) -> None:
    policy = load_policy(policy_text(place / "escalation.toml"), "escalation.toml", connections())
    assert [rule.id for rule in policy.rules] == ["urgent", "help", "rest"]
    assert list(policy.people.agents) == ["anna"]


def test_the_text_that_is_kept_is_whole_and_reads_without_the_files(place: Path) -> None:
    text = policy_text(place / "escalation.toml")
    policy = load_policy(text, "escalation.toml", connections())
    for name in ("teams.toml", "rules/urgent.toml", "escalation.toml"):
        (place / name).unlink()
    again = load_policy(policy.source, f"policy {policy.digest[:12]}", connections())
    assert (again.digest, [rule.id for rule in again.rules]) == (policy.digest, ["urgent", "help", "rest"])


@pytest.mark.parametrize("name", ["teams", "urgent"])
def test_a_change_of_an_included_file_is_another_policy(place: Path, name: str) -> None:
    before = load_policy(policy_text(place / "escalation.toml"), "escalation.toml", connections()).digest
    path = write(place, **{name: {"teams": TEAMS, "urgent": URGENT}[name] + "# more\n"})
    assert load_policy(policy_text(path), "escalation.toml", connections()).digest != before


def test_a_policy_of_one_file_is_kept_as_it_stands(place: Path) -> None:
    path = write(place, main="# one\n")
    assert policy_text(path) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"teams": TEAMS + 'manger = "x"\n', "main": MAIN.replace('"second"', '"secnd"')},
            [
                "escalation.toml:10:10: there is no ladder secnd: did you mean second?",
                "teams.toml:3:1: an agent has no key manger: did you mean manager?",
            ],
        ),
        (
            {"urgent": URGENT + "x = [\n"},
            [f"rules/urgent.toml:7:1: this is not TOML: {NO_VALUE}"],
        ),
        (
            {"main": "include = []\n"},
            ['escalation.toml:1:1: include names no file: write include = ["teams.toml"], or leave it out'],
        ),
        (
            {"urgent": URGENT.replace('"urgent"', '"help"')},
            ["escalation.toml:8:6: rule help stands twice: it is also in line 1 of rules/urgent.toml"],
        ),
        (
            {"teams": TEAMS * 2},
            ['teams.toml:3:1: "agent.anna" stands twice: it stands in line 1 already. Keep one of them'],
        ),
        (
            {"urgent": "[agent.anna]\n" + URGENT},
            [
                'rules/urgent.toml:1:1: "agent.anna" stands twice: it stands in line 1 of teams.toml already. Keep one of them'
            ],
        ),
        (
            {"teams": "customer.vip = ['gold']\n" + TEAMS},
            [f"teams.toml:1:1: an included file {TABLES_ONLY.replace('KEY', 'customer')}"],
        ),
        (
            {"main": "phrases = { a = ['b'] }\n" + MAIN},
            [f"escalation.toml:1:1: a file that includes others {TABLES_ONLY.replace('KEY', 'phrases')}"],
        ),
        (
            {"teams": 'include = ["more.toml"]\n' + TEAMS},
            ["teams.toml:1:1: only the first file includes others: name this one there as well"],
        ),
        ({"main": MAIN.replace("teams", "team")}, ["escalation.toml:3:5: there is no file team.toml beside this one"]),
        (
            {"main": MAIN.replace('"rules/urgent.toml"', '"teams.toml", "../x.toml", "/etc/x.toml", "x.txt"')},
            [
                "escalation.toml:4:5: teams.toml is included twice",
                "escalation.toml:4:19: '../x.toml' is no file beside this one: write its name, as in teams.toml",
                "escalation.toml:4:32: '/etc/x.toml' is no file beside this one: write its name, as in teams.toml",
                "escalation.toml:4:47: 'x.txt' is no file beside this one: write its name, as in teams.toml",
            ],
        ),
        (
            {
                "main": MAIN.replace("[\n", '"').replace(
                    '    "teams.toml",  # who works here\n    "rules/urgent.toml",\n]', 'x"'
                )
            },
            ['escalation.toml:2:1: include must be a list of files: ["teams.toml"]'],
        ),
    ],
)
def test_each_mistake_is_told_in_the_file_where_it_stands(
    place: Path, files: dict[str, str], expected: list[str]
) -> None:
    assert told(write(place, **files)) == expected


def test_lints_warn_in_the_file_where_it_stands(place: Path) -> None:
    path = write(place, teams='[phrases]\nlegal = ["my lawyer"]\n', urgent=URGENT.replace("urgent'", "help'"))
    policy = load_policy(policy_text(path), "escalation.toml", connections())
    hidden, unused = (str(each) for each in lint(policy, "escalation.toml", connections()))
    assert hidden.startswith(
        "escalation.toml:7:1: rule help never matches: urgent (line 1 of rules/urgent.toml) takes everything before;"
    )
    assert unused.startswith("teams.toml:2:1: no condition asks for the phrases legal: remove them, or write")


async def test_a_reload_reads_every_file_and_a_mistake_in_one_changes_nothing(tmp_path: Path) -> None:
    part = tmp_path / "more.toml"
    part.write_text("# nothing yet\n", encoding="utf-8")
    async with running(tmp_path, policy='include = ["more.toml"]\n' + POLICY) as (gateway, _):
        before = gateway.setup.policy.digest
        part.write_text('[phrases]\nlegal = ["my lawyer"]\n', encoding="utf-8")
        assert (await gateway.reload("test"))["reloaded"] is True
        assert list(gateway.setup.policy.phrases) == ["legal"]
        after = gateway.setup.policy.digest
        assert after != before
        part.write_text("[phrases]\nlegal = []\n", encoding="utf-8")
        result = await gateway.reload("test")
        assert result["reloaded"] is False
        assert [line.rpartition("/")[2] for line in result["problems"]] == [
            "more.toml:2:1: the list legal is empty: give it phrases or remove it"
        ]
        assert gateway.setup.policy.digest == after


def test_commands_that_need_no_secret_read_every_file_as_well(tmp_path: Path) -> None:
    (tmp_path / "plugins.toml").write_text(PLUGINS, encoding="utf-8")
    (tmp_path / "more.toml").write_text('[phrases]\nlegal = ["my lawyer"]\n', encoding="utf-8")
    (tmp_path / "escalation.toml").write_text('include = ["more.toml"]\n' + POLICY, encoding="utf-8")
    outline = load_outline(tmp_path / "plugins.toml", specs=specs(), environ={})
    assert list(outline.policy.phrases) == ["legal"]
