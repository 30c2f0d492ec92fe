"""What people most likely meant by a duration, a number or times of day that cannot be read. It is proposed, never taken."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Final

#: Spellings of units of time, and their seconds.
_SPELLED: Final = {
    1: "s sec secs second seconds sek sekunde sekunden",
    60: "m min mins minute minutes minuten",
    3_600: "h hr hrs hour hours std stunde stunden",
    86_400: "d day days tag tage tagen",
    604_800: "w week weeks woche wochen",
}
_SECONDS: Final = {word: seconds for seconds, words in _SPELLED.items() for word in words.split()}
#: The units that may be written, the largest first.
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))
_PART: Final = re.compile(r"\s*(?:,|and|und)?\s*([0-9]{0,6}(?:[.,][0-9]{1,6})?)\s*([a-z]+)\.?")
_ISO: Final = re.compile(r"p(?:([0-9]+)w)?(?:([0-9]+)d)?(?:t(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?)?")
_BARE: Final = re.compile(r"[-+]?[0-9]{1,6}(?:\.[0-9]{1,6})?")
_MOST_DIGITS: Final = 6

_FACTORS: Final = {"": 1, "k": 1_000, "m": 1_000_000, "g": 10**9, "ki": 1_024, "mi": 1_024**2, "gi": 1_024**3}
_NUMBER: Final = re.compile(
    r"(?P<sign>[-+]?)\s*(?:€|\$|£|[A-Z]{3}\s)?\s*(?P<digits>[0-9.,'_ \u00a0]*[0-9])\s*"
    r"(?:(?P<factor>[kKmMgG]i?)?[bB]?|€|\$|£|[A-Z]{3})"
)
_THOUSANDS: Final = 3

_TIME: Final = r"([0-9]{1,2})(?:[:.h]([0-9]{2}))?\s*(am|pm|uhr)?"
_INTERVAL: Final = re.compile(rf"\s*{_TIME}\s*(?:[-\u2013\u2014]|to|bis)\s*{_TIME}\s*", re.IGNORECASE)
_HOURS: Final = 24
_MINUTES: Final = 60
_NOON: Final = 12


# --- durations -------------------------------------------------------------------------------------------------------
def duration_meant(value: object) -> str | None:
    """Return a duration as it is written here, ``90m`` for ``1h30m``; None where nobody can tell."""
    if not isinstance(value, str):
        return None
    text = value.strip().casefold().lstrip("+-").strip()
    seconds = _iso(text) if text.startswith("p") else _parts(text)
    if seconds is None or seconds <= 0 or seconds != int(seconds):
        return None
    size, unit = next(each for each in _UNITS if int(seconds) % each[0] == 0)
    made = f"{int(seconds) // size}{unit}"
    return made if len(made) <= _MOST_DIGITS + 1 else None


def no_duration(value: object, like: str = "90s, 15m, 2h or 1d") -> str:
    """Return the sentence for a value that is no duration, with the one that was meant."""
    text = str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    if _BARE.fullmatch(text) and Decimal(text):
        number = text.lstrip("+-")
        return f'{text} has no unit: write "{number}s", "{number}m" or "{number}h"'
    return f"{value!r} is no duration above zero: write {duration_meant(value) or like}"


def _parts(text: str) -> Decimal | None:
    total, at = Decimal(0), 0
    while at < len(text):
        found = _PART.match(text, at)
        if found is None or found[2] not in _SECONDS or not found[1]:
            return None
        total += Decimal(found[1].replace(",", ".")) * _SECONDS[found[2]]
        at = found.end()
    return total


def _iso(text: str) -> Decimal | None:
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    sizes = (604_800, 86_400, 3_600, 60, 1)
    return Decimal(sum(int(count) * size for count, size in zip(found.groups(), sizes, strict=True) if count))


# --- numbers ---------------------------------------------------------------------------------------------------------
def number_meant(value: object) -> str | None:
    """Return a number as it is written here, ``1000.50`` for ``1.000,50``, ``10000`` for ``10k``; None where nobody can tell."""
    found = _NUMBER.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return None
    plain = _plain(re.sub(r"(?<=[0-9])['_ \u00a0](?=[0-9]{3}(?![0-9]))", "", found["digits"]))
    if plain is None:
        return None
    try:
        number = Decimal(plain)
    except InvalidOperation:
        return None
    factor = _FACTORS[(found["factor"] or "").casefold()]
    made = f"{number * factor:f}" if factor == 1 else f"{(number * factor).normalize():f}"
    return f"-{made}" if found["sign"] == "-" and number else made


def _plain(digits: str) -> str | None:
    """Return digits without signs between thousands, with a point before the fraction; None when they make no number."""
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return digits
    whole, sign, rest = digits[:last], digits[last], digits[last + 1 :]
    other = "," if sign == "." else "."
    if other in whole:
        # The last one stands before the fraction, so it stands there once.
        grouped = None if sign in whole else _grouped(whole.split(other))
        return None if grouped is None else f"{grouped}.{rest}"
    if sign in whole or (sign == "," and len(rest) == _THOUSANDS and whole):
        return _grouped([*whole.split(sign), rest])
    return f"{whole}.{rest}"


def _grouped(groups: list[str]) -> str | None:
    right = 0 < len(groups[0]) <= _THOUSANDS and all(len(each) == _THOUSANDS for each in groups[1:])
    return "".join(groups) if right else None


# --- times of day ----------------------------------------------------------------------------------------------------
def interval_meant(value: object) -> str | None:
    """Return an interval of a day as it is written here, ``09:00-17:00`` for ``9-17``; None where nobody can tell."""
    found = _INTERVAL.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    start, stop = _minute(*found.group(1, 2, 3)), _minute(*found.group(4, 5, 6))
    day = _HOURS * _MINUTES
    if start is None or stop is None or start >= day or stop >= 2 * day or start == stop % day:
        return None
    # A day ends at 24:00: what is later is early on the next one.
    stop = stop if stop <= day else stop - day
    return f"{_clock(start)}-{_clock(stop)}"


def _minute(hour: str, minute: str | None, half: str | None) -> int | None:
    hours, minutes = int(hour), int(minute or 0)
    if minutes >= _MINUTES:
        return None
    if (half or "").casefold() in {"am", "pm"}:
        if not 0 < hours <= _NOON:
            return None
        hours = hours % _NOON + (_NOON if str(half).casefold() == "pm" else 0)
    return hours * _MINUTES + minutes


def _clock(minute: int) -> str:
    return f"{minute // _MINUTES:02}:{minute % _MINUTES:02}"
