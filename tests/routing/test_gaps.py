"""PO-3: for every minute of every ladder it is told whether somebody hears of a case, as if each minute had been tried."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.gaps import Watch, watches
from routing.policy import Ladder, Policy
from routing.resolving import place
from tests.routing.values import CATCH_ALL, LADDER, MINUTE, policy

DAY: Final = 24 * 60 * MINUTE
CALENDARS: Final = """
[calendar.office]
tz = "Europe/Berlin"
mon = ["08:00-12:00", "13:00-17:00"]
tue = ["08:00-12:00", "13:00-17:00"]
wed = ["08:00-12:00", "13:00-17:00"]
thu = ["08:00-12:00", "13:00-17:00"]
fri = ["08:00-12:00"]
country = "DE"
[calendar.nights]
tz = "America/New_York"
mon = ["22:00-06:00"]
tue = ["22:00-06:00"]
sat = ["00:00-24:00"]
sun = ["00:00-24:00"]
[calendar.whole]
tz = "Asia/Kolkata"
mon = ["00:00-24:00"]
tue = ["00:00-24:00"]
wed = ["00:00-24:00"]
thu = ["00:00-24:00"]
fri = ["00:00-24:00"]
sat = ["00:00-24:00"]
sun = ["00:00-24:00"]
"""


def ladder(*steps: str) -> Ladder:
    text = '[ladder.up]\nfinal = { target = "queue:desk/End", notify = ["chat:#end"] }\n' + "".join(
        f'[[ladder.up.step]]\ntarget = "queue:desk/x"\nnotify = ["chat:#x"]\nack_within = "15m"\n{step}\n'
        for step in steps
    )
    return policy(CATCH_ALL + CALENDARS + text).ladders["up"]


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()) * 1_000_000


def looked_at(of: Ladder, start: int, days: int) -> list[Watch]:
    return list(watches({of.id: of}, start, start + days * DAY))


STEPS: Final[tuple[str, ...]] = (
    "",
    'calendar = "office"',
    'calendar = "nights"',
    'calendar = "whole"',
    'calendar = "office"\noutside_hours = "continue"',
    'calendar = "office"\noutside_hours = "redirect:final"',
)


@st.composite
def ladders(draw: st.DrawFn) -> Ladder:
    """Return ladders whose steps know hours, and stand in for each other."""
    steps: list[str] = draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=3))
    for number in range(1, len(steps)):
        if draw(st.booleans()):
            steps[number - 1] = (
                f'calendar = "{draw(st.sampled_from(("office", "nights")))}"\noutside_hours = "redirect:{number + 1}"'
            )
    return ladder(*steps)


@settings(max_examples=15, deadline=None)
@given(ladders(), st.sampled_from(("2026-10-23T16:20", "2026-12-23T00:00", "2027-03-26T23:59")))
def test_every_minute_is_answered_for(of: Ladder, start: str) -> None:
    begin = at(start)
    for watch in looked_at(of, begin, 7):
        waits = dict[int, int]()
        for minute in range(7 * 24 * 60):
            instant = begin + minute * MINUTE
            calendar = of.stage(place(of, watch.step, instant)).calendar
            if calendar is not None and not calendar.is_open(instant):
                waits[minute] = calendar.next_open(instant)
        told = {
            minute: gap.heard
            for gap in watch.gaps
            for minute in range(-(-(gap.start - begin) // MINUTE), -(-(gap.end - begin) // MINUTE))
        }
        assert told == waits
        assert watch.share == pytest.approx(1 - len(waits) / (7 * 24 * 60), abs=0.001)
        assert all(before.end <= after.start for before, after in zip(watch.gaps, watch.gaps[1:], strict=False))


def test_a_step_that_pauses_leaves_nights_and_the_weekend() -> None:
    first, end = looked_at(ladder('calendar = "office"'), at("2026-11-27T09:00"), 4)
    assert [(gap.start, gap.end, gap.heard) for gap in first.gaps] == [
        (at("2026-11-27T12:00"), at("2026-11-30T08:00"), at("2026-11-30T08:00")),
        (at("2026-11-30T12:00"), at("2026-11-30T13:00"), at("2026-11-30T13:00")),
        (at("2026-11-30T17:00"), at("2026-12-01T08:00"), at("2026-12-01T08:00")),
    ]
    assert (end.name, end.gaps, end.share) == ("final", (), 1)


PEOPLE: Final = """
[agent.bob]
ids = { desk = "7" }
manager = "carla"
[agent.carla]
ids = { desk = "8" }
calendar = "office"
[agent.anna]
ids = { desk = "10" }
calendar = "nights"
skills = { billing = 1 }
[agent.ben]
ids = { desk = "11" }
[skill.billing]
[team.day]
members = ["carla"]
[team.round]
members = ["carla", "anna"]
calendar = "week"
[team.backed]
members = ["carla"]
fallback = "night"
[team.night]
members = ["anna"]
[team.always]
members = ["ben"]
[calendar.week]
tz = "Europe/Berlin"
mon = ["00:00-24:00"]
wed = ["00:00-24:00"]
thu = ["06:00-24:00"]
fri = ["00:00-20:00"]
"""
#: Who a target asks, and those of them who work: names of a team's calendar and of its members' ones.
TARGETS: Final[dict[str, tuple[tuple[str, tuple[str, ...]], ...]]] = {
    "team:day": (("", ("office",)),),
    "team:round": (("week", ("office", "nights")),),
    "team:backed": (("", ("office",)), ("", ("nights",))),
    "agent:anna": (("", ("nights",)),),
    "manager_of:actor": (("", ("office",)),),
}


def asking(*targets: str, calendar: str = "") -> Policy:
    steps = "".join(f'[[ladder.up.step]]\ntarget = "{target}"\nack_within = "15m"\n{calendar}\n' for target in targets)
    return policy(CATCH_ALL + CALENDARS + PEOPLE + f'[ladder.up]\nfinal = {{ target = "queue:desk/End" }}\n{steps}')


@pytest.mark.parametrize("first", TARGETS)
@pytest.mark.parametrize("calendar", ["", 'calendar = "office"'])
def test_for_every_minute_a_step_that_asks_people_passes_on_what_none_of_them_takes(first: str, calendar: str) -> None:
    """By another way than the one that looks at edges: in each quarter of an hour, who of them works."""
    of = asking(first, calendar=calendar)
    watch, _ = watches(of.ladders, at("2026-11-23T00:00"), at("2026-11-30T00:00"), of.people)
    hours = of.calendars
    gaps = [(gap.start, gap.end) for gap in watch.gaps]

    def works(instant: int) -> bool:
        return any(
            (not team or hours[team].is_open(instant)) and any(hours[name].is_open(instant) for name in members)
            for team, members in TARGETS[first]
        )

    for quarter in range(7 * 24 * 4):
        now = at("2026-11-23T00:00") + quarter * 15 * MINUTE
        within = not calendar or hours["office"].is_open(now)
        # Outside of the step's hours it waits for them, when somebody works then; else the end has it at once.
        waits = not within and works(hours["office"].next_open(now))
        assert any(start <= now < end for start, end in gaps) is waits, quarter / 4


def test_where_the_next_step_has_hours_of_its_own_the_minutes_that_nobody_takes_are_gaps() -> None:
    of = asking("team:day", "team:always", calendar='calendar = "office"').ladders["up"]
    people = asking("team:day").people
    alone = asking("team:day").ladders
    assert not watches(alone, at("2026-11-27T09:00"), at("2026-12-01T00:00"), people)[0].gaps, "the end takes it"
    first = watches({"up": of}, at("2026-11-27T09:00"), at("2026-12-01T00:00"), people)[0]
    assert [(gap.start, gap.heard) for gap in first.gaps][:1] == [(at("2026-11-27T12:00"), at("2026-11-30T08:00"))]


def test_a_case_waits_until_fewer_skills_are_wanted_or_it_is_passed_on() -> None:
    """PO-3."""
    wants = 'skills = [{ name = "billing" }]\n'
    start, end = at("2026-11-25T10:00"), at("2026-11-25T11:00")
    relaxing = asking("team:always", calendar=wants + 'relax_after = [{ after = "10m", drop = true }]')
    (gap,) = watches(relaxing.ladders, start, end, relaxing.people)[0].gaps
    assert gap.wait == 10 * MINUTE
    never = asking("team:always", calendar=wants)
    assert watches(never.ladders, start, end, never.people)[0].gaps == (), "it is passed over, and the end takes it"


@pytest.mark.parametrize("step", ['outside_hours = "continue"', 'outside_hours = "redirect:final"', 'hours = "ignore"'])
def test_a_declared_fallback_leaves_no_gap(step: str) -> None:
    assert not any(
        watch.gaps for watch in looked_at(ladder(f'calendar = "office"\n{step}'), at("2026-11-27T09:00"), 28)
    )


def test_a_step_that_stands_in_and_is_closed_itself_leaves_a_gap() -> None:
    steps = ('calendar = "office"\noutside_hours = "redirect:2"', 'calendar = "nights"')
    first, second, _ = looked_at(ladder(*steps), at("2026-11-25T00:00"), 1)
    assert {gap.at for gap in (*first.gaps, *second.gaps)} == {1}
    assert 0 < first.share < 1


def test_what_is_cut_at_the_end_says_when_it_is_heard_all_the_same() -> None:
    (gap,) = looked_at(ladder('calendar = "office"'), at("2026-11-28T00:00"), 1)[0].gaps
    assert (gap.end, gap.heard) == (at("2026-11-29T00:00"), at("2026-11-30T08:00"))
    assert gap.wait == at("2026-11-30T08:00") - at("2026-11-28T00:00")


def test_a_ladder_without_hours_leaves_no_gap() -> None:
    of = policy(CATCH_ALL + LADDER).ladders
    assert [(watch.name, watch.gaps, watch.share) for watch in watches(of, 0, DAY)] == [("1", (), 1), ("final", (), 1)]


# --- without a notice ------------------------------------------------------------------------------------------------
OFFICE: Final = (at("2026-11-27T00:00"), at("2026-11-28T00:00"))


def test_a_step_that_sends_no_notice_is_heard_of_by_nobody_and_leaves_no_gap() -> None:
    of = policy(CATCH_ALL + LADDER.replace('notify = ["chat:#second"]', "")).ladders
    first, end = watches(of, *OFFICE)
    assert (first.share, first.quiet, first.stands, first.gaps, first.unheard) == (0, 1, (0,), (), ())
    assert (end.share, end.quiet, end.stands) == (1, 0, ())


def test_where_another_step_stands_in_that_sends_no_notice_it_is_that_one_where_cases_stand() -> None:
    steps = ('calendar = "office"\noutside_hours = "redirect:2"', 'hours = "ignore"')
    of = ladder(*steps)
    quiet = Ladder(id="up", steps=(of.steps[0], replace(of.steps[1], notify=())), final=of.final)
    first, second, _ = looked_at(quiet, OFFICE[0], 1)
    # On a Friday the office is open for four hours.
    assert first.share == pytest.approx(4 / 24)
    assert first.quiet == pytest.approx(20 / 24)
    assert first.stands == (1,)
    assert (second.share, second.quiet, second.stands, second.gaps) == (0, 1, (1,), ())


TOLD: Final = 'notify = ["chat:@them"]\n'


@pytest.mark.parametrize(
    ("team", "told", "quiet", "unheard"),
    [
        ("", "", 1, ("ann", "ben")),
        ("", "ann", 1, ("ben",)),
        ("", "ann ben", 0, ()),
        # All are asked at once: one who hears is enough.
        ('strategy = "all"', "ann", 0, ()),
        ('strategy = "all"', "", 1, ("ann", "ben")),
    ],
)
def test_who_may_be_given_a_case_and_is_told_nowhere_is_named(
    team: str, told: str, quiet: float, unheard: tuple[str, ...]
) -> None:
    agents = "".join(
        f'[agent.{name}]\nids = {{ desk = "{name}" }}\n{TOLD if name in told else ""}' for name in ("ann", "ben")
    )
    ends = '[ladder.up]\nfinal = { target = "queue:desk/End", notify = ["chat:#end"] }\n'
    text = f'{agents}[team.two]\nmembers = ["ann", "ben"]\n{team}\n{ends}'
    step = '[[ladder.up.step]]\ntarget = "team:two"\nack_within = "15m"\n'
    of = policy(CATCH_ALL + text + step)
    first, _ = watches(of.ladders, *OFFICE, of.people)
    assert (first.quiet, first.unheard, first.gaps) == (quiet, unheard, ())
    notified = policy(CATCH_ALL + text + step + 'notify = ["chat:#team"]\n')
    assert watches(notified.ladders, *OFFICE, notified.people)[0].quiet == 0


def test_who_has_no_notice_is_named_only_while_they_work() -> None:
    of = asking("team:backed")
    first, _ = watches(of.ladders, at("2026-11-27T08:00"), at("2026-11-27T12:00"), of.people)
    assert (first.quiet, first.unheard) == (1, ("carla",))
    first, _ = watches(of.ladders, at("2026-11-28T08:00"), at("2026-11-28T23:00"), of.people)
    assert first.unheard == ("anna",)
