"""Whether deliveries can be taken, and what keeps them away. A vendor's outage is no obstacle."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING, Final

import structlog

from gateway.pipeline.intake import WAITING
from gateway.store import Store, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.clock import Clock
    from gateway.config import Config

_log: Final = structlog.stdlib.get_logger("gateway.app")

#: How long what was found is believed before it is looked for again, seconds.
_FRESH: Final = 1.0
#: How long after a delivery could not be kept the gateway says that it is not ready, seconds.
_SORE: Final = 10.0
#: Longest that the store is waited for, seconds.
_PATIENCE: Final = 5.0
_DRAINING: Final = "It is being ended: no new deliveries are taken."


class Readiness:
    """Looks for obstacles, and says in the log when they come and go."""

    def __init__(
        self, clock: Clock, *, store: Callable[[], Store], config: Callable[[], Config], waiting: Callable[[], int]
    ) -> None:
        """Take where the store, the configuration and the number of deliveries that wait for their commit are found."""
        self._clock = clock
        self._store = store
        self._config = config
        self._waiting = waiting
        self._refused_at: float | None = None
        self._asked: tuple[float, Mapping[str, str]] = (-_FRESH, {})
        #: What was last said in the log.
        self._said: tuple[str, ...] = ()
        self.draining = False

    def refused(self) -> None:
        """Note that a delivery could not be kept."""
        self._refused_at = self._clock.monotonic()

    def kept(self) -> None:
        """Note that a delivery was kept."""
        self._refused_at = None

    async def obstacles(self) -> Mapping[str, str]:
        """Return what keeps deliveries from being taken: a word for each, and a sentence that says what to do."""
        asked, known = self._asked
        if self._clock.monotonic() - asked >= _FRESH:
            known = await self._look()
            self._asked = (self._clock.monotonic(), known)
        self._say(known)
        return {"draining": _DRAINING, **known} if self.draining else known

    def _say(self, found: Mapping[str, str]) -> None:
        words = tuple(found)
        if words == self._said:
            return
        self._said = words
        if words:
            _log.warning("not ready", action="not_ready", obstacles=list(words), reason=" ".join(found.values()))
        else:
            _log.info("ready again", action="ready_again")

    async def _look(self) -> dict[str, str]:
        found: dict[str, str] = {}
        try:
            async with asyncio.timeout(_PATIENCE):
                await asyncio.to_thread(self._store().pauses)
        except StoreUnavailable as error:
            found["store"] = f"The store cannot be asked: {error}"
        except TimeoutError:
            found["store"] = f"The store did not answer within {_PATIENCE:g} seconds: look after it and its disk."
        if self._refused_at is not None and self._clock.monotonic() - self._refused_at < _SORE:
            found["journal"] = (
                f"A delivery could not be made durable within the last {_SORE:g} seconds: look after the store and its disk."
            )
        if self._waiting() >= WAITING:
            found["queue"] = (
                f"{WAITING} deliveries wait for their commit, and no more may: the store is too slow for them."
            )
        config = self._config()
        disk = shutil.disk_usage(config.data)
        wanted = config.limits.disk_free
        if disk.free < disk.total * wanted:
            found["disk"] = (
                f"{disk.free / disk.total:.1%} of the disk of {config.data} is free, and gateway.limits.disk_free wants"
                f" {wanted:.1%}: make room, or lower that limit in plugins.toml and reload."
            )
        return found
