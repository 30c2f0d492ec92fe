"""A bot that signs what it posts, and takes what is posted to it.

Any bot can be at the other end, so this one does what the API's page asks of a bot, and nothing that a platform does beyond.
``/hooks/NAME`` of a receiver's address stands for ``/sessions/NAME`` where questions go.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import aiohttp
from aiohttp import web

from gateway.testing.sandbox import Handler, Sandbox, system_now
from gateway.testing.webhooks import Webhook, WebhookSender

SECRET: Final = "whsec_" + base64.b64encode(b"sandbox secret of a chatbot").decode()
CALLBACK_SECRET: Final = "whsec_" + base64.b64encode(b"sandbox secret of the callback").decode()


class ChatbotSandbox(Sandbox):
    """A bot with conversations."""

    title = "a chatbot"

    def __init__(self, *, now: Callable[[], int] = system_now) -> None:
        """Take the clock."""
        super().__init__(now=now)
        self._number = 0
        self.ids = self
        #: What was posted to it, by webhook-id: each is taken once.
        self.replies: dict[str, dict[str, Any]] = {}
        #: How often each webhook-id came.
        self.posted: dict[str, int] = {}
        self.webhooks = WebhookSender(self._sign)

    def begin_at(self, number: int) -> None:
        """Give ids above a number from now on."""
        self._number = number

    def settings(self) -> dict[str, str]:
        """Return settings with which the connector reaches this bot."""
        return {"callback_url": f"{self.url}/replies"}

    def secrets(self) -> dict[str, str]:
        """Return the secrets among the connector's settings."""
        return {"secret": SECRET, "callback_secret": CALLBACK_SECRET}

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        """Return where replies are posted."""
        return [("replies", "POST", "/replies", self._take)]

    async def _take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        number, stamp, given = (request.headers.get(name, "") for name in names)
        late = not stamp.isdigit() or abs(self.now() // 1_000_000 - int(stamp)) > 300
        if late or signature(CALLBACK_SECRET, number, stamp, body) not in given.split():
            return web.Response(status=401)
        self.posted[number] = self.posted.get(number, 0) + 1
        self.replies.setdefault(number, json.loads(body)["data"])
        return web.Response(status=204)

    # --- the bot -----------------------------------------------------------------------------------------------------
    def _sign(self, webhook: Webhook) -> dict[str, str]:
        return self.signed(webhook.body, webhook.headers.get("Number", ""))

    def signed(self, body: bytes, number: str = "") -> dict[str, str]:
        """Return the headers of a message."""
        number, stamp = number or self._fresh("msg"), str(self.now() // 1_000_000)
        return {
            "webhook-id": number,
            "webhook-timestamp": stamp,
            "webhook-signature": signature(SECRET, number, stamp, body),
        }

    def _fresh(self, kind: str) -> str:
        self._number += 1
        return f"{kind}_{self._number:06d}"

    def posts(self, told: Mapping[str, Any]) -> None:
        """Have the bot post a message."""
        headers = {"Content-Type": "application/json", "Number": self._fresh("msg")}
        self.webhooks.put(Webhook(endpoint="", body=json.dumps(told).encode(), headers=headers))

    def _turn(self, conversation: str, customer: str, turn: Mapping[str, Any]) -> None:
        who = {"customer": {"id": customer, "name": customer}} if customer else {}
        whole = {"id": self._fresh("turn"), **turn}
        self.posts({"type": "turns", "conversation": conversation, **who, "turns": [whole]})

    def customer_says(self, conversation: str, text: str, customer: str = "") -> None:
        """Have a customer say something to the bot."""
        self._turn(conversation, customer, {"role": "customer", "text": text})

    def bot_says(
        self, conversation: str, text: str, customer: str = "", confidence: float = 0.9, *, fallback: bool = False
    ) -> None:
        """Have the bot say something."""
        turn = {"role": "bot", "text": text, "confidence": confidence, "fallback": fallback}
        self._turn(conversation, customer, turn)

    def bot_gives_up(self, conversation: str, reason: str, customer: str = "", skill: str = "") -> None:
        """Have the bot ask for a person."""
        who = {"customer": {"id": customer, "name": customer}} if customer else {}
        wish = {"id": self._fresh("handoff"), "reason": reason, "skill": skill, "attempted": ["read the help pages"]}
        self.posts({"type": "handoff", "conversation": conversation, **who, **wish})

    def acts(self) -> Mapping[str, Callable[..., object]]:
        """Return what the bot and its customers can be made to do."""
        acts = (self.customer_says, self.bot_says, self.bot_gives_up, self.bot_asks)
        return {act.__name__: act for act in acts}

    async def bot_asks(self, conversation: str, kind: str = "state") -> dict[str, Any]:
        """Have the bot ask the gateway for a conversation's `state` or its `replies`; return the answer."""
        return await self.asks(self.hooks_needed(), kind, conversation)

    async def asks(self, hooks: str, kind: str, conversation: str, **more: Any) -> dict[str, Any]:
        """Ask for ``state`` or ``replies``; return the answer. Raises aiohttp.ClientResponseError."""
        body = json.dumps({"type": kind, "conversation": conversation, **more}).encode()
        address = f"{hooks.replace('/hooks/', '/sessions/')}/{kind}"
        async with (
            aiohttp.ClientSession(raise_for_status=True) as session,
            session.post(address, data=body, headers=self.signed(body)) as answer,
        ):
            found: dict[str, Any] = await answer.json()
            return found

    def state(self) -> dict[str, Any]:
        """Return what was posted to it."""
        return {"replies": self.replies, "posted": self.posted}


def signature(secret: str, number: str, stamp: str, body: bytes) -> str:
    """Return a signature as Standard Webhooks has it, made apart from the connector's."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = b".".join((number.encode(), stamp.encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
