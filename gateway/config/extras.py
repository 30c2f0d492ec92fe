"""Is what a connector needs installed? Read from the installed metadata, without importing anything."""

from __future__ import annotations

import re
from importlib import metadata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gateway.config.values import AnySpec

DISTRIBUTION: Final = "baton-gateway"

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_EXTRA: Final = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")


def missing(spec: AnySpec) -> str | None:
    """Return the sentence that says what the connector lacks and how to install it; None when it lacks nothing."""
    if spec.extra is None:
        return None
    required = _of_extra(spec.extra)
    wanted = required if required is not None else (spec.extra,)
    absent = [name for name in wanted if not _installed(name)]
    if not absent:
        return None
    return f"connector {spec.name} needs {', '.join(absent)}, which is not installed: run {installing(spec.extra)}"


def installing(extra: str) -> str:
    """Return the command that installs what a spec's `extra` names: an extra of ours, or else a distribution."""
    return f"pip install '{DISTRIBUTION}[{extra}]'" if _of_extra(extra) is not None else f"pip install {extra}"


def _of_extra(extra: str) -> tuple[str, ...] | None:
    """Return the distributions that an extra of ours brings, None when it is no extra of ours."""
    try:
        ours = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return None
    if extra not in (ours.metadata.get_all("Provides-Extra") or ()):
        return None
    found: list[str] = []
    for requirement in ours.requires or ():
        marker = _EXTRA.search(requirement)
        name = _NAME.match(requirement)
        if marker and marker.group(1) == extra and name and name.group() != DISTRIBUTION:
            found.append(name.group())
    return tuple(found)


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True
