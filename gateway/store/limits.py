"""Limits that vendors set on calls, as far as the calls that were made tell of them."""

from __future__ import annotations

from typing import Final

from gateway.sdk import RateLimit
from gateway.store.engine import Transaction

_MICRO: Final = 1_000_000


def frees_at(t: Transaction, limit: RateLimit, connection: int, case_id: str, now: int) -> int | None:
    """Return when a limit on a connection, or on the ticket of a case, frees the next call; None when one is free now."""
    window = int(limit.seconds * _MICRO)
    one, values = ("AND case_id = ? ", (case_id,)) if limit.scope == "ticket" else ("", ())
    rows = t.rows(
        f"SELECT called_at FROM calls WHERE connection_id = ? {one}AND called_at > ? ORDER BY called_at",
        *(connection, *values, now - window),
    )
    return int(rows[len(rows) - limit.calls][0]) + window if len(rows) >= limit.calls else None
