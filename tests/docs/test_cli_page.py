"""What the page about the command says of exit codes and variables is what the command does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import click
import pytest
from click.testing import CliRunner

from gateway.cli.commands import COMMANDS, baton
from gateway.cli.terminal import Failure, WrongFiles, WrongInput
from tests.docs.tables import DOCS, environment

PAGE: Final = (DOCS / "reference" / "cli.md").read_text()


def section(title: str) -> str:
    """Return the text below a title."""
    return PAGE[PAGE.index(f"## {title}") :].split("\n## ")[0]


def run(directory: Path, *words: str) -> tuple[int, str]:
    runner = CliRunner(env={"BATON_CONFIG": str(directory / "plugins.toml"), "BATON_DATABASE_URL": ""})
    result = runner.invoke(baton, list(words))
    return result.exit_code, result.output


def test_every_exit_code_is_told_and_no_other() -> None:
    told = set(map(int, re.findall(r"^\| (\d) \|", section("Exit codes"), re.MULTILINE)))
    assert told == {0, Failure.exit_code, WrongInput.exit_code, WrongFiles.exit_code, click.UsageError.exit_code}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, ["version"]),
        (1, ["status"]),
        (1, ["reload"]),
        (1, ["cases", "list"]),
        (1, ["dlq", "show", "1"]),
        (2, ["bogus"]),
        (2, ["cases", "list", "--bogus"]),
        (2, ["replay"]),
        (2, ["sandbox", "bogus"]),
        (2, ["pause", "bogus"]),
        (2, ["dlq", "replay", "1"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_ends_with_the_code_of_the_page(code: int, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "plugins.toml").write_text("[gateway]\n")
    assert run(tmp_path, *words)[0] == code


@pytest.mark.parametrize("words", [["check"], ["serve"], ["cases", "list"], ["pause", "all"]], ids=" ".join)
def test_a_mistake_in_the_file_ends_with_2(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "plugins.toml").write_text("[gateway]\nlisten = 7\n")
    assert run(tmp_path, *words)[0] == 2


def test_every_variable_is_told_and_no_other() -> None:
    assert set(re.findall(r"`(BATON_\w+)`", section("Environment"))) == environment()


def test_every_command_is_said_to_need_a_gateway_or_not() -> None:
    rows = re.findall(r"^\| (`.+?) \|", section("Which commands need"), re.MULTILINE)
    told = [name for row in rows for name in re.findall(r"`([a-z ]+)`", row)]
    assert sorted({name.split()[0] for name in told}) == sorted(COMMANDS)
    assert len(told) == len(set(told))
