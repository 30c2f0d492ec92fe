"""`python -m tests.prove.mutants [NAME …]`: break each vital guard in a copy of the tree, and see its proof or test fail.

A proof that holds for a broken gateway proves nothing. Each mutant names the one line it breaks and who must notice. A line
that is no longer there makes the run fail as well: the mutant must follow the code.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from tests.prove.gateway_process import ROOT
from tests.prove.guards import MUTANTS
from tests.prove.mutant import Mutant

_COPIED: Final = ("gateway", "connectors", "normalizers", "routing", "tests")
_FILES: Final = ("pyproject.toml", "plugins.toml", "escalation.toml")
#: What pytest exits with when tests failed, and when all passed.
_FAILED: Final = 1


class Fate(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "SURVIVED"
    STALE = "STALE"
    BROKEN = "BROKEN"


def copy_tree(directory: Path) -> None:
    """Copy what runs."""
    for name in _COPIED:
        shutil.copytree(ROOT / name, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in _FILES:
        shutil.copy(ROOT / name, directory / name)


def break_lines(directory: Path, mutant: Mutant) -> str:
    """Break the lines; return the file in which a line is not there exactly once, empty when all were."""
    for name, old, new in mutant.edits:
        text = (directory / name).read_text()
        if text.count(old) != 1:
            return name
        (directory / name).write_text(text.replace(old, new))
    return ""


def attack(mutant: Mutant) -> tuple[Fate, str]:
    """Run the killer over the broken tree; return the fate and what the killer said."""
    with tempfile.TemporaryDirectory(prefix=f"mutant-{mutant.name}-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        copy_tree(directory)
        stale = break_lines(directory, mutant)
        if stale:
            return Fate.STALE, f"{stale} does not hold the line exactly once"
        report = directory / "proofs.md"
        command = (
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", mutant.killer]
            if mutant.by_test
            else [
                sys.executable,
                "-m",
                "tests.prove",
                "--size",
                "smoke",
                "--only",
                mutant.killer,
                "--report",
                str(report),
            ]
        )
        done = subprocess.run(
            command,
            cwd=directory,
            env={**os.environ, "PYTHONPATH": str(directory), "BATON_REQUIRE": "postgres,strace"},
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
    said = [line.strip() for line in done.stdout.splitlines() if "!!" in line or line.startswith(("FAILED", "E   "))]
    if done.returncode == 0:
        return Fate.SURVIVED, done.stdout[-300:]
    if done.returncode != _FAILED or not said:
        return Fate.BROKEN, (done.stdout + done.stderr)[-600:]
    return Fate.KILLED, said[1] if len(said) > 1 and not mutant.by_test else said[0]


def main(arguments: Sequence[str]) -> int:
    """Attack what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.prove.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(mutant.name for mutant in MUTANTS))
    wanted = parser.parse_args(arguments).names or [mutant.name for mutant in MUTANTS]
    fates: list[Fate] = []
    for mutant in MUTANTS:
        if mutant.name in wanted:
            begun = time.monotonic()
            fate, said = attack(mutant)
            print(
                f"{fate.value:8} {mutant.name} by {mutant.killer} in {time.monotonic() - begun:.0f} s: {said}",
                flush=True,
            )
            fates.append(fate)
    survivors = sum(1 for fate in fates if fate is not Fate.KILLED)
    print(f"{len(fates)} mutants, {survivors} not killed")
    return 1 if survivors or not fates else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
