"""What this process has just written and is the next to ask for: it need not be read back, nor decoded once more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from itertools import takewhile
from typing import Final, Generic, TypeVar

T = TypeVar("T")

#: Bytes that are kept at most. What comes beyond that is read from the store: the oldest are the next to be asked for.
ROOM: Final = 16_000_000
#: What each takes beside its text or body, about.
_BESIDE: Final = 1_000


class Fresh(Generic[T]):
    """What waits here, by the numbers of the rows. Many threads may use it.

    It is kept before its transaction commits, so that nobody who sees the row has to read it; whoever takes it has seen the row.
    When the transaction fails its numbers are given once more, to other rows: so what is kept is kept `while_written`.
    """

    def __init__(self, size: Callable[[T], int], room: int = ROOM) -> None:
        """Keep at most so many bytes; `size` tells those of one."""
        self._size = size
        self._room = room
        self._held = 0
        self._waiting: dict[int, T] = {}
        self._lock = threading.Lock()

    @contextmanager
    def while_written(self) -> Generator[None]:
        """Forget all when the transaction fails in which something is kept."""
        try:
            yield
        except BaseException:
            self.forget()
            raise

    def keep(self, fresh: Iterable[tuple[int, T]]) -> None:
        """Keep what stands in rows, or will once their transaction commits, as it stands there; as far as there is room."""
        with self._lock:
            for number, each in fresh:
                self._drop(number)
                if self._held + self._taken(each) <= self._room:
                    self._waiting[number] = each
                    self._held += self._taken(each)

    def take(self, numbers: Sequence[int]) -> dict[int, T]:
        """Return what is here of the oldest rows that wait, each once; what is older still was done elsewhere.

        `numbers` ascend.
        """
        if not numbers:
            return {}
        with self._lock:
            found = {number: self._waiting[number] for number in numbers if number in self._waiting}
            for number in [*takewhile(lambda kept: kept < numbers[0], self._waiting), *found]:
                self._drop(number)
        return found

    def forget(self) -> None:
        """Forget all: what is wanted is read from the store."""
        with self._lock:
            self._waiting.clear()
            self._held = 0

    def _drop(self, number: int) -> None:
        if (older := self._waiting.pop(number, None)) is not None:
            self._held -= self._taken(older)

    def _taken(self, each: T) -> int:
        return self._size(each) + _BESIDE
