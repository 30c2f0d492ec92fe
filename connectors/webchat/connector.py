"""Web chat: the endpoints that widgets speak to, and the windows in which replies are shown."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Mapping
from importlib.resources import files
from typing import Final
from urllib.parse import quote

from aiohttp import web

from connectors.webchat import events, frames, uploads
from connectors.webchat.frames import Frame
from connectors.webchat.pace import Pace
from connectors.webchat.session import Rules, Session
from connectors.webchat.settings import WebchatSettings
from connectors.webchat.visitors import Visitor, Visitors
from gateway.sdk import (
    Attachment,
    ChannelEvent,
    Connector,
    Delivery,
    DeliveryRejected,
    Endpoint,
    Examination,
    Finding,
    ForeignId,
    Host,
    MediaSource,
    PermanentFailure,
    Receipt,
    Replier,
    Reply,
    Sessions,
    SessionSource,
    TemporaryFailure,
)

#: Pushed replies that are remembered until the store shows them.
_RECENT: Final = 1_000
_CHUNK: Final = 65_536
#: How often an idle socket is pinged, seconds: proxies close what is silent for a minute.
_PING: Final = 25.0
_NAME: Final = 200
_CONVERSATIONS: Final = ("visitor:", "user:")


class WebchatConnector(Connector[WebchatSettings], SessionSource, Replier, MediaSource):
    """One web chat."""

    def __init__(self, settings: WebchatSettings, host: Host) -> None:
        """Keep what is given. No I/O."""
        super().__init__(settings, host)
        both = (settings.token_secret, settings.previous_token_secret)
        signed = (settings.identity_secret, settings.previous_identity_secret)
        self._visitors = Visitors(
            host.connection,
            tokens=[each.get_secret_value().encode() for each in both if each is not None],
            identities=[each.get_secret_value().encode() for each in signed if each is not None],
            days=settings.visitor_days,
            entropy=secrets.token_bytes,
        )
        self._pace = Pace(settings.messages_per_minute)
        self._held: set[Session] = set()
        self._windows: dict[str, set[Session]] = {}
        self._recent: OrderedDict[tuple[str, str], Frame] = OrderedDict()
        self._sessions: Sessions | None = None
        self._script: bytes | None = None
        self._closed = False

    # --- life --------------------------------------------------------------------------------------------------------
    async def open(self) -> None:
        """Read the widget's script."""
        self._script = await self.host.run_blocking(
            lambda: files("connectors.webchat").joinpath("widget.js").read_bytes()
        )

    async def check(self) -> None:
        """There is nobody to ask: visitors come to us."""

    async def close(self) -> None:
        """Say to all windows that we come back soon."""
        self._closed = True
        for session in tuple(self._held):
            await session.end()

    async def examine(self) -> Examination:
        """Say what an admin should know of the settings."""
        signed = self.settings.identity_secret is not None
        plain = [each for each in self.settings.allowed_origins if each.startswith("http://")]
        return Examination(
            findings=(
                Finding(
                    subject="identity",
                    good=True,
                    sentence="Your site can say who is logged in." if signed else "All visitors are anonymous.",
                    advice="" if signed else "Set identity_secret and sign identities, to know customers again.",
                ),
                Finding(
                    subject="origins",
                    good=not plain,
                    sentence="All sites are reached over https."
                    if not plain
                    else "A site is reached over http, which only this machine may.",
                    advice="" if not plain else f"Take {', '.join(plain)} out of allowed_origins before you go live.",
                ),
            )
        )

    # --- endpoints ---------------------------------------------------------------------------------------------------
    def endpoints(self, sessions: Sessions) -> Iterable[Endpoint]:
        """Return the widget's script, its socket, and where files go."""
        self._sessions = sessions
        return (
            Endpoint(name="widget.js", method="GET", handler=self._give_script, public=True),
            Endpoint(name=frames.SOCKET, method="GET", handler=self._hold_socket),
            Endpoint(name=frames.UPLOAD, method="OPTIONS", handler=self._allow_upload),
            Endpoint(name=frames.UPLOAD, method="POST", handler=self._take_file),
        )

    async def _give_script(self, request: web.Request) -> web.StreamResponse:  # noqa: ARG002 (the same for all)
        if self._script is None:
            raise TemporaryFailure("The connection is not open.")
        return web.Response(
            body=self._script,
            content_type="text/javascript",
            charset="utf-8",
            headers={
                "Cache-Control": "public, max-age=300",
                "Cross-Origin-Resource-Policy": "cross-origin",
                "X-Content-Type-Options": "nosniff",
            },
        )

    async def _hold_socket(self, request: web.Request) -> web.StreamResponse:
        self._site(request)
        rules = self._rules()
        socket = web.WebSocketResponse(heartbeat=_PING, max_msg_size=frames.LONGEST, compress=False)
        if not socket.can_prepare(request).ok:
            raise PermanentFailure("This is the address of a socket.")
        await socket.prepare(request)
        session = Session(socket, rules)
        self._held.add(session)
        try:
            await session.run()
        finally:
            self._held.discard(session)
        return socket

    def _site(self, request: web.Request) -> str:
        """Return the site that asks. Raises DeliveryRejected for one that may not show the widget."""
        origins = request.headers.getall("Origin", [])
        if len(origins) != 1 or origins[0].lower() not in self.settings.allowed_origins:
            raise DeliveryRejected("The site may not show this widget: see allowed_origins.")
        return origins[0]

    def _rules(self) -> Rules:
        if self._sessions is None or self._closed:
            raise TemporaryFailure("The connection is not open.")
        return Rules(room=self, sessions=self._sessions, visitors=self._visitors, pace=self._pace, now=self.host.now)

    # --- files -------------------------------------------------------------------------------------------------------
    async def _allow_upload(self, request: web.Request) -> web.StreamResponse:
        allowed = {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "authorization, content-type",
            "Access-Control-Max-Age": "600",
        }
        return web.Response(status=204, headers={**_cors(self._site(request)), **allowed})

    async def _take_file(self, request: web.Request) -> web.StreamResponse:
        """Take a file as a message of its visitor; answer once it is durable."""
        site = self._site(request)
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        visitor = self._visitors.known(token.strip(), self.host.now()) if kind == "Bearer" else None
        if visitor is None:
            raise DeliveryRejected("The file carries no token of a visitor.")
        rules = self._rules()
        number, name = request.query.get("id", ""), request.query.get("name", "")
        seconds = rules.pace.wait(visitor.thread, rules.now())
        if seconds:
            return _told(site, 429, "later", after=round(seconds + 0.5, 1))
        try:
            if not frames.is_id(number):
                raise frames.Refused("The file has no usable id.")
            body = await _body(request, self.settings.max_file)
            uploads.check_file(
                request.content_type, body, allowed=self.settings.file_types, largest=self.settings.max_file
            )
        except frames.Refused as error:
            return _told(site, 422, "refused", reason=str(error))
        return await self._keep_file(site, visitor, rules, number, name, request.content_type, body)

    async def _keep_file(
        self, site: str, visitor: Visitor, rules: Rules, number: str, name: str, media_type: str, body: bytes
    ) -> web.StreamResponse:
        at = rules.now()
        name = " ".join(name.split())[:_NAME] or "file"
        headers = (
            (events.FILE_ID, number),
            (events.FILE_NAME, quote(name, errors="replace")),
            (events.FILE_TYPE, media_type),
        )
        delivery = frames.delivery(self.connection, visitor, endpoint=frames.UPLOAD, headers=headers, body=body, at=at)
        try:
            await rules.sessions.emit(delivery)
        except TemporaryFailure as error:
            return _told(site, 503, "later", after=error.retry_after or 5.0)
        line = {
            **frames.line_of_frame({"id": number, "text": ""}, at),
            "files": [{"name": name, "size": len(body)}],
        }
        await self.tell(visitor.thread, line)
        return _told(site, 200, "ack", id=number)

    async def fetch(self, attachment: Attachment, delivery: Delivery) -> AsyncIterator[bytes]:
        """Stream a file out of the delivery that brought it."""
        if delivery.endpoint != frames.UPLOAD or delivery.header(events.FILE_ID) != attachment.id:
            raise PermanentFailure("The delivery did not bring this file.")
        for begin in range(0, len(delivery.body), _CHUNK):
            yield delivery.body[begin : begin + _CHUNK]

    # --- way in ------------------------------------------------------------------------------------------------------
    def lane(self, delivery: Delivery) -> str:
        """Return the conversation's lane."""
        return events.lane_of(delivery)

    def parse(self, delivery: Delivery) -> Iterable[ChannelEvent]:
        """Say what a visitor did; see `events`."""
        return events.parse_delivery(delivery)

    # --- way out -----------------------------------------------------------------------------------------------------
    async def reply(self, reply: Reply) -> Receipt:
        """Show a reply in all open windows of its conversation. Who is away finds it in the history: it is durable there."""
        if not reply.thread.startswith(_CONVERSATIONS):
            raise PermanentFailure("The reply names no conversation of a web chat.")
        line = frames.line_of_reply(reply, self.host.now())
        self._recent[reply.thread, reply.key] = line
        self._recent.move_to_end((reply.thread, reply.key))
        while len(self._recent) > _RECENT:
            self._recent.popitem(last=False)
        await self.tell(reply.thread, line)
        return _receipt(reply)

    async def settle_reply(self, reply: Reply) -> Receipt | None:
        """Did it land? What stands in the history did; what does not is shown again, under the same key, and so once."""
        if self._sessions is None:
            raise TemporaryFailure("The connection is not open.")
        if (reply.thread, reply.key) in self._recent:
            return _receipt(reply)
        history = await self._sessions.history(reply.thread)
        return _receipt(reply) if any(entry.key == reply.key for entry in history) else None

    # --- what the sessions share -------------------------------------------------------------------------------------
    @property
    def connection(self) -> str:
        """The connection's name."""
        return self.host.connection

    @property
    def longest(self) -> int:
        """Longest message, characters."""
        return self.settings.max_message

    @property
    def offers(self) -> Mapping[str, object]:
        """What the widget is told of files."""
        return {"files": {"types": list(self.settings.file_types), "max": self.settings.max_file}}

    def enter(self, session: Session, thread: str) -> None:
        """Have a session hear what is pushed to its thread."""
        self._windows.setdefault(thread, set()).add(session)

    def leave(self, session: Session, thread: str) -> None:
        """Have it hear no more."""
        windows = self._windows.get(thread, set())
        windows.discard(session)
        if not windows:
            self._windows.pop(thread, None)

    def recent(self, thread: str) -> Iterable[Frame]:
        """Return replies that were pushed and may not stand in the history yet."""
        return [line for (whose, _), line in self._recent.items() if whose == thread]

    async def tell(self, thread: str, line: Frame, *, beside: Session | None = None) -> int:
        """Show a line in all windows of a thread but one; return in how many."""
        windows = [each for each in self._windows.get(thread, ()) if each is not beside]
        for session in windows:
            await session.show(line)
        return len(windows)


def _receipt(reply: Reply) -> Receipt:
    return Receipt(ids=(ForeignId(kind="message", id=reply.key),), thread=reply.thread)


async def _body(request: web.Request, largest: int) -> bytes:
    """Return the body. Raises Refused when it is longer than `largest`."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > largest:
            raise frames.Refused(f"The file is larger than {largest} bytes.")
        chunks.append(chunk)
    return b"".join(chunks)


def _cors(site: str) -> dict[str, str]:
    return {"Access-Control-Allow-Origin": site, "Vary": "Origin", "Cache-Control": "no-store"}


def _told(site: str, status: int, kind: str, **what: object) -> web.Response:
    return web.json_response({"type": kind, **what}, status=status, headers=_cors(site))
