"""Why a decision comes out as it does: every rule with every condition, also those that were passed over."""

from __future__ import annotations

from typing import Final

from gateway.model import Activity, TraceStep
from routing.compiling import field_reader
from routing.decide import drafted
from routing.draft import Draft
from routing.fields import FIELDS, Kind
from routing.matching import conditions_of, evidence_of
from routing.snapshot import Snapshot

#: Fields that may hold what somebody wrote.
_WRITTEN: Final = frozenset({"button.value", *(name for name, each in FIELDS.items() if each.kind is Kind.TEXT)})


def seen(snapshot: Snapshot, activity: Activity, now: int) -> dict[str, object]:
    """Return what the rules of the policy saw: each field that they read, None when it was missing, and no text of anybody."""
    draft = _asked(drafted(snapshot, activity, now))
    policy = snapshot.policy
    text = draft.signals.tokens
    reads = policy.reads - _WRITTEN
    if "message.phrases" in reads and policy.book.knows_languages:
        # Which lists are looked for hangs on it.
        reads |= {"message.language"}
    return {
        name: field_reader(name)(draft.case, draft.about, now, policy.book, text, draft.signals)
        for name in FIELDS
        if name in reads
    }


def _asked(made: Draft) -> Draft:
    """Return a draft with the case as the rules saw it, and what they looked at."""
    draft = Draft(made.snapshot, made.activity, made.now, made.looked_at or made.case)
    draft.about, draft.signals = made.about, made.signals
    return draft


def explain(snapshot: Snapshot, activity: Activity, now: int) -> tuple[TraceStep, ...]:
    """Return an account of every rule of the policy, in order, for one activity."""
    made = drafted(snapshot, activity, now)
    matched = {step.rule for step in made.steps}
    draft = _asked(made)
    text = draft.signals.tokens
    return tuple(
        TraceStep(
            rule=rule.id,
            matched=rule.id in matched,
            conditions=conditions_of(draft, rule, text),
            evidence=evidence_of(draft, rule),
        )
        for rule in snapshot.policy.rules
    )
