"""E-mail: messages with a subject, quotes, signatures, and machines among their senders."""

from __future__ import annotations

from gateway.model import Activity, ActivityKind, Audience, InboundEmail, MailFacts, Party, Role, altered
from normalizers.replies import visible_reply
from normalizers.text import clean, one_line


def message(event: InboundEmail, shared: Activity) -> Activity:
    """Return the activity of a mail. What a machine sent is a machine's, whoever it says it is from.

    What is new in the text is found here where the source did not say it, so that it is the same for every mail source.
    """
    text = clean(event.text)
    return altered(
        shared,
        kind=ActivityKind.MESSAGE,
        sender=_sender(event),
        audience=Audience.PUBLIC,
        subject=one_line(event.subject),
        text=text,
        reply_text=clean(event.reply_text) if event.reply_text.strip() else visible_reply(text),
        message_id=event.message_id,
        attachments=event.attachments,
        mail=MailFacts(references=event.references, token=event.token, auto_generated=event.auto_generated),
    )


def _sender(event: InboundEmail) -> Party:
    machine = event.auto_generated is not None and event.sender.role is Role.CUSTOMER
    return altered(event.sender, role=Role.SYSTEM) if machine else event.sender
