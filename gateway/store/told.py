"""The notice that somebody of the staff answers: by the number that it was sent to, and by nothing that they could make up."""

from __future__ import annotations

from typing import Final

from gateway.model import Activity, EffectKind
from gateway.store import codec
from gateway.store.engine import Transaction
from gateway.store.ledger import case_of_effect

_PHONE: Final = "phone"
#: Notices of open escalations to one number that are looked through, the newest.
_MOST: Final = 200


def case_answered(t: Transaction, connection_id: int, activity: Activity) -> str | None:
    """Return the case of the newest notice to the number that wrote, of an escalation that is open; None when there is none.

    A case that the answer names by its letters is that case, and no other.
    """
    sender, button = activity.sender, activity.button
    if sender is None or button is None:
        return None
    rows = t.rows(
        "SELECT e.id, c.root_id, e.doc FROM episodes p JOIN cases c ON c.root_id = p.case_id"
        " JOIN effects e ON e.case_id = c.id WHERE p.state <> 'closed' AND e.connection_id = ? AND e.kind = ?"
        " AND e.doc LIKE ? ORDER BY e.seq DESC LIMIT ?",
        *(connection_id, EffectKind.NOTIFY.value, f'%"destination":"{sender.value}"%', _MOST),
    )
    for effect_id, case_id, doc in rows:
        named = effect_id.replace("-", "").startswith(button.value)
        if named and codec.effect_from(doc).destination == sender.value:
            return str(case_id)
    return None


def case_of_button(t: Transaction, connection_id: int, activity: Activity) -> str | None:
    """Return the case of the notice, or reply, whose button was pressed; None when there is none.

    On a telephone only the number that was called can press it.
    """
    reference, sender = activity.reference or "", activity.sender
    if sender is not None and sender.kind == _PHONE:
        rows = t.rows("SELECT doc, kind FROM effects WHERE id = ? AND connection_id = ?", reference, connection_id)
        notices = [codec.effect_from(row[0]) for row in rows if row[1] == EffectKind.NOTIFY.value]
        if any(each.destination != sender.value for each in notices):
            return None
    return case_of_effect(t, connection_id, reference)
