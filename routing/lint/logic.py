"""What conditions say of each other: whether one can hold at all, and whether it holds whenever another does.

Conditions become alternatives of literals (disjunctive normal form). What a literal allows is tried on a handful of values of its
field: every value that a condition names, one beside each, and none at all where the field may be missing. Between two such
values no condition changes its answer, so nothing is overlooked. Fields are taken as independent, but for what `_FOLLOWS` says:
where they are not, something may stay unsaid, and nothing is said that is not so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise, product
from typing import Final, TypeAlias

from routing.expression import Compare, Node, Not, Several
from routing.fields import FIELDS, Field, Kind
from routing.phrases import PhraseList, canonical
from routing.signals.denied import always_with

#: More alternatives than this are not looked at: nobody writes such a rule, and the time would grow with their product.
MOST_ALTERNATIVES: Final = 256
#: A flag that is true whenever another one is.
_FOLLOWS: Final[Mapping[str, str]] = {"message.wants_manager": "message.wants_person"}
#: Fields that count something: whole numbers from 0 on. Named one by one, since a new field may be a share or a sum.
COUNTS: Final = frozenset(
    {
        *("message.length", "message.attachments", "case.customer_messages", "case.agent_messages"),
        *("burst.customers", "case.repeated_question", "case.bot_turns", "case.bot_fallbacks", "case.reopened"),
        *("team.available", "team.free", "team.open_cases", "agent.open_cases"),
    }
)

_NO_END: Final = math.inf
#: From where to where the other numbers go, by what fills them: shares, feelings, sums without a sign, spans of time that passed.
BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    **dict.fromkeys(("risk.score", "bot.confidence"), (0, 1)),
    **dict.fromkeys(("message.sentiment", "case.sentiment"), (-1, 1)),
    **dict.fromkeys(("authority.amount", "authority.limit", "case.age", "customer.profile_age"), (0, _NO_END)),
}

_Value: TypeAlias = str | int | float | bool | None
_COMPARE: Final[Mapping[str, Callable[[object, object], bool]]] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "in": lambda left, right: left in right,  # type: ignore[operator] # pyright: ignore[reportOperatorIssue]
    "not in": lambda left, right: left not in right,  # type: ignore[operator] # pyright: ignore[reportOperatorIssue]
    "<": lambda left, right: left < right,  # type: ignore[operator] # pyright: ignore[reportOperatorIssue]
    "<=": lambda left, right: left <= right,  # type: ignore[operator] # pyright: ignore[reportOperatorIssue]
    ">": lambda left, right: left > right,  # type: ignore[operator] # pyright: ignore[reportOperatorIssue]
    ">=": lambda left, right: left >= right,  # type: ignore[operator] # pyright: ignore[reportOperatorIssue]
}


@dataclass(frozen=True, slots=True)
class Literal:
    """A comparison, or its opposite."""

    compare: Compare
    holds: bool

    def allows(self, value: _Value) -> bool:
        """Tell whether a value of the field makes it true; a comparison with a missing field is false."""
        return (value is not None and _COMPARE[self.compare.operator](value, self.compare.value)) is self.holds


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """Literals that must all hold, by what they speak of."""

    literals: tuple[Literal, ...]
    #: Lists of phrases that are found whenever another one is.
    phrases: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    #: What the literals may speak of.
    fields: Mapping[str, Field] = field(default_factory=lambda: FIELDS)

    @cached_property
    def by_field(self) -> Mapping[str, tuple[Literal, ...]]:
        """Return the literals that compare a field with values, by the field, what follows from them included."""
        found: dict[str, list[Literal]] = {}
        for literal in self.literals:
            if _is_value(literal.compare):
                found.setdefault(literal.compare.field, []).append(literal)
        for name, other in _FOLLOWS.items():
            if not _allowed(found.get(name, ()), (False,)):
                found.setdefault(other, []).append(Literal(Compare(field=other, operator="==", value=True), True))
            if not _allowed(found.get(other, ()), (True,)):
                found.setdefault(name, []).append(Literal(Compare(field=name, operator="==", value=True), False))
        return {name: tuple(literals) for name, literals in found.items()}

    @cached_property
    def others(self) -> tuple[Literal, ...]:
        """Return the literals that are yes or no by themselves: `contains`, and a field beside another."""
        return tuple(literal for literal in self.literals if not _is_value(literal.compare))

    @cached_property
    def possible(self) -> bool:
        """Return whether anything can make it true."""
        if any(not _allowed(each, values_of(name, each, self.fields)) for name, each in self.by_field.items()):
            return False
        return not any(
            literal.holds and not other.holds and self._within(literal.compare, other.compare)
            for literal in self.others
            for other in self.others
        )

    def implies(self, other: Alternative) -> bool:
        """Tell whether the other one holds whenever this one does."""
        if not self.possible:
            return True
        for name, theirs in other.by_field.items():
            own = self.by_field.get(name, ())
            left = _allowed(own, values_of(name, (*own, *theirs), self.fields))
            if not all(literal.allows(value) for value in left for literal in theirs):
                return False
        return all(any(self._carries(own, literal) for own in self.others) for literal in other.others)

    def _carries(self, own: Literal, wanted: Literal) -> bool:
        if own.holds is not wanted.holds:
            return False
        inner, outer = (own.compare, wanted.compare) if own.holds else (wanted.compare, own.compare)
        return self._within(inner, outer)

    def _within(self, narrow: Compare, wide: Compare) -> bool:
        """Tell whether the one is true whenever the other, narrower one is."""
        if (narrow.field, narrow.operator, narrow.other) != (wide.field, wide.operator, wide.other):
            return False
        if narrow.value == wide.value:
            return True
        if self.fields[narrow.field].kind is Kind.TEXT:
            return canonical(str(wide.value)) in canonical(str(narrow.value))
        return narrow.field == "message.phrases" and str(wide.value) in self.phrases.get(str(narrow.value), ())


def _is_value(compare: Compare) -> bool:
    return compare.other is None and compare.operator != "contains"


def values_of(name: str, literals: Iterable[Literal], fields: Mapping[str, Field] = FIELDS) -> tuple[_Value, ...]:
    """Return values of a field between which no literal changes its answer."""
    known = fields[name]
    named: list[_Value] = []
    for literal in literals:
        value = literal.compare.value
        named += value if isinstance(value, tuple) else (value,)
    if known.kind is Kind.FLAG:
        values: list[_Value] = [True, False]
    elif known.kind is Kind.WORD:
        # No word of ours holds a line's end: it stands for every word that nobody names.
        values = [*known.words] if known.words is not None else [*named, "\n"]
    else:
        numbers = sorted({each for each in named if isinstance(each, int | float)})
        values = [*_numbers(name, numbers)]
    return (*dict.fromkeys(values), *((None,) if known.nullable else ()))


def _numbers(name: str, named: Sequence[float]) -> Iterator[float]:
    """Yield numbers that stand for all: those that are named, and one on each side of each."""
    if name in COUNTS:
        around = {int(each) + step for each in named for step in (-1, 0, 1, 2)} | {0}
        yield from sorted(each for each in around if each >= 0)
        return
    least, most = BOUNDS.get(name, (-_NO_END, _NO_END))
    tried = {*named, *((low + high) / 2 for low, high in pairwise(named))}
    tried |= {named[0] - 1, named[-1] + 1} if named else {max(least, 0.0)}
    # Where the field ends, its last value stands for what lies beyond.
    yield from sorted({min(max(each, least), most) for each in tried})


def _allowed(literals: Iterable[Literal], values: Iterable[_Value]) -> list[_Value]:
    """Return the values that all literals of a field allow."""
    literals = tuple(literals)
    return [value for value in values if all(literal.allows(value) for literal in literals)]


# --- from a rule's conditions ----------------------------------------------------------------------------------------
def alternatives_of(
    every: Iterable[Node],
    either: Iterable[Node],
    phrases: Mapping[str, frozenset[str]],
    fields: Mapping[str, Field] = FIELDS,
) -> tuple[Alternative, ...] | None:
    """Return the ways in which all of `every` and, unless empty, one of `either` can hold; None when there are too many."""
    either = tuple(either)
    node = Several(word="and", parts=(*every, *((Several(word="or", parts=either),) if either else ())))
    made = _normal(node, holds=True)
    if made is None:
        return None
    return tuple(Alternative(literals=tuple(dict.fromkeys(each)), phrases=phrases, fields=fields) for each in made)


def _normal(node: Node, *, holds: bool) -> list[tuple[Literal, ...]] | None:
    if isinstance(node, Compare):
        return [(Literal(node, holds),)]
    if isinstance(node, Not):
        return _normal(node.inner, holds=not holds)
    parts = [_normal(part, holds=holds) for part in node.parts]
    whole = [part for part in parts if part is not None]
    if len(whole) < len(parts):
        return None
    # `not (a and b)` is `not a or not b`, and the other way round.
    if (node.word == "or") is holds:
        made = [each for part in whole for each in part]
        return made if len(made) <= MOST_ALTERNATIVES else None
    count = 1
    for part in whole:
        count *= len(part)
    if count > MOST_ALTERNATIVES:
        return None
    return [tuple(literal for each in chosen for literal in each) for chosen in product(*whole)]


def phrases_within(lists: Mapping[str, PhraseList]) -> dict[str, frozenset[str]]:
    """Return, for each list of phrases, the other lists that are found whenever it is."""
    return {
        name: frozenset(other for other, wide in lists.items() if other != name and _within(own, wide))
        for name, own in lists.items()
    }


def _within(narrow: PhraseList, wide: PhraseList) -> bool:
    return bool(narrow.phrases) and all(
        any(always_with(each, wide, phrase, narrow) for each in wide.phrases) for phrase in narrow.phrases
    )
