"""`baton version`."""

from __future__ import annotations

import platform
import sqlite3
from importlib import metadata

import click

from gateway.cli.terminal import json_option, print_json


@click.command()
@json_option
def command(*, as_json: bool) -> None:
    """Print the version."""
    from gateway import __version__
    from gateway.sdk import CONTRACT

    facts = {
        "baton": __version__,
        "contract": CONTRACT,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "aiohttp": metadata.version("aiohttp"),
    }
    if as_json:
        print_json(facts)
        return
    click.echo(
        f"baton {facts['baton']} (contract {facts['contract']}, Python {facts['python']}, SQLite {facts['sqlite']})"
    )
