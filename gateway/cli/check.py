"""`baton check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.configuration import config_option, read_setup
from gateway.cli.terminal import WrongFiles, bad, good, json_option, paragraph, print_json, several, table

if TYPE_CHECKING:
    from gateway.loading import Setup


@click.command()
@config_option
@json_option
def command(config: Path, *, as_json: bool) -> None:
    """Say what is wrong with the configuration and the policy, without calling anybody.

    Exit code 0 when `baton serve` would run everything that is switched on, 2 otherwise.
    """
    from gateway.cli.installation import clashes, outdated

    errors = list(clashes())
    setup: Setup | None = None
    try:
        setup = read_setup(config)
    except WrongFiles as wrong:
        errors += wrong.lines
    warnings = list(outdated())
    if setup is not None:
        from gateway.store import warnings as store_warnings

        errors += [str(fault) for fault in setup.faults]
        warnings += store_warnings(setup.config.database)
        warnings += _remarks(setup)
    if as_json:
        print_json({"ok": not errors, "errors": errors, "warnings": warnings, **_facts(setup)})
    else:
        _tell(setup, errors, warnings)
    if errors:
        raise SystemExit(2)


def _remarks(setup: Setup) -> list[str]:
    from gateway.clock import SystemClock
    from gateway.loading import shown
    from routing.lint import lint

    if not setup.config.running:
        return [f"{setup.config.file}: no connection is switched on, so nothing comes in and nothing goes out"]
    policies = ((setup.config.policy, setup.policy), (setup.config.shadow, setup.shadow))
    languages, now = setup.config.cases.languages, SystemClock().now()
    return [
        str(finding)
        for file, policy in policies
        if file is not None and policy is not None
        for finding in lint(policy, shown(file), setup.facts, languages, now=now, live=setup.policy)
    ]


def _facts(setup: Setup | None) -> dict[str, Any]:
    if setup is None:
        return {}
    return {
        "connections": [
            {"name": each.name, "connector": each.spec.name, "channel": each.channel.value, "mode": each.mode.value}
            for each in setup.config.running
        ],
        "rules": [rule.id for rule in setup.policy.rules],
        "hooks": _hooks(setup),
    }


def _hooks(setup: Setup) -> list[str]:
    return [
        f"{setup.config.public_url}/hooks/{each.name}{f'/{endpoint}' if endpoint else ''}"
        for each in setup.config.running
        for endpoint in each.spec.capabilities.endpoints
    ]


def _tell(setup: Setup | None, errors: list[str], warnings: list[str]) -> None:
    for error in errors:
        click.echo(bad(error), err=True)
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    if setup is not None and not errors:
        rows = [(each.name, each.spec.title, each.channel.value, each.mode.value) for each in setup.config.running]
        if rows:
            table(rows, ("connection", "connector", "channel", "mode"))
        click.echo(
            f"{several(len(setup.policy.rules), 'rule')}, {several(len(setup.policy.ladders), 'ladder')}"
            f" in {setup.config.policy.name}."
        )
        for hook in _hooks(setup):
            click.echo(f"  vendors send to {hook}")
        click.echo(good("Everything is in order."))
    elif errors:
        paragraph(f"{several(len(errors), 'problem')} to mend. Nothing was called, nothing was changed.")
