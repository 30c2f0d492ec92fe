"""PLACEHOLDER of branch mailbox; to be replaced by branch mail's."""

from __future__ import annotations

import email
from email import policy

from gateway.sdk import PermanentFailure


def open_attachment(raw: bytes, attachment_id: str) -> bytes:
    """Return the bytes of an attachment."""
    parts = list(email.message_from_bytes(raw, policy=policy.default).walk())
    number = int(attachment_id)
    if number >= len(parts):
        raise PermanentFailure("The mail has no such attachment.")
    found = parts[number].get_payload(decode=True)
    return found if isinstance(found, bytes) else b""
