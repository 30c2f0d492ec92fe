"""Card numbers in running text, whatever stands between their digits and whatever digits stand beside them.

Text is read as groups of digits; groups belong together when only a few separators stand between them. Of such a run each
stretch of groups that may be a card number is tried: the expiry date or the security code beside a number hides it from
nobody. What else has many digits (orders, parcels, tables) shall stay, so a stretch out of a longer run must look like a
card: by its groups, by its first digits, or both. The work grows with the text's length only.

Sources: ISO/IEC 7812-1 (length, check digit), the schemes' published ranges of first digits and lengths, as ISO/IEC 7812-2
registers them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

#: Shortest and longest card numbers in use, digits.
SHORTEST: Final = 13
LONGEST: Final = 19
#: Characters that may stand between two groups of one number: blanks of any width, line ends, dashes, dots, strokes and
#: what is not seen at all (soft hyphens, zero-width blanks and joiners).
_BETWEEN: Final = frozenset(
    " \t\n\r\v\f\u0085\u00a0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
    "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d./\\,_|:;·•*+#\u2044\u2215\u00ad\u200b\u200c\u200d\u2060\ufeff"
)
#: How many of them at most: a line end of two characters and the blanks beside it, or a dash between blanks.
_WIDEST: Final = 4
_BLANKS: Final = " \t\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
#: What stands between the groups of ordinary numbers, too: one or two blanks, or a dash. Alone, it says nothing.
_PLAIN: Final = frozenset(
    {*_BLANKS, *"-\u2010\u2011\u2012\u2013\u2014\u2212", *(a + b for a in " \u00a0" for b in " \u00a0")}
)
#: How the schemes print their numbers.
_PRINTED: Final = frozenset({(4, 4, 4, 4), (4, 6, 5), (4, 6, 4)})
#: A number without a printed form has this many groups at most; more are a table of small numbers.
_MOST_GROUPS: Final = 5
_FOUR: Final = 4
#: Cards of the schemes in use begin with 2 to 6.
_FIRST: Final = frozenset("23456")
#: Month and year, as cards bear them, or the year alone.
_DATE: Final = re.compile("(?:0[1-9]|1[0-2]|20)[2-4][0-9]")
_GROUP: Final = re.compile(r"\d+")
#: A letter and a joining character: what follows at once is part of a name, as in ``id-4111``.
_NAMED: Final = re.compile(r"[^\W\d_][-_/.#]\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of a text that is a card number, and the groups of digits that come after it in the same run."""

    #: Where it begins and ends in the text.
    start: int
    end: int
    #: Its digits.
    digits: str
    #: Beginning and end of each group that follows it in its run.
    after: tuple[tuple[int, int], ...]


def card_numbers(text: str) -> Sequence[Stretch]:
    """Return the card numbers of a text, in order; none overlaps another."""
    return [found for run in _runs(text) for found in _in_run(text, run)]


def _runs(text: str) -> Iterator[list[tuple[int, int]]]:
    """Return the runs of groups that are long enough for a card number: beginning and end of each group."""
    run: list[tuple[int, int]] = []
    digits = 0
    for match in _GROUP.finditer(text):
        start, end = match.span()
        if run and not (start - run[-1][1] <= _WIDEST and _BETWEEN.issuperset(text[run[-1][1] : start])):
            if digits >= SHORTEST:
                yield run
            run, digits = [], 0
        run.append((start, end))
        digits += end - start
    if digits >= SHORTEST:
        yield run


def _in_run(text: str, run: Sequence[tuple[int, int]]) -> Iterator[Stretch]:
    """Return the card numbers of a run. Stretches that overlap are one: which of them was meant, nobody can say."""
    first = last = -1
    best = (False, "")
    for begin in range(len(run)):
        for end, printed, digits in _from(text, run, begin):
            if begin > last >= 0:
                yield _stretch(run, first, last, best[1])
                first = last = -1
            if last < 0:
                first, best = begin, (printed, digits)
            elif printed and not best[0]:
                best = (printed, digits)
            last = max(last, end)
    if last >= 0:
        yield _stretch(run, first, last, best[1])


def _stretch(run: Sequence[tuple[int, int]], first: int, last: int, digits: str) -> Stretch:
    after = tuple(run[last + 1 : last + 1 + _MOST_GROUPS])
    return Stretch(start=run[first][0], end=run[last][1], digits=digits, after=after)


