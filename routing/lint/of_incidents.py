"""Incidents that conditions ask for in vain."""

from __future__ import annotations

from typing import Final

from routing.lint.finding import Examined

_BEGINNINGS: Final = ("incident.", "burst.")


def nothing_counted(examined: Examined) -> None:
    """Note conditions that ask for incidents where there is none."""
    if examined.policy.incidents:
        return
    for index, rule in enumerate(examined.policy.rules):
        for key, conditions in (("all", rule.all), ("any", rule.any)):
            for number, condition in enumerate(conditions):
                name = next((name for name in sorted(condition.fields) if name.startswith(_BEGINNINGS)), None)
                if name is not None:
                    sentence = f"nothing is counted for {name}: write an [[incident]]"
                    examined.note("no-incident", ("rule", index, "when", key, number), sentence, value=True)
