"""What may be said of an error that came out of a connector."""

from __future__ import annotations

from gateway.sdk import ConnectorError


def sentence_of(error: Exception) -> str:
    """Return a sentence for the operator.

    The contract's errors are sentences without bodies or secrets; of others only the kind is told.
    """
    if isinstance(error, ConnectorError):
        return str(error) or type(error).__name__
    if isinstance(error, TimeoutError):
        return "No answer came in time."
    return f"The connector raised what no connector may raise ({type(error).__name__})."
