"""`[lexicon.LANGUAGE]` of a policy → scorers of sentiment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Protocol

from gateway.toml import Problem, Problems, read_toml
from routing.phrases import canonical
from routing.signals.sentiment import Lexicon, Scorer

_LANGUAGE: Final = re.compile(r"[a-z]{2}")
#: The largest weight, as in VADER's lexicon.
HEAVIEST: Final = 4


class Reader(Protocol):
    """What is needed of a reader of TOML: to note what is wrong."""

    def note(self, path: tuple[str | int, ...], sentence: str, *, value: bool = False, offset: int = 0) -> None:
        """Note a mistake at a key, or at its value."""
        ...

    def table(self, path: tuple[str | int, ...], value: object, what: str) -> dict[str, Any]:
        """Return a table; note it when it is none."""
        ...


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


class _Alone:
    """Reads the lexicons of a file and nothing else of it."""

    def __init__(self, text: str, file: str) -> None:
        self.document = read_toml(text, file)
        self.problems: list[Problem] = []

    def note(self, path: tuple[str | int, ...], sentence: str, *, value: bool = False, offset: int = 0) -> None:  # noqa: ARG002
        line, column = self.document.value_position(*path) if value else self.document.position(*path)
        self.problems.append(Problem(file=self.document.file, line=line, column=column, sentence=sentence))

    def table(self, path: tuple[str | int, ...], value: object, what: str) -> dict[str, Any]:
        if isinstance(value, dict):
            return value  # pyright: ignore[reportUnknownVariableType]
        self.note(path, f"{what} must be a table")
        return {}


def lexicons_of(text: str, file: str) -> Mapping[str, Scorer]:
    """Read only the lexicons of a policy file. Raises `Problems`."""
    reader = _Alone(text, file)
    made = read_lexicons(reader, reader.document.values.get("lexicon", {}))
    if reader.problems:
        raise Problems(reader.problems)
    return made
