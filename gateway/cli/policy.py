"""`baton policy`: what an administrator asks about the policy, each in a module of its own; `signals` stands here."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click

from gateway.cli.policy_check import check
from gateway.cli.policy_coverage import coverage
from gateway.cli.policy_doc import doc
from gateway.cli.policy_explain import explain
from gateway.cli.policy_replay import replay
from gateway.cli.policy_shadow import shadow
from gateway.cli.policy_simulate import simulate
from gateway.cli.policy_test import test
from gateway.cli.terminal import WrongFiles, WrongInput, json_option, paragraph, print_json, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from routing.phrases import PhraseBook
    from routing.signals.sentiment import Scorer

    _Words: TypeAlias = tuple[Mapping[str, Scorer], PhraseBook | None]

#: Characters of one line of a batch: more is no message.
_LONGEST: Final = 1_000_000


@click.group()
def command() -> None:
    """Look into the policy: test it, explain it, draw it, and ask what it makes of a text."""


command.add_command(check)
command.add_command(test)
command.add_command(explain)
command.add_command(replay)
command.add_command(shadow)
command.add_command(simulate)
command.add_command(coverage)
command.add_command(doc)


@command.command()
@click.argument("text", required=False)
@click.option("--batch", is_flag=True, help="Read JSON lines {id, text, language?} and write {id, signals} for each.")
@click.option("--language", default="", help="The text's language, two letters; told by Baton when it is left out.")
@click.option(
    "--policy",
    "policy_file",
    type=click.Path(path_type=Path),
    default=None,
    help="A policy whose lexicons score sentiment, and whose lists of phrases are looked for.",
)
@json_option
def signals(text: str | None, language: str, policy_file: Path | None, *, batch: bool, as_json: bool) -> None:
    """Show what signals stand in a text, and on what each stands.

    The text, or with --batch the lines, is read from standard input when it is left out. Nothing is called and nothing is kept.
    """
    words = _words(policy_file)
    if batch:
        if text is not None:
            raise WrongInput("with --batch the texts come from standard input, one JSON object a line")
        _batch(words)
        return
    said = text if text is not None else "".join(_input())
    told = _signals(said, language, words)
    if as_json:
        print_json({"signals": told})
        return
    rows = [(name, _word(each["value"]), "; ".join(each["evidence"])) for name, each in told.items()]
    table(rows, ("signal", "value", "why"))
    if not any(each["value"] for each in told.values()):
        paragraph("No signal stands in this text.")


def _batch(words: _Words) -> None:
    """Answer each line. Raises WrongInput, with its number, at the first that cannot be read."""
    for number, line in enumerate(_input(), 1):
        if not line.strip():
            continue
        row = _row(line, number)
        told = _signals(row["text"], row.get("language") or "", words)
        click.echo(json.dumps({"id": row.get("id"), "signals": told}, ensure_ascii=False))


def _input() -> Iterator[str]:
    """Yield the lines of standard input, which is UTF-8 whatever the terminal is."""
    for line in sys.stdin.buffer:
        yield line.decode("utf-8", errors="replace")


def _row(line: str, number: int) -> dict[str, Any]:
    shape = 'write {"id": 1, "text": "…"}, with "language" if you know it'
    if len(line) > _LONGEST:
        raise WrongInput(f"line {number} is longer than {_LONGEST} characters")
    try:
        row = json.loads(line)
    except ValueError as error:
        raise WrongInput(f"line {number} is no JSON ({error}): {shape}") from None
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):  # pyright: ignore[reportUnknownMemberType]
        raise WrongInput(f"line {number} has no text: {shape}")
    if not isinstance(row.get("language") or "", str):  # pyright: ignore[reportUnknownMemberType]
        raise WrongInput(f"the language in line {number} is no text: {shape}")
    return row  # pyright: ignore[reportUnknownVariableType]


def _signals(text: str, language: str, words: _Words) -> dict[str, dict[str, Any]]:
    from normalizers.language import language_of
    from routing.signals.reading import of_text
    from routing.signals.requests import LANGUAGES

    return of_text(text, language or language_of(text, LANGUAGES), *words)


def _words(policy_file: Path | None) -> _Words:
    """Return the lexicons and the phrases of a policy."""
    if policy_file is None:
        return {}, None
    from gateway.toml import Problems
    from routing.lexicons import words_of

    try:
        return words_of(policy_file.read_text(encoding="utf-8"), str(policy_file))
    except (OSError, UnicodeDecodeError) as error:
        raise WrongFiles([f"{policy_file} cannot be read: {error}"]) from None
    except Problems as problems:
        raise WrongFiles(str(problems).splitlines()) from None


def _word(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"  # pyright: ignore[reportUnknownArgumentType]
    if value is None:
        return "unknown"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
