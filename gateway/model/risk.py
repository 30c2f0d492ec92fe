"""The predicted risk that a case will be escalated: what a decision is told of it, and what a case leaves to learn from.

A feature is a word like ``channel=chat`` or ``customer_messages=2-3``: no text of anybody, and nobody's identifier.
"""

from __future__ import annotations

from msgspec import Struct


class Risk(Struct, frozen=True, kw_only=True, gc=False):
    """What was said of a case's risk at one decision."""

    #: From 0 to 1; None when unknown.
    score: float | None = None
    #: Version of the model that was asked, 0 for none.
    model: int = 0
    #: In words: the features that weighed most, or why it is unknown.
    evidence: str = ""


class RiskPoint(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The moment of a case's life that it is learned from once it is over."""

    #: What was known then.
    features: tuple[str, ...]
    #: When, UTC microseconds.
    at: int
    #: Until when an escalation counts, UTC microseconds.
    until: int
    #: How many such moments the case has had: each of them was as likely to be kept.
    passed: int = 1
    #: When it was first escalated after that moment, or missed a target of its SLA; None while neither.
    escalated_at: int | None = None
    #: True when a rule on the risk itself escalated it: what would have come otherwise is not known.
    forced: bool = False


class Lesson(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What a case that is over teaches: what was known at one moment, and what came of it."""

    features: tuple[str, ...]
    #: True when it was escalated, or missed a target, within the horizon.
    escalated: bool


def lesson_of(point: RiskPoint) -> Lesson | None:
    """Return what a point teaches; None when a rule on the risk itself decided what came of it."""
    escalated = point.escalated_at is not None and point.escalated_at <= point.until
    if point.forced and not escalated:
        return None
    return Lesson(features=point.features, escalated=escalated)
