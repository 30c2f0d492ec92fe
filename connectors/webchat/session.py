"""One socket of a visitor: hello, then frames until it closes.

What a visitor sends is acknowledged after it is durable, and not before; what could not be kept they are told to send again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from aiohttp import WSCloseCode, WSMsgType, web

from connectors.webchat import frames
from connectors.webchat.frames import Frame
from connectors.webchat.pace import Pace
from connectors.webchat.visitors import Visitor, Visitors
from gateway.sdk import DeliveryRejected, PermanentFailure, Sessions, TemporaryFailure, as_list, printable

#: The widget asks for news every 20 s; who is silent for longer is gone, seconds.
SILENCE: Final = 70.0
#: A visitor who does not say hello is sent away after this, seconds.
_HELLO: Final = 10.0
#: A window that takes no frame for so long is closed, seconds; its visitor finds all in the history.
_PUSH: Final = 2.0
#: Messages of the history that a widget is told.
_HISTORY: Final = 200
#: Frames a minute, of any sort, that no widget exceeds.
_FRAMES: Final = 240
_AGAIN: Final = 5.0
#: Our own close codes (RFC 6455, 7.4.2: 4000 to 4999 are for applications).
REFUSED: Final = 4401


class Room(Protocol):
    """What the sessions of a connection share."""

    @property
    def connection(self) -> str:
        """Its name."""
        ...

    @property
    def longest(self) -> int:
        """Longest message, characters."""
        ...

    @property
    def offers(self) -> Frame:
        """What the widget is told of files."""
        ...

    def enter(self, session: Session, thread: str) -> None:
        """Have a session hear what is pushed to its thread."""
        ...

    def leave(self, session: Session, thread: str) -> None:
        """Have it hear no more."""
        ...

    def recent(self, thread: str) -> Iterable[Frame]:
        """Return replies that were pushed and may not stand in the history yet."""
        ...

    async def tell(self, thread: str, line: Frame, *, beside: Session | None = None) -> int:
        """Show a line in all windows of a thread but one; return in how many."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What holds for all sessions of a connection."""

    room: Room
    sessions: Sessions
    visitors: Visitors
    pace: Pace
    now: Callable[[], int]


