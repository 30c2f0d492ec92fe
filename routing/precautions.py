"""Precautions of a policy as values: what is sensitive, and which notices are muted."""

from __future__ import annotations

from dataclasses import dataclass

from routing.compiling import Condition, Matcher


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """Which cases are kept to a group of their own."""

    name: str
    all: tuple[Condition, ...]
    any: tuple[Condition, ...]
    #: The group that their tickets stand in, by the helpdesk's name.
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """Which notices are held for a time."""

    id: str
    #: Conditions on the case; without any, every case.
    all: tuple[Condition, ...]
    any: tuple[Condition, ...]
    #: Rules whose notices are held; without any, those of every rule.
    rules: frozenset[str]
    #: Until when, UTC microseconds.
    until: int
    #: Who wants it, and why.
    author: str
    reason: str
    #: Says whether the conditions hold.
    match: Matcher
