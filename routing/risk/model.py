"""What was learned of closed cases: a weight for each feature, and the scale that makes of their sum a probability.

It is data, kept as JSON. To score is to add weights, so that every score is explained by its parts exactly.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.model import Risk
from routing.risk.rules import RiskRules

#: Features that are named in evidence, of those that raise the risk and of those that lower it.
_RAISING: Final = 3
_LOWERING: Final = 2
#: A part smaller than this is not worth a word.
_SMALLEST: Final = 0.05
#: Sums are cut here: beyond, a probability is 0 or 1 to nine digits.
_STEEPEST: Final = 20.0
_FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What was learned of one feature."""

    #: Added to the sum where the feature is there.
    value: float = 0.0
    #: Sum of the squares of its slopes: the larger, the smaller its next step.
    squares: float = 0.01
    #: Cases that had it.
    cases: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Foretold:
    """A case that was scored before it was learned from, so that its score was a forecast."""

    #: Sum of the weights then.
    total: float
    #: The score then.
    score: float
    #: What came of it.
    escalated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one kind of feature adds to a score beside the mean of all cases, in log odds."""

    #: In words, ``bot fallbacks 2-3``; where a case has none that others have, ``no bot fallbacks``.
    words: str
    amount: float

    def __str__(self) -> str:
        """Return it for people: ``bot fallbacks 2-3 (+0.84)``."""
        return f"{self.words} ({self.amount:+.2f})"


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskModel:
    """What was learned. The probability is that of ``slope * sum of weights + offset``."""

    #: Closed cases that it was learned from: those that were escalated, and the others.
    escalated: int = 0
    others: int = 0
    #: Weight of every case, whatever its features.
    bias: Weight = field(default_factory=Weight)
    weights: Mapping[str, Weight] = field(default_factory=dict[str, Weight])
    #: The newest forecasts, oldest first: what the scale is fitted to, and judged by.
    stream: tuple[Foretold, ...] = ()
    slope: float = 1.0
    offset: float = 0.0
    #: For each kind of feature, the mean of what it adds to a sum, over all cases that were learned.
    _means: Mapping[str, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out the means once: every explanation needs them."""
        means: defaultdict[str, float] = defaultdict(float)
        for feature, weight in self.weights.items():
            means[feature.partition("=")[0]] += weight.value * weight.cases / max(1, self.cases)
        object.__setattr__(self, "_means", dict(means))

    @property
    def cases(self) -> int:
        """Return how many closed cases it was learned from."""
        return self.escalated + self.others

    def total(self, features: Sequence[str]) -> float:
        """Return the sum of the weights of some features."""
        known = (self.weights.get(each) for each in features)
        return self.bias.value + sum(each.value for each in known if each is not None)

    def probability(self, total: float) -> float:
        """Return the score for a sum of weights."""
        return logistic(self.slope * total + self.offset)

    def parts(self, features: Sequence[str]) -> tuple[Part, ...]:
        """Return what each kind of feature adds to the score, the largest first. With `base` they add up to its log odds."""
        here: defaultdict[str, list[str]] = defaultdict(list)
        for feature in features:
            if feature in self.weights:
                here[feature.partition("=")[0]].append(feature)
        made = [
            Part(
                words=words_of(name, here[name]),
                amount=self.slope * (sum(self.weights[each].value for each in here[name]) - mean),
            )
            for name, mean in self._means.items()
        ]
        return tuple(sorted(made, key=lambda part: (-abs(part.amount), part.words)))

    def amount(self, feature: str) -> float:
        """Return what a feature adds to a score, in log odds, beside the mean of its kind."""
        return self.slope * (self.weights[feature].value - self._means[feature.partition("=")[0]])

    @property
    def base(self) -> float:
        """Return the log odds that all cases have in the mean."""
        return self.slope * (self.bias.value + sum(self._means.values())) + self.offset


def logistic(total: float) -> float:
    """Return the probability for log odds."""
    return 1 / (1 + math.exp(-max(-_STEEPEST, min(_STEEPEST, total))))


def words_of(name: str, features: Sequence[str]) -> str:
    """Return the features of one kind for people: ``customer_messages=2-3`` as ``customer messages 2-3``."""
    title = name.replace("_", " ")
    return f"{title} {' and '.join(each.partition('=')[2] for each in features)}" if features else f"no {title}"


def silence(model: RiskModel | None, rules: RiskRules) -> str:
    """Return why a model does not speak yet; empty when it does."""
    learned = model or RiskModel()
    if learned.cases < rules.at_least:
        return f"learned from {learned.cases} of the {rules.at_least} closed cases that are needed"
    for count, kind in ((learned.escalated, "were escalated"), (learned.others, "were not")):
        if count < rules.of_each:
            return f"of {learned.cases} closed cases only {count} {kind}, and {rules.of_each} are needed"
    return ""


def assess(model: RiskModel | None, version: int, features: Sequence[str], rules: RiskRules) -> Risk:
    """Return what a model says of a case with some features."""
    why = silence(model, rules)
    if model is None or why:
        return Risk(model=version, evidence=f"unknown: {why}")
    score = round(model.probability(model.total(features)), 4)
    parts = [each for each in model.parts(features) if abs(each.amount) >= _SMALLEST]
    raising = [str(each) for each in parts if each.amount > 0][:_RAISING]
    lowering = [str(each) for each in parts if each.amount < 0][:_LOWERING]
    told = [f"{how} by {', '.join(named)}" for how, named in (("raised", raising), ("lowered", lowering)) if named]
    reasons = "; ".join(told) or "no feature weighs much"
    return Risk(
        score=score,
        model=version,
        evidence=f"{score:.2f} by model {version}, of {model.cases} closed cases: {reasons}",
    )


# --- as text ---------------------------------------------------------------------------------------------------------
def written(model: RiskModel) -> str:
    """Return a model as JSON; of a weight its value, its squares and its cases, of a forecast its sum, score and outcome."""
    made = {
        "format": _FORMAT,
        "escalated": model.escalated,
        "others": model.others,
        "slope": model.slope,
        "offset": model.offset,
        "bias": _row(model.bias),
        "weights": {name: _row(each) for name, each in sorted(model.weights.items())},
        "stream": [[each.total, each.score, int(each.escalated)] for each in model.stream],
    }
    return json.dumps(made, separators=(",", ":"))


def read(text: str) -> RiskModel:
    """Return the model of a JSON text. Raises ValueError for what is none: nothing of it is ever run."""
    try:
        made: dict[str, Any] = json.loads(text)
        if made["format"] != _FORMAT:
            raise ValueError(f"the model is of format {made['format']}, and this Baton reads format {_FORMAT}")
        return RiskModel(
            escalated=int(made["escalated"]),
            others=int(made["others"]),
            bias=_weight(made["bias"]),
            weights={str(name): _weight(each) for name, each in made["weights"].items()},
            stream=tuple(
                Foretold(total=_number(total), score=_number(score), escalated=bool(escalated))
                for total, score, escalated in made["stream"]
            ),
            slope=_number(made["slope"]),
            offset=_number(made["offset"]),
        )
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"the text is no model ({type(error).__name__})") from None


def _row(weight: Weight) -> list[float]:
    return [weight.value, weight.squares, weight.cases]


def _weight(made: Sequence[Any]) -> Weight:
    value, squares, cases = made
    return Weight(value=_number(value), squares=_number(squares), cases=int(cases))


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("a number of the model is not finite")
    return number
