"""A door behind which the Toyline connector stands, and an intake that journals each delivery by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import SecretStr

from gateway.clock import SystemClock
from gateway.host.hostside import HostSide
from gateway.sdk import Oversize, WebhookSource
from gateway.store import Store
from gateway.store.values import JournalEntry
from tests.toyline.connector import SECRET, ToyConnector
from tests.toyline.settings import ToySettings


def toy() -> ToyConnector:
    settings = ToySettings(secret=SecretStr(SECRET.decode()))
    return ToyConnector(settings, HostSide("toys", SystemClock(), settings))


@dataclass(frozen=True, slots=True, kw_only=True)
class ToyDoor:
    """A connection that can be sent hooks."""

    connection: str = "toys"
    connector: str = "toy"
    webhook: WebhookSource | None = field(default_factory=toy)
    endpoints: tuple[str, ...] = ("", "challenge")
    max_delivery: int = 4_096
    oversize: Oversize = Oversize.REFUSE


class Directly:
    """An intake that journals each delivery by itself."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def accept(self, entry: JournalEntry) -> None:
        await asyncio.to_thread(self._store.journal, [entry])


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds. Raises TimeoutError."""
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.01)
