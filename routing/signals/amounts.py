"""Amounts of money as people and fields write them: read when they can mean one thing only, else not, with the reason.

Three ways of writing are tried: a comma between thousands and a point before the fraction, the other way round, and blanks or
apostrophes between thousands. What two of them read differently is nobody's amount: ``1,200`` is 1200 or 1.2.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from math import isfinite
from typing import Final

#: A number with what may stand around it: 900 · 900.50 · €1,234.50 · 1.234,50 EUR · -20.
_AROUND: Final = re.compile(
    r"(?P<before>[^\d.,'\u2019]{0,8}?)(?P<number>\d[\d.,'\u2019\u00a0\u202f ]{0,24}?)(?P<after>[^\d.,]{0,8})"
)
_WHOLE: Final = r"[1-9][0-9]{0,2}"
_GAP: Final = r"['\u2019\u00a0\u202f ]"
#: Ways of writing, each with the sign before its fraction.
_WAYS: Final = tuple(
    (re.compile(pattern), fraction)
    for pattern, fraction in (
        (rf"{_WHOLE}(?:,[0-9]{{3}})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?", "."),
        (rf"{_WHOLE}(?:\.[0-9]{{3}})+(?:,[0-9]+)?|[0-9]+(?:,[0-9]+)?", ","),
        (rf"{_WHOLE}(?:{_GAP}[0-9]{{3}})+(?:\.[0-9]+)?", "."),
        (rf"{_WHOLE}(?:{_GAP}[0-9]{{3}})+(?:,[0-9]+)?", ","),
    )
)
#: What makes a number another one, or no amount: thousands, millions, hundredths.
_TIMES: Final = re.compile(
    r"%|‰|\b(?:k|m|bn?|t|mio|mill?|millions?|mn|mrd|tsd|thousand|tausend|lakhs?|lacs?|crores?|cr|percent|prozent)\b"
    r"|\b[kmt](?=€|\$|£|eur\b|usd\b|gbp\b|chf\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """What a field says of an amount."""

    #: The amount without its sign, None when it cannot be read for sure.
    value: float | None = None
    #: The number as it was written, its digits and signs only; empty when that says no more than the value.
    written: str = ""
    #: Why it was not read, some words without anything that somebody wrote but the number's digits and signs.
    doubt: str = ""


#: Nothing was said.
NONE: Final = Amount()


def read_amount(text: str) -> Amount:
    """Return the amount that a field says."""
    found = _AROUND.fullmatch(text.strip())
    if found is None:
        return Amount(doubt="it is no single number")
    if _TIMES.search(found["before"]) or _TIMES.search(found["after"]):
        return Amount(doubt="it is in thousands, millions or per cent")
    number = "".join(str(unicodedata.decimal(sign, sign)) for sign in found["number"].rstrip(" \u00a0\u202f"))
    readings = sorted({_value(number, fraction) for way, fraction in _WAYS if way.fullmatch(number)}, reverse=True)
    if len(readings) > 1:
        return Amount(doubt=f"{number} may be {' or '.join(shown(each) for each in readings)}")
    if not readings or not isfinite(readings[0]):
        return Amount(doubt=f"{number} is written in no way that is known")
    return Amount(value=readings[0], written=number if number != shown(readings[0]) else "")


def shown(value: float) -> str:
    """Return an amount as evidence names it: no thousands, and a fraction only where there is one."""
    return f"{value:.6f}".rstrip("0").rstrip(".") if isfinite(value) else f"{value:g}"


def _value(number: str, fraction: str) -> float:
    whole, _, rest = number.partition(fraction)
    return float(f"{re.sub(r'[^0-9]', '', whole)}.{rest or '0'}")
