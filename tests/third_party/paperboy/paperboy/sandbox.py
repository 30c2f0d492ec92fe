"""A stand-in for Paperboy: boxes of cards, bells that are called, and letters that are sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from gateway.testing.sandbox import Handler, Sandbox, system_now
from gateway.testing.webhooks import Webhook, WebhookSender

from .signing import sign


class PaperboySandbox(Sandbox):
    """Paperboy on this machine."""

    title = "Paperboy"

    def __init__(
        self,
        *,
        now: Callable[[], int] = system_now,
        token: str = "sandbox-token-of-paperboy",
        secret: str = "sandbox-secret-of-paperboy",
    ) -> None:
        """Take the clock, the token that calls need, and the secret that letters are signed with."""
        super().__init__(now=now)
        self.token = token
        self.secret = secret
        #: Cards by their key, in the order of arrival.
        self.cards: dict[str, dict[str, Any]] = {}
        #: Calls by their key.
        self.bells: dict[str, dict[str, Any]] = {}
        self.webhooks = WebhookSender(lambda webhook: sign(webhook.body, self.now(), self.secret))

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        """Return the routes that the connector uses."""
        return [
            ("me", "GET", "/v1/me", self._me),
            ("card.put", "PUT", "/v1/cards/{key}", self._put_card),
            ("card.get", "GET", "/v1/cards/{key}", self._get_card),
            ("call.put", "PUT", "/v1/calls/{key}", self._put_call),
            ("call.get", "GET", "/v1/calls/{key}", self._get_call),
        ]

    def state(self) -> dict[str, Any]:
        """Return all cards and calls."""
        return {"cards": self.cards, "calls": self.bells}

    def secrets(self) -> dict[str, str]:
        """Return token and signing secret."""
        return {"api_token": self.token, "signing_secret": self.secret}

    def send_letter(self, body: bytes) -> None:
        """Have a letter wait for the next `webhooks.send`."""
        self.webhooks.put(Webhook(endpoint="", body=body))

    def boxes(self) -> dict[str, list[dict[str, Any]]]:
        """Return the cards of each box."""
        found: dict[str, list[dict[str, Any]]] = {}
        for card in self.cards.values():
            found.setdefault(card["box"], []).append(card)
        return found

    # --- routes ------------------------------------------------------------------------------------------------------
    def _refusal(self, request: web.Request) -> web.Response | None:
        right = request.headers.get("Authorization") == f"Bearer {self.token}"
        return None if right else web.json_response({"error": "token"}, status=401)

    async def _me(self, request: web.Request) -> web.Response:
        return self._refusal(request) or web.json_response({"account": "sandbox"})

    async def _put_card(self, request: web.Request) -> web.Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        key = request.match_info["key"]
        if key not in self.cards:
            told = await request.json()
            boxes = {card["case"]: card["box"] for card in self.cards.values()}
            box = told.get("box") or boxes.get(told["case"]) or f"B{len(set(boxes.values())) + 1}"
            self.cards[key] = {**told, "box": box, "card": f"C{len(self.cards) + 1}"}
        return web.json_response(self.cards[key])

    async def _get_card(self, request: web.Request) -> web.Response:
        return self._refusal(request) or self._found(self.cards.get(request.match_info["key"]))

    async def _put_call(self, request: web.Request) -> web.Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        told = self.bells.setdefault(request.match_info["key"], await request.json())
        return web.json_response(told)

    async def _get_call(self, request: web.Request) -> web.Response:
        return self._refusal(request) or self._found(self.bells.get(request.match_info["key"]))

    @staticmethod
    def _found(thing: dict[str, Any] | None) -> web.Response:
        return web.json_response({"error": "absent"}, status=404) if thing is None else web.json_response(thing)
