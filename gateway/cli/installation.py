"""Is this installation sound? Clashing packages, and versions with known faults."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import metadata, util
from pathlib import Path
from typing import Final

#: The four packages of the wheel; plain names, so somebody else may have taken one of them.
PACKAGES: Final = ("gateway", "connectors", "normalizers", "routing")
_DISTRIBUTION: Final = "baton-gateway"

#: The first Python 3.11 whose e-mail library cannot be made to inject a header (CVE-2024-6923).
_PYTHON: Final = (3, 11, 10)


def clashes() -> tuple[str, ...]:
    """Return one sentence for each of our packages that another distribution has installed over or beside ours."""
    sentences = list(_claimed(metadata.packages_distributions()))
    home = Path(__file__).resolve().parents[2]
    for name in PACKAGES:
        found = util.find_spec(name)
        origin = Path(found.origin).resolve() if found and found.origin else None
        if origin is None or origin.parents[1] != home:
            where = origin.parent if origin else "nowhere"
            sentences.append(
                f'the package "{name}" is imported from {where} and not from {home / name}: '
                "another installation shadows Baton; give Baton a virtual environment of its own"
            )
    return tuple(dict.fromkeys(sentences))


def _claimed(owners: Mapping[str, Sequence[str]]) -> Sequence[str]:
    sentences: list[str] = []
    for name in PACKAGES:
        others = sorted({owner for owner in owners.get(name, ()) if _plain(owner) != _DISTRIBUTION})
        if others:
            sentences.append(
                f'the distribution {", ".join(others)} installs a package "{name}" too, which is Baton\'s: '
                f"uninstall it, or give Baton a virtual environment of its own"
            )
    return sentences


def outdated(python: tuple[int, ...] = sys.version_info[:3]) -> tuple[str, ...]:
    """Return one sentence for each version that has a known fault Baton has to work around."""
    if python >= _PYTHON:
        return ()
    sentence = f"Python {_dotted(python)} lets a crafted mail header inject another (CVE-2024-6923)"
    return (f"{sentence}; Baton guards itself, but {_dotted(_PYTHON)} or later is safer",)


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version[:3]))
