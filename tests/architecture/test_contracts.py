"""Each import contract is proved by breaking it: a contract that cannot fail guards nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("gateway", "connectors", "normalizers", "routing")

#: Contract → the file that breaks it and the import that does.
BREACHES = {
    "the model knows nothing but values: the standard library's, and structs": ("gateway/model/ids.py", "import time"),
    "normalizers know the model and do no I/O": ("normalizers/text.py", "import asyncio"),
    "routing knows the model and positions in TOML, and does no I/O": ("routing/decide.py", "import gateway.sdk"),
    "the sdk knows the model, pydantic and msgspec": ("gateway/sdk/errors.py", "import routing"),
    "the reader of TOML stands alone": ("gateway/toml.py", "import gateway.model"),
    "the host knows sdk, model, config and clock": ("gateway/host/session.py", "import gateway.store"),
    "the store knows sdk and model": ("gateway/store/ports.py", "import gateway.pipeline"),
    "config knows sdk and toml": ("gateway/config/load.py", "import gateway.store"),
    "the pipeline does not know the web": ("gateway/pipeline/intake.py", "import gateway.web"),
    "the web does not know who composes it": ("gateway/web/hooks.py", "import gateway.cli"),
    "nobody knows a connector by name": ("gateway/app.py", "import connectors.slack"),
    "connectors come in by the one door": ("connectors/slack/events.py", "import gateway.store"),
    "connectors do not know each other": ("connectors/slack/events.py", "import connectors.zendesk"),
    "normalizers and routing do not know each other": ("normalizers/text.py", "import routing"),
    "production never imports a sandbox or the test kit": (
        "connectors/slack/connector.py",
        "import connectors.slack.sandbox",
    ),
}


def declared() -> list[str]:
    """Return the names of the contracts in pyproject.toml."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    return [contract["name"] for contract in contracts]


def lint(tree: Path) -> str:
    """Return what lint-imports says of a tree."""
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    program = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run(
        [str(program), "--no-cache", "--no-logo"],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout + result.stderr


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the four packages that may be broken."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_has_its_breach() -> None:
    assert sorted(declared()) == sorted(BREACHES)


def test_the_house_keeps_its_contracts(tree: Path) -> None:
    said = lint(tree)
    assert "0 broken" in said, said


@pytest.mark.parametrize("name", sorted(BREACHES))
def test_a_broken_contract_is_seen(tree: Path, name: str) -> None:
    file, line = BREACHES[name]
    path = tree / file
    path.write_text(path.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    said = lint(tree)
    assert f"{name} BROKEN" in said, said
