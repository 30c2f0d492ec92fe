"""Conditions on a risk that nobody learns."""

from __future__ import annotations

import tomllib

from routing.lint.finding import Examined
from routing.risk.rules import SCORE


def unlearned_risk(examined: Examined) -> None:
    """Note the first rule that reads the predicted risk while nobody has it learned.

    The policy in force has it learned and told; of one that is only tried, its own table counts for nothing until then.
    """
    policy, live = examined.policy, examined.live
    if policy.risk is None:
        table = tomllib.loads(policy.source).get("risk")
        todo = "write a table [risk]" if table is None else "[risk] says enabled = false"
    elif live is not None and live.risk is None:
        todo = "this policy is only tried, and the one in force has no [risk]: write it there too"
    else:
        return
    for index, rule in enumerate(policy.rules):
        if SCORE in rule.signals:
            sentence = f"rule {rule.id} reads {SCORE}, which is never known: {todo}"
            examined.note("unlearned-risk", ("rule", index), sentence)
