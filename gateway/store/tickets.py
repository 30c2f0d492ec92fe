"""Whose a ticket is that a receipt names: a helpdesk that gives numbers anew must not mix up two cases."""

from __future__ import annotations

from dataclasses import replace

from gateway.store.engine import Transaction
from gateway.store.values import EffectResult, Verdict


def unless_anothers(t: Transaction, number: int, case_id: str, result: EffectResult) -> EffectResult:
    """Return a result; one whose ticket another case has is a failure, with a sentence that says what to do.

    Cases that are or were merged share their tickets: what was written for the one may stand on the other's.
    """
    if result.verdict is not Verdict.DONE or result.receipt is None or not result.receipt.ticket_id:
        return result
    ticket = result.receipt.ticket_id
    rows = t.rows(
        "SELECT k.case_id FROM tickets k WHERE k.connection_id = ? AND k.ticket_id = ? AND k.case_id <> ?"
        " AND (SELECT o.root_id FROM cases o WHERE o.id = k.case_id) <> (SELECT m.root_id FROM cases m WHERE m.id = ?)"
        " AND NOT EXISTS (SELECT 1 FROM merges g WHERE (g.case_id = k.case_id AND g.into_id = ?)"
        " OR (g.case_id = ? AND g.into_id = k.case_id))",
        *(number, ticket, case_id, case_id, case_id, case_id),
    )
    if not rows:
        return result
    return replace(
        result,
        verdict=Verdict.FAILED,
        receipt=None,
        reason=(
            f"Ticket {ticket} of {result.connection} belongs to case {rows[0][0]} already: {result.connection} gives numbers"
            f" a second time, as after a restore from a backup. Let its numbers begin above those that it gave before,"
            f" delete ticket {ticket} there if it was made for this case, then replay."
        ),
    )
