"""How a customer feels: scored by language, unknown where nobody can tell, and never in the way."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.signals.sentiment import LOOKED_AT, Lexicon, Vader, feeling, looks_english, mean_after
from tests.bounded import bounded_work


class Broken:
    """A scorer that fails."""

    def score(self, text: str) -> float:
        raise RuntimeError(text)


class Odd:
    """A scorer that gives no number."""

    def score(self, text: str) -> float:
        return math.nan if text else 0.0


class Far:
    """A scorer that goes too far, and remembers how much it was given."""

    longest = 0

    def score(self, text: str) -> float:
        self.longest = max(self.longest, len(text))
        return 7.0


def test_english_is_scored_by_vader() -> None:
    assert (feeling("This is terrible, I hate it", "en", {}).score or 0) < -0.5
    assert (feeling("Great service, thank you so much", "en", {}).score or 0) > 0.5


def test_another_language_is_unknown_until_it_has_a_lexicon() -> None:
    text = "Das ist wirklich furchtbar"
    unknown = feeling(text, "de", {})
    assert (unknown.score, unknown.why) == (None, "no scorer for de")
    assert (feeling(text, "de", {"de": Lexicon({"furchtbar": -3})}).score or 0) < -0.5


def test_a_lexicon_of_english_replaces_vader() -> None:
    assert (feeling("this is sick", "en", {"en": Lexicon({"sick": 3})}).score or 0) > 0


def test_a_scorer_that_fails_makes_the_score_unknown_and_says_so() -> None:
    failed = feeling("hello", "xx", {"xx": Broken()})
    assert (failed.score, failed.why) == (None, "the scorer for xx failed: RuntimeError")
    assert feeling("hello", "xx", {"xx": Odd()}).score is None


def test_a_score_stays_between_its_ends_and_sees_the_end_of_a_long_text() -> None:
    far = Far()
    assert feeling("x" * 100_000, "xx", {"xx": far}).score == 1.0
    assert far.longest == LOOKED_AT


def test_a_hostile_text_is_scored_in_bounded_time() -> None:
    with bounded_work():
        feeling("bad not " * 50_000, "en", {})


@given(st.text(max_size=300), st.sampled_from(("", "en", "de", "zz")))
def test_any_text_has_a_score_between_its_ends_or_none(text: str, language: str) -> None:
    score = feeling(text, language, {"de": Lexicon({"gut": 2, "nicht gut": -1})}).score
    assert score is None or -1 <= score <= 1


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("gut", 1),
        ("nicht gut", -1),
        ("nicht so gut", -1),
        ("schlecht schlecht", -1),
        ("GUT!", 1),
        ("gutes", 0),
        ("", 0),
    ],
)
def test_a_lexicon_adds_its_words_and_turns_denied_ones_round(text: str, sign: int) -> None:
    score = Lexicon({"gut": 2.0, "schlecht": -2.0}).score(text)
    assert (score > 0) - (score < 0) == sign


def test_neighbours_in_a_text_are_both_found() -> None:
    lexicon = Lexicon({"schlecht": -2.0})
    assert lexicon.score("schlecht schlecht") < lexicon.score("schlecht")


def test_a_text_whose_language_nobody_told_is_english_by_its_small_words() -> None:
    assert looks_english("why is this so bad")
    assert not looks_english("Das ist schlecht")
    assert feeling("Das ist schlecht", "", {}).why == "the language is unknown"


def test_the_mean_of_a_case_follows_the_newest_and_passes_over_the_unknown() -> None:
    assert mean_after(None, -0.5) == -0.5
    assert mean_after(-0.5, None) == -0.5
    assert mean_after(None, None) is None
    assert mean_after(1.0, -1.0) == pytest.approx(0.2)


def test_vader_is_equal_for_equal_texts() -> None:
    assert Vader().score("I am upset") == Vader().score("I am upset")
