"""A website that shows the widget, and visitors who need no browser.

A web chat has no vendor, so this is no stand-in for one: it is the other end. `GET /` is a page with the widget, under a
strict Content-Security-Policy; the scripted visitors speak the widget's frames over real sockets, keep what they were shown,
and can be asked about it. ``/hooks/NAME`` of a receiver's address stands for ``/sessions/NAME`` here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final
from urllib.parse import quote

import aiohttp
from aiohttp import web

from gateway.testing.sandbox import Handler, Sandbox, system_now
from gateway.testing.webhooks import Webhook, WebhookSender

TOKEN_SECRET: Final = "sandbox-token-secret-of-the-web-chat"
IDENTITY_SECRET: Final = "sandbox-identity-secret-of-the-site"

_PAGE: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>A shop</title><link rel="stylesheet" href="/page.css"></head>
<body><main><h1>A shop</h1><p>This page shows Baton's web chat. Press the button in the corner.</p></main>
<script src="{script}"{attributes}></script></body>
</html>
"""
_STYLE: Final = (
    "body{font:18px/1.6 system-ui,sans-serif;margin:0;background:#f5f3ee;color:#222}"
    "main{max-width:40rem;margin:4rem auto;padding:0 1.5rem}"
)


@dataclass(slots=True, kw_only=True)
class VisitorClient:
    """A visitor: what their browser remembers, and what they were shown."""

    #: The name they give, a claim.
    name: str
    #: The site that they are on.
    origin: str
    #: A JWT by which the site says who they are; empty for a stranger.
    identity: str = ""
    #: The token that the gateway gave them.
    token: str = ""
    #: Lines they were shown, by id, in order.
    shown: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    #: Ids of lines that were told more than once in one sitting.
    doubled: list[str] = field(default_factory=list[str])
    #: The last state that they were told.
    state: Mapping[str, Any] = field(default_factory=dict[str, Any])
    _number: int = 0

    @asynccontextmanager
    async def sitting(self, session: aiohttp.ClientSession, base: str) -> AsyncGenerator[Sitting]:
        """Open the widget's socket at ``…/sessions/NAME`` and say hello."""
        async with session.ws_connect(f"{base}/socket", headers={"Origin": self.origin}) as socket:
            sitting = Sitting(visitor=self, socket=socket)
            hello = {"type": "hello", "name": self.name, "token": self.token, "identity": self.identity}
            await socket.send_json(hello)
            welcome = await sitting.until("welcome")
            self.token = welcome["token"]
            yield sitting

    def fresh(self) -> str:
        """Return an id that no other frame of this visitor has."""
        self._number += 1
        return f"{self.name[:20].lower().replace(' ', '-') or 'visitor'}-{self._number:06d}"

    def texts(self) -> list[str]:
        """Return what they were shown, oldest first."""
        return [str(line["text"]) for line in sorted(self.shown.values(), key=lambda line: line["at"])]


