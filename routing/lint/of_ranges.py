"""Comparisons that a field's values decide before anything happens: they never hold, or always."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from routing.compiling import Condition
from routing.expression import Compare, comparisons
from routing.fields import Kind
from routing.lint.finding import Examined
from routing.lint.logic import BOUNDS, COUNTS, Literal, values_of
from routing.lint.writing import ALL_FIELDS, written
from routing.reader import Path

#: Who writes a share as a percentage means the hundredth of it.
_PERCENT: Final = 100


def out_of_range(examined: Examined) -> None:
    """Note comparisons that can never hold, or always do, since the field has no other values."""
    for owner, path, condition in _conditions(examined):
        for compare in comparisons(condition.node):
            said = _said(compare)
            if said:
                examined.note("out-of-range", path, said, value=True)
                examined.decided.add(owner)
    for name, ladder in examined.policy.ladders.items():
        for number, stage in enumerate(ladder.steps):
            for compare in comparisons(stage.skip_if.node) if stage.skip_if is not None else ():
                said = _said(compare)
                if said:
                    examined.note("out-of-range", ("ladder", name, "step", number, "skip_if"), said, value=True)
                    examined.decided.add(("ladder", name, "step", number))


def _conditions(examined: Examined) -> Iterator[tuple[Path, Path, Condition]]:
    """Yield every condition of the policy: whose it is, where it stands, and itself."""
    policy = examined.policy
    owners: list[tuple[Path, Sequence[Condition], Sequence[Condition]]] = [
        *((("rule", number), each.all, each.any) for number, each in enumerate(policy.rules)),
        *((("sla", number), each.all, each.any) for number, each in enumerate(policy.slas)),
        *((("incident", number), each.all, each.any) for number, each in enumerate(policy.incidents.values())),
        *((("sensitivity", each.name), each.all, each.any) for each in policy.sensitivities),
        *((("mute", number), each.all, each.any) for number, each in enumerate(policy.mutes)),
    ]
    for owner, every, some in owners:
        for key, conditions in (("all", every), ("any", some)):
            for number, condition in enumerate(conditions):
                yield owner, (*owner, "when", key, number), condition


def _said(compare: Compare) -> str:
    """Return what is to be said of a comparison, nothing for one that may hold or not."""
    field = ALL_FIELDS[compare.field]
    if compare.other is not None or field.kind in {Kind.SET, Kind.TEXT, Kind.FLAG}:
        return ""
    literal = Literal(compare, True)
    answers = {literal.allows(value) for value in values_of(compare.field, [literal], ALL_FIELDS) if value is not None}
    if len(answers) != 1:
        return ""
    holds = answers.pop()
    if holds and field.nullable and not _beyond(compare):
        # At the very end of its values it asks whether there is one: risk.score >= 0.
        return ""
    told = f"{written(compare)} {'always' if holds else 'never'} holds: {compare.field} is {_range(compare.field)}"
    return told + _meant(compare)


def _numbers(compare: Compare) -> list[float]:
    values = compare.value if isinstance(compare.value, tuple) else (compare.value,)
    return [each for each in values if isinstance(each, int | float)]


def _beyond(compare: Compare) -> bool:
    """Tell whether all that a comparison names lies where the field has no values."""
    least, most = _bounds(compare.field)
    numbers = _numbers(compare)
    return bool(numbers) and all(not least <= each <= most for each in numbers)


def _bounds(name: str) -> tuple[float, float]:
    return BOUNDS.get(name, (0, math.inf) if name in COUNTS else (-math.inf, math.inf))


def _range(name: str) -> str:
    words = ALL_FIELDS[name].words
    if words is not None:
        return f"one of {', '.join(sorted(words))}"
    least, most = _bounds(name)
    kind = "a whole number" if name in COUNTS else ALL_FIELDS[name].kind.value
    return f"{kind} from {least:g} on" if most == math.inf else f"{kind} from {least:g} to {most:g}"


def _meant(compare: Compare) -> str:
    numbers = _numbers(compare)
    if len(numbers) == 1 and _bounds(compare.field) == (0, 1) and 1 < numbers[0] <= _PERCENT:
        return f", so write {numbers[0] / _PERCENT:g}"
    return ""
