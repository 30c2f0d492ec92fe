"""A connector whose parser does what a hostile delivery might make one do. Importable, as `parse_apart` demands."""

from __future__ import annotations

import ctypes
import json
import os
import re
import time
from collections.abc import Iterable

from gateway.sdk import (
    ChannelEvent,
    ChatMessage,
    ConnectionSettings,
    Connector,
    Delivery,
    Party,
    Source,
    UnreadableDelivery,
)


class GreedySettings(ConnectionSettings):
    """Says how its texts begin, so that a test sees whose settings parsed."""

    opening: str = "said"


class Greedy(Connector[GreedySettings], Source):
    """Parses ``{"text": …}``; every other word is a way to harm."""

    async def open(self) -> None: ...

    async def check(self) -> None: ...

    async def close(self) -> None: ...

    def parse(self, delivery: Delivery) -> Iterable[ChannelEvent]:
        self._harm(delivery.body)
        try:
            said = json.loads(delivery.body)
        except ValueError:
            raise UnreadableDelivery("It is not JSON.") from None
        yield ChatMessage(
            thread="t",
            dedupe=said["text"],
            occurred_at=1,
            sender=Party(kind="person", value="anna"),
            message_id=said["text"],
            text=f"{self.settings.opening} {said['text']} in {os.getpid()}",
            extras={"secret": os.environ.get("BATON_TEST_SECRET", "none"), "half": said.get("half", "")},
        )

    def _harm(self, word: bytes) -> None:
        if word == b"spin":
            while True:
                pass
        if word == b"spin in C":
            re.match(r"(a|aa)+$", "a" * 60 + "b")
        if word == b"sleep":
            time.sleep(600)
        if word == b"eat":
            eaten = [bytes(1024) for _ in range(2_000_000)]
            raise ValueError(len(eaten))
        if word == b"leave":
            os._exit(3)
        if word == b"crash":
            ctypes.string_at(0)
        if word == b"deep":
            json.loads("[" * 100_000)
        if word == b"print":
            print("x" * 100_000)
            os.write(1, b"y" * 100_000)
        if word == b"ask":
            raise ValueError(self.host.now())
        if word == b"swell":
            self.kept = bytearray(os.urandom(1) * 80_000_000)
