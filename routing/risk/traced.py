"""What traces say of the risk, so that a case is gone through again with the scores that it had."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.model import Activity, Risk


def traced(told: Iterable[tuple[Activity, Mapping[str, Any] | None]]) -> dict[tuple[str, str], Risk]:
    """Return the risk of activities whose traces have one, by connection and dedupe key."""
    found: dict[tuple[str, str], Risk] = {}
    for activity, trace in told:
        risk = (trace or {}).get("risk")
        if risk:
            found[activity.connection, activity.dedupe] = Risk(
                score=risk.get("score"), model=int(risk.get("model", 0)), evidence=str(risk.get("evidence", ""))
            )
    return found
