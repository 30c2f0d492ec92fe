"""Whether a request is authentic. Pure.

PagerDuty signs: HMAC-SHA256 of the raw body, hexadecimal behind ``v1=``, several joined with commas while a secret is changed
(developer.pagerduty.com/docs/verifying-webhook-signatures). Alertmanager and Statuspage sign nothing: they carry a token, the one
in ``Authorization: Bearer`` (prometheus.io/docs/alerting/latest/configuration, `http_config`), the other in its address.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from gateway.sdk import Delivery, DeliveryRejected

_VERSION: Final = "v1="
_SIGNATURES: Final = 10


def signature(secret: bytes, body: bytes) -> str:
    """Return PagerDuty's signature of a body."""
    return _VERSION + hmac.new(secret, body, hashlib.sha256).hexdigest()


def check_signature(secrets: Sequence[bytes], delivery: Delivery) -> None:
    """See that PagerDuty signed a delivery with one of the secrets. Raises DeliveryRejected."""
    given = delivery.header("X-PagerDuty-Signature")
    if not given:
        raise DeliveryRejected("The request is not signed, or more than once.")
    wanted = [signature(secret, delivery.body) for secret in secrets]
    _one_of(wanted, given.split(",")[:_SIGNATURES], "The signature does not fit.")


def check_token(tokens: Sequence[bytes], delivery: Delivery) -> None:
    """See that a delivery carries one of the tokens. Raises DeliveryRejected."""
    wanted = [token.decode() for token in tokens]
    _one_of(wanted, _given(delivery), "The request does not carry the token.")


def _given(delivery: Delivery) -> list[str]:
    scheme, _, value = (delivery.header("Authorization") or "").partition(" ")
    if value:
        return [value] if scheme.lower() == "bearer" else []
    try:
        query = parse_qsl(urlsplit(delivery.url).query, errors="surrogateescape")
    except ValueError:
        return []
    tokens = [text for name, text in query if name == "token"]
    # Which of several counts nobody could say.
    return tokens if len(tokens) == 1 else []


def _one_of(wanted: Iterable[str], given: Iterable[str], otherwise: str) -> None:
    right = [each.encode() for each in wanted]
    told = [each.encode("utf-8", "surrogatepass") for each in given]
    # All pairs, whatever the first says: the time taken tells nothing.
    if not any([hmac.compare_digest(one, other) for one in right for other in told]):  # noqa: C419
        raise DeliveryRejected(otherwise)
