"""What became of an effect, told to the case that wanted it."""

from __future__ import annotations

from collections.abc import Callable

from gateway.model import Activity, ActivityKind, Effect, Outcome, Receipt
from gateway.model.activity import BATON_NAME
from gateway.store.engine import Transaction
from gateway.store.inbound import append_internal


def outcome_of(
    effect: Effect,
    connection: str,
    *,
    landed: bool,
    discarded: bool = False,
    receipt: Receipt | None = None,
    reason: str = "",
) -> Outcome:
    """Return what became of an effect, as its case is told. The connection goes by the name that it has now."""
    return Outcome(
        effect_id=effect.id,
        effect_kind=effect.kind.value,
        connection=connection,
        rule=effect.rule,
        episode_id=effect.episode_id,
        landed=landed,
        discarded=discarded,
        receipt=receipt,
        reason=reason,
    )


def tell(
    t: Transaction, entropy: Callable[[int], bytes], outcome: Outcome, case_id: str, occasion: str, now: int
) -> None:
    """Append an outcome to the case that wanted the effect. `occasion` parts the outcomes of one effect."""
    activity = Activity(
        kind=ActivityKind.OUTCOME,
        connection=BATON_NAME,
        thread=case_id,
        dedupe=f"outcome:{outcome.effect_id}:{occasion}",
        occurred_at=now,
        received_at=now,
        outcome=outcome,
    )
    append_internal(t, entropy, case_id, activity, now)
