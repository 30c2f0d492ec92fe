"""iCalendar files (RFC 5545) → `Closures`. Strict: every mistake is told at once, each with its line in the file.

The library `icalendar` reads the values, `dateutil` the rules by which they repeat; which line says what is found here, since
neither tells.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from gateway.toml import Problem, Problems
from routing.calendar import HORIZON
from routing.closures import Closures, Event

if TYPE_CHECKING:
    from dateutil.rrule import rrule, rruleset

#: An event as the library gives it: a mapping of values that can be of any of its thirty types.
Component: TypeAlias = Any

#: Largest file, characters: a calendar of holidays has some thousand.
LARGEST: Final = 1_000_000
_DAY: Final = timedelta(days=1)
_PROPERTY: Final = re.compile(r"([A-Za-z0-9-]+)[;:]")
#: What may repeat an event. What comes more often than daily closes nothing that anybody could foresee.
_OFTEN: Final = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
_FIRST_YEAR: Final = 1900


def read_ics(text: str, file: str, name: str) -> Closures:
    """Read a file, which the policy calls by a name. Raises `Problems` with everything that is wrong."""
    reader = _Reader(text, file)
    events = reader.read()
    if reader.problems:
        raise Problems(reader.problems)
    return Closures(name=name, digest=hashlib.sha256(text.encode()).hexdigest(), events=events)


@dataclass(slots=True, kw_only=True)
class _Place:
    """Where an event stands in the file."""

    #: The line of its BEGIN.
    line: int
    #: The first line of each of its properties.
    properties: dict[str, int] = field(default_factory=dict[str, int])

    def of(self, *names: str) -> int:
        """Return the line of the first property that is there, of the event for none."""
        return next((self.properties[name] for name in names if name in self.properties), self.line)


class _MistakeError(Exception):
    """Something is wrong with an event; the sentence says what."""

    def __init__(self, sentence: str, *properties: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.properties = properties


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.text = text.removeprefix("\ufeff")
        self.file = file
        self.problems: list[Problem] = []

    def note(self, line: int, sentence: str) -> None:
        self.problems.append(Problem(file=self.file, line=line, column=1, sentence=sentence))

    # --- the file ----------------------------------------------------------------------------------------------------
    def read(self) -> tuple[Event, ...]:
        if len(self.text) > LARGEST:
            self.note(1, f"this file has {len(self.text):,} characters, and more than {LARGEST:,} are not read")
            return ()
        places = self._places()
        if self.problems:
            return ()
        from icalendar import Calendar

        try:
            calendars = Calendar.from_ical(self.text, multiple=True)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            self.note(1, f"this is no iCalendar file: {error}")
            return ()
        components = [each for calendar in calendars for each in calendar.walk("VEVENT")]
        moved = self._moved(components, places)
        return tuple(
            event
            for component, place in zip(components, places, strict=True)
            if (event := self._event(component, place, moved)) is not None
        )

    def _lines(self) -> Iterator[tuple[int, str]]:
        """Yield the content lines, unfolded, each with its number."""
        begun, said = 0, ""
        for number, line in enumerate(re.split(r"\r\n|\r|\n", self.text), 1):
            if line[:1] in {" ", "\t"} and begun:
                said += line[1:]
                continue
            if said:
                yield begun, said
            begun, said = number, line
        if said:
            yield begun, said

    def _places(self) -> list[_Place]:
        """Return where the events stand, once everything that begins is seen to end."""
        places: list[_Place] = []
        unended: list[tuple[str, int]] = []
        for number, line in self._lines():
            found = _PROPERTY.match(line)
            if found is None:
                self.note(number, f"this is no line of an iCalendar file: {line[:40]!r}")
                continue
            name, value = found[1].upper(), line[found.end() :].strip().upper()
            if not unended and (name, value) != ("BEGIN", "VCALENDAR"):
                self.note(number, f"{name} stands in no VCALENDAR: an iCalendar file begins with BEGIN:VCALENDAR")
            if name == "BEGIN":
                unended.append((value, number))
                places += [_Place(line=number)] if value == "VEVENT" else []
            elif name == "END":
                self._end(number, value, unended)
            elif unended and unended[-1][0] == "VEVENT":
                places[-1].properties.setdefault(name, number)
        for value, number in unended:
            self.note(number, f"this {value} is never ended: END:{value} is missing")
        if not self.text.strip():
            self.note(1, "this file is empty: an iCalendar file begins with BEGIN:VCALENDAR")
        return places

    def _end(self, number: int, value: str, unended: list[tuple[str, int]]) -> None:
        if unended and unended[-1][0] == value:
            unended.pop()
        elif unended:
            self.note(number, f"END:{value} ends nothing: {unended[-1][0]} of line {unended[-1][1]} is open")

    # --- an event ----------------------------------------------------------------------------------------------------
    def _moved(self, components: Sequence[Component], places: Sequence[_Place]) -> dict[str, list[datetime]]:
        """Return by event which of its recurrences another event of the file stands in for, or cancels."""
        moved: dict[str, list[datetime]] = {}
        for component, place in zip(components, places, strict=True):
            if "RECURRENCE-ID" not in component:
                continue
            try:
                if component["RECURRENCE-ID"].params.get("RANGE"):
                    _wrong("RANGE=THISANDFUTURE is not understood: write a second event", "RECURRENCE-ID")
                at = _naive(_time(component, "RECURRENCE-ID"), None)
            except _MistakeError as mistake:
                self.note(place.of(*mistake.properties), mistake.sentence)
            else:
                moved.setdefault(str(component.get("UID")), []).append(at)
        return moved

    def _event(self, component: Component, place: _Place, moved: dict[str, list[datetime]]) -> Event | None:
        for name, error in component.errors:
            self.note(place.of(name or ""), f"{name or 'a line of this event'} cannot be read: {error}")
        if component.errors or str(component.get("STATUS", "")).upper() == "CANCELLED":
            return None
        try:
            return _made(component, [] if "RECURRENCE-ID" in component else moved.get(str(component.get("UID")), []))
        except _MistakeError as mistake:
            self.note(place.of(*mistake.properties), mistake.sentence)
            return None


def _wrong(sentence: str, *properties: str) -> None:
    raise _MistakeError(sentence, *properties)


def _made(component: Component, moved: Sequence[datetime]) -> Event:
    """Return an event. Raises `_MistakeError`."""
    start = _time(component, "DTSTART")
    whole_days = not isinstance(start, datetime)
    zone = start.tzinfo if isinstance(start, datetime) else None
    length = _length(component, start)
    first = _naive(start, zone)
    return Event(
        start=first,
        length=length,
        whole_days=whole_days,
        zone=zone,
        rule=_rules(component, first, zone, moved, whole_days=whole_days),
    )


def _time(component: Component, name: str) -> date | datetime:
    """Return a date or an instant. Raises `_MistakeError`."""
    value = component.get(name)
    if value is None:
        raise _MistakeError(f"this event has no {name}: say when it is, {name};VALUE=DATE:20261224", name)
    if isinstance(value, list):
        raise _MistakeError(f"{name} stands twice in this event", name)
    at: Any = value.dt
    if not isinstance(at, date):
        raise _MistakeError(f"{name} is neither a date nor a time", name)
    if not _FIRST_YEAR <= at.year < HORIZON:
        raise _MistakeError(f"{name} is in the year {at.year}: write one from {_FIRST_YEAR} to {HORIZON - 1}", name)
    zone = value.params.get("TZID")
    if zone is not None and isinstance(at, datetime) and at.tzinfo is None:
        raise _MistakeError(f"there is no time zone {zone}: write its IANA name, as Europe/Berlin", name)
    return at


def _naive(at: date | datetime, zone: tzinfo | None) -> datetime:
    """Return an instant by the clock of a zone, or by its own one; a date at its midnight."""
    if not isinstance(at, datetime):
        return datetime.combine(at, time())
    return (at.astimezone(zone) if zone is not None and at.tzinfo is not None else at).replace(tzinfo=None)


def _length(component: Component, start: date | datetime) -> timedelta:
    whole_days = not isinstance(start, datetime)
    if component.get("DTEND") is not None:
        end = _time(component, "DTEND")
        if isinstance(end, datetime) is whole_days:
            raise _MistakeError("DTSTART and DTEND must both be dates, or both be times", "DTEND")
        if isinstance(end, datetime) and isinstance(start, datetime):
            if (end.tzinfo is None) is not (start.tzinfo is None):
                raise _MistakeError("DTSTART and DTEND must both have a time zone, or neither", "DTEND")
            length = end - start if end.tzinfo is None else end.astimezone(UTC) - start.astimezone(UTC)
        else:
            # Some programs write the same date twice for one day, though DTEND is the day after.
            length = timedelta(days=end.toordinal() - start.toordinal() or 1)
    elif component.get("DURATION") is not None:
        length = component["DURATION"].dt
        if whole_days and length % _DAY:
            raise _MistakeError("an event of whole days lasts whole days: write DURATION:P1D", "DURATION")
    elif whole_days:
        return _DAY
    else:
        raise _MistakeError("this event has no end: write DTEND or DURATION", "DTSTART")
    if length <= timedelta():
        raise _MistakeError("this event ends before it begins", "DTEND", "DURATION")
    return length


def _rules(
    component: Component, first: datetime, zone: tzinfo | None, moved: Sequence[datetime], *, whole_days: bool
) -> rruleset | None:
    """Return by what rule an event repeats; None when it happens once. Raises `_MistakeError`."""
    from dateutil.rrule import rruleset

    more = [_naive(each, zone) for each in _listed(component, "RDATE", whole_days=whole_days)]
    if component.get("RRULE") is None and not more and not moved:
        return None
    made = rruleset(cache=True)
    made.rdate(first)
    for each in more:
        made.rdate(each)
    if component.get("RRULE") is not None:
        made.rrule(_rule(component, first, zone))
    for each in (*moved, *(_naive(each, zone) for each in _listed(component, "EXDATE", whole_days=whole_days))):
        made.exdate(each)
    return made


def _listed(component: Component, name: str, *, whole_days: bool) -> Iterator[date | datetime]:
    given = component.get(name, [])
    for line in given if isinstance(given, list) else [given]:
        for each in line.dts:
            if not isinstance(each.dt, date) or isinstance(each.dt, datetime) is whole_days:
                raise _MistakeError(f"{name} must say the same as DTSTART: dates, or times", name)
            yield each.dt


def _rule(component: Component, first: datetime, zone: tzinfo | None) -> rrule:
    from dateutil.rrule import rrule, rrulestr

    given = component["RRULE"]
    if isinstance(given, list):
        raise _MistakeError("RRULE stands twice in this event: write a second event", "RRULE")
    if str(given.get("FREQ", [""])[0]).upper() not in _OFTEN:
        raise _MistakeError(f"FREQ must be one of {', '.join(sorted(_OFTEN))}", "RRULE")
    if int(given.get("INTERVAL", [1])[0]) < 1:
        raise _MistakeError("INTERVAL must be 1 or more", "RRULE")
    parts = {key: value for key, value in given.items() if key.upper() != "UNTIL"}
    text = type(given)(parts).to_ical().decode()
    try:
        rule = rrulestr(text, dtstart=first)
    except (ValueError, TypeError) as error:
        raise _MistakeError(f"RRULE cannot be read: {error}", "RRULE") from None
    assert isinstance(rule, rrule)  # noqa: S101 (rrulestr returns a set only when it is asked for one)
    until = next(iter(given.get("UNTIL", [])), None)
    last = datetime.combine(date(HORIZON, 1, 1), time()) if until is None else _naive(until, zone)
    if isinstance(until, date) and not isinstance(until, datetime):
        last += _DAY - timedelta(seconds=1)
    # COUNT and UNTIL exclude each other; a rule that ends by itself needs no other end.
    return rule if "COUNT" in given else rule.replace(until=last)
