"""A comparison as somebody would write it, for sentences on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from routing.expression import Compare
from routing.fields import FIELDS, Field, Kind
from routing.skipping import AGENT_FIELDS, TEAM_FIELDS

#: Every field that a condition of a policy may name: those of rules, and those of a ladder's steps.
ALL_FIELDS: Final[Mapping[str, Field]] = {**FIELDS, **TEAM_FIELDS, **AGENT_FIELDS}
_SECOND: Final = 1_000_000


def written(compare: Compare) -> str:
    """Return a comparison as a policy has it."""
    field = ALL_FIELDS[compare.field]
    if field.kind is Kind.FLAG and compare.other is None:
        return compare.field
    if compare.other is not None:
        return f"{compare.field} {compare.operator} {compare.other}"
    values = compare.value if isinstance(compare.value, tuple) else (compare.value,)
    shown = [
        f"{int(each) // _SECOND}s" if field.kind is Kind.DURATION else repr(each) for each in values if each is not None
    ]
    listed = f"[{', '.join(shown)}]" if isinstance(compare.value, tuple) else shown[0]
    return f"{compare.field} {compare.operator} {listed}"
