"""Replies → correspondence on a ticket, which RT mails to whoever asked: pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connectors.request_tracker.tickets import body
from gateway.sdk import Reply


def correspondence(reply: Reply, left: Iterable[str]) -> dict[str, Any]:
    """Return the message. Buttons become lines: mail has none. Files that stay behind are named with the reason."""
    lines = [reply.text]
    if reply.buttons:
        lines += ["", *(f"- {button.label}" for button in reply.buttons)]
    lines += [f"[file {each}]" for each in left]
    return body("\n".join(lines), reply.key)
