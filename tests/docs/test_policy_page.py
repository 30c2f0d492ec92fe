"""What the page about `escalation.toml` shows can be written as it stands there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from gateway.model import Channel, Mode, SlaMetric
from gateway.toml import Problems
from routing import expression
from routing.expression import Compare, Node, Not
from routing.fields import FIELDS, Kind
from routing.load import load_policy
from routing.load_ics import read_ics
from routing.policy import ConnectionFacts, Policy
from routing.resolving import place
from tests.docs.tables import DOCS

PAGE: Final = (DOCS / "reference" / "escalation-toml.md").read_text()
SHIPPED: Final = (DOCS.parent / "escalation.toml").read_text()
FACTS: Final = {
    "support-slack": ConnectionFacts(
        name="support-slack", channel=Channel.CHAT, mode=Mode.LIVE, roles=frozenset({"reply", "notify"})
    ),
    "zendesk": ConnectionFacts(
        name="zendesk", channel=Channel.HELPDESK, mode=Mode.LIVE, roles=frozenset({"handoff", "profile"})
    ),
}
ROWS: Final[list[str]] = re.findall(r"^\| (`.+`) \| [^|]+ \| `[^`]+` \|$", PAGE, re.MULTILINE)
EXAMPLES: Final[list[str]] = re.findall(r"^\| `.+` \| [^|]+ \| `([^`]+)` \|$", PAGE, re.MULTILINE)
LISTED: Final = {word for row in ROWS for word in re.findall(r"`([^`]+)`", row)}


def read(text: str) -> Node:
    return expression.parse(text, nearest=lambda _word, _known: None, sets={})


def words(node: Node) -> Iterator[str]:
    """Return the operators of a condition."""
    if isinstance(node, Compare):
        yield node.operator
    elif isinstance(node, Not):
        yield "not"
        yield from words(node.inner)
    else:
        yield node.word
        for part in node.parts:
            yield from words(part)


@pytest.mark.parametrize(("row", "example"), list(zip(ROWS, EXAMPLES, strict=True)), ids=ROWS)
def test_the_example_of_an_operator_is_read_and_shows_it(row: str, example: str) -> None:
    shown = set(re.findall(r"`([^`]+)`", row)) - {"="}
    assert shown <= set(words(read(example)))


def test_each_operator_is_listed_and_no_other() -> None:
    compared = re.search(r"compares nothing: use (.+?) \"?`{0,2}$", PAGE, re.MULTILINE)
    assert compared is not None
    told = set(re.split(r", | or ", compared[1].strip()))
    assert {"=", "and", "or", "not", *told} == LISTED
    assert read("channel = 'chat'") == read("channel == 'chat'")


def test_what_is_said_of_missing_fields_and_of_units_is_so() -> None:
    assert all(expression.parse_duration(f"1{unit}") for unit in re.findall(r"`([a-z])` [a-z]+", PAGE))
    assert set(re.findall(r"`([a-z])` (?:seconds|minutes|hours|days)", PAGE)) == set("smhd")
    assert expression.parse_duration("1d") == 24 * 60 * 60 * 1_000_000
    assert FIELDS["case.priority"].kind is Kind.WORD


#: Two hours of training, and the days after Christmas.
HOLIDAYS: Final = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//company//holidays//EN
BEGIN:VEVENT
UID:1
DTSTAMP:20261101T000000Z
SUMMARY:Training
DTSTART;TZID=Europe/Berlin:20261130T100000
DURATION:PT2H
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTAMP:20261101T000000Z
SUMMARY:Closed between the years
DTSTART;VALUE=DATE:20261227
DTEND;VALUE=DATE:20261231
RRULE:FREQ=YEARLY
END:VEVENT
END:VCALENDAR
"""


