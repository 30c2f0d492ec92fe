"""Whom an activity brings: the customer who did it, and the one whose case it begins."""

from __future__ import annotations

from gateway.model import Activity, Channel, Evidence, Party, Role, altered
from gateway.store.mail_threads import failed


def customer_of(activity: Activity) -> Party | None:
    """Return the customer who did it, None when it was somebody else. Whoever failed DMARC only claims to be them.

    What somebody typed as their address (`claimed_email` of a web visitor) is a claim, and leads to a suggestion at most.
    """
    sender = activity.sender
    if sender is None or sender.role is not Role.CUSTOMER:
        return None
    if activity.mail is not None and failed(activity):
        return altered(sender, evidence=Evidence.CLAIMED)
    typed = activity.extras.get("claimed_email")
    if isinstance(typed, str) and not sender.email and sender.evidence is not Evidence.VERIFIED:
        return altered(sender, email=typed)
    return sender


def owner_of(activity: Activity) -> Party | None:
    """Return whose case an activity begins: whom a ticket is for, where the helpdesk says so, else the customer who did it.

    An agent may open the ticket, and somebody in copy may be the first to write in it: it is its requester's all the same.
    """
    ticket = activity.ticket
    if ticket is not None and ticket.requester is not None and activity.channel is Channel.HELPDESK:
        return ticket.requester
    return customer_of(activity)
