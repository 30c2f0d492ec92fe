"""Messaging: short messages over telephone networks and messengers."""

from __future__ import annotations

from gateway.model import Activity, ActivityKind, Audience, ButtonChoice, TextMessage, altered
from normalizers.text import clean, without_quotes


def message(event: TextMessage, shared: Activity) -> Activity:
    """Return the activity of a short message."""
    text = clean(event.text)
    return altered(
        shared,
        kind=ActivityKind.MESSAGE,
        audience=Audience.PUBLIC,
        text=text,
        reply_text=without_quotes(text),
        message_id=event.message_id,
        attachments=event.attachments,
        button=ButtonChoice(action=event.action) if event.action else None,
        extras={**event.extras, **({"in_reply_to": event.in_reply_to} if event.in_reply_to else {})},
    )
