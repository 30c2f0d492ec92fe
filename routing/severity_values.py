"""The severity matrix as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.model import Priority

#: Of impact and of urgency, the lowest first.
LEVELS: Final = ("low", "medium", "high")


@dataclass(frozen=True, slots=True, kw_only=True)
class Severity:
    """What impact and urgency make of a case."""

    #: Priority by impact and urgency, for every pair.
    matrix: Mapping[tuple[str, str], Priority]
    #: Where people fill them in: for ``impact`` and ``urgency``, the field's id or name by connection.
    fields: Mapping[str, Mapping[str, str]]
    #: Words of those fields, folded, with the level that they mean; the levels themselves are among them.
    words: Mapping[str, str]
    #: Tiers and tags of customers whose cases are one class more severe, folded.
    boost: frozenset[str]
