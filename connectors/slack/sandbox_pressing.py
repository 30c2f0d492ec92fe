"""What the stand-in for Slack tells of a pressed button, and what it writes on the opening of a thread."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from gateway.testing.webhooks import Webhook

#: Bot id of whatever other app there is.
OTHER_BOT: Final = "B0OTHER"


def press(message: Mapping[str, Any], action: str, *, value: str, label: str, pressed: str) -> dict[str, Any]:
    """Return what is said of a button, by its message where that has it.

    Raises ValueError for a message of another app: Slack tells that app alone, and Baton never hears of it.
    """
    if message.get("bot_id") == OTHER_BOT:
        raise ValueError("Slack tells of a pressed button the app that posted it, and this message is another app's.")
    blocks = [block for block in message.get("blocks", ()) if block.get("type") == "actions"]
    for button in (each for block in blocks for each in block["elements"] if each["action_id"] == action):
        value, label = value or button["value"], label or button["text"]["text"]
    told = {
        "type": "button",
        "action_id": action,
        "block_id": "b1",
        "value": value,
        "text": {"type": "plain_text", "text": label or action},
        "action_ts": pressed,
    }
    return {"type": "block_actions", "message": message, "actions": [told]}


def interaction(payload: Mapping[str, Any]) -> Webhook:
    """Return the request that brings an interaction."""
    body = urlencode({"payload": json.dumps(payload, separators=(",", ":"))}).encode()
    return Webhook(endpoint="interactivity", body=body, headers={"Content-Type": "application/x-www-form-urlencoded"})


def newest_with_button(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the newest message that has a button. Raises ValueError when none has."""
    found = [each for each in messages if any(block["type"] == "actions" for block in each.get("blocks", ()))]
    if not found:
        raise ValueError("no message there has a button")
    return found[-1]


def count_answers(messages: Sequence[dict[str, Any]], stamp: str) -> None:
    """Write on a thread's opening how many answers it has, by whom, and when the newest came, as Slack does."""
    opening = next((each for each in messages if each["ts"] == stamp), None)
    if opening is None:
        return
    answers = [each for each in messages if each.get("thread_ts") == stamp != each["ts"]]
    users = list(dict.fromkeys(str(each.get("user") or each.get("bot_id")) for each in answers))
    counts: dict[str, Any] = {"reply_count": len(answers), "reply_users": users, "reply_users_count": len(users)}
    for name in ("thread_ts", "latest_reply", *counts):
        opening.pop(name, None)
    if answers:
        opening.update(thread_ts=stamp, latest_reply=answers[-1]["ts"], **counts)
