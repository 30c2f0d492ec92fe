"""Whether the requests of Mailgun, Postmark and SendGrid are authentic.

Mailgun (documentation.mailgun.com, "Securing webhooks"): HMAC-SHA256 over time stamp and token; the body is not covered.
SendGrid (twilio.com/docs/sendgrid, "Securing your Parse webhooks"): ECDSA over time stamp and body, where a security policy says
so. Postmark (postmarkapp.com/developer/webhooks) signs nothing and tells to put a name and password into the address.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from pydantic import SecretStr

from connectors.email.forms import is_stated_as_written
from connectors.email.settings import EmailSettings, WayIn
from gateway.sdk import Delivery, DeliveryRejected

#: How old a signature of SendGrid may be, seconds; each attempt is signed anew.
_WINDOW: Final = 300
#: How old one of Mailgun may be, seconds: it tries for eight hours, and nowhere says that it signs each attempt anew.
_MAILGUN_WINDOW: Final = 12 * 3_600
_AHEAD: Final = 300
_SIGNATURE: Final = "X-Twilio-Email-Event-Webhook-Signature"
_STAMP: Final = "X-Twilio-Email-Event-Webhook-Timestamp"
_FIELDS: Final = ("timestamp", "token", "signature")
_LONGEST_KEY: Final = 1_000


class Gate:
    """Who may hand mail in."""

    def __init__(self, settings: EmailSettings) -> None:
        """Take the settings. No I/O."""
        self._way_in = settings.way_in
        self._tokens = [
            _bytes(secret) for secret in (settings.hook_token, settings.previous_hook_token) if secret is not None
        ]
        self._mailgun = _bytes(settings.mailgun_signing_key) if settings.mailgun_signing_key is not None else b""
        self._sendgrid = settings.sendgrid_public_key

    def check(self, delivery: Delivery, now: int) -> None:
        """Return when the request is authentic at an instant (UTC microseconds). Raises `DeliveryRejected` otherwise."""
        if self._way_in is WayIn.IMAP or delivery.endpoint != self._way_in.value:
            raise DeliveryRejected("This connection does not take its mail from there.")
        # A token, where one is set, is always asked for: it is all that protects Mailgun's body and Postmark's everything.
        if self._tokens and not self._knows_token(delivery):
            raise DeliveryRejected("The request does not carry the token.")
        if self._way_in is WayIn.MAILGUN:
            self._check_mailgun(delivery, now)
        elif self._way_in is WayIn.SENDGRID and self._sendgrid:
            self._check_sendgrid(delivery, now)

    # --- a token of ours ---------------------------------------------------------------------------------------------
    def _knows_token(self, delivery: Delivery) -> bool:
        given = list(_given(delivery))
        # All comparisons are made, whatever the first says: how long it takes tells nothing.
        return any([hmac.compare_digest(token, each) for token in self._tokens for each in given])  # noqa: C419 (same time for all)

    # --- Mailgun -----------------------------------------------------------------------------------------------------
    def _check_mailgun(self, delivery: Delivery, now: int) -> None:
        fields = form_fields(delivery, _FIELDS)
        stamp, token, signature = (fields.get(name, "") for name in _FIELDS)
        if not (stamp.isascii() and stamp.isdigit() and token and signature.isascii()):
            raise DeliveryRejected("The request is not signed, or more than once.")
        proof = hmac.new(self._mailgun, (stamp + token).encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(proof.encode(), signature.encode()):
            raise DeliveryRejected("The signature does not fit.")
        _fresh(stamp, now, _MAILGUN_WINDOW)

    # --- SendGrid ----------------------------------------------------------------------------------------------------
    def _check_sendgrid(self, delivery: Delivery, now: int) -> None:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        stamp, signature = delivery.header(_STAMP), delivery.header(_SIGNATURE)
        if not stamp or not signature or not (stamp.isascii() and stamp.isdigit() and signature.isascii()):
            raise DeliveryRejected("The request is not signed, or more than once.")
        try:
            key = load_der_public_key(base64.b64decode(self._sendgrid, validate=True))
            if not isinstance(key, ec.EllipticCurvePublicKey):
                raise DeliveryRejected("sendgrid_public_key is no elliptic-curve key.")
            proof = base64.b64decode(signature, validate=True)
            # One signature has many spellings in base64; only the usual one counts, so that nobody can vary it.
            if base64.b64encode(proof).decode() != signature:
                raise DeliveryRejected("The signature cannot be read.")
            key.verify(proof, stamp.encode() + delivery.body, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, ValueError, TypeError, binascii.Error):
            raise DeliveryRejected("The signature does not fit.") from None
        _fresh(stamp, now, _WINDOW)
        if not is_stated_as_written(delivery):
            raise DeliveryRejected("The Content-Type, which is not signed, is none that the body was written with.")


def form_fields(delivery: Delivery, wanted: Iterable[str]) -> dict[str, str]:
    """Return some short fields of a form, urlencoded or multipart. One that stands twice is left out: it proves nothing."""
    kind = (delivery.header("Content-Type") or "").partition(";")[0].strip().lower()
    names = frozenset(wanted)
    pairs = _multipart(delivery, names) if kind == "multipart/form-data" else _urlencoded(delivery, names)
    found: dict[str, str] = {}
    twice: set[str] = set()
    for name, value in pairs:
        if name in found and found[name] != value:
            twice.add(name)
        found[name] = value
    return {name: value for name, value in found.items() if name not in twice}


def _urlencoded(delivery: Delivery, names: frozenset[str]) -> list[tuple[str, str]]:
    # Only short pieces: a mail's text is megabytes, and none of what is wanted is.
    pieces = [piece for piece in delivery.body.split(b"&") if len(piece) <= _LONGEST_KEY]
    found: list[tuple[str, str]] = []
    for piece in pieces:
        pairs = parse_qsl(piece.decode("latin-1"), keep_blank_values=True, errors="surrogateescape")
        found += [(name, value) for name, value in pairs if name in names]
    return found


_BOUNDARY: Final = re.compile(r'boundary="?([^";,\s]{1,200})"?', re.IGNORECASE)
_NAMED: Final = re.compile(rb'(?i)\bname="([^"\r\n]{1,100})"')
_FILE: Final = re.compile(rb"(?i)\bfilename\*?=")


def _multipart(delivery: Delivery, names: frozenset[str]) -> list[tuple[str, str]]:
    boundary = _BOUNDARY.search(delivery.header("Content-Type") or "")
    if boundary is None:
        return []
    found: list[tuple[str, str]] = []
    for part in (b"\r\n" + delivery.body).split(b"\r\n--" + boundary[1].encode("latin-1", "replace"))[1:]:
        if part.startswith(b"--"):  # the end: what stands behind it belongs to nobody
            break
        head, gap, value = part[:_LONGEST_KEY].partition(b"\r\n\r\n")
        name = _NAMED.search(head)
        if not gap or name is None or len(part) > _LONGEST_KEY or _FILE.search(head):
            continue
        if (word := name[1].decode("latin-1")) in names:
            found.append((word, value.decode("utf-8", "surrogateescape")))
    return found


def _given(delivery: Delivery) -> Iterable[bytes]:
    """Return the secrets that a request carries: the password in its address, or the token behind it."""
    authorization = delivery.header("Authorization") or ""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(value.strip(), validate=True)
        except (binascii.Error, ValueError):
            pair = b""
        yield pair.partition(b":")[2]
    try:
        query = parse_qsl(urlsplit(delivery.url).query, errors="surrogateescape")
    except ValueError:
        query = []
    tokens = [text for name, text in query if name == "token"]
    if len(tokens) == 1:
        yield tokens[0].encode("utf-8", "surrogatepass")


def _fresh(stamp: str, now: int, window: int) -> None:
    age = now // 1_000_000 - int(stamp) if len(stamp) < 16 else window + 1  # noqa: PLR2004 (beyond any year)
    if not -_AHEAD <= age <= window:
        raise DeliveryRejected("The signature is too old, or of the future.")


def _bytes(secret: SecretStr) -> bytes:
    return secret.get_secret_value().encode()
