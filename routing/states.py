"""What a helpdesk tells of a ticket's state, and whether that is news.

Each event of a ticket names the state that it has, whatever the event is about. So a state counts where it changed, and not where
it is merely told again: an agent who tags a solved ticket whose customer is back does not solve it.
"""

from __future__ import annotations

from typing import Final

from gateway.model import ActivityKind, Role, TicketChange, TicketLink, TicketStatus, altered
from routing.draft import Draft

_PEOPLE: Final = frozenset({Role.CUSTOMER, Role.AGENT})
_STATED: Final = frozenset({TicketChange.STATUS, TicketChange.CREATED})


def news(draft: Draft) -> TicketStatus | None:
    """Return the state that the activity's ticket got, and keep it; None when nothing changed, or something newer is known."""
    activity, ticket = draft.activity, draft.activity.ticket
    if ticket is None or ticket.status is None or activity.kind is not ActivityKind.TICKET:
        return None
    link = _link(draft, ticket.id)
    if link is not None:
        if link.status_at is not None and activity.occurred_at < link.status_at:
            return None
        # Of a ticket that is first heard of, nothing was known.
        known = ticket.status is link.status and draft.snapshot.case.seq > 0
        if ticket.change not in _STATED and known:
            return None
        draft.told = altered(link, status=ticket.status, status_at=activity.occurred_at)
        closed = link.status is TicketStatus.SOLVED and ticket.status is TicketStatus.CLOSED
        if closed and (activity.sender is None or activity.sender.role not in _PEOPLE):
            # Helpdesks close by themselves what was solved long enough: nobody solved anything anew.
            return None
    elif ticket.change not in _STATED:
        return None
    return ticket.status


def _link(draft: Draft, ticket_id: str) -> TicketLink | None:
    connection = draft.activity.connection
    return next(
        (each for each in draft.snapshot.tickets if each.ticket_id == ticket_id and each.connection == connection), None
    )
