"""Slack without an address that Slack can reach: Socket Mode.

Source: docs.slack.dev/apis/events-api/using-socket-mode.
"""

from __future__ import annotations

import json
from typing import Any, Final

import aiohttp

from gateway.sdk import Delivery, Emit, Host, TemporaryFailure

#: Envelopes that carry something for us → the endpoint that would have got it over HTTP.
_ENDPOINTS: Final = {"events_api": "events", "interactive": "interactivity"}
#: A socket that says nothing for so long is dead: Slack pings every few seconds.
_SILENCE: Final = 60.0


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