def pieces(page: str) -> list[Policy]:
    """Return every block of TOML of a page, read as a policy that does nothing else."""
    rest = '\n[[rule]]\nid = "rest"\ncatch_all = true\ndo = "none"\n'
    blocks: list[str] = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert all(tomllib.loads(block) for block in blocks)
    beside = {"holidays.ics": HOLIDAYS}
    return [load_policy(block + rest, "escalation.toml", FACTS, beside=beside.__getitem__) for block in blocks]


def test_every_block_of_toml_is_a_piece_of_a_policy() -> None:
    assert pieces(PAGE)


def test_what_the_page_about_working_hours_says_of_its_examples_is_so() -> None:
    managers, bavarian, company = pieces((DOCS / "how-to" / "working-hours.md").read_text())

    def at(text: str) -> int:
        return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()) * 1_000_000

    hour = 3_600_000_000
    office, ladder = managers.calendars["office"], managers.ladders["managers"]
    assert place(ladder, 0, at("2026-11-24T10:00")) == 0, "a Tuesday"
    assert place(ladder, 0, at("2026-11-28T10:00")) == 1, "a Saturday"
    assert office.next_close(at("2026-11-24T16:50"), at("2026-11-24T17:05")) == at("2026-11-24T17:00")
    assert office.add(at("2026-11-27T16:30"), hour) == at("2026-11-30T08:30"), "from Friday to Monday"
    days = bavarian.calendars["office"]
    assert not days.is_open(at("2026-12-24T09:00"))
    assert days.is_open(at("2026-12-31T09:00"))
    assert not days.is_open(at("2026-12-31T13:00"))
    assert days.is_open(at("2027-01-06T09:00")), "Epiphany, a holiday in Bavaria, is an exception here"
    off = company.calendars["office"]
    assert [off.is_open(at(f"2026-11-30T{clock}")) for clock in ("09:59", "10:00", "11:59", "12:00")] == [1, 0, 0, 1]
    assert not off.is_open(at("2026-12-28T10:00"))
    assert not off.is_open(at("2027-12-27T10:00")), "every year"
    with pytest.raises(Problems, match="^" + re.escape("holidays.ics:8:1: this event has no end: write DTEND or")):
        read_ics(HOLIDAYS.replace("DURATION:PT2H\n", ""), "holidays.ics", "holidays.ics")


def test_what_the_page_about_slas_says_of_its_examples_is_so() -> None:
    page = (DOCS / "how-to" / "sla.md").read_text()
    blocks: list[str] = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    rest = '\n[[rule]]\nid = "rest"\ncatch_all = true\ndo = "none"\n'
    policy = load_policy(blocks[2] + rest + blocks[0], "escalation.toml", FACTS)
    urgent, standard = policy.slas
    assert urgent.calendar is None
    assert standard.calendar is not None
    friday, monday = (
        round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()) * 1_000_000
        for text in ("2026-11-27T15:00", "2026-11-30T10:00")
    )
    assert standard.calendar.add(friday, standard.targets[SlaMetric.FIRST]) == monday
    assert {policy.rules[index].id for index in policy.clock_rules} == {"no-answer-in-time", "soon-over"}
    vip, others = load_policy(blocks[1] + rest, "escalation.toml", FACTS).slas
    assert (vip.targets, others.targets) == ({SlaMetric.FIRST: 3_600_000_000}, {SlaMetric.FIRST: 14_400_000_000})
    assert [condition.fields for condition in vip.all] == [frozenset({"customer.vip"})]


def test_the_mistake_that_is_shown_is_told_like_that() -> None:
    shown = re.search(r"^(escalation\.toml:\d+:\d+: '(\w+)' .+ mean '(\w+)'\?)$", PAGE, re.MULTILINE)
    assert shown is not None
    wrong = SHIPPED.replace(f"contains '{shown[3]}'", f"contains '{shown[2]}'", 1)
    with pytest.raises(Problems) as caught:
        load_policy(wrong, "escalation.toml", FACTS)
    assert str(caught.value) == shown[1]
