"""Outgoing webhooks of a sandbox: signed as the vendor signs, and sent as unreliably as vendors send."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One request that a vendor sends."""

    #: Which of the receiver's endpoints; empty for the only one.
    endpoint: str
    #: The body.
    body: bytes
    #: Headers without the signature.
    headers: dict[str, str] = field(default_factory=dict[str, str])


class WebhookSender:
    """Sends a sandbox's webhooks to a receiver, signing each at the moment it is sent."""

    def __init__(self, sign: Callable[[Webhook], dict[str, str]], *, seed: int = 0) -> None:
        """Take what signs: it returns the headers to add."""
        self._sign = sign
        self._chance = random.Random(seed)  # noqa: S311 (repeatable, not secret)
        self.waiting: list[Webhook] = []
        #: Share of webhooks (0 to 1) that are sent twice.
        self.duplicates = 0.0
        #: Share of webhooks that never arrive.
        self.dropped = 0.0
        #: True: they are sent in any order.
        self.shuffled = False
        #: Status of each answer, in the order of sending.
        self.answers: list[int] = []
        #: What the last `send` found nobody for, or got no answer to.
        self.unreached: list[Webhook] = []

    def put(self, webhook: Webhook) -> None:
        """Have a webhook wait for the next `send`."""
        self.waiting.append(webhook)

    async def send(self, url: str, *, parallel: int = 8) -> list[int]:
        """Send what waits to a receiver's base URL, and return the answers' statuses; 0 where none came."""
        batch, self.waiting = self.waiting, []
        batch = [each for each in batch if self._chance.random() >= self.dropped]
        batch += [each for each in batch if self._chance.random() < self.duplicates]
        if self.shuffled:
            self._chance.shuffle(batch)
        room = asyncio.Semaphore(1 if not self.shuffled else parallel)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=12)) as session:

            async def one(webhook: Webhook) -> int:
                async with room:
                    return await self.deliver(session, url, webhook)

            answers = list(await asyncio.gather(*(one(webhook) for webhook in batch)))
        self.unreached = [webhook for webhook, status in zip(batch, answers, strict=True) if not status]
        self.answers += answers
        return answers

    async def deliver(self, session: aiohttp.ClientSession, url: str, webhook: Webhook) -> int:
        """Send one webhook and return the answer's status; 0 when none came."""
        target = f"{url}/{webhook.endpoint}" if webhook.endpoint else url
        headers = {**webhook.headers, **self._sign(webhook)}
        try:
            async with session.post(target, data=webhook.body, headers=headers) as response:
                await response.read()
                return response.status
        except (aiohttp.ClientError, TimeoutError):
            return 0
