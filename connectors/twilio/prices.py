"""What a message or a call costs, by the prices that the admin wrote down: for the cap of a day in money. Pure.

Twilio tells a message's price only after it was sent (twilio.com/docs/messaging/api/message-resource: `price`), and a call's
after it ended (twilio.com/docs/voice/api/call-resource). So what is about to be sent is estimated: segments, or the most minutes
that it can take, times the price of its channel and of the longest beginning of the number that has one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from connectors.twilio.segments import segments

#: Channels by the prefix of their addresses; plain numbers are `sms`.
CHANNELS: Final = ("sms", "whatsapp", "messenger", "rcs")
#: The word for calls.
CALL: Final = "call"
#: Longest call to somebody of the staff, seconds: a machine that answers must not be talked to for ever. Twilio bills minutes
#: that have begun, so it ends a little before one is over.
LONGEST_CALL: Final = 55
_MINUTE: Final = 60
#: States of a call that is over; only one that was answered costs something.
ANSWERED: Final = "completed"
OVER: Final = frozenset({ANSWERED, "busy", "no-answer", "failed", "canceled"})
_BEGINNING: Final = re.compile(r"\+[0-9]{1,14}")
_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Spent:
    """What messages are, or calls: so many, which cost so much."""

    #: Segments of messages, or calls.
    count: int = 0
    #: In the connection's currency.
    cost: Decimal = _NOTHING

    def __add__(self, other: Spent) -> Spent:
        """Return both together."""
        return Spent(self.count + other.count, self.cost + other.cost)


def wrong_key(key: str, channels: Collection[str]) -> str:
    """Return what is wrong with a key of `prices`, empty for nothing."""
    channel, blank, number = key.partition(" ")
    if channel in channels and (not blank or _BEGINNING.fullmatch(number)):
        return ""
    first, named = next(iter(channels)), ", ".join(channels)
    what = f"a channel ({named})" if len(channels) > 1 else named
    return f'there is no price of "{key}": a key is {what}, or that and the beginning of a number, "{first} +49"'


def price_of(to: str, prices: Mapping[str, Decimal]) -> Decimal | None:
    """Return the price of a segment (of a message, where a channel has no segments) to an address; None when none covers it."""
    sort, colon, rest = to.partition(":")
    return _price(sort, rest, prices) if colon else _price("sms", to, prices)


def _price(channel: str, number: str, prices: Mapping[str, Decimal]) -> Decimal | None:
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
    paid = _paid(billed)
    return Spent(count, count * _dearest(price_of(to, prices), prices) if paid is None else paid)


def cost_of_call(to: str, prices: Mapping[str, Decimal]) -> Spent | None:
    """Return what a call of ours can be before it is made: its longest; None when prices are there and none covers the number."""
    if not prices:
        return Spent(1)
    price = _price(CALL, to, prices)
    return None if price is None else Spent(1, _minutes(LONGEST_CALL) * price)


def listed_call(
    status: str, seconds: int | None, runs: int, to: str, billed: str | None, prices: Mapping[str, Decimal]
) -> Spent:
    """Return what a call of Twilio's list is: as it was billed, and until that is known by our prices.

    `seconds` is how long it took, None while it is not over; `runs` is how long ago it was made. One that nobody answered costs
    nothing; one that is not over counts as the longest that we make, or for as long as it runs already: somebody else's may.
    """
    paid = _paid(billed)
    if not prices or (paid is None and status in OVER and status != ANSWERED):
        return Spent(1)
    if paid is not None:
        return Spent(1, paid)
    took = seconds if status == ANSWERED and seconds is not None else max(runs, LONGEST_CALL)
    return Spent(1, _minutes(took) * _dearest(_price(CALL, to, prices), prices))


def _minutes(seconds: int) -> int:
    return max(-(-seconds // _MINUTE), 1)


def _dearest(price: Decimal | None, prices: Mapping[str, Decimal]) -> Decimal:
    return max(prices.values()) if price is None else price


def _paid(billed: str | None) -> Decimal | None:
    """Return what was billed, None where that is not said. Twilio writes what we pay as a negative number."""
    try:
        return abs(Decimal(billed or ""))
    except InvalidOperation:
        return None
