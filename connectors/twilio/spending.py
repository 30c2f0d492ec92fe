"""How much a sender sent today, asked of Twilio: it outlives restarts, and holds for all who send from that number."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from connectors.twilio import polling
from connectors.twilio.prices import Spent, listed, listed_call
from gateway.sdk import CredentialsRefused, PermanentFailure, TemporaryFailure

if TYPE_CHECKING:
    from twilio.rest import Client
    from twilio.rest.api.v2010.account.call import CallInstance
    from twilio.rest.api.v2010.account.message import MessageInstance

_DAY: Final = 86_400_000_000
#: Rows in one answer: all of the day the first time, afterwards the newest.
_ALL: Final = 1000
_NEWEST: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """What each sender may send in a day."""

    #: Segments of messages, or calls.
    count: int
    #: Money, None where no prices are given.
    cost: Decimal | None
    #: What the money, and each price, is in.
    currency: str
    prices: Mapping[str, Decimal]

    def reached(self, sent: Spent) -> bool:
        """Tell whether nothing more may be sent."""
        return sent.count >= self.count or (self.cost is not None and sent.cost >= self.cost)


@dataclass(slots=True, kw_only=True)
class _Day:
    """What is known of one day of a sender."""

    midnight: int
    #: By row that Twilio listed; nothing for another sender's.
    known: dict[str, Spent] = field(default_factory=dict[str, Spent])
    #: By row that was made here, which Twilio may not have listed yet.
    own: dict[str, Spent] = field(default_factory=dict[str, Spent])
    #: True once all of the day was asked for: then only the newest are news.
    whole: bool = False

    @property
    def sent(self) -> Spent:
        return sum([*self.known.values(), *(each for sid, each in self.own.items() if sid not in self.known)], Spent())


class Spending(ABC):
    """What each of our senders sent today (UTC), what is queued as well: how much, and money where prices are given.

    The first time of a day all of the day's rows are asked for; later only the newest, back to those that are known. What is
    about to be sent is reserved first, so that several at a time keep within the caps together.
    """

    #: What is counted, and what it is counted as, for the sentences.
    _done: str
    _unit: str
    _key: str

    def __init__(self, caps: Caps) -> None:
        """Know nothing yet but the caps."""
        self.caps = caps
        self._days: dict[str, _Day] = {}
        #: What is being sent, or was with a lost answer, by sender and key: since when, and how much.
        self._held: dict[tuple[str, str], tuple[int, Spent]] = {}

    # --- what differs ------------------------------------------------------------------------------------------------
    @abstractmethod
    async def _page(self, client: Client, ours: str, size: int) -> Any:
        """Return the first page of what a sender sent, newest first."""

    @abstractmethod
    def _of(self, row: Any, ours: str, now: int) -> Spent:
        """Return how much a row is; nothing for what a sender did not send."""

    # --- reserving ---------------------------------------------------------------------------------------------------
    @asynccontextmanager
    async def reserved(
        self, client: Client, ours: str, key: str, more: Spent, now: int
    ) -> AsyncGenerator[Callable[[str], None]]:
        """Hold so much more of a sender while it is sent; give what takes down the SID of what was sent.

        It stays held when the answer is lost, until `landed` or `release`. Raises PermanentFailure when it is over a cap.
        """
        await self._reserve(client, ours, key, more, now)
        try:
            yield lambda sid: self.landed(ours, key, sid)
        except (TemporaryFailure, PermanentFailure, CredentialsRefused):
            self.release(ours, key)
            raise

    async def _reserve(self, client: Client, ours: str, key: str, more: Spent, now: int) -> None:
        sent = await self.sent(client, ours, now)
        # From here to the end nothing else runs, so no two take the same room.
        self._held = {each: held for each, held in self._held.items() if now - held[0] < _DAY}
        sent = sum((what for each, (_, what) in self._held.items() if each[0] == ours and each != (ours, key)), sent)
        cap, most, currency = self.caps.count, self.caps.cost, self.caps.currency
        if sent.count + more.count > cap:
            raise PermanentFailure(
                f"The sender has {self._done} {sent.count} of its {cap} {self._unit} of the day (UTC), and this one is"
                f" {more.count}: raise {self._key}, then replay this one."
            )
        if most is not None and sent.cost + more.cost > most:
            raise PermanentFailure(
                f"The sender has spent {sent.cost:f} of its {most:f} {currency} of the day (UTC), and this one costs"
                f" about {more.cost:f}: raise daily_cost, then replay this one."
            )
        self._held[ours, key] = (now, more)

    def landed(self, ours: str, key: str, sid: str) -> None:
        """Take down that what was reserved is at Twilio, which may not list it yet."""
        _, what = self._held.pop((ours, key), (0, None))
        day = self._days.get(ours)
        if day is not None and what is not None:
            day.own[sid] = what

    def release(self, ours: str, key: str) -> None:
        """Let go what was reserved: it was certainly not sent."""
        self._held.pop((ours, key), None)

    # --- counting ----------------------------------------------------------------------------------------------------
    async def sent(self, client: Client, ours: str, now: int) -> Spent:
        """Return what a sender sent since midnight; what is beyond a cap need not be counted.

        Raises PermanentFailure when Twilio bills in another currency than the prices are in.
        """
        midnight = now // _DAY * _DAY
        day = self._days.get(ours)
        if day is None or day.midnight != midnight:
            day = self._days[ours] = _Day(midnight=midnight)
        # Not by Twilio's filter on dates: what is still queued has no date of sending, and is paid for all the same.
        size = _NEWEST if day.whole else min(_ALL, max(self.caps.count, _NEWEST))
        page: Any = await self._page(client, ours, size)
        while page is not None:
            rows: list[Any] = list(page)
            fresh = [row for row in rows if _made_at(row) >= midnight]
            reached = bool(fresh) and str(fresh[-1].sid) in day.known
            for row in fresh:
                day.known[str(row.sid)] = self._of(row, ours, now)
            if (day.whole and reached) or len(fresh) < len(rows) or self.caps.reached(day.sent):
                break
            page = await page.next_page_async()
        # What stopped above the cap is not the whole day, and is asked for anew.
        day.whole = day.whole or not self.caps.reached(day.sent)
        return day.sent

    def _billed(self, row: MessageInstance | CallInstance) -> str | None:
        """Return what Twilio says that a row cost, None while it does not. Raises PermanentFailure."""
        if row.price is None or not self.caps.prices:
            return None
        currency = self.caps.currency
        if str(row.price_unit or currency).upper() != currency:
            raise PermanentFailure(
                f"Twilio bills this account in {row.price_unit}, and the connection's cap is in {currency}: set currency, "
                "daily_cost and prices anew, then replay this one."
            )
        return str(row.price)


class MessageSpending(Spending):
    """Of text messages, which are billed by segments."""

    _done, _unit, _key = "sent", "message segments", "daily_messages"

    async def _page(self, client: Client, ours: str, size: int) -> Any:
        numbers: dict[str, Any] = {} if ours.startswith("MG") else {"from_": ours}
        return await client.messages.page_async(**numbers, page_size=size)

    def _of(self, row: MessageInstance, ours: str, now: int) -> Spent:  # noqa: ARG002 (a message takes no time)
        mine = not ours.startswith("MG") or row.messaging_service_sid == ours
        if not mine or not str(row.direction).startswith("outbound"):
            return Spent()
        # A Messaging Service says 0 until it has chosen the number.
        return listed(max(int(row.num_segments or 0), 1), str(row.to), self._billed(row), self.caps.prices)


class CallSpending(Spending):
    """Of calls, which are billed by minutes once they are over."""

    _done, _unit, _key = "made", "calls", "daily_calls"

    async def _page(self, client: Client, ours: str, size: int) -> Any:
        return await client.calls.page_async(from_=ours, page_size=size)

    def _of(self, row: CallInstance, ours: str, now: int) -> Spent:  # noqa: ARG002 (the list is of one number)
        if not str(row.direction).startswith("outbound"):
            return Spent()
        runs = max(now - _made_at(row), 0) // 1_000_000
        seconds = int(row.duration) if row.duration else None
        return listed_call(str(row.status), seconds, runs, str(row.to), self._billed(row), self.caps.prices)


def _made_at(row: Any) -> int:
    return polling.instant_of(row.date_created or getattr(row, "date_sent", None) or getattr(row, "start_time", None))
