"""Text messages from the numbers of staff: an answer to a notice, or nothing; never a customer's. Pure."""

from __future__ import annotations

import re
from typing import Final

from gateway.model.activity import Activity, ActivityKind, ButtonChoice
from gateway.model.altering import altered
from gateway.model.life import ACKNOWLEDGE, FURTHER
from gateway.model.party import Audience, Channel, Role

#: What the reference begins with of what somebody of the staff says: it belongs to the notice that their number was sent, or to
#: nothing, and makes no case.
TOLD: Final = "told:"
#: A digit alone, or with the letters and digits by which the notice named its case.
_ANSWER: Final = re.compile(r"\W*([12])(?:\W+([0-9A-Za-z]{4,12}))?\W*")
_ACTIONS: Final = {"1": ACKNOWLEDGE, "2": FURTHER}


def said_by_staff(activity: Activity) -> Activity:
    """Return what somebody of the staff wrote as what it is: the button of a notice, pressed by its digit, or mere words."""
    found = _ANSWER.fullmatch(activity.text) if activity.kind is ActivityKind.MESSAGE else None
    sender = activity.sender
    told = altered(
        activity,
        sender=altered(sender, role=Role.AGENT) if sender is not None else None,
        audience=Audience.INTERNAL,
        reference=f"{TOLD}{activity.dedupe}",
    )
    if found is None:
        return told
    button = ButtonChoice(action=_ACTIONS[found[1]], value=(found[2] or "").lower())
    return altered(told, kind=ActivityKind.BUTTON, button=button)


def is_of_staff(activity: Activity) -> bool:
    """Tell whether somebody of the staff said it on a channel of customers."""
    told = activity.reference is not None and activity.reference.startswith(TOLD)
    return told and activity.channel is Channel.MESSAGING
