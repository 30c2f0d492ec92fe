"""How much a sender sent today, asked of Twilio: it outlives restarts, and holds for all who send from that number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from connectors.twilio import polling
from connectors.twilio.prices import Spent, listed
from gateway.sdk import PermanentFailure

if TYPE_CHECKING:
    from twilio.rest import Client
    from twilio.rest.api.v2010.account.message import MessageInstance

_DAY: Final = 86_400_000_000
#: Messages in one answer: all of the day the first time, afterwards the newest.
_ALL: Final = 1000
_NEWEST: Final = 50


@dataclass(slots=True, kw_only=True)
class _Day:
    """What is known of one day of a sender."""

    midnight: int
    #: By message that Twilio listed; nothing for another sender's.
    known: dict[str, Spent] = field(default_factory=dict[str, Spent])
    #: By message that was sent here, which Twilio may not have listed yet.
    own: dict[str, Spent] = field(default_factory=dict[str, Spent])
    #: True once all of the day was asked for: then only the newest are news.
    whole: bool = False

    @property
    def sent(self) -> Spent:
        return sum([*self.known.values(), *(each for sid, each in self.own.items() if sid not in self.known)], Spent())


class Spending:
    """What each of our senders sent today (UTC), queued messages as well: segments, and money where prices are given.

    The first time of a day all of the day's messages are asked for; later only the newest, back to those that are known.
    """

    def __init__(self, prices: Mapping[str, Decimal], currency: str) -> None:
        """Know nothing yet but the prices, and the currency that they are in."""
        self._prices = prices
        self._currency = currency
        self._days: dict[str, _Day] = {}

    async def sent(self, client: Client, ours: str, now: int, cap: int, cost: Decimal | None = None) -> Spent:
        """Return what a sender sent since midnight; beyond `cap` segments, or `cost` in money, need not be counted.

        Raises PermanentFailure when Twilio bills in another currency than the prices are in.
        """
        midnight = now // _DAY * _DAY
        day = self._days.get(ours)
        if day is None or day.midnight != midnight:
            day = self._days[ours] = _Day(midnight=midnight)
        service = ours.startswith("MG")
        # Not by Twilio's filter on dates: what is still queued has no date of sending, and is paid for all the same.
        size = _NEWEST if day.whole else min(_ALL, max(cap, _NEWEST))
        numbers: dict[str, Any] = {} if service else {"from_": ours}
        page: Any = await client.messages.page_async(**numbers, page_size=size)
        while page is not None:
            rows: list[MessageInstance] = list(page)
            fresh = [row for row in rows if _made_at(row) >= midnight]
            reached = bool(fresh) and str(fresh[-1].sid) in day.known
            for row in fresh:
                mine = str(row.direction).startswith("outbound") and (not service or row.messaging_service_sid == ours)
                day.known[str(row.sid)] = self._of(row) if mine else Spent()
            if (day.whole and reached) or len(fresh) < len(rows) or _reached(day.sent, cap, cost):
                break
            page = await page.next_page_async()
        # What stopped above the cap is not the whole day, and is asked for anew.
        day.whole = day.whole or not _reached(day.sent, cap, cost)
        return day.sent

    def _of(self, row: MessageInstance) -> Spent:
        billed = str(row.price) if row.price is not None else None
        if self._prices and billed is not None and str(row.price_unit or self._currency).upper() != self._currency:
            raise PermanentFailure(
                f"Twilio bills this account in {row.price_unit}, and the connection's cap is in {self._currency}: set currency, "
                "daily_cost and prices anew, then replay this one."
            )
        # A Messaging Service says 0 until it has chosen the number.
        return listed(max(int(row.num_segments or 0), 1), str(row.to), billed, self._prices)

    def note(self, ours: str, sid: str, what: Spent) -> None:
        """Take down what was sent just now, so that calls of the same moment see it."""
        day = self._days.get(ours)
        if day is not None:
            day.own[sid] = what


def _reached(sent: Spent, cap: int, cost: Decimal | None) -> bool:
    return sent.segments >= cap or (cost is not None and sent.cost >= cost)


def _made_at(message: MessageInstance) -> int:
    return polling.instant_of(message.date_created or message.date_sent)
