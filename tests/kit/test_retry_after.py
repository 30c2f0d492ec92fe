"""A Retry-After is read in one place: seconds, and nothing else is believed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from gateway.sdk import retry_after

CONNECTORS = Path(__file__).parents[2] / "connectors"


@given(
    st.integers(0, 9_999_999),
    st.sampled_from(("Retry-After", "retry-after", "RETRY-AFTER")),
    st.sampled_from(("", " ")),
)
def test_seconds_are_read_whatever_the_case_of_the_name(seconds: int, name: str, blank: str) -> None:
    assert retry_after({"Date": "x", name: f"{blank}{seconds}{blank}"}) == seconds
    assert retry_after(CIMultiDict({name: str(seconds)})) == seconds


@given(st.text(max_size=40))
def test_nothing_else_is_believed(value: str) -> None:
    found = retry_after({"Retry-After": value})
    assert found is None or (value.strip().isascii() and float(value) == found and found < 10_000_000)


@pytest.mark.parametrize("value", ["Wed, 21 Oct 2026 07:28:00 GMT", "", "-1", "1.5", "\u0663", "9" * 400, "soon"])
def test_dates_and_nonsense_are_none(value: str) -> None:
    assert retry_after({"Retry-After": value}) is None
    assert retry_after({}) is None


def test_no_connector_reads_it_itself() -> None:
    sources = [each for each in CONNECTORS.rglob("*.py") if not each.name.startswith("sandbox")]
    assert len(sources) > 50
    quoted = re.compile(r"[\"']retry-after[\"']", re.IGNORECASE)
    assert [each.name for each in sources if quoted.search(each.read_text(encoding="utf-8"))] == []
