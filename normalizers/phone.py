"""Phone: calls, and what callers say in them."""

from __future__ import annotations

from typing import Final

from gateway.model import Activity, ActivityKind, Audience, CallChange, CallFacts, Channel, PhoneCall
from normalizers.text import clean

#: What brings the caller's words, and so is a message of the case. A voicemail's text comes later, as a transcript.
_WORDS: Final = frozenset({CallChange.SPEECH, CallChange.TRANSCRIPT})


def call(event: PhoneCall, *, connection: str, channel: Channel, received_at: int) -> Activity:
    """Return the activity of something in a call: a message when the caller said it, a call's change otherwise."""
    text = clean(event.text)
    speaks = (event.change in _WORDS and bool(text)) or event.change is CallChange.VOICEMAIL
    return Activity(
        kind=ActivityKind.MESSAGE if speaks else ActivityKind.CALL,
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
        reply_text=text,
        attachments=event.attachments,
        call=CallFacts(id=event.call_id, change=event.change, digits=event.digits, duration=event.duration),
        own=event.own,
        reference=event.reference,
        extras=event.extras,
    )
