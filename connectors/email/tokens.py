"""PLACEHOLDER of branch mailbox; to be replaced by branch mail's."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable


def message_id_for(key: str, effect_id: str, recipient: str, domain: str) -> str:
    """Return the Message-ID of a reply."""
    proof = hmac.new(key.encode(), f"{effect_id}\0{recipient.lower()}".encode(), hashlib.sha256).hexdigest()[:32]
    return f"<{effect_id}.{proof}@{domain}>"


def reference_of(keys: Iterable[str], message_ids: Iterable[str], sender: str) -> str | None:
    """Return the effect that a Message-ID of ours names."""
    for message_id in message_ids:
        left, _, domain = message_id.strip("<>").rpartition("@")
        effect_id = left.rpartition(".")[0]
        if any(
            hmac.compare_digest(message_id.encode(), message_id_for(k, effect_id, sender, domain).encode())
            for k in keys
        ):
            return effect_id
    return None
