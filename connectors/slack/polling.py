"""The poll that finds what Slack's events did not bring: messages, and answers in threads that are days old.

Source: docs.slack.dev/reference/methods/conversations.history and …/conversations.replies. A history shows what opened threads
and leaves answers out; it says of each opening when its newest answer came (``latest_reply``). Slack has no way to ask for new
answers alone, so the poll looks at the openings of the last days, at 200 a call.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from connectors.slack.events import conversation_as_events
from gateway.sdk import Cursor, Delivery, Emit, Host, PermanentFailure, TemporaryFailure

Call = Callable[[str, dict[str, Any]], Awaitable[Mapping[str, Any]]]

#: How far each poll looks back behind the last one, seconds: what was written while it ran.
_OVERLAP: Final = 60
#: How old an opening may be whose new answers are still found, seconds: a week, in which nearly every conversation ends.
_OPENINGS: Final = 7 * 86_400
#: Messages asked for at once; Slack gives some apps 15 (docs.slack.dev/apis/web-api/rate-limits).
_PAGE: Final = 200
#: Pages of older openings that are looked at in one conversation and poll; pages with what is new do not count.
_OLDER_PAGES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where the polls stand. As text ``BEGIN``, or ``BEGIN:NEXT:LAST`` when Slack cut one short."""

    #: What was written since then is looked for; seconds.
    begin: int
    #: Where the next round begins once this one is through; 0: nothing was cut short.
    following: int = 0
    #: Id of the last conversation that was read through in this round.
    last: str = ""

    @classmethod
    def read(cls, text: Cursor) -> _Place:
        begin, following, last = (*text.split(":"), "", "")[:3]
        return cls(begin=int(float(begin)), following=int(following or 0), last=last)

    def __str__(self) -> str:
        return f"{self.begin}:{self.following}:{self.last}" if self.last else str(self.begin)


async def backfill(call: Call, since: Cursor | None, host: Host, emit: Emit) -> Cursor:
    """Hand on what was written since, in all conversations that the bot is in, threads included; return where we stand.

    The first time nothing is told: what was said before Baton was there is none of its business. When Slack wants to be asked
    later (it gives 50 calls a minute), the cursor says how far the round came, and the next poll goes on there.
    """
    now = host.now() // 1_000_000
    if not since:
        return str(now - _OVERLAP)
    place = _Place.read(since)
    following = place.following or now - _OVERLAP
    reached = place.last
    for channel in sorted(await _conversations(call), key=lambda each: str(each["id"])):
        if str(channel["id"]) <= place.last:
            continue
        try:
            written = await _written(call, channel, place.begin, now)
        except TemporaryFailure:
            if reached == place.last:
                raise
            return str(_Place(begin=place.begin, following=following, last=reached))
        except PermanentFailure as refusal:
            # One conversation that Slack does not show (left a moment ago, say) keeps nobody from the others.
            host.log.warning("a conversation cannot be polled: %s", refusal, extra={"action": "poll_refused"})
            written = []
        for event in written:
            await emit(polled(event, host), None)
        reached = str(channel["id"])
    return str(following)


def polled(event: Mapping[str, Any], host: Host) -> Delivery:
    """Return an event as a delivery of its own."""
    body = json.dumps(event, separators=(",", ":")).encode()
    return Delivery(
        connection=host.connection,
        endpoint="events",
        received_at=host.now(),
        method="FRAME",
        url="",
        headers=(),
        body=body,
    )


async def _conversations(call: Call) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    cursor = ""
    while True:
        arguments: dict[str, Any] = {
            "limit": 200,
            "exclude_archived": True,
            "types": "public_channel,private_channel,im",
        }
        answer = await call("users.conversations", {**arguments, **({"cursor": cursor} if cursor else {})})
        found += [each for each in answer.get("channels") or [] if isinstance(each, dict) and each.get("id")]
        cursor = _next(answer)
        if not cursor:
            return found


async def _written(call: Call, channel: Mapping[str, Any], begin: int, now: int) -> list[Mapping[str, Any]]:
    """Return the messages of a conversation as events, oldest first."""
    openings = await _openings(call, channel, begin, now)
    found = {str(each["ts"]): each for each in openings}
    for each in openings:
        if each.get("reply_count") and float(each.get("latest_reply") or now) > begin:
            found.update(await _answers(call, channel, str(each["ts"]), begin))
    fresh = [each for stamp, each in found.items() if float(stamp) > begin]
    return conversation_as_events(channel, sorted(fresh, key=lambda each: float(each["ts"])))


async def _openings(call: Call, channel: Mapping[str, Any], begin: int, now: int) -> list[dict[str, Any]]:
    """Return what the history shows since a week before the beginning: all that is new, and the older up to a bound."""
    # Without `latest` Slack would give the pages next to `oldest` first (github.com/slackhq/slack-api-docs/issues/4).
    asked: dict[str, Any] = {"channel": channel["id"], "oldest": str(begin - _OPENINGS), "latest": str(now + _OVERLAP)}
    found: list[dict[str, Any]] = []
    older = 0
    while older < _OLDER_PAGES:
        answer = await call("conversations.history", {**asked, "limit": _PAGE, "include_all_metadata": True})
        page = _messages(answer)
        found += page
        older += any(float(each["ts"]) < begin for each in page)
        cursor = _next(answer)
        if not (answer.get("has_more") and cursor):
            break
        asked["cursor"] = cursor
    return found


async def _answers(call: Call, channel: Mapping[str, Any], stamp: str, begin: int) -> dict[str, dict[str, Any]]:
    """Return the answers in a thread since the beginning; Slack puts the opening before them, however old it is."""
    asked: dict[str, Any] = {"channel": channel["id"], "ts": stamp, "oldest": str(begin)}
    found: dict[str, dict[str, Any]] = {}
    while True:
        answer = await call("conversations.replies", {**asked, "limit": _PAGE, "include_all_metadata": True})
        found.update({str(each["ts"]): each for each in _messages(answer)})
        cursor = _next(answer)
        if not (answer.get("has_more") and cursor):
            return found
        asked["cursor"] = cursor


def _messages(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [each for each in answer.get("messages") or [] if isinstance(each, dict) and each.get("ts")]


def _next(answer: Mapping[str, Any]) -> str:
    return str((answer.get("response_metadata") or {}).get("next_cursor") or "")
