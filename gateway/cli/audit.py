"""`baton audit list|verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gateway.cli.configuration import config_option
from gateway.cli.terminal import Failure, instant, json_option, print_json, print_list


@click.group()
def command() -> None:
    """Show the audit, and whether it stands as it was written."""


@command.command("list")
@click.option("--since", default=None, metavar="AGE", help="Only the last AGE, like 30m, 6h or 2d.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="How many, newest first.")
@config_option
@json_option
def list_(since: str | None, limit: int, config: Path, *, as_json: bool) -> None:
    """List who did what, newest first: ids and settings, and the reasons that were given."""
    from gateway.cli.reading import reading
    from gateway.cli.replay import instant_before

    begun = instant_before(since) if since is not None else None
    with reading(config) as store:
        rows = store.audit_trail(limit, begun)
    print_list(
        rows,
        lambda each: (
            str(each["id"]),
            instant(_number(each["at"])),
            str(each["actor"]),
            str(each["action"]),
            str(each["target"]),
            _words(each["detail"]),
        ),
        ("row", "at (UTC)", "who", "what", "of what", "detail"),
        nothing="Nothing stands in the audit."
        if begun is None
        else f"Nothing of the last {since} stands in the audit.",
        as_json=as_json,
    )


@command.command()
@config_option
@json_option
def verify(config: Path, *, as_json: bool) -> None:
    """Say whether each row of the audit is as it was written; exit code 1 when one is not."""
    from gateway.cli.reading import reading

    with reading(config) as store:
        broken = store.verify_audit()
    if as_json:
        print_json({"holds": broken is None, "first_broken": broken})
    if broken is not None:
        message = (
            f"row {broken} of the audit is not as it was written, or the row before it is gone: from there on it proves nothing;"
            " compare the store with a backup"
        )
        raise Failure(message)
    if not as_json:
        click.echo("The audit holds: each row is as it was written.")


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _words(detail: Any) -> str:
    return ", ".join(f"{name} {value}" for name, value in detail.items() if value not in (None, "")) or "-"
