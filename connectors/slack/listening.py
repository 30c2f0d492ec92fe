"""Slack without an address that Slack can reach: Socket Mode, and the poll that finds what was missed.

Source: docs.slack.dev/apis/events-api/using-socket-mode and docs.slack.dev/reference/methods/conversations.history.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import aiohttp

from connectors.slack.events import conversation_as_events
from gateway.sdk import Cursor, Delivery, Emit, Host, TemporaryFailure

Call = Callable[[str, dict[str, Any]], Awaitable[Mapping[str, Any]]]

#: Envelopes that carry something for us → the endpoint that would have got it over HTTP.
_ENDPOINTS: Final = {"events_api": "events", "interactive": "interactivity"}
#: A socket that says nothing for so long is dead: Slack pings every few seconds.
_SILENCE: Final = 60.0
#: How far each poll looks back behind the last one, seconds: what was written while it ran.
_OVERLAP: Final = 60
#: Messages asked for at once; Slack gives some apps 15 (docs.slack.dev/apis/web-api/rate-limits).
_PAGE: Final = 200


async def listen(url: str, host: Host, emit: Emit) -> None:
    """Hand on what comes over a socket; each envelope is acknowledged once it is durable. Ends when Slack asks for a new one."""
    try:
        limits = aiohttp.ClientWSTimeout(ws_receive=_SILENCE)  # pyright: ignore[reportCallIssue] (an attrs class)
        async with host.http.ws_connect(url, heartbeat=20.0, timeout=limits, max_msg_size=2**20) as socket:
            async for frame in socket:
                if frame.type is aiohttp.WSMsgType.TEXT and not await _frame(socket, str(frame.data), host, emit):
                    return
    except (aiohttp.ClientError, TimeoutError):
        raise TemporaryFailure("The socket to Slack broke.") from None
    # The host waits before it opens another one; only where Slack asked for it there is no need to.
    raise TemporaryFailure("Slack closed the socket.")


async def _frame(socket: aiohttp.ClientWebSocketResponse, text: str, host: Host, emit: Emit) -> bool:
    """Take one frame; False when Slack wants a new socket."""
    try:
        envelope: Any = json.loads(text)
    except (ValueError, RecursionError):
        return True
    if not isinstance(envelope, dict):
        return True
    sort, number = envelope.get("type"), envelope.get("envelope_id")
    if sort == "disconnect":
        return False
    endpoint = _ENDPOINTS.get(str(sort))
    if endpoint is not None:
        await emit(_delivery(envelope.get("payload"), endpoint, host), None)
    if isinstance(number, str):
        await socket.send_str(json.dumps({"envelope_id": number}))
    return True


def _delivery(payload: object, endpoint: str, host: Host) -> Delivery:
    return Delivery(
        connection=host.connection,
        endpoint=endpoint,
        received_at=host.now(),
        method="FRAME",
        url="",
        headers=(),
        body=json.dumps(payload, separators=(",", ":")).encode(),
    )


async def backfill(call: Call, since: Cursor | None, host: Host, emit: Emit) -> Cursor:
    """Hand on what was written since, in all conversations that the bot is in, threads included; return where we stand.

    The first time nothing is told: what was said before Baton was there is none of its business.
    """
    now = host.now() // 1_000_000
    begin = int(float(since)) if since else now
    for channel in await _conversations(call) if since else []:
        for event in await _written(call, channel, begin):
            await emit(_delivery(event, "events", host), None)
    return str(now - _OVERLAP)


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
        cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
        if not cursor:
            return found


async def _written(call: Call, channel: Mapping[str, Any], begin: int) -> list[Mapping[str, Any]]:
    """Return the messages of a conversation as events, oldest first."""
    messages = await _pages(call, "conversations.history", {"channel": channel["id"], "oldest": str(begin)})
    roots = [each for each in messages if each.get("reply_count") or each.get("thread_ts") == each.get("ts")]
    for root in roots:
        thread = {"channel": channel["id"], "ts": root["ts"], "oldest": str(begin)}
        known = {each["ts"] for each in messages}
        messages += [each for each in await _pages(call, "conversations.replies", thread) if each["ts"] not in known]
    return conversation_as_events(channel, sorted(messages, key=lambda each: str(each["ts"])))


async def _pages(call: Call, method: str, arguments: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        asked = {**arguments, "limit": _PAGE, "include_all_metadata": True, **({"cursor": cursor} if cursor else {})}
        answer = await call(method, asked)
        found += [each for each in answer.get("messages") or [] if isinstance(each, dict) and each.get("ts")]
        cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
        if not (answer.get("has_more") and cursor):
            return found
