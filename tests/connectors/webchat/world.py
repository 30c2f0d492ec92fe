"""A web chat without a gateway: the connector's endpoints over HTTP, and what a test puts behind them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import aiohttp

from connectors.webchat.sandbox import IDENTITY_SECRET, TOKEN_SECRET, VisitorClient
from gateway.sdk import (
    Audience,
    Channel,
    Entry,
    Party,
    Role,
)
from gateway.testing.host import FakeHost
from gateway.testing.sessions import FakeSessions

SITE = "https://shop.example.com"


@dataclass(slots=True, kw_only=True)
class World:
    connector: Any
    host: FakeHost
    sessions: FakeSessions
    client: aiohttp.ClientSession
    base: str

    def visitor(self, name: str = "Ann", **options: Any) -> VisitorClient:
        return VisitorClient(name=name, origin=SITE, **options)

    def sitting(self, visitor: VisitorClient) -> Any:
        return visitor.sitting(self.client, self.base)

    def events(self) -> list[Any]:
        return [event for delivery in self.sessions.emitted for event in self.connector.parse(delivery)]

    def thread(self) -> str:
        return str(self.events()[-1].thread)

    async def upload(self, visitor: VisitorClient, body: bytes, **options: Any) -> tuple[int, dict[str, Any]]:
        headers = {"Origin": SITE, "Authorization": f"Bearer {visitor.token}", "Content-Type": "text/plain"}
        headers |= options.get("headers", {})
        query = options.get("query", "id=file0001&name=note.txt")
        async with self.client.post(f"{self.base}/upload?{query}", data=body, headers=headers) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else {}


SETTINGS: dict[str, Any] = {
    "allowed_origins": [SITE],
    "token_secret": TOKEN_SECRET,
    "identity_secret": IDENTITY_SECRET,
    "max_file": 2_048,
}


def said(text: str, key: str, *, role: Role = Role.SYSTEM, at: int = 0, name: str = "") -> Entry:
    author = Party(kind="x", value="x", name=name, role=role)
    return Entry(occurred_at=at, author=author, channel=Channel.CHAT, audience=Audience.PUBLIC, text=text, key=key)
