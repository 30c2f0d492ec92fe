"""The overview is written down once; it must agree with what the commands say of themselves, and cost nothing."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import click
import pytest
from click.testing import CliRunner

from gateway.cli.commands import COMMANDS, baton

HEAVY = (
    *("pydantic", "aiohttp", "structlog", "sqlite3", "sqlalchemy"),
    *("alembic", "prometheus_client", "rich", "msgspec", "tree_sitter"),
)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_overview_says_what_the_command_says(name: str) -> None:
    command: click.Command = import_module(COMMANDS[name].module).command
    assert command.help is not None
    assert command.help.split("\n\n")[0].replace("\n", " ").strip() == COMMANDS[name].line


@pytest.mark.parametrize("arguments", ["--help", "dlq --help", "serve --help", "pause --help", "cases show --help"])
def test_help_imports_nothing_heavy(arguments: str) -> None:
    code = "\n".join(
        [
            "import sys",
            "from gateway.cli import main",
            f"sys.argv = ['baton', *{arguments.split()!r}]",
            "try:",
            "    main()",
            "except SystemExit:",
            f"    print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)",
        ]
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage: baton" in done.stdout
    assert done.stderr.strip() == "[]"


def test_a_slip_of_the_keyboard_names_the_nearest_command() -> None:
    result = CliRunner().invoke(baton, ["serv"], prog_name="baton")
    assert result.exit_code == 2
    assert 'there is no command "serv": did you mean "serve"?' in result.output


def test_every_command_has_help_that_fits_a_terminal() -> None:
    for name in COMMANDS:
        result = CliRunner().invoke(baton, [name, "--help"], prog_name="baton", terminal_width=80)
        assert result.exit_code == 0, result.output
        assert all(len(line) <= 80 for line in result.output.splitlines()), name
