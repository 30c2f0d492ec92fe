"""`[lexicon.LANGUAGE]` of a policy → scorers of sentiment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from gateway.toml import Problems, read_toml
from routing.load_phrases import read_phrases
from routing.phrases import PhraseBook, canonical
from routing.reader import Reader
from routing.signals.sentiment import Lexicon, Scorer

_LANGUAGE: Final = re.compile(r"[a-z]{2}")
#: The largest weight, as in VADER's lexicon.
HEAVIEST: Final = 4


def read_lexicons(reader: Reader, value: object) -> Mapping[str, Scorer]:
    """Read the lexicons; what is wrong is noted."""
    made: dict[str, Scorer] = {}
    for language, given in reader.table(("lexicon",), value, "lexicon").items():
        path = ("lexicon", language)
        if not _LANGUAGE.fullmatch(language):
            reader.note(path, f"{language!r} is no language: write its two letters (ISO 639-1), like de")
        words = reader.table(path, given, f"lexicon.{language}")
        weights: dict[str, float] = {}
        for word, weight in words.items():
            if canonical(word) == " ":
                reader.note((*path, word), "this word has no letters or digits and would never be found")
            if not isinstance(weight, int | float) or isinstance(weight, bool) or not -HEAVIEST <= weight <= HEAVIEST:
                reader.note((*path, word), f"the weight of {word!r} must be a number from -4 to 4", value=True)
                continue
            weights[word] = float(weight)
        if not words:
            reader.note(path, f"lexicon.{language} is empty: give it words or remove it")
        made[language] = Lexicon(weights)
    return made


def words_of(text: str, file: str) -> tuple[Mapping[str, Scorer], PhraseBook]:
    """Read only the lexicons and the lists of phrases of a policy file. Raises `Problems`."""
    reader = Reader(read_toml(text, file), {})
    values = reader.document.values
    made = read_lexicons(reader, values.get("lexicon", {}))
    lists = read_phrases(reader, values.get("phrases", {}))
    if reader.problems:
        raise Problems(reader.problems)
    return made, PhraseBook(lists)
