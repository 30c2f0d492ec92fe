"""Helpdesk: tickets that people create and change, and the comments on them."""

from __future__ import annotations

from typing import Final

from gateway.model import Activity, ActivityKind, Role, TicketChange, TicketChanged, TicketFacts, altered
from normalizers.text import clean, one_line, without_quotes

#: Changes that bring somebody's words, and so are messages of the case.
_WORDS: Final = frozenset({TicketChange.CREATED, TicketChange.COMMENTED})


def ticket(event: TicketChanged, shared: Activity) -> Activity:
    """Return the activity of a ticket's change: a message when it brings words, a ticket change otherwise."""
    text = clean(event.text)
    speaks = event.change in _WORDS and bool(text)
    sender = event.sender
    # What an agent writes into a ticket that they open is theirs. Anybody else, and a machine, opens it in the customer's words.
    if event.change is TicketChange.CREATED and event.requester is not None and sender.role is not Role.AGENT:
        sender = event.requester
    return altered(
        shared,
        kind=ActivityKind.MESSAGE if speaks else ActivityKind.TICKET,
        sender=sender,
        audience=event.audience,
        subject=one_line(event.subject),
        text=text,
        reply_text=without_quotes(text),
        message_id=event.comment_id,
        attachments=event.attachments,
        ticket=TicketFacts(
            id=event.ticket_id,
            change=event.change,
            status=event.status,
            priority=event.priority or None,
            group=event.group or None,
            assignee=event.assignee or None,
            tags=event.tags,
            via=event.via or None,
            url=event.url or None,
            comment_id=event.comment_id or None,
            requester=event.requester if event.requester != sender else None,
            fields=event.fields,
        ),
    )
