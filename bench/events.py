"""Events as Slack sends them: `event_callback` bodies of about 1.5 kB, signed, over many threads."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from dataclasses import dataclass
from typing import Final

#: The signing secret of the measurements. It guards nothing.
SECRET: Final = "measure-0123456789abcdef0123456789"
TEAM: Final = "T0BATON01"
APP: Final = "A0BATON01"
CHANNEL: Final = "C0SUPPORT1"
#: Posted in order of time from here, one second apart: 2026-11-02 08:00 UTC.
_BEGIN: Final = 1_793_606_400
_TEXT: Final = (
    "the order that we placed last week has still not arrived and the tracking page shows nothing new since "
    "monday could somebody look at it please because our customer is waiting for the parts and asks every day "
    "when they will come we also see that the invoice was sent twice with different totals which one is right"
)
_WORDS: Final = _TEXT.split()
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackEvent:
    """One request body, with what the measurement must know of it."""

    #: The raw body.
    body: bytes
    #: Its thread: channel and time stamp of the message that opened it.
    thread: str
    #: Slack's id of the event.
    event_id: str


def slack_events(count: int, threads: int, *, seed: int = 1) -> list[SlackEvent]:
    """Return `count` message events over `threads` threads; the first of each thread opens it."""
    chance = random.Random(seed)
    return [
        _event(number, number % threads if number < threads else chance.randrange(threads), chance, threads)
        for number in range(count)
    ]


def _event(number: int, thread: int, chance: random.Random, threads: int) -> SlackEvent:
    opening = f"{_BEGIN + thread}.{thread:06d}"
    stamp = opening if number < threads else f"{_BEGIN + threads + number}.{number % 1_000_000:06d}"
    text = " ".join(chance.choice(_WORDS) for _ in range(53))
    event = {
        "user": f"U0CUST{thread:04d}",
        "type": "message",
        "ts": stamp,
        "client_msg_id": f"{chance.getrandbits(128):032x}",
        "text": text,
        "team": TEAM,
        "blocks": [
            {
                "type": "rich_text",
                "block_id": f"{chance.getrandbits(24):06x}",
                "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}],
            }
        ],
        "channel": CHANNEL,
        "event_ts": stamp,
        "channel_type": "channel",
    }
    if stamp != opening:
        event |= {"thread_ts": opening, "parent_user_id": f"U0CUST{thread:04d}"}
    # Slack's ids are not in order of time.
    event_id = "Ev0" + "".join(chance.choices(_LETTERS, k=8))
    body = {
        "token": "not-used-any-more",
        "team_id": TEAM,
        "context_team_id": TEAM,
        "context_enterprise_id": None,
        "api_app_id": APP,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(float(stamp)),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": TEAM,
                "user_id": "U0BATONBOT",
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-{chance.getrandbits(512):0128x}",
    }
    return SlackEvent(
        body=json.dumps(body, separators=(",", ":")).encode(), thread=f"{CHANNEL}:{opening}", event_id=event_id
    )


def signed(body: bytes, at: int) -> dict[str, str]:
    """Return the headers that Slack sends along at `at` (Unix seconds)."""
    mac = hmac.new(SECRET.encode(), b"v0:%d:%s" % (at, body), hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": str(at),
        "X-Slack-Signature": f"v0={mac}",
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
    }
