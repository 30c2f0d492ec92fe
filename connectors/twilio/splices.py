"""What a signature of Twilio cannot see: where a name ends and its value begins.

Twilio signs the URL followed by all names and values, sorted and without any separator
(twilio.com/docs/usage/security#validating-requests). ``Body=Hello`` and ``BodyHel=lo`` have the same signature, and so have a
value that swallows the fields behind it, two values of one name, or a query that swallows the first field. Who got hold of
one signed request could send others. Each of these leaves marks that no request of Twilio bears: they are looked for here.
"""

from __future__ import annotations

import re
from typing import Final

from connectors.twilio.forms import Form

#: A name of a field: ``SipHeader_X-Id``, ``MediaUrl0``, ``Parameter[0]`` …
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.:\[\]-]{0,99}")
_SID: Final = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
#: A field that stands within a value, or within the query.
_INSIDE: Final = re.compile(r"(?:Account|Message|Sms|Call|Recording|Transcription)Sid=?[A-Z]{2}[0-9a-f]{32}")
#: Fields of one shape: anything else has swallowed a neighbour.
_SHAPES: Final = {
    "NumMedia": re.compile(r"[0-9]{0,3}"),
    "NumSegments": re.compile(r"[0-9]{0,4}"),
    "ApiVersion": re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})?"),
    "SmsStatus": re.compile(r"[a-z_]*"),
    "MessageStatus": re.compile(r"[a-z_-]*"),
    "CallStatus": re.compile(r"[a-z-]*"),
    "Digits": re.compile(r"[0-9*#A-Dwa-z]*"),
    "From": re.compile(r"[a-z_]*:?[^=\n]{0,300}"),
}
#: What people write: it may hold anything but the name of a field that stands behind it and is missing.
_FREE: Final = ("Body", "ButtonText", "ProfileName", "SpeechResult", "TranscriptionText", "Label", "Address")
#: Names that nobody writes by chance; those that follow free text in Twilio's order.
_BEHIND: Final = (
    *("ButtonPayload", "ButtonText", "ChannelMetadata", "ChannelInstallSid", "ChannelPrefix", "ChannelToAddress"),
    *("FromCity", "FromCountry", "FromState", "FromZip", "MediaContentType0", "MediaUrl0", "MessageSid", "MessageType"),
    *("MessagingServiceSid", "NumMedia", "NumSegments", "OptOutType", "OriginalRepliedMessageSid", "ProfileName"),
    *("ReferralNumMedia", "SmsMessageSid", "SmsSid", "SmsStatus", "StirVerstat", "ToCity", "ToCountry", "ToState"),
    *("ToZip", "TranscriptionSid", "TranscriptionStatus", "TranscriptionType", "TranscriptionUrl"),
)
#: Without these a message is none.
_OF_A_MESSAGE: Final = ("From", "To")


def is_spliced(form: Form, query: str) -> bool:
    """Return whether fields of a signed request were cut at other places than where Twilio cut them."""
    if _INSIDE.search(query):
        return True
    for name, value in form.pairs:
        if _NAME.fullmatch(name) is None or _SID.search(name) or _INSIDE.search(value):
            return True
        if name.endswith("Sid") and _SID.match(value) and len(value) != 34:  # noqa: PLR2004 (letters of a SID)
            return True
    if _SID.fullmatch(form.get("AccountSid")) is None:
        # No request as Twilio sends it (its own test vectors are such): there is nothing to be found by.
        return False
    return _misshapen(form) or _incomplete(form) or _swallowed(form)


def _misshapen(form: Form) -> bool:
    repeated = any(len(form.getall(name)) > 1 for name in form)
    return repeated or any(
        shape.fullmatch(value) is None for name, shape in _SHAPES.items() for value in form.getall(name)
    )


def _incomplete(form: Form) -> bool:
    message = form.get("MessageSid", "SmsSid", "SmsMessageSid")
    if not message:
        return False
    if any(not form.has(name) for name in _OF_A_MESSAGE) or not form.has("MessageSid"):
        return True
    arrived = form.get("SmsStatus") in {"received", "receiving", ""} and not form.has("MessageStatus")
    return arrived and not form.has("Body")


def _swallowed(form: Form) -> bool:
    return any(
        other > name and other in value and not form.has(other)
        for name in _FREE
        for value in form.getall(name)
        for other in _BEHIND
    )
