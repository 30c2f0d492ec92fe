"""Phone: calls, and what callers say in them."""

from __future__ import annotations

from typing import Final

from gateway.model import Activity, ActivityKind, Audience, CallChange, CallFacts, PhoneCall, altered
from normalizers.text import clean

#: What brings the caller's words, and so is a message of the case. A voicemail's text comes later, as a transcript.
_WORDS: Final = frozenset({CallChange.SPEECH, CallChange.TRANSCRIPT})


def call(event: PhoneCall, shared: Activity) -> Activity:
    """Return the activity of something in a call: a message when the caller said it, a call's change otherwise."""
    text = clean(event.text)
    speaks = (event.change in _WORDS and bool(text)) or event.change is CallChange.VOICEMAIL
    return altered(
        shared,
        kind=ActivityKind.MESSAGE if speaks else ActivityKind.CALL,
        audience=Audience.PUBLIC,
        text=text,
        reply_text=text,
        attachments=event.attachments,
        call=CallFacts(id=event.call_id, change=event.change, digits=event.digits, duration=event.duration),
    )
