"""How long to wait before the next attempt: tenacity's wait strategies as pure functions. Nobody sleeps here."""

from __future__ import annotations

from typing import Final

import tenacity

from gateway.host.again import seconds_until

_MICRO: Final = 1_000_000
#: Attempts before an effect that keeps failing for the time being becomes a dead letter: about eight hours.
MOST_ATTEMPTS: Final = 40
#: Looks before an outcome that stays unknown becomes a dead letter for a person: about an hour.
MOST_LOOKS: Final = 12

_SEND: Final = tenacity.wait_random_exponential(multiplier=1, max=900)
_LOOK: Final = tenacity.wait_exponential_jitter(multiplier=2, max=600, jitter=2)


def next_attempt(now: int, attempt: int, retry_after: float | None) -> int:
    """Return when an effect may be sent again, UTC microseconds. The vendor's own wish (seconds) is kept, with some slack."""
    wanted = 0.0 if retry_after is None else max(0.0, retry_after) * 1.05 + 0.1
    return now + int(max(wanted, seconds_until(_SEND, attempt)) * _MICRO)


def next_look(now: int, attempt: int, grace: float) -> int:
    """Return when an unknown outcome is looked into, UTC microseconds: not before a late write can have landed."""
    return now + int(max(grace, seconds_until(_LOOK, attempt)) * _MICRO)
