"""Messaging: short messages over telephone networks and messengers."""

from __future__ import annotations

from gateway.model import Activity, ActivityKind, Audience, ButtonChoice, Channel, TextMessage
from normalizers.text import clean, without_quotes


def message(event: TextMessage, *, connection: str, channel: Channel, received_at: int) -> Activity:
    """Return the activity of a short message."""
    text = clean(event.text)
    return Activity(
        kind=ActivityKind.MESSAGE,
        connection=connection,
        thread=event.thread,
        dedupe=event.dedupe,
        occurred_at=event.occurred_at,
        received_at=received_at,
        channel=channel,
        sender=event.sender,
        recipients=event.recipients,
        audience=Audience.PUBLIC,
        text=text,
        reply_text=without_quotes(text),
        message_id=event.message_id,
        attachments=event.attachments,
        button=ButtonChoice(action=event.action) if event.action else None,
        own=event.own,
        reference=event.reference,
        extras={**event.extras, **({"in_reply_to": event.in_reply_to} if event.in_reply_to else {})},
    )
