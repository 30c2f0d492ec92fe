"""How customers feel, in texts that others labelled: as measured when VADER was chosen, and no worse (SG-3).

Nothing of these texts was trained on, and no word was added for them: VADER is as it comes, and so are its figures.
"""

from __future__ import annotations

from pathlib import Path
from statistics import correlation
from typing import Final

import pytest

from routing.signals.sentiment import feeling
from tests.labelled import area, counted, moods, rated

#: From where a score counts as a mood; VADER's own.
CUT: Final = 0.05
#: From where the mean of ratings, -4 to 4, does.
RATED: Final = 0.2

pytest.importorskip("vaderSentiment", reason="the extra `sentiment` is not installed")


def score(text: str, language: str = "en") -> float:
    return feeling(text, language, {}).score or 0.0


def mood(value: float, cut: float) -> int:
    return (value >= cut) - (value <= -cut)


def test_tweets_that_vaders_authors_had_rated(labelled: Path) -> None:
    told = [(score(text), rating) for text, rating in rated(labelled, "tweets")]
    r = correlation(*zip(*told, strict=True))
    print(f"tweets: {len(told)}, r {r:.3f}, area {area([(-found, rating < 0) for found, rating in told]):.3f}")
    assert len(told) == 4_200
    assert r >= 0.87


def test_reviews_of_customers_what_is_called_negative_mostly_is(labelled: Path) -> None:
    """Precision is good, recall poor: one signal among others, as the page says."""
    told = [(score(text), rating) for text, rating in rated(labelled, "amazonReviewSnippets")]
    got = counted((rating < 0, found <= -CUT) for found, rating in told)
    right = sum(mood(found, CUT) == mood(rating, RATED) for found, rating in told) / len(told)
    print(f"reviews: {len(told)}, of three moods right {right:.3f}, negative ones: {got}")
    assert len(told) > 3_000
    assert got.precision >= 0.75
    assert got.recall >= 0.35


def test_the_figures_of_the_common_test_set_are_those_that_vader_was_chosen_by(labelled: Path) -> None:
    """UMSAB's English test set: 0.562 of three moods right, 0.741 under the curve of negative against the rest."""
    told = [(score(text), label) for text, label in moods(labelled, "english")]
    right = sum(mood(found, CUT) == label for found, label in told) / len(told)
    under = area([(-found, label < 0) for found, label in told])
    print(f"UMSAB English: {len(told)}, right {right:.3f}, area {under:.3f}")
    assert len(told) == 870
    assert right == pytest.approx(0.562, abs=0.01)
    assert under == pytest.approx(0.741, abs=0.01)


@pytest.mark.parametrize("language", ["german", "french", "spanish", "italian", "portuguese"])
def test_of_another_language_vader_knows_next_to_nothing_so_its_score_stays_unknown(
    labelled: Path, language: str
) -> None:
    rows = list(moods(labelled, language))
    under = area([(-score(text), label < 0) for text, label in rows])
    print(f"UMSAB {language}: area {under:.3f} were it taken for English")
    assert under < 0.65
    assert feeling(rows[0][0], language[:2], {}).score is None
