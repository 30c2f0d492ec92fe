"""What a signature of Twilio cannot see: where a name ends and its value begins.

Twilio signs the URL followed by all names and values, sorted and without any separator
(twilio.com/docs/usage/security#validating-requests). ``Body=Hello`` and ``BodyHel=lo`` have the same signature, and so have a
value that swallows the fields behind it, two values of one name, or a URL that swallows the first field. Who got hold of one
signed request could send others. Each of these leaves marks that no request of Twilio bears: they are looked for here.

What stays unseen is a boundary beside a field that Twilio does not document: at most that field's own words move over it.
"""

from __future__ import annotations

import re
from typing import Final

from connectors.twilio.forms import Form


def _named(*prefixes: str, ends: str) -> tuple[str, ...]:
    return tuple(prefix + end for prefix in prefixes for end in ends.split())


#: What people write, say or are called: such a value may hold almost anything.
_FREE: Final = frozenset(
    {
        *("Body", "ButtonText", "ProfileName", "SpeechResult", "UnstableSpeechResult", "TranscriptionText", "Label"),
        *("Address", "ListTitle", "ReferralBody", "ReferralHeadline", "CallerName", "ChannelStatusMessage"),
    }
)
#: The fields that Twilio documents for messages, calls, recordings and transcriptions (docs/messaging/guides/webhook-request,
#: docs/messaging/guides/track-outbound-message-status, docs/voice/twiml and its verbs, docs/voice/api/recording).
NAMES: Final = frozenset(
    {
        *_FREE,
        *("AccountSid", "ApiVersion", "ErrorCode", "ErrorMessage", "From", "To", "Timestamp", "Direction", "EventType"),
        *_named("From", "To", "Caller", "Called", ends="City State Zip Country"),
        *_named(
            "Sms", "SmsMessage", "Message", "MessagingService", "Call", "ParentCall", "DialCall", "Dequeued", ends="Sid"
        ),
        *_named("Sms", "Message", "Call", "DialCall", "Stir", ends="Status"),
        *(
            "NumMedia",
            "NumSegments",
            "MessageType",
            "OptOutType",
            "SmsMessageSid",
            "RawDlrDoneDate",
            "ReferralNumMedia",
        ),
        *("ButtonPayload", "ButtonType", "ListId", "Latitude", "Longitude", "WaId", "Forwarded", "FrequentlyForwarded"),
        *("ForwardedFrom", "OriginalRepliedMessageSid", "OriginalRepliedMessageSender", "InteractiveData", "FlowData"),
        *("ReferralSourceId", "ReferralSourceType", "ReferralSourceUrl", "ReferralMediaId", "ReferralMediaUrl"),
        *("ReferralMediaContentType", "ReferralCtwaClid", "ChannelMetadata", "ChannelInstallSid", "ChannelPrefix"),
        *(
            "ChannelToAddress",
            "ChannelStatusCode",
            "AddOns",
            "Caller",
            "Called",
            "CallDuration",
            "Duration",
            "SequenceNumber",
        ),
        *("CallbackSource", "StirVerstat", "StirPassportToken", "CallToken", "Digits", "FinishedOnKey", "Confidence"),
        *("Language", "SpeechModel", "msg", "DialCallDuration", "DialBridged", "QueueResult", "QueueSid", "QueueTime"),
        *_named("Recording", ends="Sid Url Status Duration Channels Source StartTime Track ErrorCode"),
        *_named("Transcription", ends="Sid Status Type Url"),
        *("SipResponseCode", "StartTime", "DateSent"),
    }
)
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.:\[\]-]{0,99}")
_NUMBERED: Final = re.compile(r"(?:MediaUrl|MediaContentType)[0-9]{1,2}")
_SID: Final = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
_INSIDE: Final = re.compile(r"(?:Account|Message|Sms|Call|Recording|Transcription)Sid[A-Z]{2}[0-9a-f]{32}")
#: Fields of one shape: anything else has swallowed a neighbour.
_SHAPES: Final = {
    "NumMedia": re.compile(r"[0-9]{0,3}"),
    "NumSegments": re.compile(r"[0-9]{0,4}"),
    "ApiVersion": re.compile(r"[0-9a-z.-]{0,12}"),
    "SmsStatus": re.compile(r"[a-z_]*"),
    "MessageStatus": re.compile(r"[a-z_-]*"),
    "CallStatus": re.compile(r"[a-z-]*"),
    "Digits": re.compile(r"[a-z]{3,10}|[0-9*#A-Dw]*"),
}
#: Short names that stand in many a sentence count only with what follows them as a field.
_ADDRESS: Final = r"(?:\+[0-9]|[a-z]+:\+?[0-9A-Z])"
_SHORT: Final = {
    **{name: re.compile(name + _ADDRESS) for name in ("From", "To", "Caller", "Called")},
    **{name: re.compile(name + "-?[0-9]") for name in ("Latitude", "Longitude")},
}
_SHORTEST: Final = 6
#: What can stand between the text of an incoming message and its sender.
_BEHIND_BODY: Final = tuple(
    name for name in NAMES if name.startswith(("Button", "Channel", "Flow", "Forwarded", "Frequently"))
)
#: A telephone number is one to its end.
_NUMBER_BEGINS: Final = re.compile(r"(?:(?!sip:|client:|sim:)[a-z]+:)?\+[0-9]")
_COMMON: Final = frozenset({"From", "To"})
_ADDRESSES: Final = frozenset({"From", "To", "Caller", "Called"})
_NUMBER: Final = re.compile(r"(?:[a-z]+:)?\+[0-9 ().-]{1,30}")
#: Names with a hump within: nobody writes them by chance.
_HUMPED: Final = re.compile(r"[A-Za-z][a-z]+[A-Z]")


