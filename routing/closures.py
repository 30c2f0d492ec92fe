"""When events of an iCalendar file (RFC 5545) close a calendar: whole days, and stretches of time.

A whole-day event closes local dates, whatever the zone. An event with times closes what lies between its two instants. Times
without a zone are those of the calendar. Each recurrence of an event that repeats lasts as long as the first one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from dateutil.rrule import rruleset

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event, with its recurrences."""

    #: When it begins, by the clock of its own zone.
    start: datetime
    #: How long it lasts.
    length: timedelta
    #: True when it closes dates and not stretches of time.
    whole_days: bool
    #: The zone of its times; None for that of the calendar.
    zone: tzinfo | None = None
    #: When it begins again, with its first time; None when it happens once.
    rule: rruleset | None = None

    def starts(self, begin: datetime, end: datetime) -> Iterator[datetime]:
        """Yield when it begins within two instants, by the clock of its own zone."""
        if self.rule is not None:
            yield from self.rule.between(begin, end, inc=True)
        elif begin <= self.start <= end:
            yield self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Closures:
    """The events of one file."""

    #: The file's name in the policy.
    name: str
    #: Hash of its text.
    digest: str
    #: What closes, in the order of the file.
    events: tuple[Event, ...]

    def days(self, year: int) -> Iterator[date]:
        """Yield the dates of a year that are closed."""
        for each in self.events:
            if not each.whole_days:
                continue
            first, last = (datetime.combine(date(year, *day), time()) for day in ((1, 1), (12, 31)))
            for start in each.starts(first - each.length, last):
                for number in range(each.length // _DAY):
                    day = start.date() + number * _DAY
                    if day.year == year:
                        yield day

    def spans(self, begin: int, end: int, zone: tzinfo) -> Iterator[tuple[int, int]]:
        """Yield the stretches that are closed between two instants, in seconds since 1970, for a calendar of a zone."""
        first, last = (_EPOCH + timedelta(seconds=each) for each in (begin, end))
        for each in self.events:
            if each.whole_days:
                continue
            own = each.zone or zone
            # Two days more, since the clock of its zone may be far from UTC.
            earliest = first.replace(tzinfo=None) - each.length - 2 * _DAY
            for start in each.starts(earliest, last.replace(tzinfo=None) + 2 * _DAY):
                since = (start.replace(tzinfo=own).astimezone(UTC) - _EPOCH) // timedelta(seconds=1)
                yield since, since + each.length // timedelta(seconds=1)

    def years(self) -> set[int]:
        """Return the years in which an event happens that does not repeat."""
        return {
            year
            for each in self.events
            if each.rule is None
            for year in range(each.start.year, (each.start + each.length).year + 1)
        }
