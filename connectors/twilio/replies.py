"""Replies → Twilio's messages: pure.

Limits: twilio.com/docs/messaging/api/message-resource (1600 characters), twilio.com/docs/whatsapp/key-concepts (24 hours).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from connectors.twilio.events import split_thread
from gateway.sdk import PermanentFailure, Reply

#: Characters of a message. A longer one is refused: cut, it might say the opposite; split, half of it might arrive.
LONGEST: Final = 1600
#: Characters of a template's variable that WhatsApp surely takes (the whole message: 1024).
LONGEST_VARIABLE: Final = 900
#: How long after the customer's last message WhatsApp takes free text, microseconds.
WINDOW: Final = 24 * 60 * 60 * 1_000_000
_WHATSAPP: Final = "whatsapp:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One message to send."""

    #: Our number, WhatsApp sender or Messaging Service.
    ours: str
    #: The customer's number.
    theirs: str
    #: The text; with a template, what its variable holds.
    text: str
    #: The template, empty for free text.
    template: str = ""
    #: What the template's variables hold, JSON.
    variables: str = ""
    #: Where Twilio shall report how far it came; empty for nowhere.
    callback: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to look for when nobody knows whether a reply was sent."""

    #: Our number, WhatsApp sender or Messaging Service.
    ours: str
    #: The customer's number.
    theirs: str
    #: The text, without what lies between its words.
    text: str
    #: True when it may have been sent within a template.
    templated: bool

    def is_in(self, body: str) -> bool:
        """Return whether a message that Twilio shows is this one; Twilio may trim and turn line ends."""
        return self.text == _bare(body) or (self.templated and self.text in _bare(body))


def wanted(reply: Reply, now: int, *, template: str) -> Wanted:
    """Return what to look for. Raises PermanentFailure when the reply can never have been sent."""
    ours, theirs = split_thread(reply.thread)
    templated = bool(template) and theirs.startswith(_WHATSAPP) and _is_late(reply, now)
    return Wanted(ours=ours, theirs=theirs, text=_bare(_whole(reply)), templated=templated)


def _is_late(reply: Reply, now: int) -> bool:
    return reply.last_message_at is not None and now - reply.last_message_at >= WINDOW


def sending(reply: Reply, now: int, *, template: str, variable: str, webhook_url: str) -> Sending:
    """Return what a reply becomes. Raises PermanentFailure when it cannot be sent as it is."""
    ours, theirs = split_thread(reply.thread)
    text = _whole(reply)
    callback = f"{webhook_url}?reply={quote(reply.key, safe='')}" if webhook_url else ""
    if not (theirs.startswith(_WHATSAPP) and _is_late(reply, now)):
        if len(text) > LONGEST:
            raise PermanentFailure(
                f"The reply has {len(text)} characters, and Twilio takes {LONGEST}: send it again in parts, or shorter."
            )
        return Sending(ours=ours, theirs=theirs, text=text, callback=callback)
    if not template:
        raise PermanentFailure(
            "The customer's last message is more than 24 hours ago, and WhatsApp then takes approved templates only: "
            "set template_sid, or wait until the customer writes again."
        )
    # Meta refuses line ends, tabs and rows of blanks in a variable.
    value = " ".join(text.split())
    if len(value) > LONGEST_VARIABLE:
        raise PermanentFailure(
            f"The reply has {len(value)} characters, and the template for late replies takes {LONGEST_VARIABLE}: shorten it."
        )
    variables = json.dumps({variable: value}, ensure_ascii=False)
    return Sending(ours=ours, theirs=theirs, text=value, template=template, variables=variables, callback=callback)


def _whole(reply: Reply) -> str:
    """Return the text with what these channels have no form for: buttons as words to answer with, files as names."""
    parts = [reply.text.strip()]
    if reply.buttons:
        parts.append("Answer with: " + " / ".join(button.label for button in reply.buttons))
    if reply.files:
        parts.append("Not sent here: " + ", ".join(file.name for file in reply.files))
    text = "\n\n".join(part for part in parts if part)
    if not text:
        raise PermanentFailure("The reply is empty.")
    return text


def _bare(text: str) -> str:
    return " ".join(text.split())
