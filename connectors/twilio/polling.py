"""What the API lists → deliveries as the webhooks would have brought them: pure.

A lost webhook of Twilio is lost for ever: "an error is logged and nothing more is done" once its one retry failed. So the
account is asked what happened. What is made here reads like the webhook, gives events with the same dedupe keys, and
bears the vendor's date, which the webhook lacks. What the API does not keep (buttons, locations, profile names, OptOutType)
cannot be brought back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final, Protocol
from urllib.parse import urlencode

from connectors.twilio.forms import FORM
from gateway.sdk import Cursor, Delivery

#: What is asked for again each time, microseconds: Twilio's clock and its list may lag.
OVERLAP: Final = 300_000_000
_MICRO: Final = 1_000_000


class Message(Protocol):
    """A message as twilio shows it."""

    sid: str | None
    account_sid: str | None
    from_: str | None
    to: str | None
    body: str | None
    num_media: str | None
    messaging_service_sid: str | None
    date_sent: datetime | None
    date_created: datetime | None


class Call(Protocol):
    """A call as twilio shows it."""

    sid: str | None
    account_sid: str | None
    parent_call_sid: str | None
    _from: str | None
    to: str | None
    direction: str | None
    duration: str | None
    start_time: datetime | None
    end_time: datetime | None
    date_created: datetime | None


class Recording(Protocol):
    """A recording as twilio shows it."""

    sid: str | None
    account_sid: str | None
    call_sid: str | None
    duration: str | None
    date_created: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A file of a message."""

    #: Where its bytes are.
    url: str
    #: Its media type.
    content_type: str


def since_of(cursor: Cursor | None, now: int) -> int:
    """Return from when on to ask, microseconds. What came before a connection's first poll is not asked for."""
    stated = int(cursor) if cursor is not None and cursor.isascii() and cursor.isdigit() else now
    return min(stated, now) - OVERLAP


def instant_of(date: datetime | None) -> int:
    """Return a date of the API as UTC microseconds, 0 when there is none."""
    if date is None:
        return 0
    return int((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()) * _MICRO


def message_delivery(message: Message, media: Sequence[Media], *, connection: str, now: int) -> Delivery:
    """Return the delivery of an incoming message."""
    fields = [
        ("MessageSid", message.sid),
        ("AccountSid", message.account_sid),
        ("From", message.from_),
        ("To", message.to),
        ("MessagingServiceSid", message.messaging_service_sid),
        ("Body", message.body or ""),
        ("SmsStatus", "received"),
        ("NumMedia", str(len(media))),
        ("DateSent", _written(message.date_sent or message.date_created)),
    ]
    for number, each in enumerate(media):
        fields += [(f"MediaUrl{number}", each.url), (f"MediaContentType{number}", each.content_type)]
    return _delivery(fields, connection, "", now)


def call_delivery(call: Call, status: str, *, connection: str, now: int) -> Delivery:
    """Return the delivery of a call that is over."""
    fields = [
        ("CallSid", call.sid),
        ("AccountSid", call.account_sid),
        ("ParentCallSid", call.parent_call_sid),
        ("From", call._from),  # noqa: SLF001 (twilio's name for who called)
        ("To", call.to),
        ("Direction", call.direction),
        ("CallStatus", status),
        ("CallDuration", call.duration),
        ("StartTime", _written(call.start_time or call.date_created)),
        ("Timestamp", _written(call.end_time)),
    ]
    return _delivery(fields, connection, "status", now)


def recording_delivery(recording: Recording, call: Call | None, url: str, *, connection: str, now: int) -> Delivery:
    """Return the delivery of a voicemail."""
    fields = [
        ("RecordingSid", recording.sid),
        ("AccountSid", recording.account_sid),
        ("CallSid", recording.call_sid),
        ("From", call._from if call else None),  # noqa: SLF001 (twilio's name for who called)
        ("To", call.to if call else None),
        ("RecordingUrl", url),
        ("RecordingDuration", recording.duration),
        ("Timestamp", _written(recording.date_created)),
    ]
    return _delivery(fields, connection, "status", now)


def _written(date: datetime | None) -> str | None:
    if date is None:
        return None
    return format_datetime(date if date.tzinfo else date.replace(tzinfo=UTC))


def _delivery(fields: Iterable[tuple[str, str | None]], connection: str, endpoint: str, now: int) -> Delivery:
    return Delivery(
        connection=connection,
        endpoint=endpoint,
        received_at=now,
        method="POLL",
        url="",
        headers=(("Content-Type", FORM),),
        body=urlencode([(name, value) for name, value in fields if value is not None]).encode(),
    )
