"""`baton reload`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from gateway.cli.configuration import config_option, read_data_directory
from gateway.cli.running import NotRunning, ask
from gateway.cli.terminal import Failure, WrongFiles, json_option, print_json

_UNSET: Final = re.compile(r"the environment variable \w+ is (?:not set|empty)$")
#: Values that stand in the file under another key.
_KEYS: Final = {"host": "listen", "port": "listen"}


@click.command()
@config_option
@json_option
def command(config: Path, *, as_json: bool) -> None:
    """Have the running gateway read its configuration again.

    A valid one is swapped in without refusing a request; an invalid one changes nothing and says why.
    """
    try:
        result = ask(read_data_directory(config), "reload")
    except NotRunning:
        message = "no gateway runs on this configuration, so there is nothing to reload: start one with `baton serve`"
        raise Failure(message) from None
    if as_json:
        print_json(result)
    if not result["reloaded"]:
        if as_json:
            raise SystemExit(2)
        raise WrongFiles([*result["problems"], *_hint(result["problems"]), "Nothing was changed."])
    if as_json:
        return
    for line in result["changes"] or ["nothing differs"]:
        click.echo(f"- {line}")
    for remark in result["remarks"]:
        click.echo(f"- {remark}")
    for key in dict.fromkeys(_KEYS.get(each, each) for each in result["needs_restart"]):
        click.echo(f"- {key} differs and is only read at the start: restart the gateway")


def _hint(problems: Sequence[str]) -> list[str]:
    """Say why a variable that this shell has is not there: the gateway has the environment that it was started with."""
    if not any(_UNSET.search(each) for each in problems):
        return []
    hint = "The running gateway has the environment that it was started with: restart it to give it a variable, or keep the"
    return [f"{hint} value in a file and write {{ file = … }}."]
