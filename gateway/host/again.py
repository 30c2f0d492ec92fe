"""How long to wait before the next try, by tenacity's wait strategies. Nobody sleeps here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import tenacity

if TYPE_CHECKING:
    from tenacity.wait import wait_base

#: Tries that are counted: every wait has reached its longest by then, and powers of two stay small.
_MOST: Final = 30


def seconds_until(wait: wait_base, tries: int) -> float:
    """Return how many seconds a strategy waits after so many tries."""
    state = tenacity.RetryCallState(retry_object=None, fn=None, args=(), kwargs={})  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    state.attempt_number = min(tries, _MOST)
    return wait(state)