@dataclass(slots=True, kw_only=True)
class Sitting:
    """A visitor with an open widget."""

    visitor: VisitorClient
    socket: aiohttp.ClientWebSocketResponse

    async def until(self, kind: str, number: str = "") -> Mapping[str, Any]:
        """Read frames until one of a kind, about a frame's id if given. Raises ConnectionError when the socket closes."""
        while True:
            told = await self._receive()
            if told["type"] == kind and (not number or told.get("id") == number):
                return told

    async def _receive(self) -> Mapping[str, Any]:
        message = await self.socket.receive(timeout=10)
        if message.type is not aiohttp.WSMsgType.TEXT:
            # The code in the frame; the socket's own is 1006 when the other side did not wait for our goodbye.
            code = message.data if message.type is aiohttp.WSMsgType.CLOSE else self.socket.close_code
            raise ConnectionError(f"the socket closed with {code}")
        told: dict[str, Any] = json.loads(message.data)
        self._take(told)
        return told

    def _take(self, told: Mapping[str, Any]) -> None:
        lines = [told["message"]] if told["type"] == "message" else list(told.get("messages", []))
        for line in lines:
            if told["type"] != "welcome" and line["id"] in self.visitor.shown:
                self.visitor.doubled.append(line["id"])
            self.visitor.shown[line["id"]] = line
        if "state" in told:
            self.visitor.state = {name: told[name] for name in ("state", "case", "handed_off")}

    async def send(self, frame: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send a frame and return its answer: ``ack``, ``later`` or ``refused``."""
        whole = {"id": self.visitor.fresh(), **frame}
        await self.socket.send_json(whole)
        while True:
            told = await self._receive()
            if told.get("id") == whole["id"] and told["type"] in {"ack", "later", "refused"}:
                return told

    async def say(self, text: str) -> Mapping[str, Any]:
        """Write a message."""
        return await self.send({"type": "message", "text": text})

    async def look(self) -> Mapping[str, Any]:
        """Ask for news."""
        await self.socket.send_json({"type": "sync"})
        return await self.until("state")


class Visits(WebhookSender):
    """Plays what visitors do: each waits like a webhook, and is done over a socket of its own."""

    def __init__(self, sandbox: WebchatSandbox) -> None:
        """Take the site."""
        super().__init__(lambda _: {})
        self._sandbox = sandbox

    async def deliver(self, session: aiohttp.ClientSession, url: str, webhook: Webhook) -> int:
        """Have a visitor do something; return 200 when it was acknowledged, 0 when it was not."""
        base = url.replace("/hooks/", "/sessions/")
        visitor = self._sandbox.visitor(webhook.headers["Visitor"])
        try:
            async with visitor.sitting(session, base) as sitting:
                if webhook.endpoint == "upload":
                    return await self._upload(session, base, visitor, webhook)
                told = await sitting.send(json.loads(webhook.body)) if webhook.body else await sitting.look()
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            return 0
        return 200 if told["type"] in {"ack", "state"} else 429

    async def _upload(self, session: aiohttp.ClientSession, base: str, visitor: VisitorClient, webhook: Webhook) -> int:
        name = quote(webhook.headers["Name"])
        headers = {
            "Origin": visitor.origin,
            "Authorization": f"Bearer {visitor.token}",
            "Content-Type": webhook.headers["Content-Type"],
        }
        target = f"{base}/upload?id={visitor.fresh()}&name={name}"
        async with session.post(target, data=webhook.body, headers=headers) as answer:
            await answer.read()
            return answer.status


class WebchatSandbox(Sandbox):
    """A website with a widget on it, and its visitors."""

    title = "a website with the web chat"

    def __init__(self, *, now: Callable[[], int] = system_now) -> None:
        """Take the clock."""
        super().__init__(now=now)
        self.visitors: dict[str, VisitorClient] = {}
        self.webhooks = Visits(self)
        #: Where the page's script comes from, ``…/sessions/NAME``; ``?gateway=`` of the page wins over it.
        self.gateway = "http://127.0.0.1:8080/sessions/website"
        #: What further stands on the page's script tag.
        self.attributes: dict[str, str] = {}

    def settings(self) -> dict[str, str]:
        """Return settings with which the connector lets this site in."""
        return {"allowed_origins": self.url}

    def secrets(self) -> dict[str, str]:
        """Return the secrets among the connector's settings."""
        return {"token_secret": TOKEN_SECRET, "identity_secret": IDENTITY_SECRET}

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        """Return the page."""
        return [("page", "GET", "/", self._page), ("style", "GET", "/page.css", self._css)]

    async def _page(self, request: web.Request) -> web.StreamResponse:
        gateway = request.query.get("gateway", self.gateway).rstrip("/")
        origin = "/".join(gateway.split("/")[:3])
        attributes = "".join(f' data-{name}="{escape(value)}"' for name, value in self.attributes.items())
        policy = (
            f"default-src 'none'; style-src 'self'; script-src {origin};"
            f" connect-src {origin} {origin.replace('http', 'ws', 1)}; base-uri 'none'; form-action 'none'"
        )
        page = _PAGE.format(script=escape(f"{gateway}/widget.js"), attributes=attributes)
        return web.Response(text=page, content_type="text/html", headers={"Content-Security-Policy": policy})

    async def _css(self, request: web.Request) -> web.StreamResponse:  # noqa: ARG002 (the same for all)
        return web.Response(text=_STYLE, content_type="text/css")

    # --- visitors ----------------------------------------------------------------------------------------------------
    def visitor(self, name: str) -> VisitorClient:
        """Return a visitor; somebody new when there is none of that name."""
        return self.visitors.setdefault(name, VisitorClient(name=name, origin=self.url))

    def identity(self, user: str, **claims: object) -> str:
        """Return a JWT by which the site says who is logged in, good for five minutes."""
        now = self.now() // 1_000_000
        return signed({"sub": user, "iat": now, "exp": now + 300, **claims}, IDENTITY_SECRET)

    def _does(self, visitor: str, frame: Mapping[str, Any] | None) -> None:
        body = json.dumps(frame).encode() if frame is not None else b""
        self.webhooks.put(Webhook(endpoint="socket", body=body, headers={"Visitor": visitor}))

    def logs_in(self, visitor: str, user: str, email: str = "") -> None:
        """Have the site know from now on who a visitor is."""
        claims = {"email": email, "email_verified": True} if email else {}
        self.visitor(visitor).identity = self.identity(user, name=visitor, **claims)

    def visitor_writes(self, visitor: str, text: str) -> None:
        """Have a visitor write a message."""
        self._does(visitor, {"type": "message", "text": text})

    def visitor_presses(self, visitor: str, action: str = "talk_to_agent", label: str = "Talk to a person") -> None:
        """Have a visitor press a button of the widget."""
        self._does(visitor, {"type": "button", "action": action, "label": label})

    def visitor_judges(self, visitor: str, score: int, text: str = "") -> None:
        """Have a visitor say how they were served, 1 to 5."""
        self._does(visitor, {"type": "satisfaction", "score": score, "text": text})

    def visitor_sends_file(self, visitor: str, name: str, text: str) -> None:
        """Have a visitor send a file of plain text."""
        headers = {"Visitor": visitor, "Name": name, "Content-Type": "text/plain"}
        self.webhooks.put(Webhook(endpoint="upload", body=text.encode(), headers=headers))

    def visitor_looks(self, visitor: str) -> None:
        """Have a visitor open the widget and read."""
        self._does(visitor, None)

    def acts(self) -> Mapping[str, Callable[..., object]]:
        """Return what visitors can be made to do."""
        acts = (self.logs_in, self.visitor_writes, self.visitor_presses, self.visitor_judges)
        return {act.__name__: act for act in (*acts, self.visitor_sends_file, self.visitor_looks)}

    def writes(self) -> int:
        """Return 0: nothing is ever written to a website."""
        return 0

    def state(self) -> dict[str, Any]:
        """Return what each visitor was shown."""
        return {name: {"shown": each.texts(), "state": dict(each.state)} for name, each in self.visitors.items()}


def signed(claims: Mapping[str, object], secret: str, algorithm: str = "HS256") -> str:
    """Return a JWT (RFC 7515, 7519), made by hand so that the connector's library is checked by other code."""
    head = {"alg": algorithm, "typ": "JWT"}
    text = ".".join(_text(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
    return f"{text}.{_text(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest())}"


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
