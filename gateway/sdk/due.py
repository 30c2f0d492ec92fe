"""When the customer must have an answer next, for a field of the ticket."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.model import Handoff


def sla_due(handoff: Handoff) -> str | None:
    """Return when the next clock of the case's SLA is due, or was: 2026-11-30T09:00:00Z, ISO 8601 in UTC, which sorts as text.

    Empty when no clock runs, so that a field is cleared; None when no SLA applies, so that a field is left as it is.
    """
    if handoff.sla is None:
        return None
    clock = handoff.sla.pressing()
    if clock is None or clock.due_at is None:
        return ""
    return datetime.fromtimestamp(clock.due_at / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
