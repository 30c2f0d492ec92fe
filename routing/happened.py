"""What comes of an event in a case in memory: the decisions, the steps that were reached, and what its ticket looks like."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.model import Decision, Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of a ladder that an escalation reached."""

    #: Its number from 1, or ``final``; of a ladder that the escalation moved to, ``LADDER/1``.
    name: str
    #: When, in microseconds since the escalation began; None where that is no matter.
    after: int | None = None


@dataclass(slots=True, kw_only=True)
class Ticket:
    """What a ticket looks like after everything that was written."""

    #: The group it stands in.
    group: str = ""
    #: The fields that were set.
    fields: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """What came of one event."""

    #: The decisions on the event itself, or on the deadlines that fell due while time passed; and after each those on what a
    #: look-up found for it, where something followed from that.
    decisions: tuple[Decision, ...]
    #: The rules that matched, in order; those that matched again once a look-up had answered stand once.
    rules: tuple[str, ...]
    #: Everything that was decided to be written, that which followed from outcomes included.
    effects: tuple[Effect, ...]


def together(made: Iterable[Happened]) -> Happened:
    """Return what came of several events, as if they were one."""
    every = tuple(made)
    return Happened(
        decisions=tuple(decision for each in every for decision in each.decisions),
        rules=tuple(rule for each in every for rule in each.rules),
        effects=tuple(effect for each in every for effect in each.effects),
    )
