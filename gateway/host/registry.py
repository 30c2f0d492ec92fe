"""Which connectors exist: entry points say so. A connector is imported when somebody asks for it by name, not before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, cast

from pydantic import ConfigDict

from gateway.config import AnySpec, installing
from gateway.model import Channel
from gateway.sdk import (
    CONTRACT,
    ConnectionSettings,
    Connector,
    ConnectorSpec,
    HandoffTarget,
    Notifier,
    ProfileSource,
    Replier,
)

#: The entry-point group that a connector's distribution registers its spec in.
GROUP: Final = "baton.connectors"

#: What a connector class can do → the word by which the policy asks for it.
_ROLES: Final = {HandoffTarget: "handoff", Replier: "reply", Notifier: "notify", ProfileSource: "profile"}


class PluginError(Exception):
    """A connector that cannot be used; the sentence names its distribution and what to do."""


class _Unread(ConnectionSettings):
    """Settings of a connector whose own cannot be known: everything is taken as it stands."""

    model_config = ConfigDict(extra="allow")


class Specs(Mapping[str, AnySpec]):
    """The installed connectors' specs, by name; each is imported when it is first looked up.

    One that cannot be imported has a stand-in that accepts any settings: the connection is then shown as failed, and the
    others are not touched.
    """

    def __init__(self, points: Mapping[str, EntryPoint], problems: Mapping[str, str]) -> None:
        """Take the entry points, and what is wrong with them as a whole."""
        self._points = points
        self._loaded: dict[str, AnySpec] = {}
        #: Name → why the connector cannot be used.
        self.problems: dict[str, str] = dict(problems)

    def __getitem__(self, name: str) -> AnySpec:
        """Return the spec of a connector. Raises KeyError when none of that name is installed."""
        if name not in self._loaded:
            self._loaded[name] = self._load(name, self._points[name])
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._points)

    def __len__(self) -> int:
        """Return how many connectors are installed."""
        return len(self._points)

    def _load(self, name: str, point: EntryPoint) -> AnySpec:
        if name not in self.problems:
            try:
                found = point.load()
            except (Exception, SystemExit) as error:  # noqa: BLE001 (what a plugin does at import must not harm the others)
                self.problems[name] = (
                    f"connector {name} of {_owner(point)} cannot be imported ({type(error).__name__}: {error}): "
                    "mend or uninstall that distribution"
                )
            else:
                problem = _mistake(name, point, found)
                if problem is None:
                    return cast("AnySpec", found)
                self.problems[name] = problem
        return ConnectorSpec(
            name=name, title=name, channels=frozenset(Channel), settings=_Unread, factory="", contract=CONTRACT
        )


def _owner(point: EntryPoint) -> str:
    return (
        f"distribution {point.dist.name} {point.dist.version}" if point.dist is not None else "an unknown distribution"
    )


def _mistake(name: str, point: EntryPoint, found: object) -> str | None:
    if not isinstance(found, ConnectorSpec):
        return f"entry point {GROUP}:{name} of {_owner(point)} is no ConnectorSpec but {type(found).__name__}"
    if found.name != name:
        return (
            f"entry point {GROUP}:{name} of {_owner(point)} brings a connector named {found.name}: the two must agree"
        )
    if found.contract != CONTRACT:
        which = "an older" if found.contract < CONTRACT else "a newer"
        return (
            f"connector {name} of {_owner(point)} was written for contract {found.contract}, {which} one; this Baton "
            f"speaks contract {CONTRACT}: install a release of it for that"
        )
    return None


def discover() -> Specs:
    """Find the installed connectors. Nothing is imported yet."""
    points: dict[str, EntryPoint] = {}
    problems: dict[str, str] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda each: (each.name, each.value)):
        other = points.get(point.name)
        if other is None:
            points[point.name] = point
        elif other.value != point.value:
            problems[point.name] = (
                f"connector {point.name} is brought by {_owner(other)} and by {_owner(point)}: uninstall one of them"
            )
    return Specs(points, problems)


def load_class(specs: Specs | None, spec: AnySpec) -> type[Connector[Any]]:
    """Import a connector's class, and with it the vendor's SDK. Raises `PluginError` with a sentence."""
    known = specs.problems.get(spec.name) if specs is not None else None
    if known is not None:
        raise PluginError(known)
    module, _, name = spec.factory.partition(":")
    try:
        found = getattr(import_module(module), name)
    except ImportError as error:
        hint = f": run {installing(spec.extra)}" if spec.extra else ""
        raise PluginError(f"connector {spec.name} cannot be imported ({error}){hint}") from error
    except (Exception, SystemExit) as error:
        raise PluginError(f"connector {spec.name} cannot be imported ({type(error).__name__}: {error})") from error
    if not (isinstance(found, type) and issubclass(found, Connector)):
        raise PluginError(f"connector {spec.name}: {spec.factory} is no Connector")
    return found  # pyright: ignore[reportUnknownVariableType]


def roles_of(specs: Specs | None, spec: AnySpec) -> frozenset[str]:
    """Return what a connector can do outwards; everything, when its class cannot be imported to see."""
    try:
        found: type[object] = load_class(specs, spec)
    except PluginError:
        return frozenset(_ROLES.values())
    return frozenset(word for role, word in _ROLES.items() if role in found.__mro__)
