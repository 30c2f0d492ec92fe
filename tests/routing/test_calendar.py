"""Working hours against a counter of minutes that knows nothing of spans, over zones with every kind of oddity."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from routing.calendar import HORIZON, Calendar, Interval

HOUR: Final = 3600
SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
#: How many random cases; the full size is 100,000.
CASES: Final = int(os.environ.get("BATON_CALENDAR_CASES", "2000"))
#: Zones, each with a moment around which its clock does something odd.
ODD: Final = {
    "Australia/Lord_Howe": ("2026-04-04", "half an hour back"),
    "Pacific/Apia": ("2011-12-30", "a day left out"),
    "America/Havana": ("2026-11-01", "midnight twice"),
    "Asia/Kathmandu": ("2026-05-01", "a quarter of an hour off"),
    "America/St_Johns": ("2026-03-08", "half an hour off, with summer time"),
    "Europe/Berlin": ("2026-10-25", "an hour twice"),
    "America/New_York": ("2027-03-14", "an hour left out"),
    "Africa/Casablanca": ("2026-02-15", "summer time but for Ramadan"),
    "Asia/Beirut": ("2026-03-29", "midnight left out"),
    "America/Sao_Paulo": ("2018-11-04", "midnight left out"),
    "Pacific/Chatham": ("2026-09-27", "three quarters of an hour off"),
    "Europe/Moscow": ("2014-10-26", "moved for good"),
}
_h = HOUR
DAY: Final[tuple[Interval, ...]] = ((8 * _h, 12 * _h), (13 * _h, 17 * _h))
NIGHT: Final[tuple[Interval, ...]] = ((22 * _h, 30 * _h),)
WEEKS: Final = {
    "office": (*(DAY,) * 4, ((8 * _h, 12 * _h), (13 * _h, 16 * _h)), (), ()),
    "nights": (NIGHT,) * 7,
    "always": (((0, 24 * _h),),) * 7,
    "odd minutes": (((17 * 60, 61 * 60), (90 * 60, 151 * 60)), NIGHT, (), DAY, ((23 * _h, 24 * _h),), NIGHT, DAY),
}


def instant(text: str, zone: str = "UTC") -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * SECOND


def office(zone: str = "Europe/Berlin", **more: object) -> Calendar:
    values: dict[str, object] = {"name": "office", "zone": ZoneInfo(zone), "week": WEEKS["office"], **more}
    return Calendar(**values)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


class Counter:
    """The oracle: every minute of a window is read off the wall, and open minutes are counted."""

    def __init__(self, week: tuple[tuple[Interval, ...], ...], closed: frozenset[date], zone: str, middle: str) -> None:
        """Count forty days around a date."""
        begin = datetime.fromisoformat(middle).replace(tzinfo=UTC) - timedelta(days=20)
        self.begin = round(begin.timestamp()) * SECOND
        local = ZoneInfo(zone)
        walls = [(begin + timedelta(minutes=each)).astimezone(local) for each in range(40 * 1440)]
        self.open = [self._is_open(wall.replace(tzinfo=None), week, closed) for wall in walls]
        self.sums = list(accumulate(self.open, initial=0))

    @staticmethod
    def _is_open(wall: datetime, week: tuple[tuple[Interval, ...], ...], closed: frozenset[date]) -> bool:
        for back in (0, 1):
            day = wall.date() - timedelta(days=back)
            second = wall.hour * HOUR + wall.minute * 60 + back * 24 * HOUR
            if day not in closed and any(start <= second < stop for start, stop in week[day.weekday()]):
                return True
        return False

    def gone(self, at: int) -> int:
        """Return the open time from the beginning of the window."""
        minute, rest = divmod(at - self.begin, MINUTE)
        return self.sums[minute] * MINUTE + self.open[minute] * rest

    def reached(self, at: int, amount: int) -> int | None:
        """Return when so much was counted, None when the window ends before; minute after minute."""
        minute, rest = divmod(at - self.begin, MINUTE)
        while minute < len(self.open):
            if self.open[minute]:
                if MINUTE - rest >= amount:
                    return self.begin + minute * MINUTE + rest + amount
                amount -= MINUTE - rest
            minute, rest = minute + 1, 0
        return None


@pytest.mark.parametrize("zone", ODD)
def test_it_agrees_with_a_counter_of_minutes(zone: str) -> None:
    random = Random(zone)
    middle = date.fromisoformat(ODD[zone][0])
    each = -(-CASES // (len(ODD) * len(WEEKS)))
    checked = 0
    for week in WEEKS.values():
        closed = frozenset(middle + timedelta(days=random.randrange(-15, 15)) for _ in range(3))
        counter = Counter(week, closed, zone, str(middle))
        calendar = Calendar(name="c", zone=ZoneInfo(zone), week=week, closed=closed)
        for _ in range(each):
            at = counter.begin + random.randrange(30 * 1440 * MINUTE)
            later = at + random.randrange(9 * 1440 * MINUTE)
            amount = random.randrange(1, random.choice((60, 600, 2400)) * MINUTE)
            reached = counter.reached(at, amount)
            assert calendar.between(at, later) == counter.gone(later) - counter.gone(at), (at, later)
            assert calendar.is_open(at) == counter.open[(at - counter.begin) // MINUTE]
            if reached is not None:
                assert calendar.add(at, amount) == reached, (at, amount)
                checked += 1
            opens = counter.reached(at, 1)
            assert opens is None or calendar.next_open(at) == opens - 1
            close = calendar.next_close(at, later)
            assert close == later or not calendar.is_open(close)
            assert calendar.between(at, close) == close - at
    assert checked > each


# --- what people expect ----------------------------------------------------------------------------------------------
def test_a_deadline_is_the_end_of_the_time_that_was_used() -> None:
    assert office().add(instant("2026-11-24T16:00", "Europe/Berlin"), 60 * MINUTE) == instant(
        "2026-11-24T17:00", "Europe/Berlin"
    )


def test_what_is_left_on_friday_goes_on_on_monday() -> None:
    at = instant("2026-11-27T15:50", "Europe/Berlin")
    assert office().add(at, 15 * MINUTE) == instant("2026-11-30T08:05", "Europe/Berlin")
    assert office().next_close(at, at + 1440 * MINUTE) == instant("2026-11-27T16:00", "Europe/Berlin")
    assert office().next_open(instant("2026-11-28T12:00")) == instant("2026-11-30T08:00", "Europe/Berlin")


def test_an_hour_that_the_clocks_repeat_counts_twice_and_one_that_they_skip_not_at_all() -> None:
    nights = Calendar(name="n", zone=ZoneInfo("Europe/Berlin"), week=WEEKS["nights"])
    assert nights.between(instant("2026-10-24T12:00"), instant("2026-10-25T12:00")) == 9 * 60 * MINUTE
    assert nights.between(instant("2027-03-27T12:00"), instant("2027-03-28T12:00")) == 7 * 60 * MINUTE


def test_holidays_of_a_country_and_exceptions() -> None:
    zone = "Europe/Berlin"
    plain = office(country="DE")
    bavarian = office(
        country="DE",
        subdivision="BY",
        closed=frozenset({date(2026, 12, 24)}),
        exceptions={date(2026, 12, 25): ((10 * HOUR, 11 * HOUR),)},
    )
    epiphany = instant("2026-01-06T09:00", zone)
    assert plain.is_open(epiphany)
    assert not bavarian.is_open(epiphany)
    assert not plain.is_open(instant("2026-12-25T10:30", zone))
    assert bavarian.is_open(instant("2026-12-25T10:30", zone))
    assert not bavarian.is_open(instant("2026-12-24T10:30", zone))


def test_it_goes_on_over_the_end_of_a_year() -> None:
    nights = Calendar(name="n", zone=ZoneInfo("Asia/Kathmandu"), week=WEEKS["nights"])
    always = Calendar(name="a", zone=ZoneInfo("Asia/Kathmandu"), week=WEEKS["always"])
    eve = instant("2026-12-31T23:00", "Asia/Kathmandu")
    assert nights.add(eve, 8 * 60 * MINUTE) == instant("2027-01-01T23:00", "Asia/Kathmandu")
    assert always.add(eve, 800 * 1440 * MINUTE) == eve + 800 * 1440 * MINUTE
    assert always.next_close(eve, eve + 5 * MINUTE) == eve + 5 * MINUTE


def test_what_never_comes_is_due_at_the_horizon() -> None:
    never = office(week=((),) * 7)
    horizon = instant(f"{HORIZON}-01-01T00:00")
    assert never.add(instant("2026-01-01T00:00"), 1) == horizon
    assert never.next_open(instant("2026-01-01T00:00")) == horizon
    assert not never.opens_in(2026)


def test_backwards_is_negative_and_no_time_needs_none() -> None:
    a, b = instant("2026-11-24T09:00"), instant("2026-11-24T10:00")
    assert office().between(b, a) == -60 * MINUTE
    assert office().add(a, 0) == a