def is_spliced(form: Form, url: str) -> bool:
    """Return whether fields of a signed request were cut at other places than where Twilio cut them."""
    if _INSIDE.search(url):
        return True
    if any(_miscut(name, value, form) for name, value in form.pairs):
        return True
    if _SID.fullmatch(form.get("AccountSid")) is None:
        # No request as Twilio sends it: its own examples of signatures are such, and repeat fields.
        return False
    repeated = any(len(form.getall(name)) > 1 for name in form)
    return repeated or _incomplete(form)


def _miscut(name: str, value: str, form: Form) -> bool:
    if _NAME.fullmatch(name) is None or _SID.search(name) or _INSIDE.search(value):
        return True
    if name.endswith("Sid") and _SID.match(value) and len(value) != 34:  # noqa: PLR2004 (letters of a SID)
        return True
    if name in _ADDRESSES and _NUMBER_BEGINS.match(value) and not _NUMBER.fullmatch(value):
        return True
    shape = _SHAPES.get(name)
    if shape is not None and shape.fullmatch(value) is None:
        return True
    return _cut_late(name, form) or _cut_early(name, value) or _swallows(name, value, form)


def _cut_late(name: str, form: Form) -> bool:
    """Return whether a name has taken the beginning of its value: it goes on where a documented one that is missing ends."""
    if name in NAMES or _NUMBERED.fullmatch(name):
        return False
    if name.startswith(("MediaUrl", "MediaContentType")):
        return True
    if name.endswith("AccountSid") and not form.has("AccountSid"):
        # The URL's end has become the beginning of the first field's name.
        return True
    # Fields of next year may begin with `To` or `From`; a number behind these cannot be the end of a name.
    return any(other not in _COMMON and name.startswith(other) and not form.has(other) for other in NAMES)


def _cut_early(name: str, value: str) -> bool:
    """Return whether a value has taken the end of its name."""
    whole = name + value[:40]
    if name in _FREE or name in _ADDRESSES:
        # A sender may be called CityBank; the real field would stand there twice.
        return False
    if name not in NAMES and not _NUMBERED.fullmatch(name) and _NUMBERED.match(whole):
        return True
    return any(len(other) > len(name) and whole.startswith(other) for other in NAMES)


def _swallows(name: str, value: str, form: Form) -> bool:
    """Return whether a value holds a documented field that is missing and that, sorted, stands right behind it.

    Only what lies between a field and the next one that is there can have been swallowed: so people may write of fields.
    """
    following = min((each for each in form if each > name), default="\uffff")

    def missing(other: str) -> bool:
        return name < other < following

    for other, pattern in _SHORT.items():
        if missing(other) and pattern.search(value):
            return True
    candidates = _BEHIND_BODY if name == "Body" else NAMES
    free = name in _FREE
    for other in candidates:
        if (
            missing(other)
            and len(other) >= _SHORTEST
            and other in value
            and not (free and _HUMPED.match(other) is None)
        ):
            return True
    return any(missing(found) for found in _NUMBERED.findall(value))


def _incomplete(form: Form) -> bool:
    if not form.get("MessageSid", "SmsSid", "SmsMessageSid"):
        return False
    # The first reports of a message that a Messaging Service sends have no sender yet.
    early = form.has("MessageStatus") and form.has("MessagingServiceSid")
    needed = ("MessageSid", "To") if early else ("MessageSid", "From", "To")
    if any(not form.has(name) for name in needed):
        return True
    arrived = form.get("SmsStatus") in {"received", "receiving", ""} and not form.has("MessageStatus")
    return arrived and not form.has("Body")
