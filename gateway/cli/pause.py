"""`baton pause`."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.configuration import config_option
from gateway.cli.terminal import json_option, print_json


@click.command()
@click.argument("scope", metavar="all|CONNECTION|RULE")
@click.option("--reason", default="", help="Why; it stands in the audit and in `baton status`.")
@config_option
@json_option
def command(scope: str, reason: str, config: Path, *, as_json: bool) -> None:
    """Hold what goes out: of everything, of a connection or of a rule.

    What comes in is still taken and decided; nothing is lost. The pause outlives a restart.
    """
    from gateway.cli.writing import write

    result = write(config, "pause", {"scope": scope, "reason": reason})
    if as_json:
        print_json(result)
        return
    click.echo(f"{result['scope']} is paused: nothing of it goes out until `baton resume {scope}`.")
