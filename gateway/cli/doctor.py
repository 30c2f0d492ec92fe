"""`baton doctor`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from gateway.cli.configuration import config_option, installed, read_setup
from gateway.cli.terminal import Failure, bad, good, json_option, paragraph, print_json, several


@click.command()
@click.option("--offline", is_flag=True, help="Look at this machine only: call nobody.")
@config_option
@json_option
def command(config: Path, *, offline: bool, as_json: bool) -> None:
    """Look at everything live: credentials, rights, webhooks, clock, disk. Nothing is written at a vendor.

    Exit code 0 when everything is as it should be, 1 when something is not, 2 for a mistake in the files.
    """
    from gateway.clock import SystemClock
    from gateway.examining import as_values, examine

    specs = installed()
    setup = read_setup(config, specs)
    examined = asyncio.run(examine(setup.config, specs, SystemClock(), policy=setup.policy, vendors=not offline))
    wrong = sum(not finding.good for each in examined for finding in each.findings)
    if as_json:
        print_json({"ok": not wrong, "examined": as_values(examined)})
    else:
        for each in examined:
            click.secho(each.connection or "this machine", bold=True)
            for finding in each.findings:
                mark = good("ok  ") if finding.good else bad("look")
                paragraph(f"{finding.subject}: {finding.sentence}", first=f"  {mark} ", indent="       ")
                if finding.advice:
                    paragraph(finding.advice, indent="       ")
        click.echo(bad(several(wrong, "thing") + " to look at.") if wrong else good("Everything is as it should be."))
    if wrong:
        raise SystemExit(Failure.exit_code)
