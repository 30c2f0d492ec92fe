"""Errors, named after what the host does next.

A connector raises one of these and nothing else; it never retries, sleeps or swallows. What else comes out of one
is a bug: it is logged with the connector's name, taken for an unknown outcome where something was written
and for a temporary failure where something was read, and counted apart.

The message is a sentence for the person who must act. It names no secret and quotes no body.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: Digits of a Retry-After that are believed: more would be years.
_DIGITS: Final = 7


class ConnectorError(Exception):
    """What all errors of the contract share."""


class DeliveryRejected(ConnectorError):
    """The delivery is not from whom it claims to be. The host answers 401, counts, and keeps nothing."""


class UnreadableDelivery(ConnectorError):
    """The delivery is authentic and cannot be read. The host keeps it as a dead letter with its bytes."""


class TemporaryFailure(ConnectorError):
    """It certainly did not happen and may work later. The next attempt is a row in the outbox.

    `retry_after` is the vendor's own wish in seconds, None when it stated none.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        """Say what failed, and in how many seconds the vendor wants to be asked again."""
        super().__init__(message)
        self.retry_after = retry_after


class PermanentFailure(ConnectorError):
    """It certainly did not happen and never will as it is. The host keeps a dead letter for a person to mend."""


class CredentialsRefused(ConnectorError):
    """The vendor does not accept us. The host pauses the connection and tells the operator; nothing is given up."""


class OutcomeUnknown(ConnectorError):
    """The write may have landed. The host asks the connector to settle it and never sends it again blindly."""


def unanswered(sentence: str, *, writes: bool) -> OutcomeUnknown | TemporaryFailure:
    """Return the error for a call without a clear answer: a write may have landed, and a read may be tried again."""
    return OutcomeUnknown(sentence) if writes else TemporaryFailure(sentence)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return what an answer's Retry-After says, in seconds, whatever the case of its name.

    None where there is none, where it is a date (RFC 9110 allows one; no vendor's clock is asked for), and where it is nonsense.
    """
    value = next((each for name, each in headers.items() if name.lower() == "retry-after"), "").strip()
    return float(value) if value.isascii() and value.isdigit() and len(value) <= _DIGITS else None
