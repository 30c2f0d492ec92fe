"""Is a request from Twilio? Through twilio's own validator, which raises on some bytes where it should say no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from twilio.request_validator import (
    HMAC_SHA1,
    HMAC_SHA256,
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)

from connectors.twilio.forms import Form, form_of, is_form
from connectors.twilio.splices import is_spliced
from gateway.sdk import Delivery, DeliveryRejected

_ALGORITHMS: Final = frozenset({HMAC_SHA1, HMAC_SHA256})
_BODY_HASH: Final = "bodySHA256"


class Authenticity:
    """Checks signatures with the secrets of one account and its sub-accounts."""

    def __init__(self, secrets: Sequence[str], subaccounts: Mapping[str, str], fragment: str) -> None:
        """Take the account's secrets, the sub-accounts' tokens by SID, and what stands behind the URL in the Console."""
        self._own = [RequestValidator(secret) for secret in secrets]
        self._subaccounts = {sid: [RequestValidator(token)] for sid, token in subaccounts.items()}
        self._fragment = fragment

    def check(self, delivery: Delivery) -> None:
        """Return when the delivery is Twilio's. Raises DeliveryRejected, and nothing else, whatever the bytes are."""
        signature = delivery.header(SIGNATURE_HEADER)
        if not signature:
            raise DeliveryRejected("The request is not signed, or more than once.")
        if not signature.isascii():
            raise DeliveryRejected("The signature cannot be read.")
        algorithm = _algorithm(delivery)
        try:
            proven = self._proven(delivery, signature, algorithm)
        except (ValueError, TypeError, UnicodeError, AttributeError):
            # The validator raises on a body that is neither form nor hashed, on ports that are no numbers, on surrogates.
            proven = False
        if not proven:
            raise DeliveryRejected("The signature does not fit.")

    def _proven(self, delivery: Delivery, signature: str, algorithm: str) -> bool:
        parts = urlsplit(delivery.url)
        if parts.geturl() != delivery.url:
            # The validator signs a URL that it has tidied up: what is not tidy would pass for what is.
            return False
        params, validators = self._covered(delivery, parts.query)
        urls = [delivery.url, *([delivery.url + self._fragment] if self._fragment else [])]
        verdicts = [each.validate(url, params, signature, algorithm) for each in validators for url in urls]
        return any(verdicts)

    def _covered(self, delivery: Delivery, query: str) -> tuple[Form | str, list[RequestValidator]]:
        """Return what the signature covers beside the URL, and whose it must be. Raises ValueError when it covers nothing."""
        hashes = [value for name, value in parse_qsl(query, keep_blank_values=True) if name == _BODY_HASH]
        if hashes:
            # The hash stands for the body whatever the body says of itself: as a form it would not be covered.
            if len(hashes) > 1:
                raise ValueError("two hashes")
            return delivery.body.decode("utf-8"), self._own + [
                one for each in self._subaccounts.values() for one in each
            ]
        if not is_form(delivery) and delivery.body:
            raise ValueError("no signature covers this body")
        form = form_of(delivery.body)
        if is_spliced(form, delivery.url):
            raise ValueError("spliced")
        return form, self._subaccounts.get(form.get("AccountSid"), self._own)


def _algorithm(delivery: Delivery) -> str:
    stated = [value for name, value in delivery.headers if name.lower() == SIGNATURE_SETTINGS_HEADER.lower()]
    if not stated:
        return str(HMAC_SHA1)
    if len(set(stated)) > 1:
        raise DeliveryRejected("The settings of the signature stand there twice.")
    found = str(get_signature_algorithm(stated[0])).upper()
    if found not in _ALGORITHMS:
        raise DeliveryRejected("The signature's algorithm is not known.")
    return found
