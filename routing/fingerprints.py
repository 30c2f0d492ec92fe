"""Fingerprints: what is the same about messages that count together. Fields and words, joined by `+`.

    bot.intent + ':' + channel

A fingerprint is kept with the store's counts, and outlives the messages: fields that may hold what somebody wrote are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.model import Activity, Case
from routing.compiling import field_reader
from routing.expression import ExpressionError
from routing.fields import FIELDS, Kind
from routing.phrases import PhraseBook
from routing.signals.reading import Signals

_TOKEN: Final = re.compile(r"\s*(?:'(?P<one>[^']*)'|\"(?P<two>[^\"]*)\"|(?P<field>[A-Za-z_][\w.]*)|(?P<plus>\+))")
#: Kinds of fields of which two messages can have the same.
_ALIKE: Final = frozenset({Kind.WORD, Kind.SET, Kind.FLAG})
#: What is not known yet, or not for sure, when messages are counted.
NOT_COUNTED_BY: Final = ("burst.", "incident.", "sla.", "customer.")
#: Words that somebody may have written.
_WRITTEN: Final = frozenset({"button.value"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A field, or words that stand between fields."""

    field: str = ""
    words: str = ""


def parse_fingerprint(text: str, nearest: Callable[[str, list[str]], str | None]) -> tuple[Part, ...]:
    """Read a fingerprint. `nearest` finds what somebody meant. Raises ExpressionError."""
    parts: list[Part] = []
    place, wants_part = 0, True
    end = len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        start = place + len(text[place:]) - len(text[place:].lstrip())
        if found is None:
            raise ExpressionError(
                f"{text[start]!r} means nothing here: a fingerprint is fields and words, joined by +", start
            )
        if wants_part is (found["plus"] is not None):
            what = "a field or words in quotation marks are" if wants_part else "a + is"
            raise ExpressionError(f"{what} expected here", start)
        if found["field"] is not None:
            parts.append(Part(field=_field(found["field"], start, nearest)))
        elif found["plus"] is None:
            parts.append(Part(words=found["one"] or found["two"] or ""))
        wants_part = found["plus"] is not None
        place = found.end()
    if wants_part:
        raise ExpressionError("a field or words in quotation marks are expected at the end", len(text))
    if not any(part.field for part in parts):
        raise ExpressionError("a fingerprint needs a field: leave it out where all messages count together", 0)
    return tuple(parts)


def _field(name: str, offset: int, nearest: Callable[[str, list[str]], str | None]) -> str:
    able = [
        each
        for each, field in FIELDS.items()
        if field.kind in _ALIKE and each not in _WRITTEN and not each.startswith(NOT_COUNTED_BY)
    ]
    if name in able:
        return name
    if name not in FIELDS:
        near = nearest(name, able)
        raise ExpressionError(f"there is no field {name}: did you mean {near or 'case.connection'}?", offset)
    why = (
        f"it is {FIELDS[name].kind.value}, which two messages hardly have alike"
        if FIELDS[name].kind not in _ALIKE
        else "it may hold what somebody wrote"
        if name in _WRITTEN
        else "it is not known yet when messages are counted"
    )
    raise ExpressionError(f"{name} cannot stand in a fingerprint: {why}", offset)


def written(parts: Sequence[Part]) -> str:
    """Return a fingerprint as the policy has it."""
    return " + ".join(part.field or f"'{part.words}'" for part in parts)


def fingerprint_of(
    parts: Sequence[Part], case: Case, activity: Activity, now: int, book: PhraseBook, text: str, signals: Signals
) -> str | None:
    """Return the fingerprint of an activity; None when a field of it is missing, or empty: it is like no other then."""
    made: list[str] = []
    for part in parts:
        if not part.field:
            made.append(part.words)
            continue
        value = field_reader(part.field)(case, activity, now, book, text, signals)
        word = _word(value)
        if not word:
            return None
        made.append(word)
    return "".join(made)


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list | set | frozenset):
        return ",".join(sorted({str(each) for each in value}))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return str(value) if value is not None else ""
