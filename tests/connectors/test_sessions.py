"""No verifier stands before a session's endpoints, so each connector that has any must be held to asking who comes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from gateway.host.registry import discover, load_class
from gateway.sdk import SessionSource

SPECS = discover()


@pytest.mark.parametrize("name", sorted(SPECS))
def test_a_session_source_subclasses_the_contract_of_sessions(name: str) -> None:
    spec = SPECS.get(name)
    assert spec is not None
    if not issubclass(load_class(SPECS, spec), SessionSource):
        return
    folder = Path(__file__).parent / name
    bases = {
        ast.unparse(base)
        for path in folder.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test")
        for base in node.bases
    }
    assert "SessionSourceContract" in bases, f"{name} holds sessions: subclass SessionSourceContract in {folder.name}"
