"""`baton policy check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.configuration import config_option, read_outline
from gateway.cli.terminal import Failure, WrongInput, good, json_option, paragraph, policy_option, print_json, several

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.loading import Outline
    from routing.lint import Finding
    from routing.policy import Policy


@click.command()
@policy_option
@click.option(
    "--ignore", metavar="LINT", multiple=True, help="Leave a lint out, by its name; may be given several times."
)
@config_option
@json_option
def check(policy_file: Path | None, ignore: tuple[str, ...], config: Path, *, as_json: bool) -> None:
    """Say what is wrong with the policy, and what in it is hardly meant.

    Rules that never match, ladders that tell nobody, what nobody uses: each warning has the name of its lint. No secret is
    needed and nobody is called. Exit code 1 when there are warnings, 2 when the file is wrong.
    """
    from gateway.clock import SystemClock
    from gateway.loading import shown
    from routing.lint import lint

    _known(ignore)
    outline = read_outline(config, policy_file)
    live = _live(config, outline)
    found = lint(
        outline.policy, shown(outline.file), outline.facts, outline.languages, now=SystemClock().now(), live=live
    )
    left = [each for each in found if each.lint not in ignore]
    if as_json:
        print_json({"ok": not left, "warnings": _values(left), "ignored": len(found) - len(left)})
    else:
        for each in left:
            click.echo(f"warning: {each}", err=True)
        rules, ladders = len(outline.policy.rules), len(outline.policy.ladders)
        click.echo(f"{several(rules, 'rule')}, {several(ladders, 'ladder')} in {outline.file.name}.")
        if left:
            paragraph(f"{several(len(left), 'warning')}. The policy can be used as it is.")
        else:
            click.echo(good("Nothing is wrong with it."))
    if left:
        raise SystemExit(Failure.exit_code)


def _live(config: Path, outline: Outline) -> Policy | None:
    """Return the policy in force, where the one that is looked at is only tried beside it."""
    tried = outline.premises.shadow
    if tried is None or outline.file.resolve() != tried.resolve():
        return None
    return read_outline(config).policy


def _known(ignore: Sequence[str]) -> None:
    """Raise `WrongInput` for a lint that there is not."""
    from gateway.toml import did_you_mean
    from routing.lint import LINTS

    for name in ignore:
        if name not in LINTS:
            hint = did_you_mean(name, LINTS, f"there are {', '.join(LINTS)}")
            raise WrongInput(f"there is no lint {name}: {hint}")


def _values(found: Sequence[Finding]) -> list[dict[str, object]]:
    return [
        {
            "lint": each.lint,
            "file": each.problem.file,
            "line": each.problem.line,
            "column": each.problem.column,
            "sentence": each.problem.sentence,
        }
        for each in found
    ]
