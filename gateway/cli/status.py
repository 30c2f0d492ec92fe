"""`baton status`."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.configuration import config_option, read_data_directory
from gateway.cli.running import NotRunning, ask
from gateway.cli.terminal import Failure, bad, good, instant, json_option, paragraph, print_json, table


@click.command()
@config_option
@json_option
def command(config: Path, *, as_json: bool) -> None:
    """Show how the running gateway and its connections are."""
    try:
        result = ask(read_data_directory(config), "status")
    except NotRunning:
        message = "no gateway runs on this configuration: start one with `baton serve`"
        raise Failure(message) from None
    if as_json:
        print_json(result)
        return
    obstacles = result["obstacles"]
    click.echo(bad(f"not ready: {', '.join(obstacles)}") if obstacles else good("ready"))
    for reason in result["reasons"]:
        paragraph(reason, indent="  ", first="  ")
    click.echo(f"listens on {result['listening']}, vendors reach it at {result['public_url']}, store {result['store']}")
    rows = [
        (
            each["name"],
            each["connector"],
            each["mode"],
            each["state"],
            instant(each["last_success_at"]),
            each["error"] or "-",
        )
        for each in result["connections"]
    ]
    if rows:
        click.echo()
        table(rows, ("connection", "connector", "mode", "state", "last success", "last error"))
    click.echo()
    counts = result["accounts"]
    click.echo(
        f"deliveries {counts['deliveries']} (waiting {counts['deliveries_pending']}), "
        f"activities {counts['activities']} (waiting {counts['activities_pending']}), "
        f"dead letters {counts['dead_letters_open']}, unaccounted {counts['unaccounted']}"
    )
    for scope, reason in result["pauses"].items():
        click.echo(bad(f"paused: {scope}{f' ({reason})' if reason else ''}"))
