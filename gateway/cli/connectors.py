"""`baton connectors list|show|roster`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.configuration import config_option
from gateway.cli.terminal import Failure, WrongInput, instant, json_option, paragraph, print_json, table
from gateway.plain import plain

if TYPE_CHECKING:
    from gateway.config import AnySpec
    from gateway.sdk import Roster


@click.group()
def command() -> None:
    """Show which connectors are installed, and who works in a helpdesk."""


@command.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List the installed connectors."""
    from gateway.cli.configuration import installed
    from gateway.config import missing

    specs = installed()
    found = [(name, specs[name]) for name in sorted(specs)]
    if as_json:
        print_json([_facts(spec, specs.problems.get(name)) for name, spec in found])
        return
    rows = [
        (name, _channels(spec), specs.problems.get(name) or missing(spec) or f"{spec.title}: ready")
        for name, spec in found
    ]
    table(rows, ("connector", "channels", "state"))


@command.command()
@click.argument("name")
@json_option
def show(name: str, *, as_json: bool) -> None:
    """Show one connector: what it can do, and every setting it has."""
    from gateway.cli.configuration import installed, spec_named

    specs = installed()
    spec = spec_named(specs, name)
    if as_json:
        print_json({**_facts(spec, specs.problems.get(name)), "settings": spec.settings.model_json_schema()})
        return
    _show(spec, specs.problems.get(name))


@command.command()
@click.argument("connection")
@config_option
@json_option
def roster(connection: str, config: Path, *, as_json: bool) -> None:
    """Show who works in a connection's helpdesk, asked live: agents, groups, presence. Nothing is written."""
    from gateway.cli.configuration import installed, read_setup
    from gateway.clock import SystemClock
    from gateway.directories import NoRosterError, read_roster
    from gateway.toml import QUOTED, did_you_mean

    specs = installed()
    running = {each.name: each for each in read_setup(config, specs).config.running}
    if connection not in running:
        hint = did_you_mean(connection, running, f"there are {', '.join(sorted(running)) or 'none'}", shown=QUOTED)
        message = f'no connection "{connection}" runs: {hint}'
        raise WrongInput(message)
    try:
        found = asyncio.run(read_roster(running[connection], specs, SystemClock()))
    except NoRosterError as error:
        raise Failure(str(error)) from None
    if as_json:
        print_json(plain(found))
        return
    _show_roster(found)


def _show_roster(found: Roster) -> None:
    presence = {True: "at work", False: "away", None: "-"}
    rows = [
        (each.name, each.id, ", ".join(each.groups) or "-", ", ".join(each.skills) or "-", presence[each.available])
        for each in found.agents
    ]
    if rows:
        table(rows, ("agent", "id", "groups", "skills", "presence"))
    else:
        click.echo("The helpdesk shows no agent.")
    click.echo()
    if found.groups is None:
        paragraph("The helpdesk does not say which groups a rule may name.")
        return
    table(
        sorted((name or "-", number) for number, name in found.groups.items()), ("a rule's group may be", "or its id")
    )
    click.echo(f"Read at {instant(found.read_at)} UTC.")


def _show(spec: AnySpec, problem: str | None) -> None:
    facts = _facts(spec, problem)
    click.secho(f"{spec.title} ({spec.name})", bold=True)
    if facts["problem"]:
        paragraph(facts["problem"], indent="  ")
    click.echo(f"  channels      {_channels(spec)}")
    click.echo(f"  roles         {', '.join(facts['roles']) or 'none'}")
    click.echo(f"  hooks         {', '.join(facts['hooks'])}")
    click.echo(f"  repeated write is kept from landing twice by: {facts['idempotency']}")
    for limit in spec.capabilities.limits:
        click.echo(f"  limit         {limit.calls} calls in {limit.seconds:g} s per {limit.scope}")
    click.echo(f"  sandbox       {f'baton sandbox {spec.name}' if spec.sandbox else 'none'}")
    for scope in spec.capabilities.scopes:
        click.echo(f"  needs         {scope}")
    click.echo()
    rows = [
        (key, _kind(info), (info.description or "").replace("\n", " "))
        for key, info in spec.settings.model_fields.items()
    ]
    table(rows, ("setting", "", "meaning"))


def _kind(info: Any) -> str:
    from gateway.config.fields import is_secret

    words = ["secret"] if is_secret(info.annotation) else []
    return ", ".join([*words, "required" if info.is_required() else "optional"])


def _facts(spec: AnySpec, problem: str | None) -> dict[str, Any]:
    from gateway.config import missing
    from gateway.host.registry import roles_of

    return {
        "name": spec.name,
        "title": spec.title,
        "channels": sorted(channel.value for channel in spec.channels),
        "roles": sorted(roles_of(None, spec)) if problem is None else [],
        "hooks": [f"/hooks/CONNECTION{f'/{name}' if name else ''}" for name in spec.capabilities.endpoints],
        "idempotency": spec.capabilities.idempotency.value,
        "limits": [
            {"scope": limit.scope, "calls": limit.calls, "seconds": limit.seconds} for limit in spec.capabilities.limits
        ],
        "scopes": list(spec.capabilities.scopes),
        "sandbox": spec.sandbox is not None,
        "contract": spec.contract,
        "problem": problem or missing(spec),
    }


def _channels(spec: AnySpec) -> str:
    return ", ".join(sorted(channel.value for channel in spec.channels))
