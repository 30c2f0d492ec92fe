"""How Paperboy signs what it sends: HMAC-SHA256 over the time stamp and the body."""

from __future__ import annotations

import hashlib
import hmac

STAMP = "Paperboy-Time"
SIGNATURE = "Paperboy-Signature"


def sign(body: bytes, at: int, secret: str) -> dict[str, str]:
    """Return the headers for a body that is sent at an instant, UTC microseconds."""
    stamp = str(at // 1_000_000)
    return {STAMP: stamp, SIGNATURE: digest(body, stamp, secret)}


def digest(body: bytes, stamp: str, secret: str) -> str:
    """Return the signature of a body under a time stamp (Unix seconds)."""
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
