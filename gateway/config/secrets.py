"""Secrets and other values from outside the file: ``{ env = "NAME" }`` and ``{ file = "/path" }``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

KINDS: Final = ("env", "file")


class Unresolved(Exception):
    """A reference leads nowhere; the message is a sentence without the value."""


@dataclass(slots=True, kw_only=True)
class References:
    """Where references lead, and what was found."""

    #: The environment.
    environ: Mapping[str, str] = field(repr=False)
    #: Relative paths start here.
    directory: Path
    #: Values that stood behind references, in the order they were found.
    found: list[str] = field(default_factory=list[str], repr=False)

    def resolve(self, reference: Mapping[str, object]) -> str:
        """Return what a reference stands for. Raises `Unresolved`."""
        kind, where = next(iter(reference.items()))
        if not isinstance(where, str) or not where:
            message = f'{{ {kind} = … }} needs the name in quotation marks, like {{ {kind} = "{_example(kind)}" }}'
            raise Unresolved(message)
        value = self._environment(where) if kind == "env" else self._file(where)
        self.found.append(value)
        return value

    def _environment(self, name: str) -> str:
        value = self.environ.get(name)
        if value is None:
            message = f"the environment variable {name} is not set"
            raise Unresolved(message)
        if not value.strip():
            message = f"the environment variable {name} is empty"
            raise Unresolved(message)
        return value

    def _file(self, name: str) -> str:
        path = self.directory / name
        try:
            value = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            message = f"the file {path} is not UTF-8 text"
            raise Unresolved(message) from None
        except OSError as error:
            message = f"the file {path} cannot be read: {error.strerror or type(error).__name__}"
            raise Unresolved(message) from None
        # Editors and `echo` leave a newline at the end; no secret ends with one.
        value = value.rstrip("\r\n")
        if not value.strip():
            message = f"the file {path} is empty"
            raise Unresolved(message)
        return value


def is_reference(value: object) -> bool:
    """Tell whether a TOML value is meant as a reference: a table with one key, ``env`` or ``file``."""
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in KINDS


def _example(kind: str) -> str:
    return "SLACK_SIGNING_SECRET" if kind == "env" else "/run/secrets/slack"
