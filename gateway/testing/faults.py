"""Faults that a sandbox can be told to make: the ways in which a vendor's answer goes wrong."""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What goes wrong, and whether the effect happened before it did."""

    #: The connection breaks before anything happened.
    RESET_BEFORE = "reset_before"
    #: Everything happened, and the answer is lost with the connection.
    RESET_AFTER = "reset_after"
    #: Nothing happens and no answer comes for `seconds`.
    HANG = "hang"
    #: Everything happened, and the answer comes after `seconds`.
    DELAY_AFTER = "delay_after"
    #: Too many calls: 429 with Retry-After; nothing happened.
    RATE_LIMITED = "rate_limited"
    #: An error answer of `status`; nothing happened.
    ERROR_BEFORE = "error_before"
    #: Everything happened, and the answer is 500.
    ERROR_AFTER = "error_after"
    #: Everything happened, and the connection breaks in the middle of the answer's body.
    HALF_BODY = "half_body"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault."""

    kind: FaultKind
    #: Seconds, for those that take time, and for Retry-After.
    seconds: float = 1.0
    #: HTTP status of `ERROR_BEFORE`.
    status: int = 503


class Faults:
    """Faults that wait for calls, by the name of the route; ``*`` waits for any."""

    def __init__(self) -> None:
        """Begin without faults."""
        self._waiting: dict[str, deque[Fault]] = {}
        #: What befalls a share of the calls of a route, until it is cleared.
        self._often: dict[tuple[str, FaultKind], tuple[Fault, float]] = {}
        self._dice = random.Random(0)  # noqa: S311 (repeatable, not secret)
        self._chance: tuple[random.Random, float, Sequence[Fault], frozenset[str]] | None = None

    def add(self, route: str, kind: FaultKind, *, times: int = 1, seconds: float = 1.0, status: int = 503) -> None:
        """Have the next calls of a route go wrong."""
        fault = Fault(kind=kind, seconds=seconds, status=status)
        self._waiting.setdefault(route, deque()).extend([fault] * times)

    def often(self, route: str, kind: FaultKind, share: float, *, seconds: float = 1.0, status: int = 503) -> None:
        """Have a share (0 to 1) of a route's calls go wrong until it is cleared; 0 has this one no longer happen."""
        if share > 0:
            self._often[route, kind] = (Fault(kind=kind, seconds=seconds, status=status), share)
        else:
            self._often.pop((route, kind), None)

    def waiting(self) -> list[tuple[str, Fault, int]]:
        """Return the faults that wait for calls, each with its route and how many calls it waits for."""
        counted = Counter((route, fault) for route, faults in self._waiting.items() for fault in faults)
        return [(route, fault, times) for (route, fault), times in counted.items()]

    def standing(self) -> list[tuple[str, Fault, float]]:
        """Return the faults that befall a share of a route's calls."""
        return [(route, fault, share) for (route, _), (fault, share) in self._often.items()]

    def at_random(self, seed: int, share: float, faults: Sequence[Fault], routes: Sequence[str]) -> None:
        """Have a share (0 to 1) of all calls of some routes go wrong, repeatably."""
        self._chance = (random.Random(seed), share, faults, frozenset(routes))  # noqa: S311 (repeatable, not secret)

    def clear(self) -> None:
        """Have nothing more go wrong."""
        self._waiting.clear()
        self._often.clear()
        self._chance = None

    def take(self, route: str) -> Fault | None:
        """Return the fault for a call of a route, None when it goes well."""
        for name in (route, "*"):
            waiting = self._waiting.get(name)
            if waiting:
                return waiting.popleft()
        for (name, _), (fault, share) in self._often.items():
            if name in {route, "*"} and self._dice.random() < share:
                return fault
        if self._chance is not None:
            chance, share, faults, routes = self._chance
            if route in routes and chance.random() < share:
                return chance.choice(list(faults))
        return None
