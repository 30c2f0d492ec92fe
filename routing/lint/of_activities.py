"""Rules that ask for what nothing that happens carries together: a button's action of a ticket, say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Final, TypeAlias

from gateway.model import ActivityKind
from routing.lint.carrying import LOOKED_AT, kinds_of
from routing.lint.finding import Examined
from routing.lint.logic import Alternative, Literal
from routing.lint.writing import written

_Kinds: TypeAlias = frozenset[ActivityKind]
_ALL: Final[_Kinds] = frozenset(LOOKED_AT)
_CLOCK: Final[_Kinds] = frozenset({ActivityKind.TIMER})
#: Of more kinds than these, those are named that are left out.
_MANY: Final = 3
#: Fields of what happened → those of the case that are known when a clock of an SLA lets rules look.
_OF_CASE: Final = {"channel": "case.channel", "connection": "case.connection"}


def never_together(examined: Examined) -> None:
    """Note rules whose conditions hold for different kinds of activities only; no rule looks at two of them at once."""
    for index, rule in enumerate(examined.policy.rules):
        ways = examined.ways[rule.id]
        if not ways or ("rule", index) in examined.decided:
            continue
        # A clock of an SLA lets only those rules look that ask for one.
        seen = _ALL if index in examined.policy.clock_rules else _ALL - _CLOCK
        possible = [way for way in ways if way.possible]
        clashing = [way for way in possible if not _common(_narrowed(way, seen).values())]
        if not clashing:
            continue
        # They take nothing from the rules below, and are told here alone.
        examined.ways[rule.id] = tuple(way for way in ways if way not in clashing)
        why = _why(_narrowed(clashing[0], seen), seen)
        if len(clashing) == len(possible):
            examined.decided.add(("rule", index))
            examined.note("never-together", ("rule", index), f"rule {rule.id} never matches: {why}")
        else:
            sentence = f"one of the ways in which rule {rule.id} would match never comes: {why}"
            examined.note("never-together-part", ("rule", index), sentence)


def _narrowed(way: Alternative, seen: _Kinds) -> dict[Literal, _Kinds]:
    """Return the comparisons of a way that cannot hold for every kind of activity, each with the kinds for which it can."""
    found = {literal: kinds_of(literal) & seen for literal in way.literals}
    return {literal: kinds for literal, kinds in found.items() if kinds != seen}


def _common(of: Iterable[_Kinds]) -> _Kinds:
    return _ALL.intersection(*of)


def _why(found: dict[Literal, _Kinds], seen: _Kinds) -> str:
    """Say which comparisons clash, as few of them as do, and for what each can hold."""
    items: Sequence[tuple[Literal, _Kinds]] = list(found.items())
    fewest = next(
        chosen
        for count in range(1, len(items) + 1)
        for chosen in combinations(items, count)
        if not _common(kinds for _, kinds in chosen)
    )
    (first, kinds), *others = fewest
    said = [f"{_shown(first)} can hold for {_words(kinds, seen)}"]
    said += [f"{_shown(literal)} for {_words(kinds, seen)}" for literal, kinds in others]
    return ", ".join(said) + _hint(fewest)


def _shown(literal: Literal) -> str:
    text = written(literal.compare)
    return text if literal.holds else f"not ({text})"


def _words(kinds: _Kinds, seen: _Kinds) -> str:
    if len(kinds) > _MANY:
        return f"anything but {_words(seen - kinds, seen).removesuffix(' alone')}"
    *most, last = [words for kind, words in LOOKED_AT.items() if kind in kinds] or ["nothing"]
    return f"{', '.join(most)} or {last} alone" if most else f"{last} alone"


def _hint(clash: Iterable[tuple[Literal, _Kinds]]) -> str:
    """Return what is meant most likely, where that can be told."""
    kinds = {literal.compare.field: kinds for literal, kinds in clash}
    if ActivityKind.MESSAGE not in kinds.get("sender.role", _ALL):
        return "; no rule looks at messages of agents and of machines"
    meant = [case for field, case in _OF_CASE.items() if field in kinds]
    if meant and any(each == _CLOCK for each in kinds.values()):
        return f"; of the case ask {meant[0]}"
    return ""
