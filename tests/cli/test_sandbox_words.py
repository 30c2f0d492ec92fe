"""`baton sandbox` names the environment variables that the shipped plugins.toml names: what it prints can be pasted."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.cli.configuration import installed
from gateway.cli.sandbox import _words, make

SHIPPED: Final = (Path(__file__).parents[2] / "plugins.toml").read_text(encoding="utf-8")


def shipped() -> dict[str, dict[str, Any]]:
    """Return the shipped connections by their connector, those that are commented out as well."""
    whole = re.sub(r"(?m)^# (?=\[\w+\.|\w+ = )", "", SHIPPED)
    tables = (
        table for channel, found in tomllib.loads(whole).items() if channel != "gateway" for table in found.values()
    )
    return {table["connector"]: table for table in tables}


@pytest.mark.parametrize("name", sorted(shipped()))
def test_the_variables_are_those_of_the_shipped_file(name: str) -> None:
    sandbox = make(installed()[name])
    words = "\n".join(_words(sandbox, name))
    named = {key: value["env"] for key, value in shipped()[name].items() if isinstance(value, dict)}
    secrets = named.keys() & sandbox.secrets().keys()
    assert secrets, "the shipped file names at least one secret of each connector"
    for key in secrets:
        assert f'{key} = {{ env = "{named[key]}" }}' in words
        assert f"export {named[key]}=" in words
