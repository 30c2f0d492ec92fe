"""What the tests of the e-mail connector share."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from connectors.email import SPEC, events
from connectors.email.sandbox import EmailSandbox
from gateway.sdk import (
    Cursor,
    Delivery,
    Reply,
)
from gateway.testing.contracts import ConnectorContract

CUSTOMER = "ada@customer.example"


class EmailSetUp(ConnectorContract):
    spec = SPEC
    sandbox_class = EmailSandbox

    def sdk_modules(self) -> set[str]:
        return {"aiohttp", "imapclient", "aiosmtplib", "cryptography"}

    def api_secrets(self, sandbox: Any) -> list[str]:
        return ["password"]


def a_reply(key: str = "0198-key", **changes: Any) -> Reply:
    thread = events.thread_key(CUSTOMER, "<first@customer.example>")
    values: dict[str, Any] = {
        "key": key,
        "case_id": "case-1",
        "thread": thread,
        "text": "We look into it.\n",
        "subject": "My order",
        "in_reply_to": "<first@customer.example>",
    }
    return Reply(**{**values, **changes})


def read(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


@dataclass
class Journal:
    """What a gateway would have kept: deliveries, and the cursor that moved with them."""

    deliveries: list[Delivery] = field(default_factory=list[Delivery])
    cursor: Cursor | None = None
    #: Deliveries that may still be kept before the gateway dies; None for any number.
    life: int | None = None
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def emit(self, delivery: Delivery, cursor: Cursor | None) -> None:
        if self.life is not None:
            if self.life == 0:
                raise ConnectionAbortedError("killed before the commit")
            self.life -= 1
        self.deliveries.append(delivery)
        self.cursor = cursor
        self.moved.set()

    @property
    def mails(self) -> list[Delivery]:
        return [each for each in self.deliveries if each.endpoint == "imap"]

    async def until(self, count: int, seconds: float = 10) -> None:
        async with asyncio.timeout(seconds):
            while len(self.mails) < count:
                self.moved.clear()
                await self.moved.wait()


@asynccontextmanager
async def listening(connector: Any, journal: Journal) -> AsyncGenerator[asyncio.Task[None]]:
    task = asyncio.ensure_future(connector.listen(journal.cursor, journal.emit))
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await task
