"""Why a decision comes out as it does: every rule with every condition, also those that were passed over."""

from __future__ import annotations

from gateway.model import Activity, TraceStep
from routing.decide import drafted
from routing.draft import Draft
from routing.matching import conditions_of, evidence_of
from routing.phrases import canonical
from routing.snapshot import Snapshot


def explain(snapshot: Snapshot, activity: Activity, now: int) -> tuple[TraceStep, ...]:
    """Return an account of every rule of the policy, in order, for one activity."""
    made = drafted(snapshot, activity, now)
    matched = {step.rule for step in made.steps}
    draft = Draft(snapshot, activity, now, made.looked_at or made.case)
    draft.about, draft.signals = made.about, made.signals
    text = canonical(made.about.reply_text)
    return tuple(
        TraceStep(
            rule=rule.id,
            matched=rule.id in matched,
            conditions=conditions_of(draft, rule, text),
            evidence=evidence_of(draft, rule),
        )
        for rule in snapshot.policy.rules
    )
