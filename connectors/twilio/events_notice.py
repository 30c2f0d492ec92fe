"""A key that somebody of the staff pressed on a call that tells them of a case → the button that it is.

| Twilio asks | we say |
|---|---|
| what follows on a digit, on a call of ours to staff | `ButtonPressed`, by the action that stands for the digit |
| the same without a digit, or with another | nothing |

Which notice it is, and what its digits stand for, is in the query of the URL that we gave; Twilio signs it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from connectors.twilio.events import party, readable
from connectors.twilio.forms import lenient_form, query_of
from gateway.sdk import ButtonPressed, ChannelEvent, Delivery, Role

#: Step of the dialogue with somebody of the staff.
STEP: Final = "notice"


def is_about(delivery: Delivery) -> bool:
    """Tell whether a request is of a call to somebody of the staff. Never raises."""
    return query_of(delivery).get("step") == STEP


def pressed(delivery: Delivery) -> Iterable[ChannelEvent]:
    """Return the button that a key is; nothing for a key that stands for none. Raises UnreadableDelivery."""
    form = readable(delivery)
    call, theirs, key = form.get("CallSid"), form.get("To", "Called"), query_of(delivery).get("notice")
    action = action_of(delivery)
    if not call or not theirs or not key or not action:
        return []
    return [
        ButtonPressed(
            thread=f"call:{call}",
            dedupe=f"notice:{call}:{action}",
            occurred_at=delivery.received_at,
            sender=party(theirs, role=Role.AGENT),
            reference=key,
            action=action,
            label=f"Pressed {form.get('Digits')}",
        )
    ]


def action_of(delivery: Delivery) -> str:
    """Return the action that the key stands for: its place among those that were offered; empty for none. Never raises."""
    digits = lenient_form(delivery).get("Digits")
    actions = [each for each in query_of(delivery).get("actions").split(".") if each]
    number = int(digits) if len(digits) == 1 and digits.isascii() and digits.isdigit() else 0
    return actions[number - 1] if 1 <= number <= len(actions) else ""
