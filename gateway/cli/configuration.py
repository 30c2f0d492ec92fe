"""How commands find the configuration, and what they say when it is wrong."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from gateway.cli.terminal import WrongFiles, WrongInput

if TYPE_CHECKING:
    from gateway.config import AnySpec, Premises
    from gateway.host.registry import Specs
    from gateway.loading import Outline, Setup

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

_DATA: Final = "baton-data"


def config_option(command: CommandT) -> CommandT:
    """Add `--config` to a command."""
    return click.option(
        "--config",
        "-c",
        type=click.Path(path_type=Path, dir_okay=False),
        default="plugins.toml",
        envvar="BATON_CONFIG",
        show_envvar=True,
        show_default=True,
        help="The configuration.",
    )(command)


def read_setup(path: Path, specs: Specs | None = None) -> Setup:
    """Return configuration and policy. Raises `WrongFiles` with everything that is wrong."""
    from gateway.loading import load_setup
    from gateway.toml import Problems

    try:
        return load_setup(path, specs=installed() if specs is None else specs, environ=os.environ)
    except Problems as error:
        raise WrongFiles(error.problems) from None


def read_outline(path: Path, policy: Path | None = None) -> Outline:
    """Return the policy, or another one, for commands that need no secret. Raises `WrongFiles`."""
    from gateway.loading import load_outline
    from gateway.toml import Problems

    try:
        return load_outline(path, specs=installed(), environ=os.environ, policy=policy)
    except Problems as error:
        raise WrongFiles(error.problems) from None


def read_premises(path: Path) -> Premises:
    """Return where the store is, for commands that need no connection and so no secret. Raises `WrongFiles`."""
    from gateway.config import load_premises
    from gateway.loading import read_text, shown
    from gateway.toml import Problems

    try:
        return load_premises(read_text(path), shown(path), environ=os.environ)
    except Problems as error:
        raise WrongFiles(error.problems) from None


def installed() -> Specs:
    """Return the installed connectors; none of them is imported yet."""
    from gateway.host.registry import discover

    return discover()


def spec_named(specs: Specs, name: str) -> AnySpec:
    """Return an installed connector by its name. Raises `WrongInput` with the name that it may be."""
    from gateway.toml import QUOTED, did_you_mean

    spec = specs.get(name)
    if spec is None:
        hint = did_you_mean(name, specs, "`baton connectors list` shows those that are", shown=QUOTED)
        message = f'no connector "{name}" is installed: {hint}'
        raise WrongInput(message)
    return spec


def read_data_directory(path: Path) -> Path:
    """Return the data directory that a configuration names, also when the rest of it is wrong just now."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise WrongFiles(
            [f"{path}:1:1: there is no such file: run baton where it is, or name it with --config"]
        ) from None
    try:
        named: Any = tomllib.loads(text).get("gateway", {}).get("data", _DATA)
    except (tomllib.TOMLDecodeError, AttributeError):
        found = re.search(r'^\s*data\s*=\s*"([^"\\]+)"', text, re.MULTILINE)
        named = found[1] if found else _DATA
    return path.resolve().parent / str(named)
