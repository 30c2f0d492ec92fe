"""Where the gateway is at this moment, told through a few bytes that outlive it; and points at which it can be held.

The gateway under proof (`victim.py`) counts itself into a phase and out of it; whoever kills reads the bytes afterwards. A
killer may also arm one point: the victim then stops there, says so, and waits for its end (or to be let go).
"""

from __future__ import annotations

import mmap
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Final


class Phase(IntEnum):
    """What the gateway is inside of."""

    #: A delivery is being made durable, from the call to the commit's return.
    JOURNAL = 0
    #: Activities are being decided and written.
    APPLY = 1
    #: A vendor's API is being called.
    SENDING = 2
    #: What the vendor answered is being recorded.
    ANSWER = 3


class Point(IntEnum):
    """Where exactly it can be held. Each stands within a phase: two a phase, in the phases' order."""

    JOURNAL_BEFORE_COMMIT = 1
    JOURNAL_AFTER_COMMIT = 2
    APPLY_BEFORE_COMMIT = 3
    APPLY_AFTER_COMMIT = 4
    SENDING_BEFORE_CALL = 5
    SENDING_AFTER_EFFECT = 6
    ANSWER_BEFORE_COMMIT = 7
    ANSWER_AFTER_COMMIT = 8

    @property
    def phase(self) -> Phase:
        """Return the phase it stands in."""
        return Phase((self.value - 1) // 2)


_SIZE: Final = 64
_ARMED, _ARRIVED, _COUNTDOWN = 8, 9, 10
_PATIENCE: Final = 60.0


class Board:
    """The bytes, seen from either side."""

    def __init__(self, path: Path) -> None:
        """Map the file; make it when it is not there."""
        if not path.exists():
            path.write_bytes(bytes(_SIZE))
        with path.open("r+b") as file:
            self._bytes = mmap.mmap(file.fileno(), _SIZE)
        self._lock = threading.Lock()

    # --- the victim's side -------------------------------------------------------------------------------------------
    def clear(self) -> None:
        """Begin anew: nothing is inside of anything."""
        for phase in Phase:
            self._bytes[phase] = 0

    @contextmanager
    def inside(self, phase: Phase) -> Generator[None]:
        """Be counted into a phase."""
        with self._lock:
            self._bytes[phase] = min(255, self._bytes[phase] + 1)
        try:
            yield
        finally:
            with self._lock:
                self._bytes[phase] = max(0, self._bytes[phase] - 1)

    def reach(self, point: Point) -> None:
        """Pass a point; be held there when it is armed and its turn has come."""
        if self._bytes[_ARMED] != point:
            return
        with self._lock:
            if self._bytes[_ARMED] != point or self._bytes[_ARRIVED]:
                return
            self._bytes[_COUNTDOWN] = max(0, self._bytes[_COUNTDOWN] - 1)
            if self._bytes[_COUNTDOWN]:
                return
            self._bytes[_ARRIVED] = 1
        end = time.monotonic() + _PATIENCE
        while self._bytes[_ARRIVED] and time.monotonic() < end:
            time.sleep(0.0005)

    # --- the killer's side -------------------------------------------------------------------------------------------
    def arm(self, point: Point, countdown: int) -> None:
        """Have the victim held at a point, the `countdown`-th time it comes by (1 to 255)."""
        self._bytes[_ARRIVED] = 0
        self._bytes[_COUNTDOWN] = countdown
        self._bytes[_ARMED] = point

    def disarm(self) -> None:
        """Hold nobody, and let go who is held."""
        self._bytes[_ARMED] = 0
        self._bytes[_ARRIVED] = 0

    @property
    def arrived(self) -> bool:
        """Return whether the victim stands at the armed point."""
        return bool(self._bytes[_ARRIVED])

    def phases(self) -> list[Phase]:
        """Return what the victim is, or was when it ended, inside of."""
        return [phase for phase in Phase if self._bytes[phase]]
