"""`baton resume`."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.configuration import config_option
from gateway.cli.terminal import json_option, print_json


@click.command()
@click.argument("scope", metavar="all|CONNECTION|RULE")
@config_option
@json_option
def command(scope: str, config: Path, *, as_json: bool) -> None:
    """Lift a pause.

    What was held goes out in its order.
    """
    from gateway.cli.writing import write

    result = write(config, "resume", {"scope": scope})
    if as_json:
        print_json(result)
        return
    click.echo(f"{result['scope']} goes out again." if result["was_paused"] else f"{result['scope']} was not paused.")