class Session:
    """A visitor's socket."""

    def __init__(self, socket: web.WebSocketResponse, rules: Rules) -> None:
        """Take an open socket."""
        self._socket = socket
        self._rules = rules
        self._pace = Pace(_FRAMES)
        self._shown: set[str] = set()
        #: The frame in hand, exactly as it arrived.
        self._raw = b""

    async def run(self) -> None:
        """Serve the visitor until the socket closes."""
        try:
            async with asyncio.timeout(_HELLO):
                hello = await self._next()
        except TimeoutError:
            await self._leave(WSCloseCode.POLICY_VIOLATION, "no hello came")
            return
        if hello is None or hello.get("type") != "hello":
            await self._leave(WSCloseCode.POLICY_VIOLATION, "the first frame must be hello")
            return
        try:
            visitor = who(hello, self._rules.visitors, self._rules.now())
        except DeliveryRejected:
            # The sentence goes nowhere: what is wrong with an identity is the site's to find out, not a stranger's.
            await self._leave(REFUSED, "the identity is refused")
            return
        self._shown.update(each for each in _texts(hello.get("have")) if each)
        room = self._rules.room
        room.enter(self, visitor.thread)
        try:
            await self._serve(visitor)
        finally:
            room.leave(self, visitor.thread)

    async def _serve(self, visitor: Visitor) -> None:
        rules = self._rules
        if not await self._news(visitor, {"type": "welcome", "token": rules.visitors.token(visitor, rules.now())}):
            await self._leave(WSCloseCode.TRY_AGAIN_LATER, "come again later")
            return
        while (frame := await self._next()) is not None:
            kind = frame.get("type")
            if kind == "sync":
                fresh = {"token": rules.visitors.token(visitor, rules.now())} if visitor.verified else {}
                await self._news(visitor, {"type": "state", **fresh})
            elif kind in frames.KEPT:
                await self._keep(visitor, frame)

    async def _next(self) -> Frame | None:
        """Return the next frame; None when there comes none any more."""
        while not self._socket.closed:
            try:
                message = await self._socket.receive(timeout=SILENCE)
            except TimeoutError:
                await self._leave(WSCloseCode.GOING_AWAY, "nobody is there")
                return None
            if message.type is not WSMsgType.TEXT:
                if message.type is WSMsgType.BINARY:
                    await self._leave(WSCloseCode.UNSUPPORTED_DATA, "frames are text")
                return None
            if self._pace.wait("", self._rules.now()):
                await self._leave(WSCloseCode.POLICY_VIOLATION, "too many frames")
                return None
            try:
                self._raw = message.data.encode()
                return frames.read(message.data)
            except frames.Refused as error:
                await self._send({"type": "refused", "id": "", "reason": str(error)})
        return None

    # --- way in ------------------------------------------------------------------------------------------------------
    async def _keep(self, visitor: Visitor, frame: Frame) -> None:
        number = str(frame.get("id", ""))[:64]
        rules = self._rules
        try:
            frames.check(frame, longest=rules.room.longest)
            await self._check_reply(visitor, frame)
            seconds = rules.pace.wait(visitor.thread, rules.now())
            if seconds:
                await self._send({"type": "later", "id": number, "after": round(seconds + 0.5, 1)})
                return
            at = rules.now()
            delivery = frames.delivery(
                rules.room.connection, visitor, endpoint=frames.SOCKET, headers=(), body=self._raw, at=at
            )
            await rules.sessions.emit(delivery)
        except frames.Refused as error:
            await self._send({"type": "refused", "id": number, "reason": str(error)})
        except PermanentFailure:
            await self._send({"type": "refused", "id": number, "reason": "This cannot be taken."})
        except TemporaryFailure as error:
            await self._send({"type": "later", "id": number, "after": error.retry_after or _AGAIN})
        else:
            await self._send({"type": "ack", "id": number})
            if frame["type"] == "message":
                self._shown.add(number)
                await rules.room.tell(visitor.thread, frames.line_of_frame(frame, at), beside=self)

    async def _check_reply(self, visitor: Visitor, frame: Frame) -> None:
        """See that a button was ours to this visitor: its reply's key leads to a case."""
        key = frame.get("reply")
        if frame["type"] != "button" or not key:
            return
        if key in {line["id"] for line in self._rules.room.recent(visitor.thread)}:
            return
        history = await self._rules.sessions.history(visitor.thread, limit=_HISTORY)
        if key not in {entry.key for entry in history}:
            raise frames.Refused("There is no such button.")

    # --- way out -----------------------------------------------------------------------------------------------------
    async def show(self, line: Frame) -> None:
        """Show a line, unless this window has it."""
        if line["id"] in self._shown:
            return
        if await self._send({"type": "message", "message": line}):
            self._shown.add(line["id"])

    async def _news(self, visitor: Visitor, frame: Frame) -> bool:
        """Answer with where the case stands and what this window lacks; return False when that cannot be read now."""
        rules = self._rules
        try:
            history = await rules.sessions.history(visitor.thread, limit=_HISTORY)
            standing = await rules.sessions.state(visitor.thread)
        except TemporaryFailure:
            return False
        lines = [frames.line_of(entry, visitor.thread) for entry in history]
        there = {line["id"] for line in lines}
        lines += [line for line in rules.room.recent(visitor.thread) if line["id"] not in there]
        lacking = [line for line in lines if line["id"] not in self._shown]
        state = frames.state(standing)
        told: dict[str, Any] = {**state, **frame, "messages": lacking}
        if frame["type"] == "welcome":
            told = {**told, "thread": visitor.thread, "verified": visitor.verified, **rules.room.offers}
            told["confirmed"] = sorted(there)
        if await self._send(told):
            self._shown.update(line["id"] for line in lacking)
        return True

    async def _send(self, frame: Frame) -> bool:
        """Send a frame; return False when the window is gone. Its visitor finds everything in the history."""
        try:
            async with asyncio.timeout(_PUSH):
                await self._socket.send_str(json.dumps(frame))
        except (TimeoutError, ConnectionError):
            await self._leave(WSCloseCode.GOING_AWAY, "too slow")
            return False
        return True

    async def _leave(self, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(_PUSH):
                await self._socket.close(code=code, message=reason.encode())
        except (TimeoutError, ConnectionError, RuntimeError):
            return

    async def end(self) -> None:
        """Say that we come back soon."""
        await self._leave(WSCloseCode.SERVICE_RESTART, "we come back soon")


def who(hello: Frame, visitors: Visitors, now: int) -> Visitor:
    """Return who says hello: somebody the site signs for, a browser that was here before, or a stranger.

    Raises DeliveryRejected when an identity is given and does not hold: such a visitor must not quietly be another.
    """
    identity, user = hello.get("identity"), hello.get("user_id")
    name, email = _line(hello, "name"), _line(hello, "email")
    token = hello.get("token")
    known = visitors.known(token, now) if isinstance(token, str) else None
    if isinstance(identity, str) and identity:
        try:
            return visitors.identified(identity, now)
        except DeliveryRejected:
            # Pages stay open for longer than identities are good; the token came of one, and is short as well.
            if known is None or not known.verified:
                raise
            return known
    if isinstance(user, str) and user:
        return visitors.vouched(user, _line(hello, "user_hash"), name=name, email=email)
    visitor = known if known is not None and not known.verified else visitors.stranger()
    return replace(visitor, name=name or visitor.name, claimed_email=email or visitor.claimed_email)


def _line(frame: Frame, name: str) -> str:
    value = frame.get(name, "")
    return printable(" ".join(value.split()))[:200] if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    return [each for each in as_list(value)[:500] if isinstance(each, str)]
