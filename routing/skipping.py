"""`skip_if`: a condition on a step of a ladder, over its people as they are at that moment and over the case.

It is asked while a case climbs: there is no activity then that it could be about. So it names fields of the case and of whom the
step asks, and no others; it is rare, so that the tree is walked as it was read, and nothing is compiled.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from routing.expression import Compare, Node, Not, comparisons
from routing.fields import FIELDS, Field, Kind

#: What is compared was checked when it was read.
_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda left, right: left in right,
    "not in": lambda left, right: left not in right,
    "contains": lambda left, right: right in left,
}


def _field(kind: Kind, about: str) -> Field:
    return Field(kind=kind, source="", about=about)


CASE_FIELDS: Final[Mapping[str, Field]] = {name: each for name, each in FIELDS.items() if name.startswith("case.")}
#: What a step knows of the team that it asks; those that stand in for it are not counted.
TEAM_FIELDS: Final[Mapping[str, Field]] = {
    "team.available": _field(Kind.NUMBER, "members who are there: on duty, and not away by a roster"),
    "team.free": _field(Kind.NUMBER, "those of them who have room for one more case of this channel"),
    "team.open_cases": _field(Kind.NUMBER, "open cases that its members have"),
}
#: What a step knows of the agent whom it asks.
AGENT_FIELDS: Final[Mapping[str, Field]] = {
    "agent.available": _field(Kind.FLAG, "whether they are there: on duty, and not away by a roster"),
    "agent.free": _field(Kind.FLAG, "whether they are there, and have room for one more case of this channel"),
    "agent.open_cases": _field(Kind.NUMBER, "open cases that they have"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipIf:
    """When a step is passed over."""

    #: The condition as it was written.
    source: str
    node: Node

    @property
    def fields(self) -> frozenset[str]:
        """Return the fields that it names."""
        names = ((each.field, each.other) for each in comparisons(self.node))
        return frozenset(name for pair in names for name in pair if name is not None)

    def holds(self, value_of: Callable[[str], object]) -> bool:
        """Tell whether it holds; `value_of` gives a field's value, None for a missing one."""
        return _holds(self.node, value_of)


def _holds(node: Node, value_of: Callable[[str], object]) -> bool:
    if isinstance(node, Not):
        return not _holds(node.inner, value_of)
    if not isinstance(node, Compare):
        together = all if node.word == "and" else any
        return together(_holds(part, value_of) for part in node.parts)
    left: Any = value_of(node.field)
    right: Any = node.value if node.other is None else value_of(node.other)
    return left is not None and right is not None and bool(_COMPARISONS[node.operator](left, right))
