"""How commands speak: sentences and tables for people, JSON for programs, problems on standard error."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from gateway.plain import plain

if TYPE_CHECKING:
    from typing import IO

_WIDEST: Final = 100
_NARROWEST: Final = 40

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
T = TypeVar("T")


class Failure(click.ClickException):
    """It did not work. Exit code 1."""

    exit_code = 1

    def show(self, file: IO[str] | None = None) -> None:  # noqa: ARG002 (click's own)
        """Print the sentence."""
        click.echo(f"baton: {self.format_message()}", err=True)


class WrongInput(Failure):
    """What the person wrote cannot be. Exit code 2."""

    exit_code = 2


class WrongFiles(WrongInput):
    """Files with mistakes: one line each, with line and column. Exit code 2."""

    def __init__(self, lines: Iterable[object]) -> None:
        """Take the problems."""
        self.lines = tuple(str(line) for line in lines)
        super().__init__("\n".join(self.lines))

    def show(self, file: IO[str] | None = None) -> None:  # noqa: ARG002 (click's own)
        """Print the problems."""
        click.echo(self.format_message(), err=True)


def json_option(command: CommandT) -> CommandT:
    """Add `--json` to a command."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)


def policy_option(command: CommandT) -> CommandT:
    """Add `--policy` to a command: another file than the one that the configuration names."""
    return click.option(
        "--policy",
        "policy_file",
        type=click.Path(path_type=Path, dir_okay=False),
        default=None,
        help="Take this policy instead of the one that the configuration names.",
    )(command)


def print_json(value: object) -> None:
    """Print a value as JSON: indented for a person who looks, one line for a pipe."""
    indent = 2 if sys.stdout.isatty() else None
    click.echo(json.dumps(value, ensure_ascii=False, indent=indent, default=str))


def width() -> int:
    """Return how many columns to write: those of the terminal, 80 for a pipe."""
    return max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size((80, 24)).columns))


def table(rows: Sequence[Sequence[str]], titles: Sequence[str]) -> None:
    """Print rows under titles; the last column gets what is left of the line and is wrapped into it."""
    cells = [list(titles), *([*row] for row in rows)]
    widths = [max(len(row[index]) for row in cells) for index in range(len(titles))]
    left = sum(widths[:-1]) + 2 * (len(titles) - 1)
    last = max(20, width() - left)
    for number, row in enumerate(cells):
        lines = textwrap.wrap(row[-1], last) or [""]
        head = "  ".join(cell.ljust(size) for cell, size in zip(row[:-1], widths, strict=False))
        for index, line in enumerate(lines):
            text = f"{head if index == 0 else ' ' * (left - 2)}  {line}" if len(row) > 1 else line
            click.echo(click.style(text.rstrip(), bold=True) if number == 0 else text.rstrip())


def print_list(
    found: Sequence[T],
    row: Callable[[T], Sequence[str]],
    titles: Sequence[str],
    *,
    nothing: str,
    as_json: bool,
) -> None:
    """Print what was found: as JSON values, or a row of a table for each; `nothing` is the sentence when there is none."""
    if as_json:
        print_json(plain(found))
    elif found:
        table([row(each) for each in found], titles)
    else:
        click.echo(nothing)


def paragraph(text: str, *, indent: str = "", first: str | None = None) -> None:
    """Print a sentence, wrapped to the terminal."""
    click.echo(
        textwrap.fill(text, width(), initial_indent=indent if first is None else first, subsequent_indent=indent)
    )


def instant(at: int | None) -> str:
    """Return an instant (UTC microseconds) for people, to the second."""
    return "-" if at is None else datetime.fromtimestamp(at / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def several(count: int, word: str) -> str:
    """Return a count with its word: ``1 rule``, ``2 rules``."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def good(text: str) -> str:
    """Return text that says: in order."""
    return click.style(text, fg="green")


def bad(text: str) -> str:
    """Return text that says: look here."""
    return click.style(text, fg="red")
