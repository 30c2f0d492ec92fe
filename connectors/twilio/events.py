"""Twilio's messages → channel events.

| Twilio sends | we say |
|---|---|
| an incoming message: `Body`, `MediaUrl{N}`, `Latitude`, `ButtonPayload`, `ListId` … | `TextMessage` |
| an incoming message that is STOP or START, by `OptOutType` or by its word | `ConsentChanged` |
| a status callback: `MessageStatus` | `DeliveryReport` |
| anything else | nothing |

Fields that have no word of ours stand in the event's `extras`, under Twilio's names.
Source: twilio.com/docs/messaging/guides/webhook-request, …/track-outbound-message-status, …/tutorials/advanced-opt-out.
The ids of threads and events of text messages are made here and read nowhere else but in `split_thread`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from connectors.twilio.forms import Form, form_of, is_form, lenient_form, query_of
from connectors.twilio.vocabulary import CODES, STATES
from gateway.sdk import (
    Attachment,
    ChannelEvent,
    ConsentChanged,
    Delivery,
    DeliveryReport,
    Evidence,
    Party,
    PermanentFailure,
    Role,
    TextMessage,
    UnreadableDelivery,
)

#: States of `SmsStatus` and `MessageStatus` that an incoming message has.
_ARRIVED: Final = frozenset({"", "received", "receiving"})
#: Words by which Twilio itself stops sending to a number, alone in a message (twilio.com/docs/messaging, Advanced Opt-Out).
_STOP: Final = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
#: On WhatsApp Twilio stops nothing, and `cancel` or `end` may answer a question: only what means nothing else counts.
_STOP_ELSEWHERE: Final = frozenset({"stop", "stopall", "unsubscribe"})
#: `yes` is a start word of Twilio's too; alone it is an answer far more often, so that only `OptOutType` can make it one.
_START: Final = frozenset({"start", "unstop"})
_PHONE: Final = re.compile(r"\+[0-9]{3,15}")
#: Pieces of media of one message (Twilio: 10).
_MEDIA: Final = 20
_SAID: Final = re.compile(r"MediaUrl\d+|MediaContentType\d+")
#: Fields that our words say already.
_KNOWN: Final = frozenset(
    {
        *("MessageSid", "SmsSid", "SmsMessageSid", "From", "To", "Body", "NumMedia", "ButtonText", "ButtonPayload"),
        *("ListId", "ListTitle", "OriginalRepliedMessageSid", "MessageStatus", "ErrorCode", "DateSent"),
    }
)


def parse_message(delivery: Delivery) -> Iterable[ChannelEvent]:
    """Return what a request about a text message says. Raises UnreadableDelivery."""
    form = readable(delivery)
    message = form.get("MessageSid", "SmsMessageSid", "SmsSid")
    if not message:
        return []
    status = form.get("MessageStatus", "SmsStatus").lower()
    if status not in _ARRIVED:
        return _report(form, message, status, delivery)
    if not form.get("From"):
        raise UnreadableDelivery("The message names no sender.")
    return [_consent(form, message, delivery) or _message(form, message, delivery)]


def lane_of(delivery: Delivery) -> str:
    """Return the lane: both numbers, in one order whoever sends. Never raises."""
    form = lenient_form(delivery)
    return "|".join(sorted((form.get("From"), form.get("To")))) or "other"


def readable(delivery: Delivery) -> Form:
    """Return the fields of a delivery, none when it is no form. Raises UnreadableDelivery when it says that it is, and is not."""
    if not is_form(delivery):
        return Form(())
    try:
        return form_of(delivery.body)
    except ValueError:
        raise UnreadableDelivery("The body is no form in UTF-8.") from None


# --- messages --------------------------------------------------------------------------------------------------------
def _message(form: Form, message: str, delivery: Delivery) -> TextMessage:
    text = form.get("Body") or form.get("ButtonText") or form.get("ListTitle")
    place = _place(form)
    return TextMessage(
        thread=_thread(_ours(form), form.get("From")),
        dedupe=f"message:{message}",
        occurred_at=instant(form.get("DateSent"), delivery.received_at),
        sender=party(form.get("From"), name=form.get("ProfileName")),
        recipients=(party(_ours(form), role=Role.SYSTEM),) if _ours(form) else (),
        message_id=message,
        text="\n".join(part for part in (text, place) if part),
        attachments=_media(form),
        action=form.get("ButtonPayload") or form.get("ListId"),
        in_reply_to=form.get("OriginalRepliedMessageSid"),
        extras=extras(form, _KNOWN, _SAID),
    )


def _consent(form: Form, message: str, delivery: Delivery) -> ConsentChanged | None:
    """Return the STOP or START that a message is; HELP is a message: somebody asks for help."""
    sort, word = form.get("OptOutType").upper(), form.get("Body").strip().strip(".!\"'").lower()
    stops = _STOP if ":" not in form.get("From") else _STOP_ELSEWHERE
    if sort not in {"STOP", "START"}:
        sort = "" if sort else "STOP" if word in stops else "START" if word in _START else ""
    if not sort:
        return None
    return ConsentChanged(
        thread=_thread(_ours(form), form.get("From")),
        dedupe=f"message:{message}",
        occurred_at=instant(form.get("DateSent"), delivery.received_at),
        sender=party(form.get("From"), name=form.get("ProfileName")),
        recipients=(party(_ours(form), role=Role.SYSTEM),) if _ours(form) else (),
        granted=sort == "START",
        text=form.get("Body"),
        extras=extras(form, _KNOWN, _SAID),
    )


def _place(form: Form) -> str:
    """Return a location as a person reads it."""
    latitude, longitude = form.get("Latitude"), form.get("Longitude")
    if not latitude or not longitude:
        return ""
    names = ", ".join(part for part in (form.get("Label"), form.get("Address")) if part)
    return f"Location: {names} ({latitude}, {longitude})" if names else f"Location: {latitude}, {longitude}"


def _media(form: Form) -> tuple[Attachment, ...]:
    count = form.get("NumMedia")
    stated = int(count) if count.isascii() and count.isdigit() and len(count) < 4 else _MEDIA  # noqa: PLR2004 (digits)
    found: list[Attachment] = []
    for number in range(min(stated, _MEDIA)):
        url, kind = form.get(f"MediaUrl{number}"), form.get(f"MediaContentType{number}")
        if url:
            name = f"{kind.partition('/')[0] or 'file'}-{number + 1}"
            found.append(Attachment(id=url.rstrip("/").rpartition("/")[2] or name, name=name, media_type=kind, url=url))
    return tuple(found)


# --- reports ---------------------------------------------------------------------------------------------------------
def _report(form: Form, message: str, status: str, delivery: Delivery) -> Iterable[ChannelEvent]:
    state = STATES.get(status)
    if state is None:
        return []
    code = form.get("ErrorCode")
    permanent, reason = CODES.get(code, (None, ""))
    return [
        DeliveryReport(
            thread=_thread(_ours(form, sent=True), form.get("To")),
            dedupe=f"status:{message}:{status}",
            occurred_at=delivery.received_at,
            sender=Party(kind="twilio", value="twilio", name="Twilio", role=Role.SYSTEM),
            recipients=(party(form.get("To")),) if form.get("To") else (),
            reference=query_of(delivery).get("reply") or None,
            message_id=message,
            state=state,
            code=code,
            permanent=permanent,
            reason=reason,
            extras={**extras(form, _KNOWN, _SAID), "status": status},
        )
    ]


# --- ids and people --------------------------------------------------------------------------------------------------
def _ours(form: Form, *, sent: bool = False) -> str:
    return form.get("From" if sent else "To") or form.get("MessagingServiceSid")


def _thread(ours: str, theirs: str) -> str:
    return f"{ours}|{theirs}"


def split_thread(thread: str) -> tuple[str, str]:
    """Return our sender and the customer's address of a thread's key. Raises PermanentFailure."""
    ours, bar, theirs = thread.partition("|")
    if not bar or not ours or not theirs:
        raise PermanentFailure("The reply names no thread of Twilio's, or one without a number of ours.")
    return ours, theirs


def party(address: str, *, name: str = "", role: Role = Role.CUSTOMER, evidence: Evidence = Evidence.ATTESTED) -> Party:
    """Return who an address is: a telephone number whatever it is reached by, or somebody of a messenger.

    A person of WhatsApp may have no number but only an id there (a BSUID): that is no telephone number of anybody.
    """
    sort, colon, rest = address.partition(":")
    number = rest if colon else address
    if _PHONE.fullmatch(number):
        return Party(kind="phone", value=number, name=name, role=role, evidence=evidence)
    kind = f"{sort}_user" if colon and sort.isascii() and sort.isalnum() else "sms_sender"
    return Party(kind=kind, value=number, name=name, role=role, evidence=evidence)


def extras(form: Form, known: frozenset[str], pattern: re.Pattern[str] | None = None) -> Mapping[str, object]:
    """Return the fields that have no word of ours, by Twilio's names."""
    kept: dict[str, object] = {}
    for name in form:
        if name not in known and not (pattern is not None and pattern.fullmatch(name)):
            values = form.getall(name)
            kept[name] = values[0] if len(values) == 1 else values
    return {name: value for name, value in kept.items() if value != ""}


def instant(stamp: str, otherwise: int) -> int:
    """Return a date of RFC 2822, as Twilio writes them, as UTC microseconds; `otherwise` when there is none."""
    try:
        found = parsedate_to_datetime(stamp)
    except (ValueError, TypeError, IndexError, OverflowError):
        return otherwise
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    try:
        return int(found.timestamp()) * 1_000_000
    except (ValueError, OverflowError):
        return otherwise
