"""Chat: messages that are posted, edited and deleted, and buttons."""

from __future__ import annotations

from typing import Final

from gateway.model import (
    Activity,
    ActivityKind,
    Audience,
    ButtonChoice,
    ButtonPressed,
    ChatMessage,
    MessageAction,
    altered,
)
from normalizers.text import clean, without_quotes

_KINDS: Final = {
    MessageAction.POSTED: ActivityKind.MESSAGE,
    MessageAction.EDITED: ActivityKind.EDIT,
    MessageAction.DELETED: ActivityKind.DELETION,
}


def message(event: ChatMessage, shared: Activity) -> Activity:
    """Return the activity of a chat message."""
    text = clean(event.text)
    return altered(
        shared,
        kind=_KINDS[event.action],
        audience=Audience.PUBLIC,
        text=text,
        reply_text=without_quotes(text),
        message_id=event.message_id,
        attachments=event.attachments,
        bot=event.bot,
    )


def button(event: ButtonPressed, shared: Activity) -> Activity:
    """Return the activity of a pressed button."""
    return altered(
        shared,
        kind=ActivityKind.BUTTON,
        audience=Audience.PUBLIC,
        text=clean(event.label),
        button=ButtonChoice(action=event.action, value=event.value),
    )
