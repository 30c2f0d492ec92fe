"""`[risk]` of a policy → when the predicted risk is spoken of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from routing import schema
from routing.expression import parse_duration
from routing.reader import Path, Reader
from routing.risk.rules import AT_LEAST, FEWEST, HORIZON, RiskRules

_PATH: Final[Path] = ("risk",)


def read_risk(reader: Reader, values: Mapping[str, Any]) -> RiskRules | None:
    """Read the table; None when there is none, or when it says that nothing is to be learned."""
    if "risk" not in values:
        return None
    table = reader.table(_PATH, values["risk"], "risk")
    reader.keys(_PATH, table, schema.RISK, "risk")
    enabled = table.get("enabled", True)
    if not isinstance(enabled, bool):
        reader.note((*_PATH, "enabled"), "enabled must be true or false", value=True)
    at_least = table.get("at_least", AT_LEAST)
    if type(at_least) is not int or at_least < FEWEST:
        reader.note(
            (*_PATH, "at_least"),
            f"at_least is how many closed cases are needed, a whole number from {FEWEST} on: of fewer, a score is chance",
            value=True,
        )
        at_least = AT_LEAST
    horizon = reader.duration(_PATH, table, "horizon") if "horizon" in table else parse_duration(HORIZON)
    return RiskRules(at_least=at_least, horizon=horizon or 0) if enabled is True else None
