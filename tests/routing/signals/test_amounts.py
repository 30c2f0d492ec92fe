"""Amounts in fields: every way of writing is read back, and what may mean two things is not read, with the reason (AS-7)."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.signals.amounts import read_amount, shown

#: Sign between thousands, and before the fraction.
WAYS: Final = (
    (",", "."),
    (".", ","),
    (" ", "."),
    (" ", ","),
    ("'", "."),
    ("\u2019", ","),
    ("\u00a0", ","),
    ("\u202f", ","),
)
AROUND: Final = (("", ""), ("€", ""), ("$ ", ""), ("", " EUR"), ("-", ""), ("CHF ", " -"), ("(", ")"), ("USD", ""))


def written(cents: int, digits: int, gap: str, point: str) -> str:
    """Return an amount of hundredths with so many digits of its fraction, its thousands parted."""
    whole, rest = divmod(cents, 100)
    parted = f"{whole:,}".replace(",", gap)
    return parted if not digits else f"{parted}{point}{rest:02d}"


@given(
    st.integers(0, 10**11),
    st.sampled_from((0, 2)),
    st.sampled_from(WAYS),
    st.sampled_from(AROUND),
)
def test_every_way_of_writing_is_read_back_unless_another_way_reads_it_differently(
    cents: int, digits: int, way: tuple[str, str], around: tuple[str, str]
) -> None:
    cents = cents if digits else cents // 100 * 100
    number = written(cents, digits, *way)
    found = read_amount(f"{around[0]}{number}{around[1]}")
    # One point or comma, and three digits behind it: the other way has a fraction there.
    doubtful = not digits and way[0] in ".," and number.count(way[0]) == 1
    if doubtful:
        assert found.value is None
        assert found.doubt == f"{number} may be {shown(cents / 100)} or {shown(float(number.replace(way[0], '.')))}"
    else:
        assert found.value == pytest.approx(cents / 100, rel=1e-12)
        assert found.doubt == ""
        assert found.written in {"", number}


@given(st.text(max_size=30) | st.text("0123456789.,' €k%-", max_size=14))
def test_whatever_is_written_is_read_or_doubted_and_never_both(text: str) -> None:
    found = read_amount(text)
    assert (found.value is None) == bool(found.doubt)
    if found.value is not None:
        assert found.value >= 0
        digits = int("".join(sign for sign in text if sign.isdecimal()))
        # Nothing is made up: the digits are those that were written, with a point somewhere among them.
        assert any(found.value == pytest.approx(digits / 10**places, rel=1e-9) for places in range(len(text) + 1))
        assert set(found.written) <= set("0123456789.,'\u2019\u00a0\u202f ")
    assert not any(sign.isalpha() for sign in found.written)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("900", 900),
        ("-900.00 EUR", 900),
        ("€1,234.50", 1234.5),
        ("$1,234,567", 1234567),
        ("1.234,50 EUR", 1234.5),
        ("1.234.567", 1234567),
        ("1 234,50", 1234.5),
        ("1'234.50", 1234.5),
        ("12,5", 12.5),
        ("0.125", 0.125),
        ("\u0661\u0662", 12),
    ],
)
def test_what_is_read(text: str, value: float) -> None:
    assert read_amount(text).value == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1,200", "1,200 may be 1200 or 1.2"),
        ("1.200 EUR", "1.200 may be 1200 or 1.2"),
        ("2k", "in thousands"),
        ("3 Mio", "in thousands"),
        ("TEUR 5", "in thousands"),
        ("5 k€", "in thousands"),
        ("20%", "in thousands, millions or per cent"),
        ("1 2", "written in no way"),
        ("12,34,567", "written in no way"),
        ("1.2.3", "written in no way"),
        ("900.", "written in no way"),
        ("900 and 3", "no single number"),
        ("much", "no single number"),
        ("", "no single number"),
    ],
)
def test_what_is_not_read_and_why(text: str, why: str) -> None:
    found = read_amount(text)
    assert found.value is None
    assert why in found.doubt


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (1e6, "1000000"), (1234567.5, "1234567.5"), (float("inf"), "inf")]
)
def test_an_amount_is_named_in_full(value: float, text: str) -> None:
    assert shown(value) == text
