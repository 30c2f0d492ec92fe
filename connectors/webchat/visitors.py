"""Who a visitor is: tokens that we mint for browsers, and identities that the customer's site signs.

A token names a browser, no person: whoever sits there may have written anything about themselves. Only what the site signed
is proven, and of that only the user's id; an e-mail address counts when the site states that it verified it
(``email_verified``, OpenID Connect Core 1.0, section 5.1).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, TypeGuard

import jwt

from gateway.sdk import DeliveryRejected

_MICRO: Final = 1_000_000
_DAY: Final = 86_400 * _MICRO
#: How long the token of an identified visitor is good, µs: the site signs a new identity with each page.
_IDENTIFIED_FOR: Final = 3_600 * _MICRO
#: Clocks of the site and ours may differ by this, seconds.
_LEEWAY: Final = 60
_LONGEST: Final = 8_192
_NAME: Final = 200
_ALGORITHM: Final = "HS256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Somebody at a widget."""

    #: Key of their one conversation.
    thread: str
    #: ``webchat_visitor`` for a browser, ``site_user`` for somebody whom the site names.
    kind: str
    #: The browser's or the user's id.
    value: str
    #: Name to show, empty when unknown.
    name: str = ""
    #: E-mail address that the site verified, empty when none.
    email: str = ""
    #: E-mail address that nobody verified, empty when none.
    claimed_email: str = ""
    #: True when the site signed who it is.
    verified: bool = False


class Visitors:
    """Mints and reads tokens, and reads identities, for one connection."""

    def __init__(
        self,
        connection: str,
        *,
        tokens: Sequence[bytes],
        identities: Sequence[bytes],
        days: int,
        entropy: Callable[[int], bytes],
    ) -> None:
        """Take the secrets, the newest first, and where chance comes from."""
        self._purpose = f"baton webchat {connection}|".encode()
        self._tokens = tuple(tokens)
        self._identities = tuple(identities)
        self._days = days
        self._entropy = entropy

    # --- tokens ------------------------------------------------------------------------------------------------------
    def stranger(self) -> Visitor:
        """Return somebody new."""
        number = self._entropy(16).hex()
        return Visitor(thread=f"visitor:{number}", kind="webchat_visitor", value=number)

    def token(self, visitor: Visitor, now: int) -> str:
        """Return a token by which a visitor is known again, for some time after `now` (UTC microseconds)."""
        until = now + (_IDENTIFIED_FOR if visitor.verified else self._days * _DAY)
        # What a stranger says of themselves comes anew with each hello.
        kept = visitor if visitor.verified else replace(visitor, name="", claimed_email="")
        payload = json.dumps({"until": until, **asdict(kept)}, ensure_ascii=False, separators=(",", ":"))
        return self._token(payload.encode(errors="replace"))

    def _token(self, payload: bytes) -> str:
        return f"{_text(payload)}.{_text(self._mac(self._tokens[0], payload))}"

    def known(self, token: str, now: int) -> Visitor | None:
        """Return whom a token names; None for one that is too old, or is not ours."""
        if len(token) > _LONGEST:
            return None
        left, _, right = token.partition(".")
        payload, mac = _bytes(left), _bytes(right)
        if payload is None or mac is None:
            return None
        if not any([hmac.compare_digest(mac, self._mac(secret, payload)) for secret in self._tokens]):  # noqa: C419 (same time for all)
            return None
        told: dict[str, Any] = json.loads(payload)
        return Visitor(**told) if told.pop("until") > now else None

    def _mac(self, secret: bytes, payload: bytes) -> bytes:
        return hmac.new(secret, self._purpose + payload, hashlib.sha256).digest()

    # --- identities --------------------------------------------------------------------------------------------------
    def identified(self, token: str, now: int) -> Visitor:
        """Return whom the site names in a JWT (RFC 7519, HS256, with ``sub`` and ``exp``). Raises DeliveryRejected."""
        told = self._signed(token)
        until, since, user = told.get("exp"), told.get("nbf", 0), told.get("sub")
        seconds = now // _MICRO
        if not (_is_number(until) and _is_number(since)) or not _is_id(user):
            raise DeliveryRejected("The identity names no user (sub) or no end (exp).")
        if until + _LEEWAY < seconds or since - _LEEWAY > seconds:
            raise DeliveryRejected("The identity is too old, or not good yet.")
        email = _line(told.get("email"))
        proven = told.get("email_verified") is True
        return Visitor(
            thread=_thread(user),
            kind="site_user",
            value=user,
            name=_line(told.get("name")),
            email=email if proven else "",
            claimed_email="" if proven else email,
            verified=True,
        )

    def _signed(self, token: str) -> dict[str, Any]:
        if not self._identities:
            raise DeliveryRejected("The site signs identities, and no identity_secret is set.")
        for secret in self._identities:
            try:
                # Times are checked against the host's clock afterwards; PyJWT knows the system's only.
                options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
                return dict(jwt.decode(token[:_LONGEST], secret, algorithms=[_ALGORITHM], options=options))
            except (jwt.PyJWTError, ValueError, UnicodeError):
                continue
        raise DeliveryRejected("The identity is not signed with identity_secret.")

    def vouched(self, user: str, digest: str, *, name: str = "", email: str = "") -> Visitor:
        """Return whom the site names by an id and its HMAC-SHA256 in hexadecimal. Raises DeliveryRejected.

        Name and e-mail address are not covered by it: they are claims.
        """
        wanted = [hmac.new(secret, user.encode(), hashlib.sha256).hexdigest() for secret in self._identities]
        same = [hmac.compare_digest(digest.encode(), each.encode()) for each in wanted]
        if not _is_id(user) or not any(same):
            raise DeliveryRejected("The user's id is not signed with identity_secret.")
        return Visitor(
            thread=_thread(user),
            kind="site_user",
            value=user,
            name=_line(name),
            claimed_email=_line(email),
            verified=True,
        )


def _thread(user: str) -> str:
    """Return the key of a user's conversation: the same on all their devices, and it tells nobody who it is."""
    return f"user:{hashlib.sha256(user.encode()).hexdigest()[:32]}"


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_id(user: object) -> TypeGuard[str]:
    return isinstance(user, str) and 0 < len(user) <= _NAME


def _line(value: object) -> str:
    return " ".join(value.encode(errors="replace").decode().split())[:_NAME] if isinstance(value, str) else ""


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _bytes(value: str) -> bytes | None:
    """Return what base64url stands for; None unless it is written the one way that we write it."""
    try:
        found = base64.b64decode(value.encode("ascii") + b"=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if _text(found) == value else None
