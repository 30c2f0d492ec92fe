"""Authenticity of HubSpot's webhooks: the v3 signature, and nothing older.

Source: developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation. The signature is
base64(HMAC-SHA256(client secret, method + URI + body + time stamp)); some encoded characters of the URI are decoded first.

The SDK has `hubspot.utils.signature`, which is not strict enough for a door: it takes time stamps of any future, reads them
as floats, wants the body as text, compares the URI as it stands, and raises on what is missing or not ASCII.
v1 and v2, which HubSpot still sends beside v3 and alone with workflows, sign no time: a recorded request would be good
for ever. They are not accepted.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

from gateway.sdk import Delivery, DeliveryRejected

#: How far a webhook's time stamp may be from ours in either direction, seconds.
WINDOW: Final = 300

#: The encoded characters that HubSpot decodes before it signs. All others stay as they are.
_DECODED: Final[dict[str, str]] = {
    "%3a": ":",
    "%2f": "/",
    "%3f": "?",
    "%40": "@",
    "%21": "!",
    "%24": "$",
    "%27": "'",
    "%28": "(",
    "%29": ")",
    "%2a": "*",
    "%2c": ",",
    "%3b": ";",
}
_ENCODED: Final = re.compile("|".join(_DECODED), re.IGNORECASE)
#: Milliseconds since 1970: 13 digits until the year 2286.
_STAMP: Final = re.compile(r"[0-9]{13}", re.ASCII)


def check_signature(delivery: Delivery, secrets: Sequence[bytes], now: int) -> None:
    """Return when the delivery is authentic and of now (UTC microseconds). Raises DeliveryRejected."""
    signature = delivery.header("X-HubSpot-Signature-v3")
    stamp = delivery.header("X-HubSpot-Request-Timestamp")
    if not signature or not stamp:
        raise DeliveryRejected("The webhook has no v3 signature, or more than one.")
    if _STAMP.fullmatch(stamp) is None:
        raise DeliveryRejected("The webhook's time stamp cannot be read.")
    text = signed_text(delivery.method, delivery.url, delivery.body, stamp)
    given = signature.encode("utf-8", "surrogateescape")
    proven = False
    for secret in secrets:
        proven |= hmac.compare_digest(signed(secret, text), given)
    if not proven:
        raise DeliveryRejected("The signature does not fit the request.")
    if abs(int(stamp) * 1000 - now) > WINDOW * 1_000_000:
        raise DeliveryRejected("The webhook's time stamp is too old, or of the future.")


def signed_text(method: str, url: str, body: bytes, stamp: str) -> bytes:
    """Return the bytes that are signed."""
    uri = _ENCODED.sub(lambda found: _DECODED[found[0].lower()], url)
    return method.encode("utf-8", "surrogateescape") + uri.encode("utf-8", "surrogateescape") + body + stamp.encode()


def signed(secret: bytes, text: bytes) -> bytes:
    """Return the signature of some bytes."""
    return base64.b64encode(hmac.new(secret, text, hashlib.sha256).digest())
