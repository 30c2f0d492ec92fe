"""Learning from closed cases, one after the other: logistic regression by AdaGrad, and a scale fitted to its own forecasts.

Each case is scored before it is learned from. So the scale (Platt's) is fitted to scores of cases that were new to the weights,
and the same forecasts tell how well it is calibrated. What is learned does not depend on how the cases were cut into batches.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from gateway.model import Lesson
from routing.risk.model import Foretold, RiskModel, Weight, logistic

#: Length of a step. Chosen on the first 70 % of the incident log (bench/risk.py), where 0.2 to 0.5 do equally well.
RATE: Final = 0.3
#: Forecasts that are remembered.
REMEMBERED: Final = 500
#: Forecasts from which on the scale is fitted, and after how many cases it is fitted anew.
_ENOUGH: Final = 50
_EVERY: Final = 25
#: How strongly the scale is held to leave sums as they are.
_HELD: Final = 1.0
#: The scale never turns the order of scores round.
_FLATTEST: Final = 0.05
_ROUNDS: Final = 25
_CLOSE: Final = 1e-9
#: Features that are remembered at most; past that, those that the fewest cases had are dropped.
MOST: Final = 5_000


def learned(model: RiskModel | None, lessons: Iterable[Lesson]) -> RiskModel:
    """Return a model that has learned from some more closed cases."""
    known = model or RiskModel()
    weights, bias = dict(known.weights), known.bias
    counts = {True: known.escalated, False: known.others}
    stream = list(known.stream)
    made = known
    for lesson in lessons:
        features = sorted(set(lesson.features))
        total = bias.value + sum(weights[each].value for each in features if each in weights)
        stream.append(Foretold(total=total, score=round(made.probability(total), 4), escalated=lesson.escalated))
        del stream[:-REMEMBERED]
        slope = logistic(total) - lesson.escalated
        bias = _stepped(bias, slope)
        for each in features:
            weights[each] = _stepped(weights.get(each, Weight()), slope)
        if len(weights) > MOST:
            rare = sorted(weights, key=lambda name: (weights[name].cases, name))[: len(weights) - MOST // 2]
            for name in rare:
                del weights[name]
        counts[lesson.escalated] += 1
        if sum(counts.values()) % _EVERY == 0:
            scale = fitted(stream)
            made = replace(made, slope=scale[0], offset=scale[1])
    return replace(made, escalated=counts[True], others=counts[False], bias=bias, weights=weights, stream=tuple(stream))


def _stepped(weight: Weight, slope: float) -> Weight:
    squares = weight.squares + slope * slope
    value = weight.value - RATE * slope / math.sqrt(squares)
    return Weight(value=value, squares=squares, cases=weight.cases + 1)


# --- calibration -----------------------------------------------------------------------------------------------------
def fitted(stream: Sequence[Foretold]) -> tuple[float, float]:
    """Return the slope and offset by which sums are best turned into probabilities, by Newton's method."""
    if len(stream) < _ENOUGH or len({each.escalated for each in stream}) == 1:
        return 1.0, 0.0
    slope, offset = 1.0, 0.0
    for _ in range(_ROUNDS):
        by_slope, by_offset = _HELD * (slope - 1), _HELD * offset
        twice_slope, both, twice_offset = _HELD, 0.0, _HELD
        for each in stream:
            probability = logistic(slope * each.total + offset)
            off, spread = probability - each.escalated, probability * (1 - probability)
            by_slope += off * each.total
            by_offset += off
            twice_slope += spread * each.total * each.total
            both += spread * each.total
            twice_offset += spread
        size = twice_slope * twice_offset - both * both
        down = (twice_offset * by_slope - both * by_offset) / size
        aside = (twice_slope * by_offset - both * by_slope) / size
        slope, offset = slope - down, offset - aside
        if abs(down) + abs(aside) < _CLOSE:
            break
    return max(_FLATTEST, slope), offset


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Forecasts of one span of scores, beside what came of them."""

    #: The span: from, and up to but without.
    low: float
    high: float
    #: How many there were, their mean score, and the share that was escalated.
    cases: int
    foretold: float
    came: float


def calibration(stream: Sequence[Foretold], tiers: int = 5) -> tuple[Tier, ...]:
    """Return how forecasts and what came of them agree, by spans of equal width; spans without forecasts are left out."""
    found: list[Tier] = []
    for number in range(tiers):
        low, high = number / tiers, (number + 1) / tiers
        within = [each for each in stream if low <= each.score < high or (number == tiers - 1 and each.score == high)]
        if within:
            count = len(within)
            found.append(
                Tier(
                    low=low,
                    high=high,
                    cases=count,
                    foretold=sum(each.score for each in within) / count,
                    came=sum(each.escalated for each in within) / count,
                )
            )
    return tuple(found)
