"""Whose case something of ours is: by the id of an effect, or by the vendor's id of what was written."""

from __future__ import annotations

from gateway.store.engine import Transaction


def case_of_effect(t: Transaction, connection_id: int, effect_id: str) -> str | None:
    """Return the case of an effect of a connection, as it is now after merges; None when there is no such effect."""
    rows = t.rows(
        "SELECT c.root_id FROM effects e JOIN cases c ON c.id = e.case_id WHERE e.id = ? AND e.connection_id = ?",
        *(effect_id, connection_id),
    )
    return str(rows[0][0]) if rows else None


def case_of_message(t: Transaction, connection_id: int, message_id: str) -> str | None:
    """Return the case for which we wrote a message, as it is now after merges; None when we wrote none of that id."""
    rows = t.rows(
        "SELECT c.root_id FROM foreign_ids f JOIN cases c ON c.id = f.case_id WHERE f.connection_id = ?"
        " AND f.foreign_id = ? AND f.kind <> 'ticket'",
        *(connection_id, message_id),
    )
    return str(rows[0][0]) if rows else None
