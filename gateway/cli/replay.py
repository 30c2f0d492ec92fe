"""`baton replay`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import click

from gateway.cli.configuration import config_option
from gateway.cli.terminal import WrongInput, json_option, print_json

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@click.command()
@click.argument("ids", nargs=-1, type=int, metavar="[DELIVERY-ID]...")
@click.option("--since", default=None, metavar="AGE", help="All deliveries of the last AGE, like 30m, 6h or 2d.")
@click.option("--connection", default=None, help="Only those that came to this connection.")
@config_option
@json_option
def command(ids: tuple[int, ...], since: str | None, connection: str | None, config: Path, *, as_json: bool) -> None:
    """Have deliveries parsed again, after a mapping was mended.

    What is known already stays as it is: a replay only adds what was missed.
    """
    if bool(ids) == bool(since):
        message = "say which deliveries: their ids, or --since with an age like 6h"
        raise WrongInput(message)
    arguments: dict[str, Any] = {"ids": list(ids), "connection": connection}
    if since:
        arguments["since"] = instant_before(since)
    from gateway.cli.writing import write

    result = write(config, "replay", arguments)
    if as_json:
        print_json(result)
        return
    more = " There are more: replay them by --connection or a shorter --since." if result["more"] else ""
    gone = result["without_connection"]
    click.echo(f"{result['replayed']} deliveries are parsed again.{more}")
    for name, count in sorted(gone.items()):
        click.echo(
            f"{count} of {name} wait: plugins.toml has no connection of that name. Bring it back, or give the one that took"
            f' its place renamed_from = "{name}".'
        )


def instant_before(age: str) -> int:
    """Return the instant that lies an age like ``90s``, ``30m``, ``6h`` or ``2d`` back, UTC microseconds. Raises `WrongInput`."""
    from gateway.clock import SystemClock

    return SystemClock().now() - _seconds(age) * 1_000_000


def _seconds(text: str) -> int:
    found = re.fullmatch(r"(\d+)([smhd])", text.strip())
    if not found:
        message = f'"{text}" is no age: write a number and s, m, h or d, like 6h'
        raise WrongInput(message)
    return int(found[1]) * _UNITS[found[2]]
