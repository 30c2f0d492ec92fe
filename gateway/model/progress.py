"""How far a message of ours came, from reports that come late, twice and in any order."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from gateway.model.activity import DeliveryFacts
from gateway.model.altering import altered
from gateway.model.events import DeliveryState

_ORDER: Final = (
    DeliveryState.ACCEPTED,
    DeliveryState.DELAYED,
    DeliveryState.SENT,
    DeliveryState.DELIVERED,
    DeliveryState.READ,
)
_ARRIVED: Final = frozenset({DeliveryState.DELIVERED, DeliveryState.READ})


class Progress(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What all reports about one message say together: the same in whatever order they came, and however often."""

    #: The furthest that any report told, failures apart; None when none did.
    best: DeliveryState | None = None
    #: The earliest proof of arrival by the vendor's clock, UTC microseconds.
    arrived_at: int | None = None
    #: The earliest failure by the vendor's clock, UTC microseconds.
    failed_at: int | None = None
    #: Code and sentence of that failure, and whether it is for good.
    code: str = ""
    reason: str = ""
    permanent: bool | None = None

    @property
    def state(self) -> DeliveryState | None:
        """Return how far it came. A failure ends it, unless proof of arrival is older by the vendor's clock."""
        if self.failed_at is None or (self.arrived_at is not None and self.arrived_at <= self.failed_at):
            return self.best
        return DeliveryState.FAILED

    def after(self, facts: DeliveryFacts, at: int) -> Progress:
        """Return what is known once a report is taken in that says what happened at an instant."""
        if facts.state is DeliveryState.FAILED:
            mine = (at, facts.code, facts.reason)
            if self.failed_at is not None and (self.failed_at, self.code, self.reason) <= mine:
                return self
            return altered(self, failed_at=at, code=facts.code, reason=facts.reason, permanent=facts.permanent)
        arrived = self.arrived_at
        if facts.state in _ARRIVED:
            arrived = at if arrived is None else min(arrived, at)
        return altered(self, best=_further(self.best, facts.state), arrived_at=arrived)

    def along(self, other: Progress) -> Progress:
        """Return what both say, when reports about one message came under two names."""
        arrived = [each for each in (self.arrived_at, other.arrived_at) if each is not None]
        best = self.best if other.best is None else _further(self.best, other.best)
        told = [each for each in (self, other) if each.failed_at is not None]
        first = min(told, key=lambda each: (each.failed_at or 0, each.code, each.reason), default=self)
        return altered(first, best=best, arrived_at=min(arrived, default=None))


def _further(one: DeliveryState | None, two: DeliveryState) -> DeliveryState:
    return two if one is None else max(one, two, key=_ORDER.index)
