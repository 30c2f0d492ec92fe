"""Normalizers translate channels: what a source says happened becomes an activity, whatever the vendor.

Pure: no I/O, no clock. One module a kind of channel; a new kind of channel event is a new line in `_NORMALIZERS`.
A normalizer gets an event and an activity that holds what all events share, and returns that activity with what its kind says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from gateway.model import (
    Activity,
    ActivityKind,
    Attachment,
    ButtonPressed,
    Channel,
    ChannelEvent,
    ChatMessage,
    ConsentChanged,
    DeliveryReport,
    HandoffRequested,
    InboundEmail,
    IncidentReported,
    Party,
    PhoneCall,
    SatisfactionGiven,
    TextMessage,
    TicketChanged,
    altered,
)
from normalizers import any_channel, chat, email, helpdesk, messaging, phone
from normalizers.language import language_of
from normalizers.text import one_line

__all__ = ["normalize"]

_NORMALIZERS: Final[dict[type, Callable[..., Activity]]] = {
    ChatMessage: chat.message,
    ButtonPressed: chat.button,
    HandoffRequested: any_channel.handoff_request,
    TextMessage: messaging.message,
    InboundEmail: email.message,
    PhoneCall: phone.call,
    DeliveryReport: any_channel.report,
    SatisfactionGiven: any_channel.satisfaction,
    ConsentChanged: any_channel.consent,
    TicketChanged: helpdesk.ticket,
    IncidentReported: any_channel.incident,
}


def normalize(
    event: ChannelEvent, *, connection: str, channel: Channel, received_at: int, languages: tuple[str, ...] = ()
) -> Activity:
    """Return the activity of a channel event that came over a connection; of `languages` its text's own is told.

    Raises ValueError for an event that cannot be an activity (an empty dedupe or thread key, no event of a channel).
    """
    normalizer: Any = _NORMALIZERS.get(type(event))
    if normalizer is None:
        raise ValueError(f"A {type(event).__name__} is no channel event: its connector made it wrongly.")
    if not event.dedupe or not event.thread:
        raise ValueError("The event has no dedupe key or no thread key: its connector made it wrongly.")
    shared = Activity(
        kind=ActivityKind.MESSAGE,
        connection=connection,
        thread=event.thread,
        dedupe=event.dedupe,
        occurred_at=event.occurred_at,
        received_at=received_at,
        channel=channel,
        sender=event.sender,
        recipients=event.recipients,
        own=event.own,
        reference=event.reference,
        extras=event.extras,
    )
    made: Activity = normalizer(event, shared)
    if languages and (made.reply_text or made.text):
        made = altered(made, language=language_of(made.reply_text or made.text, languages))
    sender, files = made.sender and _party(made.sender), tuple(_file(each) for each in made.attachments)
    others = tuple(_party(each) for each in made.recipients)
    if sender is made.sender and files == made.attachments and others == made.recipients:
        return made
    return altered(made, sender=sender, recipients=others, attachments=files)


def _party(party: Party) -> Party:
    """Return somebody whose name is one line: with more, a name could pass for lines of a conversation."""
    name = one_line(party.name)
    return party if name == party.name else altered(party, name=name)


def _file(attachment: Attachment) -> Attachment:
    name = one_line(attachment.name)
    return attachment if name == attachment.name else altered(attachment, name=name)
