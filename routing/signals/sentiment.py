"""How a customer feels, from -1 to 1: scorers by language, each of which may fail or be missing without blocking anything.

VADER is the scorer for English. Measured on labelled texts nobody here wrote, what it calls negative is so in nine of ten
cases, and it finds fewer than half of what is negative: one signal among others, never the only one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol, runtime_checkable

from ahocorasick_rs import AhoCorasick, MatchKind

from routing.signals.grammar import plain
from routing.signals.words.en import COMMON

#: Characters that are scored, from the end: VADER's time grows with the square of the text, 4 ms for 2,000 and 10 s for 96,000.
LOOKED_AT: Final = 2_000
#: Weight of the newest message in the mean of a case: half of it stands on the last two messages.
NEWEST: Final = 0.4
#: A sum of weights this large, squared, is half way to the end of the scale; VADER's own constant.
_HALF_WAY: Final = 15.0
#: Words before a weighted one that may deny it.
_NEAR: Final = 3
_DENIED: Final = -0.74
_DENIALS: Final = frozenset(
    (  # noqa: SIM905 (words read best as words)
        "not no never dont doesnt isnt cant nicht kein keine keinen nie pas plus jamais aucun no nunca ningun sin "
        "non mai nessun senza nao nem niet geen nooit"
    ).split()
)


@runtime_checkable
class Scorer(Protocol):
    """Says how the writer of a text feels. Pure: equal texts give equal scores, and nobody is asked."""

    def score(self, text: str) -> float:
        """Return from -1, angry or sad, to 1, glad. May raise: then the score is unknown."""
        ...


class Vader:
    """VADER, for English (Hutto and Gilbert, 2014)."""

    def score(self, text: str) -> float:
        """Return VADER's compound score. Raises ImportError without the extra `sentiment`."""
        return float(_analyzer().polarity_scores(text)["compound"])


@lru_cache(maxsize=1)
def _analyzer() -> _Analyzer:
    """Return VADER with its lexicon, which it reads once from its own package."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()  # type: ignore[no-any-return]


class _Analyzer(Protocol):
    def polarity_scores(self, text: str) -> Mapping[str, float]: ...


class Lexicon:
    """A scorer made of weighted words and phrases, as `[lexicon.LANGUAGE]` gives them."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        """Take words or phrases with their weights, from -4 to 4."""
        self._weights = tuple(weights.values())
        patterns = [_spread(phrase) for phrase in weights]
        self._automaton = AhoCorasick(patterns, matchkind=MatchKind.LeftmostLongest) if patterns else None

    def score(self, text: str) -> float:
        """Return the sum of the weights, denied ones turned round, brought between -1 and 1."""
        if self._automaton is None:
            return 0.0
        tokens = _spread(text)
        total = 0.0
        for index, start, _ in self._automaton.find_matches_as_indexes(tokens):
            before = tokens[max(0, start - 60) : start].split()[-_NEAR:]
            total += self._weights[index] * (_DENIED if _DENIALS.intersection(before) else 1.0)
        return total / math.sqrt(total * total + _HALF_WAY)


def _spread(text: str) -> str:
    """Return plain tokens with two blanks between them: neighbours that shared one could not both be found."""
    return plain(text).replace(" ", "  ")[1:-1] or " "


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeling:
    """A score, or why there is none."""

    #: From -1 to 1, None when unknown.
    score: float | None
    #: The language that was scored, or one sentence on what is lacking.
    why: str


def looks_english(text: str) -> bool:
    """Tell whether a text whose language nobody told has English's small words: two of them, or one among few words."""
    tokens = plain(text[-LOOKED_AT:]).split()
    common = sum(token in COMMON for token in tokens)
    return common * 6 >= len(tokens) > 0


def feeling(text: str, language: str, lexicons: Mapping[str, Scorer]) -> Feeling:
    """Return how the writer feels. Unknown when no scorer has the language, or when it failed."""
    if not text.strip():
        return Feeling(score=None, why="no text")
    spoken = language or ("en" if looks_english(text) else "")
    scorer = lexicons.get(spoken) or (_VADER if spoken == "en" else None)
    if scorer is None:
        return Feeling(score=None, why=f"no scorer for {spoken}" if spoken else "the language is unknown")
    try:
        score = float(scorer.score(text[-LOOKED_AT:]))
    except ImportError:
        return Feeling(score=None, why="the extra is missing: pip install 'baton-gateway[sentiment]'")
    except Exception as error:  # noqa: BLE001 (whatever is wrong with a scorer, a case must go on)
        return Feeling(score=None, why=f"the scorer for {spoken} failed: {type(error).__name__}")
    if not math.isfinite(score):
        return Feeling(score=None, why=f"the scorer for {spoken} gave no number")
    return Feeling(score=round(max(-1.0, min(1.0, score)), 4), why=spoken)


_VADER: Final = Vader()


def mean_after(mean: float | None, score: float | None) -> float | None:
    """Return the weighted mean after one more message; one whose score is unknown changes nothing."""
    if score is None:
        return mean
    return score if mean is None else round(mean + NEWEST * (score - mean), 4)
