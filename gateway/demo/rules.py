"""Whether every rule of the shipped policy fired in the day: what an admin starts with must not hold a rule nobody ever saw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, cast

from gateway.demo.claims import Claim, histories_of

if TYPE_CHECKING:
    from gateway.store.ports import Store
    from routing.policy import Policy


def fired(store: Store) -> frozenset[str]:
    """Return the ids of the rules that matched something in a store, by the traces of its decisions."""
    return frozenset(
        str(step["rule"])
        for history in histories_of(store)
        for applied in history.activities
        for step in cast("Iterable[Mapping[str, object]]", (applied.trace or {}).get("steps", ()))
        if step["matched"]
    )


def every_rule(policy: Policy, seen: AbstractSet[str]) -> Claim:
    """Claim that each rule of the policy is among those that fired."""
    never = [rule.id for rule in policy.rules if rule.id not in seen]
    sentence = f"each of the {len(policy.rules)} rules of the shipped policy fired today"
    return Claim(sentence=f"{sentence}; never {', '.join(never)}" if never else sentence, holds=not never)
