"""The fields of severity and of sensitive cases: a part of the table in `routing.fields`."""

from __future__ import annotations

from typing import Final

from gateway.model import Priority
from routing.field import Field, Kind
from routing.severity_values import LEVELS

PRECAUTIONS: Final[dict[str, Field]] = {
    "case.impact": Field(
        kind=Kind.WORD,
        source="(case.impact or None)",
        words=frozenset(LEVELS),
        nullable=True,
        about="how much it harms, as a rule or a field of the ticket says",
    ),
    "case.urgency": Field(
        kind=Kind.WORD,
        source="(case.urgency or None)",
        words=frozenset(LEVELS),
        nullable=True,
        about="how soon it harms, as a rule or a field of the ticket says",
    ),
    "case.severity": Field(
        kind=Kind.WORD,
        source="case.severity",
        words=frozenset(each.value for each in Priority),
        nullable=True,
        about="what `[severity]` makes of its impact and urgency",
    ),
    "case.sensitivity": Field(
        kind=Kind.WORD,
        source="(case.sensitive or None)",
        nullable=True,
        about="the `[sensitivity.NAME]` that marked it",
    ),
}
