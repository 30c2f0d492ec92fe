"""Deliveries that this process has just made durable: their parsing need not read their bytes back."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final

from gateway.store.values import StoredDelivery

#: Bytes that are kept at most; beyond that the oldest make room, and are read from the store.
ROOM: Final = 16_000_000
#: What a delivery takes beside its body, about.
_BESIDE: Final = 1_000


class Fresh:
    """What waits here, by the numbers of the deliveries. Many threads may use it."""

    def __init__(self, room: int = ROOM) -> None:
        """Keep at most so many bytes."""
        self._room = room
        self._held = 0
        self._waiting: dict[int, StoredDelivery] = {}
        self._lock = threading.Lock()

    def keep(self, deliveries: Sequence[StoredDelivery]) -> None:
        """Keep deliveries that stand in the store now, as they stand there."""
        with self._lock:
            for each in deliveries:
                self._waiting[each.id] = each
                self._held += _size(each)
            while self._held > self._room:
                oldest = self._waiting.pop(next(iter(self._waiting)))
                self._held -= _size(oldest)

    def take(self, numbers: Sequence[int]) -> dict[int, StoredDelivery]:
        """Return those of the deliveries that are here, each once."""
        with self._lock:
            found = {number: self._waiting.pop(number) for number in numbers if number in self._waiting}
            self._held -= sum(map(_size, found.values()))
        return found


def _size(stored: StoredDelivery) -> int:
    return len(stored.delivery.body) + _BESIDE
