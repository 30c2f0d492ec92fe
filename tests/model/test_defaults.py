"""What stands at its default is not written into a document: so a default that changes would change what stands there already."""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

import gateway.model
from gateway.model import Burst, OpenIncident, Risk, Trace, TraceStep

KEPT = Path(__file__).with_name("defaults.txt")


def kinds() -> Iterator[type[msgspec.Struct]]:
    for each in pkgutil.iter_modules(gateway.model.__path__):
        module = importlib.import_module(f"gateway.model.{each.name}")
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__module__ == module.__name__:
                yield kind


def told() -> list[str]:
    lines: list[str] = []
    for kind in kinds():
        for each in msgspec.structs.fields(kind):
            if not each.required:
                made = each.default if each.default is not msgspec.NODEFAULT else each.default_factory()
                lines.append(f"{kind.__name__}.{each.name} = {msgspec.json.encode(made).decode()}")
    return sorted(lines)


def test_no_default_has_changed() -> None:
    """A new field is a new line (BATON_UPDATE_GOLDENS=1). A line that changes needs a migration of the documents first."""
    if os.environ.get("BATON_UPDATE_GOLDENS"):
        KEPT.write_text("\n".join(told()) + "\n")
    assert told() == KEPT.read_text().splitlines()


def test_a_document_without_defaults_is_read_as_it_was_written() -> None:
    for kind in kinds():
        if all(not each.required for each in msgspec.structs.fields(kind)):
            assert msgspec.json.decode(msgspec.json.encode(kind()), type=kind) == kind()


def test_traces_name_every_field_since_they_are_read_as_plain_mappings() -> None:
    for kind in (Trace, TraceStep, Risk, Burst, OpenIncident):
        assert not kind.__struct_config__.omit_defaults, kind.__name__
