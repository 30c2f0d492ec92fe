"""What a message costs, by the prices that the admin wrote down: for the cap of a day in money. Pure.

Twilio tells a message's price only after it was sent (twilio.com/docs/messaging/api/message-resource: `price`), so what is about
to be sent is estimated: segments times the price of its channel and of the longest beginning of the number that has one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from connectors.twilio.segments import segments

#: Channels by the prefix of their addresses; plain numbers are `sms`.
CHANNELS: Final = ("sms", "whatsapp", "messenger", "rcs")
_KEY: Final = re.compile(rf"({'|'.join(CHANNELS)})(?: \+[0-9]{{1,14}})?")
_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Spent:
    """What messages are: so many segments, which cost so much."""

    segments: int = 0
    #: In the connection's currency.
    cost: Decimal = _NOTHING

    def __add__(self, other: Spent) -> Spent:
        """Return both together."""
        return Spent(self.segments + other.segments, self.cost + other.cost)


def wrong_key(key: str) -> str:
    """Return what is wrong with a key of `prices`, empty for nothing."""
    if _KEY.fullmatch(key):
        return ""
    channels = ", ".join(CHANNELS)
    return f'there is no price of "{key}": a key is a channel ({channels}), or that and the beginning of a number, "sms +49"'


def price_of(to: str, prices: Mapping[str, Decimal]) -> Decimal | None:
    """Return the price of a segment (of a message, where a channel has no segments) to an address; None when none covers it."""
    sort, colon, rest = to.partition(":")
    channel, number = (sort, rest) if colon else ("sms", to)
    # Country codes are no prefixes of each other, but areas within them are dearer: the longest is the nearest.
    for length in range(len(number), 1, -1):
        found = prices.get(f"{channel} {number[:length]}")
        if found is not None:
            return found
    return prices.get(channel)


def cost_of(text: str, to: str, prices: Mapping[str, Decimal]) -> Spent | None:
    """Return what a text to an address is before it is sent; None when prices are there and none covers the address."""
    count = segments(text, to=to)
    if not prices:
        return Spent(count)
    price = price_of(to, prices)
    return None if price is None else Spent(count, count * price)


def listed(count: int, to: str, billed: str | None, prices: Mapping[str, Decimal]) -> Spent:
    """Return what a message of Twilio's list is: as it was billed, or by our prices while Twilio has not said it.

    Where no price covers it, somebody else sent it there: it counts by the dearest, since too early is the safe side.
    """
    if not prices:
        return Spent(count)
    try:
        # Twilio writes what we pay as a negative number.
        return Spent(count, abs(Decimal(billed or "")))
    except InvalidOperation:
        price = price_of(to, prices)
    return Spent(count, count * (max(prices.values()) if price is None else price))
