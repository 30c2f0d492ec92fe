"""Work on hostile input that must not grow with its square.

It is a guard, not a measurement: what is linear takes a fraction of a second here, what is not would take minutes. Processor
time is counted, so that a busy machine fails nothing.
"""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Final

#: Seconds of processor time: at least fifteen times what the slowest of the inputs takes.
MOST: Final = 20.0


class TooMuchWorkError(AssertionError):
    """The work was cut off."""


@contextmanager
def bounded_work(seconds: float = MOST) -> Generator[None]:
    """Cut the work off after some seconds of processor time, also amid a regular expression.

    Raises:
        TooMuchWorkError: it was not done by then.
    """

    def cut(_signal: int, _frame: FrameType | None) -> None:
        message = f"It is not done after {seconds:g} seconds of processor time."
        raise TooMuchWorkError(message)

    before = signal.signal(signal.SIGPROF, cut)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
