"""Chat: messages that are posted, edited and deleted, and buttons."""

from __future__ import annotations

from typing import Final

from gateway.model import (
    Activity,
    ActivityKind,
    Audience,
    ButtonChoice,
    ButtonPressed,
    Channel,
    ChatMessage,
    MessageAction,
)
from normalizers.text import clean, without_quotes

_KINDS: Final = {
    MessageAction.POSTED: ActivityKind.MESSAGE,
    MessageAction.EDITED: ActivityKind.EDIT,
    MessageAction.DELETED: ActivityKind.DELETION,
}


def message(event: ChatMessage, *, connection: str, channel: Channel, received_at: int) -> Activity:
    """Return the activity of a chat message."""
    text = clean(event.text)
    return Activity(
        kind=_KINDS[event.action],
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
        bot=event.bot,
        own=event.own,
        reference=event.reference,
        extras=event.extras,
    )


def button(event: ButtonPressed, *, connection: str, channel: Channel, received_at: int) -> Activity:
    """Return the activity of a pressed button."""
    return Activity(
        kind=ActivityKind.BUTTON,
        connection=connection,
        thread=event.thread,
        dedupe=event.dedupe,
        occurred_at=event.occurred_at,
        received_at=received_at,
        channel=channel,
        sender=event.sender,
        recipients=event.recipients,
        audience=Audience.PUBLIC,
        text=clean(event.label),
        button=ButtonChoice(action=event.action, value=event.value),
        own=event.own,
        reference=event.reference,
        extras=event.extras,
    )
