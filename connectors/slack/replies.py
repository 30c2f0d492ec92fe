"""Replies and notices → Slack's messages: pure.

Limits: docs.slack.dev/reference/block-kit/blocks (3,000 characters a section, 10 fields, 2,000 characters a field).
"""

from __future__ import annotations

from typing import Any, Final

from gateway.sdk import Button, Notice, PermanentFailure, Reply

#: Type of the metadata by which a message of ours is found again.
MARK: Final = "baton"
_SECTION: Final = 2_900
_FIELD: Final = 1_900
_FIELDS: Final = 10
_TITLE: Final = 150


def escape(text: str) -> str:
    """Return text that Slack shows as it stands: nothing in it becomes a mention or a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def metadata(key: str) -> dict[str, Any]:
    """Return the mark that a message carries."""
    return {"event_type": MARK, "event_payload": {"key": key}}


def reply_message(reply: Reply) -> dict[str, Any]:
    """Return the arguments of chat.postMessage for a reply on its thread."""
    channel, stamp = split_thread(reply.thread)
    text = escape(reply.text)
    message: dict[str, Any] = {"channel": channel, "text": text, "metadata": metadata(reply.key), "unfurl_links": False}
    if stamp:
        message["thread_ts"] = stamp
    if reply.buttons:
        message["blocks"] = [
            {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text, _SECTION)}},
            _actions(reply.buttons, reply.key),
        ]
    return message


def notice_message(notice: Notice) -> dict[str, Any]:
    """Return the arguments of chat.postMessage for a notice to agents."""
    title = escape(notice.title)
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(notice.title, _TITLE) or "Escalation"}},
    ]
    if notice.text:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": _cut(escape(notice.text), _SECTION)}})
    if notice.facts:
        fields = [
            {"type": "mrkdwn", "text": _cut(f"*{escape(label)}*\n{escape(value)}", _FIELD)}
            for label, value in notice.facts[:_FIELDS]
        ]
        blocks.append({"type": "section", "fields": fields})
    if notice.url:
        blocks.append(
            {"type": "section", "text": {"type": "mrkdwn", "text": f"<{escape(notice.url)}|Open the ticket>"}}
        )
    if notice.buttons:
        blocks.append(_actions(notice.buttons, notice.key))
    return {
        "channel": notice.destination,
        "text": title,
        "blocks": blocks,
        "metadata": metadata(notice.key),
        "unfurl_links": False,
    }


def _actions(buttons: tuple[Button, ...], key: str) -> dict[str, Any]:
    return {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "action_id": button.action,
                "value": key,
                "text": {"type": "plain_text", "text": _cut(button.label, 75)},
            }
            for button in buttons
        ],
    }


def split_thread(thread: str) -> tuple[str, str]:
    """Return channel and time stamp of a thread's key; no time stamp for a direct conversation as a whole."""
    channel, _, stamp = thread.partition(":")
    if not channel:
        raise PermanentFailure("The reply names no thread.")
    return channel, stamp


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
