"""Signatures of Standard Webhooks 1.0.0 (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md). Pure.

HMAC-SHA256 over ``id.timestamp.body``, base64 after ``v1,``; a header may carry several signatures, so that a secret can be
changed without a refused request. The package `standardwebhooks` reads the system's clock, so that it can be asked neither
about the past nor about a test's time.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Final

from gateway.sdk import Delivery, DeliveryRejected

#: How far a time stamp may be from ours, seconds; as the specification's libraries have it.
WINDOW: Final = 300
_PREFIX: Final = "whsec_"
_VERSION: Final = "v1,"
_SHORTEST, _LONGEST = 24, 64
#: Header names; Svix, from which the standard came, writes its own.
_NAMES: Final = ("webhook", "svix")
_DIGITS: Final = 12
_SIGNATURES: Final = 10


def key_of(secret: str) -> bytes:
    """Return the key that a written secret stands for. Raises ValueError with a sentence that does not quote it."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or not _SHORTEST <= len(key) <= _LONGEST:
        message = f"a secret is written {_PREFIX} and {_SHORTEST} to {_LONGEST} random bytes in base64"
        raise ValueError(message)
    return key


def signature(key: bytes, number: str, stamp: str, body: bytes) -> str:
    """Return one signature, with its version."""
    digest = hmac.new(key, f"{number}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return _VERSION + base64.b64encode(digest).decode()


def signed(keys: Sequence[bytes], number: str, seconds: int, body: bytes) -> Mapping[str, str]:
    """Return the headers of a message, with a signature for each key."""
    stamp = str(seconds)
    return {
        "webhook-id": number,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(signature(key, number, stamp, body) for key in keys),
    }


def check(keys: Sequence[bytes], delivery: Delivery, now: int) -> None:
    """See that a delivery is signed with one of the keys, and lately. `now` is UTC microseconds. Raises DeliveryRejected."""
    number, stamp, given = _told(delivery)
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= _DIGITS):
        raise DeliveryRejected("The time stamp is no number of seconds.")
    if abs(now - int(stamp) * 1_000_000) > WINDOW * 1_000_000:
        raise DeliveryRejected("The request is too old, or from the future.")
    try:
        wanted = [signature(key, number, stamp, delivery.body).encode() for key in keys]
        found = [each.encode() for each in given.split(" ")[:_SIGNATURES]]
    except UnicodeEncodeError:
        raise DeliveryRejected("The signature's headers cannot be read.") from None
    # All pairs, whatever the first says: the time taken tells nothing.
    if not any([hmac.compare_digest(one, other) for one in wanted for other in found]):  # noqa: C419
        raise DeliveryRejected("The signature does not fit.")


def _told(delivery: Delivery) -> tuple[str, str, str]:
    there = {name.lower() for name, _ in delivery.headers}
    for prefix in _NAMES:
        names = tuple(f"{prefix}-{each}" for each in ("id", "timestamp", "signature"))
        if there.isdisjoint(names):
            continue
        number, stamp, given = (delivery.header(name) or "" for name in names)
        if number and stamp and given:
            return number, stamp, given
        break
    raise DeliveryRejected("The request is not signed, or more than once.")


def number_of(delivery: Delivery) -> str:
    """Return the id of a signed message, empty when it has none."""
    return next((found for prefix in _NAMES if (found := delivery.header(f"{prefix}-id"))), "")