def _from(text: str, run: Sequence[tuple[int, int]], begin: int) -> Iterator[tuple[int, bool, str]]:
    """Return the card numbers that begin with a group: last group, whether it is grouped as printed, digits."""
    if _ascii(text[run[begin][0]]) not in _FIRST:
        return
    alone = begin == 0 or _between(text, run, begin) not in _PLAIN
    most = len(run) if alone else min(len(run), begin + _MOST_GROUPS)
    sizes: tuple[int, ...] = ()
    plain = True
    for end in range(begin, most):
        plain = plain and (end == begin or _between(text, run, end) in _PLAIN)
        sizes = (*sizes, run[end][1] - run[end][0])
        if sum(sizes) > LONGEST or (len(sizes) > _MOST_GROUPS and not plain):
            return
        if sum(sizes) < SHORTEST:
            continue
        # What is looked at for nothing but its check digit: all that belongs together by how ordinary numbers are written.
        whole = alone and plain and (end == begin or max(sizes) < SHORTEST)
        whole = whole and (end + 1 == len(run) or _between(text, run, end + 1) not in _PLAIN)
        if not whole and len(sizes) > _MOST_GROUPS:
            continue
        digits = "".join(_ascii(text[start:stop]) for start, stop in run[begin : end + 1])
        if not (whole or _looks_right(text, run, begin, sizes, digits, plain=plain)):
            continue
        if len(set(digits)) > 1 and fits(digits) and not _is_name(text, run[begin][0], run[end][1]):
            yield end, sizes in _PRINTED or end == begin, digits


def _between(text: str, run: Sequence[tuple[int, int]], at: int) -> str:
    """Return what stands before a group of a run, but for the first."""
    return text[run[at - 1][1] : run[at][0]]


def _ascii(digits: str) -> str:
    """Return digits of any script as those of ASCII."""
    return digits if digits.isascii() else "".join(str(int(each)) for each in digits)


def _looks_right(
    text: str, run: Sequence[tuple[int, int]], begin: int, sizes: tuple[int, ...], digits: str, *, plain: bool
) -> bool:
    """Tell whether a part of a run is grouped, and begins, as a card number does."""
    known = of_scheme(digits)
    if len(sizes) == 1 or sizes in _PRINTED:
        return (known and plain) or not _goes_on(text, run, begin, sizes)
    by_fours = sizes[-1] <= _FOUR and all(size == _FOUR for size in sizes[:-1])
    return known and (plain or (by_fours and not _goes_on(text, run, begin, sizes)))


def _goes_on(text: str, run: Sequence[tuple[int, int]], begin: int, sizes: tuple[int, ...]) -> bool:
    """Tell whether the run goes on as the stretch does: a list of numbers, of which it is some. A date is none."""
    for at, beyond, size in ((begin - 1, begin - 2, sizes[0]), (begin + len(sizes), begin + len(sizes) + 1, sizes[-1])):
        if not 0 <= at < len(run) or run[at][1] - run[at][0] != size:
            continue
        before = _between(text, run, max(at, begin))
        if len(sizes) > 1 and before != _between(text, run, begin + 1):
            continue
        is_last = not 0 <= beyond < len(run) or run[beyond][1] - run[beyond][0] != size
        if not (is_last and size == _FOUR and _DATE.fullmatch(text, *run[at])):
            return True
    return False


def _is_name(text: str, start: int, end: int) -> bool:
    """Tell whether letters are written together with it, or a plus sign stands before it: a telephone number."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if before[-1:] in {"+", "_"} or before[-1:].isalnum() or after[:1] == "_" or after[:1].isalnum():
        return True
    return bool(_NAMED.search(before)) and after[:1] == "-" and after[1:].isalnum()


def fits(digits: str) -> bool:
    """Tell whether the check digit fits (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 (the sum of two digits)
    return total % 10 == 0


#: First digits from and to (as many as are compared), and the lengths that the scheme issues.
_SCHEMES: Final = (
    ("4", "4", frozenset({13, 16, 19})),  # Visa
    ("51", "55", frozenset({16})),  # Mastercard
    ("2221", "2720", frozenset({16})),  # Mastercard
    ("2200", "2204", frozenset({16, 17, 18, 19})),  # Mir
    ("34", "34", frozenset({15})),  # American Express
    ("37", "37", frozenset({15})),  # American Express
    ("300", "305", frozenset({14, 16, 19})),  # Diners Club
    ("36", "36", frozenset({14, 16, 19})),  # Diners Club
    ("38", "39", frozenset({14, 16, 19})),  # Diners Club
    ("3528", "3589", frozenset({16, 17, 18, 19})),  # JCB
    ("50", "50", frozenset(range(13, 20))),  # Maestro
    ("56", "58", frozenset(range(13, 20))),  # Maestro
    ("60", "69", frozenset(range(13, 20))),  # Maestro, Discover, UnionPay, RuPay
)


def of_scheme(digits: str) -> bool:
    """Tell whether first digits and length are those of a card scheme."""
    return any(low <= digits[: len(low)] <= high and len(digits) in lengths for low, high, lengths in _SCHEMES)
