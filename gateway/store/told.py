"""The notice that somebody of the staff answers: by the number that it was sent to, and by nothing that they could make up."""

from __future__ import annotations

from typing import Final

from gateway.model import Activity, ActivityKind, EffectKind
from gateway.model.staff import is_of_staff
from gateway.store import codec
from gateway.store.engine import Transaction
from gateway.store.ledger import case_of_effect

_PHONE: Final = "phone"
#: Notices of open escalations to one number that are looked through, the newest.
_MOST: Final = 200


def case_told(t: Transaction, connection_id: int, activity: Activity) -> str | None:
    """Return the case of what is answered, or of whose button is pressed; empty for what staff say that answers nothing.

    None for all else: its thread is told by other things.
    """
    if is_of_staff(activity):
        return _case_answered(t, connection_id, activity) or ""
    if activity.mail is not None:
        return "" if _answers_notice(t, connection_id, activity) else None
    if activity.kind is not ActivityKind.BUTTON or not activity.reference:
        return None
    anothers = _presses_anothers(t, connection_id, activity)
    return "" if anothers else case_of_effect(t, connection_id, activity.reference)


def _case_answered(t: Transaction, connection_id: int, activity: Activity) -> str | None:
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


def _presses_anothers(t: Transaction, connection_id: int, activity: Activity) -> bool:
    """Tell whether a telephone pressed the button of a notice that was sent to another number: that counts for nothing."""
    sender = activity.sender
    if sender is None or sender.kind != _PHONE:
        return False
    rows = t.rows(
        "SELECT doc FROM effects WHERE id = ? AND connection_id = ? AND kind = ?",
        *(activity.reference or "", connection_id, EffectKind.NOTIFY.value),
    )
    return any(codec.effect_from(row[0]).destination != sender.value for row in rows)


def _answers_notice(t: Transaction, connection_id: int, activity: Activity) -> bool:
    """Tell whether a mail answers a notice, by a reference of ours that nobody else could have made."""
    if not activity.reference:
        return False
    return bool(
        t.rows(
            "SELECT 1 FROM effects WHERE id = ? AND connection_id = ? AND kind = ?",
            *(activity.reference, connection_id, EffectKind.NOTIFY.value),
        )
    )
