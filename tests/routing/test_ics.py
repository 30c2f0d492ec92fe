"""What an iCalendar file closes, against a counter of minutes that asks of each minute which event lies over it (SG-7);
and what a person is told of a file that is wrong (PO-1)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.toml import Problem, Problems
from routing.beside import with_files
from routing.calendar import Calendar
from routing.load import load_policy
from routing.load_ics import LARGEST, read_ics
from tests.routing.test_calendar import MINUTE, ODD, WEEKS, Counter, instant
from tests.routing.values import CATCH_ALL, golden, policy

BAD: Final = Path(__file__).parent / "ics" / "bad"
BERLIN: Final = "Europe/Berlin"


def written(*events: str) -> str:
    """Return a file with events of these lines each."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//desk//holidays//EN"]
    for number, event in enumerate(events):
        own = event.split("\n")
        uid = [] if event.startswith("UID:") else [f"UID:{number}"]
        lines += ["BEGIN:VEVENT", *uid, *own, "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


def calendar(*events: str, zone: str = BERLIN, **more: object) -> Calendar:
    values: dict[str, object] = {
        "name": "c",
        "zone": ZoneInfo(zone),
        "week": WEEKS["always"],
        "closures": read_ics(written(*events), "h.ics", "h.ics"),
        **more,
    }
    return Calendar(**values)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def closed(of: Calendar, year: int, zone: str = BERLIN) -> list[str]:
    """Return the stretches of a year in which it is closed, by the clock on the wall."""
    found: list[str] = []
    at, end = instant(f"{year}-01-01T00:00", zone), instant(f"{year + 1}-01-01T00:00", zone)
    while (begin := of.next_close(at, end)) < end:
        at = min(of.next_open(begin), end)
        shown = [datetime.fromtimestamp(each / 1e6, ZoneInfo(zone)) for each in (begin, at)]
        found.append(f"{shown[0]:%m-%d %H:%M} to {shown[1]:%m-%d %H:%M}")
    return found


# --- against an oracle -----------------------------------------------------------------------------------------------
class Drawn:
    """Events by chance, as lines of a file and as what they close: sets of dates, and stretches of time."""

    def __init__(self, random: Random, zone: str, middle: date) -> None:
        self.events: list[str] = []
        self.dates: set[date] = set()
        self.stretches: list[tuple[int, int]] = []
        for _ in range(3):
            self._days(random, middle)
            self._time(random, random.choice((zone, "", "UTC", "Asia/Tokyo", "Europe/Berlin")), zone, middle)

    def _days(self, random: Random, middle: date) -> None:
        first, length, every = middle + timedelta(days=random.randrange(-30, 20)), random.randrange(1, 4), 0
        lines = [f"DTSTART;VALUE=DATE:{first:%Y%m%d}", f"DTEND;VALUE=DATE:{first + timedelta(days=length):%Y%m%d}"]
        if random.random() < 0.5:
            every = random.randrange(7, 20)
            lines.append(f"RRULE:FREQ=DAILY;INTERVAL={every}")
        self.events.append("\n".join(lines))
        for number in range(10 if every else 1):
            self.dates |= {first + timedelta(days=number * every + each) for each in range(length)}

    def _time(self, random: Random, own: str, zone: str, middle: date) -> None:
        day = datetime.combine(middle, datetime.min.time()) + timedelta(days=random.randrange(-28, 18))
        first = day + timedelta(minutes=random.randrange(1440))
        length = timedelta(minutes=random.randrange(1, 3000))
        said = {"": "", "UTC": ""}.get(own, f";TZID={own}")
        end = "Z" if own == "UTC" else ""
        lines = [f"DTSTART{said}:{first:%Y%m%dT%H%M%S}{end}", f"DURATION:PT{int(length.total_seconds()) // 60}M"]
        weeks = random.randrange(1, 8)
        if weeks > 1:
            lines.append(f"RRULE:FREQ=WEEKLY;COUNT={weeks}")
        self.events.append("\n".join(lines))
        for number in range(weeks):
            local = (first + timedelta(days=7 * number)).replace(tzinfo=ZoneInfo(own or zone))
            begin = round(local.astimezone(UTC).timestamp() * 1e6)
            self.stretches.append((begin, begin + int(length.total_seconds()) * 1_000_000))


def counted(drawn: Drawn, week_name: str, zone: str, middle: date) -> Counter:
    """Return the counter of a week with what the events close."""
    counter = Counter(WEEKS[week_name], frozenset(drawn.dates), zone, str(middle))
    for number in range(len(counter.open)):
        at = counter.begin + number * MINUTE
        if counter.open[number] and any(begin <= at < end for begin, end in drawn.stretches):
            counter.open[number] = False
    total = 0
    for number, each in enumerate(counter.open):
        total += each
        counter.sums[number + 1] = total
    return counter


@pytest.mark.parametrize("zone", ODD)
def test_it_agrees_with_a_counter_of_minutes(zone: str) -> None:
    random = Random(zone)
    middle = date.fromisoformat(ODD[zone][0])
    for week in WEEKS:
        drawn = Drawn(random, zone, middle)
        counter = counted(drawn, week, zone, middle)
        made = calendar(*drawn.events, zone=zone, week=WEEKS[week])
        for _ in range(40):
            at = counter.begin + random.randrange(30 * 1440 * MINUTE)
            later = at + random.randrange(9 * 1440 * MINUTE)
            amount = random.randrange(1, 2400 * MINUTE)
            assert made.between(at, later) == counter.gone(later) - counter.gone(at), (drawn.events, at, later)
            assert made.is_open(at) == counter.open[(at - counter.begin) // MINUTE]
            reached = counter.reached(at, amount)
            assert reached is None or made.add(at, amount) == reached, (drawn.events, at, amount)


# --- what people expect ----------------------------------------------------------------------------------------------
def test_a_whole_day_is_closed_by_the_clock_on_the_wall_every_year() -> None:
    made = calendar("DTSTART;VALUE=DATE:20251224\nDTEND;VALUE=DATE:20251227\nRRULE:FREQ=YEARLY")
    assert closed(made, 2024) == []
    assert closed(made, 2026) == ["12-24 00:00 to 12-27 00:00"]
    assert closed(made, 2031) == ["12-24 00:00 to 12-27 00:00"]


def test_days_over_the_end_of_a_year_close_both_years() -> None:
    made = calendar("DTSTART;VALUE=DATE:20261230\nDTEND;VALUE=DATE:20270103")
    assert closed(made, 2026) == ["12-30 00:00 to 01-01 00:00"]
    assert closed(made, 2027) == ["01-01 00:00 to 01-03 00:00"]


def test_a_time_closes_a_stretch_and_keeps_its_place_on_the_wall_over_the_clock_change() -> None:
    made = calendar(
        "DTSTART;TZID=Europe/Berlin:20260324T120000\nDTEND;TZID=Europe/Berlin:20260324T140000\nRRULE:FREQ=WEEKLY;COUNT=2"
    )
    assert closed(made, 2026) == ["03-24 12:00 to 03-24 14:00", "03-31 12:00 to 03-31 14:00"]
    assert closed(calendar("DTSTART:20260324T120000Z\nDURATION:PT1H"), 2026) == ["03-24 13:00 to 03-24 14:00"]
    assert closed(calendar("DTSTART:20260324T120000\nDURATION:PT1H"), 2026) == ["03-24 12:00 to 03-24 13:00"]


def test_what_was_taken_out_moved_or_cancelled_counts_as_it_is_now() -> None:
    weekly = "UID:a\nDTSTART;VALUE=DATE:20261102\nRRULE:FREQ=WEEKLY;UNTIL=20261130\nEXDATE;VALUE=DATE:20261109"
    moved = "UID:a\nRECURRENCE-ID;VALUE=DATE:20261116\nDTSTART;VALUE=DATE:20261118"
    gone = "UID:a\nRECURRENCE-ID;VALUE=DATE:20261123\nDTSTART;VALUE=DATE:20261123\nSTATUS:CANCELLED"
    off = "DTSTART;VALUE=DATE:20261224\nSTATUS:CANCELLED"
    free = "DTSTART;VALUE=DATE:20261226\nTRANSP:TRANSPARENT\nRDATE;VALUE=DATE:20261228"
    days = ["11-02", "11-18", "11-30", "12-26", "12-28"]
    found = closed(calendar(weekly, moved, gone, off, free), 2026)
    assert [each.partition(" ")[0] for each in found] == days


def test_zones_of_other_programs_are_known() -> None:
    """Outlook names zones by words of its own."""
    made = calendar("DTSTART;TZID=W. Europe Standard Time:20260724T120000\nDURATION:PT1H")
    assert closed(made, 2026) == ["07-24 12:00 to 07-24 13:00"]


def test_an_exception_says_all_of_its_date() -> None:
    made = calendar(
        "DTSTART;VALUE=DATE:20261224",
        "DTSTART:20261231T090000\nDURATION:PT2H",
        exceptions={date(2026, 12, 24): ((0, 86_400),), date(2026, 12, 31): ((0, 86_400),)},
    )
    assert closed(made, 2026) == []


# --- in a policy -----------------------------------------------------------------------------------------------------
POLICY: Final = CATCH_ALL + '[calendar.office]\ntz = "Europe/Berlin"\nmon = ["09:00-17:00"]\nics = "days/off.ics"\n'
CHRISTMAS: Final = written("DTSTART;VALUE=DATE:20271227\nSUMMARY:“Feiertag”")


def beside(**files: str) -> Callable[[str], str]:
    def give(name: str) -> str:
        found = files.get(name.replace("/", "_").replace(".", "_"))
        if found is None:
            raise Problems([Problem(file=name, line=1, column=1, sentence="there is no such file")])
        return found

    return give


def test_a_policy_is_kept_with_the_files_that_it_names() -> None:
    """An episode keeps the policy that it began under, whatever its files say by then."""
    made = load_policy(POLICY, "escalation.toml", {}, beside=beside(days_off_ics=CHRISTMAS))
    monday = instant("2027-12-27T10:00", BERLIN)
    assert not made.calendars["office"].is_open(monday)
    again = load_policy(made.source, "policy 0123", {})
    assert (again.digest, again.source) == (made.digest, made.source)
    assert not again.calendars["office"].is_open(monday)


def test_another_file_is_another_policy() -> None:
    first = load_policy(POLICY, "f", {}, beside=beside(days_off_ics=CHRISTMAS))
    other = load_policy(first.source, "f", {}, beside=beside(days_off_ics=written("DTSTART;VALUE=DATE:20280103")))
    assert first.digest != other.digest
    assert other.source.count("# beside this policy") == 1
    assert other.calendars["office"].is_open(instant("2027-12-27T10:00", BERLIN))


def test_an_sla_is_another_when_its_holidays_are() -> None:
    sla = POLICY + '[[sla]]\nid = "all"\nfirst = "1h"\ncalendar = "office"\n'
    digests = {
        load_policy(sla, "f", {}, beside=beside(days_off_ics=written(f"DTSTART;VALUE=DATE:{day}"))).slas[0].digest
        for day in ("20271227", "20271228", "20271227")
    }
    assert len(digests) == 2


def test_a_policy_without_files_is_its_text() -> None:
    assert policy(CATCH_ALL).source == CATCH_ALL
    by_hand = CATCH_ALL + "\n# beside this policy: nothing\n"
    assert policy(by_hand).source == by_hand


@given(st.text(), st.dictionaries(st.text(min_size=1), st.text(), min_size=1))
def test_whatever_the_files_hold_they_come_back(text: str, files: dict[str, str]) -> None:
    from routing.beside import kept

    stored = with_files(text.replace("beside", ""), files)
    assert {name: kept(stored)(name) for name in files} == files
    assert with_files(stored, files) == stored


def test_what_is_wrong_in_the_file_is_told_with_its_line_beside_what_is_wrong_in_the_policy() -> None:
    wrong = written("DTSTART;VALUE=DATE:20261324")
    with pytest.raises(Problems) as caught:
        load_policy(POLICY + "sun = 5\n", "conf/escalation.toml", {}, beside=beside(days_off_ics=wrong))
    assert str(caught.value).splitlines() == [
        "conf/days/off.ics:6:1: DTSTART cannot be read: Wrong date format 20261324",
        "conf/escalation.toml:10:1: sun must be a list of texts in quotation marks",
    ]


def test_a_calendar_that_events_close_for_a_year_is_told() -> None:
    year = written("DTSTART;VALUE=DATE:20301231\nDTEND;VALUE=DATE:20320102")
    with pytest.raises(Problems, match="has a year in which it never opens"):
        load_policy(POLICY, "f", {}, beside=beside(days_off_ics=year))


# --- files that are wrong --------------------------------------------------------------------------------------------
def told(text: str, name: str) -> str:
    with pytest.raises(Problems) as caught:
        read_ics(text, name, name)
    return f"{caught.value}\n"


@pytest.mark.parametrize("name", sorted(path.stem for path in BAD.glob("*.ics")))
def test_every_mistake_is_told_at_once_with_its_line(name: str) -> None:
    text = (BAD / f"{name}.ics").read_text(encoding="utf-8")
    assert told(text, f"{name}.ics") == golden(BAD / f"{name}.txt", told(text, f"{name}.ics"))


def test_a_file_that_is_too_large_is_not_read() -> None:
    assert "are not read" in told("X" * (LARGEST + 1), "h.ics")


_LINES: Final = (
    *("BEGIN:VCALENDAR", "END:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "BEGIN:VTIMEZONE", "END:VTIMEZONE", "UID:a"),
    *(
        "DTSTART;VALUE=DATE:20261224",
        "DTSTART:20261224T120000Z",
        "DTSTART;TZID=Europe/Berlin:20261224T120000",
        "DTSTART:x",
    ),
    *("DTEND;VALUE=DATE:20261226", "DTEND:20261224T130000Z", "DURATION:P1D", "DURATION:PT1H", "DURATION:", "DTEND:"),
    *(
        "RRULE:FREQ=YEARLY",
        "RRULE:FREQ=WEEKLY;COUNT=3",
        "RRULE:FREQ=MONTHLY;UNTIL=20300101T000000Z",
        "RRULE:",
        "RRULE:X=1",
    ),
    *("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "RRULE:FREQ=YEARLY;INTERVAL=0", "RRULE:FREQ=YEARLY;BYSETPOS=400"),
    *("EXDATE;VALUE=DATE:20271224", "EXDATE:20261224T120000Z", "RDATE;VALUE=DATE:20261228,20261230", "EXDATE:"),
    *("RECURRENCE-ID;VALUE=DATE:20271224", "STATUS:CANCELLED", " folded", "\tfolded", "", "nonsense", ";:", 'A;B=":C'),
)


@given(st.lists(st.sampled_from(_LINES) | st.text(max_size=20), max_size=12))
def test_whatever_the_file_says_it_closes_something_or_is_told_with_a_place(lines: list[str]) -> None:
    for text in (
        "\n".join(lines),
        written("\n".join(lines)),
        written("DTSTART;VALUE=DATE:20261224\n" + "\n".join(lines)),
    ):
        try:
            found = read_ics(text, "f", "f")
        except Problems as caught:
            assert all(1 <= each.line <= text.count("\n") + text.count("\r") + 1 for each in caught.problems)
            continue
        made = Calendar(name="c", zone=ZoneInfo(BERLIN), week=WEEKS["office"], closures=found)
        assert made.opens_in(2027) in {True, False}


def test_the_stretches_come_in_order() -> None:
    """A cut that is begun before another may end after it."""
    made = calendar("DTSTART:20261102T090000\nDURATION:PT9H", "DTSTART:20261102T100000\nDURATION:PT1H")
    assert closed(made, 2026) == ["11-02 09:00 to 11-02 18:00"]
