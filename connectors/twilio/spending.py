"""How much a sender sent today, asked of Twilio: it outlives restarts, and holds for all who send from that number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from connectors.twilio import polling

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
    #: Segments by message that Twilio listed; 0 for another sender's.
    known: dict[str, int] = field(default_factory=dict[str, int])
    #: Segments by message that was sent here, which Twilio may not have listed yet.
    own: dict[str, int] = field(default_factory=dict[str, int])
    #: True once all of the day was asked for: then only the newest are news.
    whole: bool = False

    @property
    def sent(self) -> int:
        return sum(self.known.values()) + sum(count for sid, count in self.own.items() if sid not in self.known)


class Spending:
    """The segments that each of our senders sent today (UTC), queued ones as well.

    The first time of a day all of the day's messages are asked for; later only the newest, back to those that are known.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self._days: dict[str, _Day] = {}

    async def sent(self, client: Client, ours: str, now: int, cap: int) -> int:
        """Return how many segments a sender sent since midnight; more than `cap` need not be counted."""
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
                # A Messaging Service says 0 until it has chosen the number.
                day.known[str(row.sid)] = max(int(row.num_segments or 0), 1) if mine else 0
            if (day.whole and reached) or len(fresh) < len(rows) or day.sent >= cap:
                break
            page = await page.next_page_async()
        # What stopped above the cap is not the whole day, and is asked for anew.
        day.whole = day.whole or day.sent < cap
        return day.sent

    def note(self, ours: str, sid: str, count: int) -> None:
        """Take down what was sent just now, so that calls of the same moment see it."""
        day = self._days.get(ours)
        if day is not None:
            day.own[sid] = count


def _made_at(message: MessageInstance) -> int:
    return polling.instant_of(message.date_created or message.date_sent)
