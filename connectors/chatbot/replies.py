"""Replies, history and state → what a bot is told: pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connectors.chatbot.events import conversation_of
from gateway.sdk import Entry, PermanentFailure, Reply, Role, Standing

_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


def written(at: int) -> str:
    """Return an instant as RFC 3339 has it; `at` is UTC microseconds."""
    return (_BEGINNING + timedelta(microseconds=at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def callback(reply: Reply, at: int) -> bytes:
    """Return the body with which a reply is posted. Raises PermanentFailure when it is to no conversation of ours."""
    conversation = conversation_of(reply.thread)
    if not conversation:
        raise PermanentFailure("The reply names no conversation of a bot.")
    told = {
        "id": reply.key,
        "conversation": conversation,
        "text": reply.text,
        "buttons": [{"action": each.action, "label": each.label} for each in reply.buttons],
    }
    message = {"type": "reply.created", "timestamp": written(at), "data": told}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def answers(entries: Iterable[Entry], after: str) -> list[Mapping[str, Any]]:
    """Return what we answered, oldest first; after the reply of an id, all of them when it is not among them."""
    ours = [entry for entry in entries if entry.author.role in {Role.AGENT, Role.SYSTEM}]
    keys = [entry.key for entry in ours]
    begin = keys.index(after) + 1 if after in keys else 0
    return [
        {
            "id": entry.key,
            "text": entry.text,
            "at": written(entry.occurred_at),
            "from": entry.author.role.value,
            "name": entry.author.name,
        }
        for entry in ours[begin:]
    ]


def standing(conversation: str, told: Standing) -> Mapping[str, Any]:
    """Return where a conversation stands."""
    return {
        "conversation": conversation,
        "state": told.state,
        "handed_off": told.handed_off,
        "case": told.case_id,
    }
