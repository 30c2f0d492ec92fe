"""The locks hold for every Python that the project says it runs on: what can be known of that without a network."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import pytest
from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).resolve().parents[2]
PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
_HASH: Final = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")
#: Extras that the demo plays with; the other lock holds them all.
_DEMO: Final = re.search(r"((?:--extra \w+ )+)--group demo", (ROOT / "Makefile").read_text(encoding="utf-8"))


def entries(lock: str) -> list[tuple[Requirement, int]]:
    """Return the entries of a lock, each with the number of its hashes."""
    text = (ROOT / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line and not line.lstrip().startswith("#")]
    return [(Requirement(line.split("--hash", 1)[0].strip()), len(_HASH.findall(line))) for line in lines]


def group(name: str) -> Iterator[str]:
    """Yield what a dependency group asks for, those that it includes as well."""
    for each in PROJECT["dependency-groups"][name]:
        if isinstance(each, str):
            yield each
        else:
            yield from group(each["include-group"])


def wanted(lock: str) -> list[Requirement]:
    """Return what the project asks for itself in a lock."""
    extras = PROJECT["project"]["optional-dependencies"]
    assert _DEMO is not None
    names = re.findall(r"--extra (\w+)", _DEMO[1]) if lock == "demo" else [each for each in extras if each != "all"]
    texts = [*PROJECT["project"]["dependencies"], *(text for name in names for text in extras[name]), *group(lock)]
    return [Requirement(text) for text in texts]


def applies(marker: Marker | None, python: str) -> bool:
    environment: dict[str, str] = {
        **cast("Any", default_environment()),
        "python_version": python,
        "python_full_version": f"{python}.0",
        "extra": "",
    }
    return marker is None or marker.evaluate(environment)


@pytest.mark.parametrize("lock", ["demo", "dev"])
def test_every_entry_is_one_version_with_hashes(lock: str) -> None:
    """pip demands it with --require-hashes; two hashes at least, so that more than one machine can install it."""
    found = entries(lock)
    assert len(found) > 20
    loose = [str(entry) for entry, hashes in found if not re.fullmatch(r"==[^*]+", str(entry.specifier)) or not hashes]
    assert loose == []


@pytest.mark.parametrize("lock", ["demo", "dev"])
@pytest.mark.parametrize("python", PYTHONS)
def test_what_the_project_asks_for_stands_once_in_the_lock(lock: str, python: str) -> None:
    chosen: dict[str, list[Requirement]] = {}
    for entry, _ in entries(lock):
        if applies(entry.marker, python):
            chosen.setdefault(canonicalize_name(entry.name), []).append(entry)
    assert {name: each for name, each in chosen.items() if len(each) > 1} == {}
    for each in wanted(lock):
        if not applies(each.marker, python):
            continue
        (entry,) = chosen[canonicalize_name(each.name)]
        (version,) = (one.version for one in entry.specifier)
        assert each.specifier.contains(version, prereleases=True), f"{each} is locked as {version}"


def test_the_project_says_which_pythons_these_are() -> None:
    assert PROJECT["project"]["requires-python"] == f">={PYTHONS[0]}"
    told = {each.rsplit(" ", 1)[1] for each in PROJECT["project"].get("classifiers", []) if ":: 3." in each}
    assert told <= set(PYTHONS)
