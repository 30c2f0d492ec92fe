"""Which rules match, and the short account of it that every decision keeps."""

from __future__ import annotations

from typing import Final

from gateway.model import ActivityKind, TraceStep
from routing.draft import Draft
from routing.policy import Rule

#: Asked for with every activity, and slow to get out of its enumeration.
_TIMER: Final = ActivityKind.TIMER


def matching_rules(draft: Draft) -> tuple[list[Rule], tuple[TraceStep, ...], int]:
    """Return the rules that match, an account of each, and how many were passed over before the first."""
    policy = draft.snapshot.policy
    text = draft.signals.tokens if policy.reads_text else " "
    asked = (draft.case, draft.about, draft.now, policy.book, text, draft.signals)
    if draft.about.kind is not _TIMER:
        indexes = policy.match(*asked)
    else:
        # A clock of an SLA lets only those rules look that read a field of SLAs.
        found = policy.match_clock_rules(*asked) if policy.match_clock_rules is not None else []
        indexes = [policy.clock_rules[index] for index in found]
    rules = [policy.rules[index] for index in indexes]
    steps = tuple(
        TraceStep(
            rule=rule.id,
            matched=True,
            conditions=() if rule.catch_all else conditions_of(draft, rule, text),
            evidence=evidence_of(draft, rule),
        )
        for rule in rules
    )
    return rules, steps, indexes[0] if indexes else len(policy.rules)


def conditions_of(draft: Draft, rule: Rule, text: str) -> tuple[tuple[str, bool], ...]:
    """Return each condition of a rule as written, and whether it held."""
    book = draft.snapshot.policy.book
    return tuple(
        (condition.source, bool(condition.check(draft.case, draft.about, draft.now, book, text, draft.signals)))
        for condition in (*rule.all, *rule.any)
    )


def evidence_of(draft: Draft, rule: Rule) -> tuple[tuple[str, str], ...]:
    """Return what the signals stood on that a rule asks for, those without any left out."""
    told = ((field, draft.signals.evidence(field)) for field in rule.signals)
    return tuple((field, words) for field, words in told if words)
