"""Conditions on a risk that nobody learns."""

from __future__ import annotations

import tomllib

from routing.lint.finding import Examined
from routing.risk.rules import SCORE


def unlearned_risk(examined: Examined) -> None:
    """Note the first rule that reads the predicted risk while the policy has it not learned."""
    policy = examined.policy
    if policy.risk is not None:
        return
    table = tomllib.loads(policy.source).get("risk")
    todo = "write a table [risk]" if table is None else "[risk] says enabled = false"
    for index, rule in enumerate(policy.rules):
        if SCORE in rule.signals:
            sentence = f"rule {rule.id} reads {SCORE}, which is never known: {todo}"
            examined.note("unlearned-risk", ("rule", index), sentence)
