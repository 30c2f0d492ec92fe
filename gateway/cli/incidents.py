"""`baton incidents list|open|close`."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.configuration import config_option, read_outline
from gateway.cli.terminal import WrongInput, instant, json_option, paragraph, print_json, print_list


@click.group()
def command() -> None:
    """Show incidents; open and close them by hand."""


@command.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many, newest first.")
@config_option
@json_option
def list_(limit: int, config: Path, *, as_json: bool) -> None:
    """List incidents, newest first: their parent case, how many customers belong to them, and their ticket."""
    from gateway.cli.reading import reading

    with reading(config) as store:
        found = store.incidents(limit)
    print_list(
        found,
        lambda each: (
            each.id,
            "open" if each.closed_at is None else "over",
            each.title,
            str(each.customers),
            each.ticket or "-",
            each.opened_by,
            instant(each.opened_at),
        ),
        ("parent case", "state", "incident", "customers", "ticket", "opened by", "opened (UTC)"),
        nothing="There was no incident yet.",
        as_json=as_json,
    )


@command.command("open")
@click.argument("name", metavar="INCIDENT")
@click.option("--title", default="", help="What it is about. Default: the title in the policy.")
@click.option("--fingerprint", default="", help="Take only messages with this fingerprint. Default: all that count.")
@click.option("--reason", default="", help="Why; it stands in the audit.")
@config_option
@json_option
def open_(name: str, title: str, fingerprint: str, reason: str, config: Path, *, as_json: bool) -> None:
    """Open an incident of the policy, by its id there.

    Cases of customers who wrote of it within its window belong to it, and those who write from now on. It is escalated on its
    ladder at once.
    """
    from gateway.cli.writing import write

    known = read_outline(config).policy.incidents
    if name not in known:
        from gateway.toml import QUOTED, did_you_mean

        hint = did_you_mean(name, known, f"there are {', '.join(known) or 'none'}", shown=QUOTED)
        raise WrongInput(f'the policy has no incident "{name}": {hint}')
    if known[name].observed:
        raise WrongInput(f'incident "{name}" has mode = "observe" and opens nothing: take that out first')
    values = {"name": name, "title": title, "fingerprint": fingerprint, "reason": reason}
    result = write(config, "incident-open", values)
    if as_json:
        print_json(result)
        return
    click.echo(f"Incident {name} is being opened: its parent is case {result['id']}.")
    paragraph(
        "`baton incidents list` shows it as soon as a running gateway has decided on it; where none runs, once one is started."
    )


@command.command()
@click.argument("incident_id", metavar="CASE")
@click.option("--reason", required=True, help="Why; it stands in the audit and in the ticket.")
@config_option
@json_option
def close(incident_id: str, reason: str, config: Path, *, as_json: bool) -> None:
    """Close an incident, by its parent case: from then on rules escalate its cases as before."""
    from gateway.cli.writing import write

    result = write(config, "incident-close", {"id": incident_id, "reason": reason})
    if as_json:
        print_json(result)
        return
    click.echo(f"Incident {incident_id} is being closed, with its parent case.")
