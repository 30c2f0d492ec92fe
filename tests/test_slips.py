"""What somebody most likely meant: always something that can be read, and the same as what was written where that could be."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.slips import duration_meant, interval_meant, no_duration, number_meant
from routing.expression import parse_duration
from routing.load_calendar import interval_of

UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        *(("1h30m", "90m"), ("90 min", "90m"), ("-5m", "5m"), ("1 hour, 30 minutes", "90m"), ("1,5h", "90m")),
        *((".5h", "30m"), ("15M", "15m"), ("1w", "7d"), ("PT1H30M", "90m"), ("P1DT12H", "36h"), ("2 Stunden", "2h")),
        *(
            ("soon", None),
            ("500ms", None),
            ("", None),
            ("5", None),
            ("0m", None),
            ("1h30", None),
            (90, None),
            ("P", None),
        ),
    ],
)
def test_durations(written: object, meant: str | None) -> None:
    assert duration_meant(written) == meant


@given(st.lists(st.tuples(st.integers(0, 99), st.sampled_from(sorted(UNITS))), min_size=1, max_size=4))
def test_a_duration_of_several_parts_is_their_sum(parts: list[tuple[int, str]]) -> None:
    total = sum(count * UNITS[unit] for count, unit in parts)
    meant = duration_meant("".join(f"{count}{unit}" for count, unit in parts))
    if meant is None:
        assert not 0 < total <= 999_999
    else:
        assert parse_duration(meant) == total * 1_000_000


@given(st.text(alphabet="0123456789.,smhdw -+PT€k'inu", max_size=12))
def test_whatever_is_meant_can_be_read(text: str) -> None:
    duration, interval, number = duration_meant(text), interval_meant(text), number_meant(text)
    assert duration is None or parse_duration(duration)
    assert interval is None or interval_of(interval)
    assert number is None or float(number) is not None
    assert no_duration(text)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        *(("10k", "10000"), ("-.5", "-0.5"), ("1.000,50", "1000.50"), ("1,000.50", "1000.50"), ("1,500", "1500")),
        *(("1.500.000", "1500000"), ("1 500", "1500"), ("0,5", "0.5"), ("500 EUR", "500"), ("€500", "500")),
        *(("2M", "2000000"), ("10kB", "10000"), ("10KiB", "10240"), ("-1.000,5", "-1000.5")),
        *(("many", None), ("1,50,00", None), ("5%", None), ("1.000.00", None), ("1 2", None), ("", None), (5, None)),
    ],
)
def test_numbers(written: object, meant: str | None) -> None:
    assert number_meant(written) == meant


@given(st.integers(0, 10**9), st.integers(0, 99))
def test_an_amount_in_the_spelling_of_either_side_of_the_sea_is_the_same(whole: int, cents: int) -> None:
    here, there = f"{whole:,}.{cents:02}", f"{whole:,}".replace(",", ".") + f",{cents:02}"
    assert number_meant(here) == number_meant(there) == f"{whole}.{cents:02}"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        *(("9:00-17:00", "09:00-17:00"), ("9-17", "09:00-17:00"), ("22:00-24:30", "22:00-00:30")),
        *(("09:00 - 17:00", "09:00-17:00"), ("9am-5pm", "09:00-17:00"), ("12am-12pm", "00:00-12:00")),
        *(("9 Uhr bis 17 Uhr", "09:00-17:00"), ("09:00\u201317:00", "09:00-17:00"), ("22:00-24:00", "22:00-24:00")),
        *(("24:00-25:00", None), ("08:00-08:00", None), ("09:60-17:00", None), ("13pm-2pm", None), ("noon", None)),
    ],
)
def test_times_of_day(written: str, meant: str | None) -> None:
    assert interval_meant(written) == meant
