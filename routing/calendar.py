"""Working hours: which instants count, and how much of them lies between two.

Everything is defined by the clock on the wall: an instant is open when the local time at which it is read lies in an interval of
that day. So an hour that the clocks repeat counts twice, one that they skip not at all, and a day that a country left out
(Samoa, 30 December 2011) is no day. An overnight interval belongs to the day on which it begins. A holiday is a local date.
Instants and amounts are microseconds, instants since 1970 in UTC. Zones come from the IANA database, holidays of countries from
the library `holidays`; both differ between their versions, so a deadline is computed once and kept. What an iCalendar file closes
(`routing.closures`) is cut out, but for dates that are exceptions.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import Final
from zoneinfo import ZoneInfo

from routing.closures import Closures

_MICRO: Final = 1_000_000
_DAY: Final = 86_400
#: The first year that no deadline reaches: what would be due later is due at its beginning.
HORIZON: Final = 2200
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_EPOCH: Final = date(1970, 1, 1).toordinal()

#: From and to, in seconds after local midnight; `to` is past 86,400 when the interval ends on the next day.
Interval = tuple[int, int]


def country_days(country: str, subdivision: str, year: int) -> frozenset[date]:
    """Return the public holidays of a country, or of a part of it, in a year. Raises NotImplementedError for one unknown."""
    import holidays

    return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Year:
    """The open spans of a year of UTC, in seconds since 1970."""

    #: Where each begins.
    starts: tuple[int, ...]
    #: Where each ends.
    ends: tuple[int, ...]
    #: Open seconds before each, and of all as the last one.
    before: tuple[int, ...]


class Calendar:
    """Working hours of somebody, by the week, with the days that differ."""

    def __init__(
        self,
        *,
        name: str,
        zone: ZoneInfo,
        week: tuple[tuple[Interval, ...], ...],
        closed: frozenset[date] = frozenset(),
        exceptions: Mapping[date, tuple[Interval, ...]] | None = None,
        country: str = "",
        subdivision: str = "",
        closures: Closures | None = None,
    ) -> None:
        """Take the intervals of Monday to Sunday, dates and events that are closed, and dates with other intervals, which win."""
        self.name = name
        self._zone = zone
        self._week = week
        self._closed = closed
        self._exceptions = exceptions or {}
        self._country = country
        self._subdivision = subdivision
        #: What an iCalendar file closes, None without one.
        self.closures = closures
        self._years: dict[int, _Year] = {}

    # --- what is asked -----------------------------------------------------------------------------------------------
    def is_open(self, instant: int) -> bool:
        """Tell whether an instant counts."""
        second = instant // _MICRO
        spans = self._year(_year_of(second))
        index = bisect_right(spans.starts, second) - 1
        return index >= 0 and second < spans.ends[index]

    def next_open(self, instant: int) -> int:
        """Return the first instant from this one on that counts."""
        for start, _ in self._from(instant):
            return start
        return max(instant, _begin(HORIZON) * _MICRO)

    def next_close(self, instant: int, limit: int) -> int:
        """Return the first instant from this one on that does not count, or the limit when that comes first."""
        at = instant
        for start, end in self._from(instant):
            if start > at or at >= limit:
                break
            at = end
        return min(at, limit)

    def add(self, instant: int, amount: int) -> int:
        """Return when so much open time has passed: the end of the time that was used, so 17:00 and not the next 09:00."""
        if amount <= 0:
            return instant
        first = _year_of(instant // _MICRO)
        # Counted from the beginning of the year, so that only sums and one look-up remain.
        wanted = amount + self._gone(instant, first)
        for year in range(first, HORIZON):
            spans = self._year(year)
            if wanted <= spans.before[-1] * _MICRO:
                index = bisect_left(spans.before, -(-wanted // _MICRO)) - 1
                return (spans.starts[index] - spans.before[index]) * _MICRO + wanted
            wanted -= spans.before[-1] * _MICRO
        return max(instant, _begin(HORIZON) * _MICRO)

    def between(self, earlier: int, later: int) -> int:
        """Return how much open time lies between two instants; negative when they stand the other way round."""
        if later < earlier:
            return -self.between(later, earlier)
        first, last = _year_of(earlier // _MICRO), _year_of(later // _MICRO)
        whole = sum(self._year(year).before[-1] for year in range(first, last))
        return whole * _MICRO + self._gone(later, last) - self._gone(earlier, first)

    def opens_in(self, year: int) -> bool:
        """Tell whether any second of a year counts."""
        return self._year(year).before[-1] > 0

    def described(self) -> tuple[str, str, str]:
        """Return for people its zone, its week, and the days on which it is closed or differs."""
        week = [f"{day} {_shown(each)}" for day, each in zip(_DAYS, self._week, strict=True) if each]
        place = f"{self._country}-{self._subdivision}" if self._subdivision else self._country
        closed = [f"holidays of {place}"] if place else []
        closed += [f"events of {self.closures.name}"] if self.closures is not None else []
        closed += [day.isoformat() for day in sorted(self._closed)]
        closed += [f"{day.isoformat()} {_shown(each) or 'closed'}" for day, each in sorted(self._exceptions.items())]
        return self._zone.key, "; ".join(week), "; ".join(closed)

    # --- how it is known ---------------------------------------------------------------------------------------------
    def _gone(self, instant: int, year: int) -> int:
        """Return the open time of a year up to an instant."""
        spans = self._year(year)
        index = bisect_right(spans.starts, instant // _MICRO) - 1
        if index < 0:
            return 0
        return spans.before[index] * _MICRO + min(instant, spans.ends[index] * _MICRO) - spans.starts[index] * _MICRO

    def _from(self, instant: int) -> Iterator[tuple[int, int]]:
        """Yield the open spans that end after an instant, cut at it, up to the horizon."""
        first = _year_of(instant // _MICRO)
        for year in range(first, HORIZON):
            spans = self._year(year)
            for index in range(bisect_right(spans.ends, instant // _MICRO), len(spans.ends)):
                yield max(instant, spans.starts[index] * _MICRO), spans.ends[index] * _MICRO

    def _year(self, year: int) -> _Year:
        found = self._years.get(year)
        if found is None:
            found = self._years[year] = self._made(year)
        return found

    def _made(self, year: int) -> _Year:
        begin, end = _begin(year), _begin(year + 1)
        wall = list(self._wall(year))
        spans: list[tuple[int, int]] = []
        cuts = sorted(self.closures.spans(begin, end, self._zone)) if self.closures is not None else []
        for since, until, offset in _offsets(self._zone, begin, end):
            for start, stop, fixed in wall:
                low, high = max(since, start - offset), min(until, stop - offset)
                if low < high:
                    spans += [(low, high)] if fixed else _without(low, high, cuts)
        spans.sort()
        joined: list[tuple[int, int]] = []
        for low, high in spans:
            if joined and low <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
            else:
                joined.append((low, high))
        return _Year(
            starts=tuple(low for low, _ in joined),
            ends=tuple(high for _, high in joined),
            before=tuple(accumulate((high - low for low, high in joined), initial=0)),
        )

    def _wall(self, year: int) -> Iterator[tuple[int, int, bool]]:
        """Yield the intervals of a year and some days around it, in seconds of the local clock since 1970.

        With each, whether no event cuts it: an exception says all that is to be said of its date.
        """
        closed = set(self._closed)
        for each in (year - 1, year, year + 1):
            if self._country:
                closed |= country_days(self._country, self._subdivision, each)
            if self.closures is not None:
                closed |= {*self.closures.days(each)}
        day = date(year, 1, 1) - timedelta(days=3)
        while day < date(year + 1, 1, 4):
            exception = self._exceptions.get(day)
            usual = () if day in closed else self._week[day.weekday()]
            midnight = (day.toordinal() - _EPOCH) * _DAY
            for start, stop in usual if exception is None else exception:
                yield midnight + start, midnight + stop, exception is not None
            day += timedelta(days=1)


def time_after(calendar: Calendar | None, instant: int, amount: int) -> int:
    """Return when an amount of time has passed, in a calendar or, without one, by the clock."""
    return instant + amount if calendar is None else calendar.add(instant, amount)


def time_between(calendar: Calendar | None, earlier: int, later: int) -> int:
    """Return how much time lies between two instants, in a calendar or, without one, by the clock."""
    return later - earlier if calendar is None else calendar.between(earlier, later)


def _shown(intervals: tuple[Interval, ...]) -> str:
    """Return intervals as the policy file has them."""

    def clock(second: int) -> str:
        return f"{second // 3600:02}:{second // 60 % 60:02}"

    return ", ".join(f"{clock(start)}-{clock(stop - _DAY if stop > _DAY else stop)}" for start, stop in intervals)


def _without(low: int, high: int, cuts: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield what of a span lies in no cut; cuts come in the order in which they begin."""
    for start, stop in cuts:
        if start >= high:
            break
        if stop <= low:
            continue
        if low < start:
            yield low, start
        low = stop
        if low >= high:
            return
    yield low, high


def _begin(year: int) -> int:
    return (date(year, 1, 1).toordinal() - _EPOCH) * _DAY


def _year_of(second: int) -> int:
    return date.fromordinal(_EPOCH + second // _DAY).year


def _offset(zone: ZoneInfo, second: int) -> int:
    moved = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)).astimezone(zone).utcoffset()
    return int(moved.total_seconds()) if moved is not None else 0


def _offsets(zone: ZoneInfo, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield spans of UTC with the offset of the local clock in each; no zone has moved twice within a day."""
    since, offset = begin, _offset(zone, begin)
    for day in range(begin, end, _DAY):
        later = _offset(zone, day + _DAY)
        if later == offset:
            continue
        low, high = day, day + _DAY
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
        yield since, high, offset
        since, offset = high, later
    if since < end:
        yield since, end, offset
