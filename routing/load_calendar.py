"""`[calendar.NAME]` → `Calendar`: a zone, intervals of the week, holidays, events and exceptions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from gateway.slips import interval_meant
from gateway.toml import Problems, did_you_mean
from routing import schema
from routing.calendar import HORIZON, Calendar, Interval
from routing.closures import Closures
from routing.load_ics import read_ics
from routing.reader import Path, Reader

_INTERVAL: Final = re.compile(r"([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})")
_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR
_LAST_MINUTE: Final = 59
_FIRST_YEAR: Final = 2000
#: The years that are looked at for an open day: every weekday meets every date of the year in them.
_YEARS: Final = range(2026, 2054)


def read_calendar(reader: Reader, name: str, value: object) -> Calendar | None:
    """Read a calendar; None, with its mistakes noted, when it has any."""
    path = ("calendar", name)
    before = len(reader.problems)
    table = reader.table(path, value, f"calendar {name}")
    if len(reader.problems) > before:
        return None
    reader.keys(path, table, schema.CALENDAR, "a calendar")
    zone = _zone(reader, path, table)
    week = tuple(_day(reader, (*path, day), table.get(day, []), day) for day in schema.DAYS)
    country, subdivision = _country(reader, path, table)
    closed = _dates(reader, (*path, "holidays"), table.get("holidays", []))
    exceptions = _exceptions(reader, (*path, "exceptions"), table.get("exceptions", {}))
    closures = _closures(reader, path, table)
    if len(reader.problems) > before or zone is None:
        return None
    calendar = Calendar(
        name=name,
        zone=zone,
        week=week,
        closed=closed,
        exceptions=exceptions,
        country=country,
        subdivision=subdivision,
        closures=closures,
    )
    if not any(week) or not all(calendar.opens_in(year) for year in _years(closed, exceptions, closures)):
        reader.note(path, f'calendar {name} has a year in which it never opens: write intervals, mon = ["09:00-17:00"]')
        return None
    return calendar


def _years(closed: frozenset[date], exceptions: Mapping[date, object], closures: Closures | None) -> list[int]:
    """Return the years that may have no open day: those with dates of their own, and any one other."""
    own = {each.year for each in (*closed, *exceptions)} | (closures.years() if closures is not None else set())
    return sorted(own | {_YEARS[0], max(own, default=_YEARS[-1])})


def _zone(reader: Reader, path: Path, table: Mapping[str, Any]) -> ZoneInfo | None:
    name = reader.string(path, table, "tz")
    if "tz" not in table and reader.lacks(path, table, "tz"):
        reader.note(path, 'say in which time zone: tz = "Europe/Berlin"')
        return None
    known = available_timezones()
    if name in known:
        return ZoneInfo(name)
    if isinstance(table.get("tz"), str):
        hint = did_you_mean(name, sorted(known), "write its IANA name, as Europe/Berlin")
        reader.note((*path, "tz"), f"there is no time zone {name}: {hint}", value=True)
    return None


def _day(reader: Reader, path: Path, value: object, what: str) -> tuple[Interval, ...]:
    made: list[Interval] = []
    for number, text in enumerate(reader.strings(path, value, what)):
        interval = interval_of(text)
        if interval is None:
            meant = interval_meant(text) or "08:00-12:00, 22:00-06:00 or 00:00-24:00"
            sentence = f"{text!r} is no interval of a day: write {meant}"
            reader.note((*path, number), sentence, value=True)
        elif made and interval[0] < made[-1][1]:
            reader.note(
                (*path, number), f"{text} begins before the interval in front of it ends: write both as one", value=True
            )
        else:
            made.append(interval)
    return tuple(made)


def interval_of(text: str) -> Interval | None:
    """Return an interval in seconds after midnight; one that ends before it begins ends on the next day."""
    found = _INTERVAL.fullmatch(text)
    if found is None:
        return None
    hours = (int(found[1]), int(found[3]))
    minutes = (int(found[2]), int(found[4]))
    start, stop = (hour * _HOUR + minute * 60 for hour, minute in zip(hours, minutes, strict=True))
    if max(minutes) > _LAST_MINUTE or start >= _DAY or stop > _DAY or start == stop:
        return None
    return start, (stop if stop > start else stop + _DAY)


def _country(reader: Reader, path: Path, table: Mapping[str, Any]) -> tuple[str, str]:
    country, subdivision = (reader.string(path, table, key) for key in ("country", "subdivision"))
    if not country:
        if subdivision and reader.lacks(path, table, "country"):
            reader.note((*path, "subdivision"), 'a subdivision is part of a country: add country = "DE"')
        return "", ""
    import holidays

    known = holidays.list_supported_countries(include_aliases=False)
    if country not in known:
        hint = did_you_mean(country, sorted(known), "write its code of two letters, as DE")
        reader.note((*path, "country"), f"no holidays are known of {country!r}: {hint}", value=True)
    elif subdivision and subdivision not in known[country]:
        there = ", ".join(known[country]) or "none"
        reader.note((*path, "subdivision"), f"{country} has no part {subdivision!r}: there are {there}", value=True)
    return country, subdivision


def _closures(reader: Reader, path: Path, table: Mapping[str, Any]) -> Closures | None:
    """Read the iCalendar file that a calendar names. What is wrong in it is noted with its lines."""
    name = reader.string(path, table, "ics")
    if not name:
        if table.get("ics") == "":
            reader.note((*path, "ics"), 'name a file beside this one: ics = "holidays.ics"', value=True)
        return None
    way = PurePosixPath(name)
    if way.is_absolute() or ".." in way.parts or "\\" in name:
        reader.note((*path, "ics"), f"{name} does not stand beside this file: write ics = {way.name!r}", value=True)
        return None
    try:
        text = reader.beside(name)
    except Problems as missing:
        for problem in missing.problems:
            reader.note((*path, "ics"), f"the file {problem.file} cannot be read: {problem.sentence}", value=True)
        return None
    reader.files[name] = text
    try:
        return read_ics(text, str(PurePosixPath(reader.document.file).parent / way), name)
    except Problems as wrong:
        reader.problems += [each for each in wrong.problems if each not in reader.problems]
        return None


def _date(value: object) -> date | None:
    """Return a date of these centuries, written as TOML writes dates or in quotation marks."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value if _FIRST_YEAR <= value.year < HORIZON else None
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return None
    try:
        return _date(date.fromisoformat(value))
    except ValueError:
        return None


def _dates(reader: Reader, path: Path, value: object) -> frozenset[date]:
    items: list[object] = value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(value, list):
        reader.note(path, 'holidays must be a list of dates: ["2026-12-24"]', value=True)
    made: set[date] = set()
    for number, each in enumerate(items):
        day = _date(each)
        if day is None:
            reader.note((*path, number), f"{each!s} is no date: write 2026-12-24", value=True)
        else:
            made.add(day)
    return frozenset(made)


def _exceptions(reader: Reader, path: Path, value: object) -> dict[date, tuple[Interval, ...]]:
    made: dict[date, tuple[Interval, ...]] = {}
    for key, intervals in reader.table(path, value, "exceptions").items():
        day = _date(key)
        if day is None:
            reader.note((*path, key), f"{key} is no date: write 2026-12-24")
        else:
            made[day] = _day(reader, (*path, key), intervals, key)
    return made
