"""Phrases, found as people mean them: whole words, whatever their case, accents' encoding or the blanks between them.

Texts and phrases become strings of tokens (NFKC, case folded, format characters dropped, each letter of a script without
blanks its own token), joined and padded with single blanks; a phrase occurs when its string does.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from ahocorasick_rs import AhoCorasick, MatchKind

#: Characters of a message that are looked at, from its end: a longer one is a document, not a request.
LOOKED_AT: Final = 20_000

_DROPPED: Final = re.compile("[\u00ad\u0307\u200b-\u200f\u2060\ufeff'\u2019\u02bc\u064b-\u0652]")
#: Letters of scripts that are written without blanks (Thai, kana, Han, Hangul), without the punctuation among them.
_ALONE: Final = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e50-\u0e59\u3041-\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
)
_TOKEN: Final = re.compile(rf"[{_ALONE}]|[^\W_]+?(?=[{_ALONE}\W_]|$)")
#: Each ASCII character in its case-folded form, a blank for all that is neither a letter nor a digit.
_FOLDED: Final = b"".join(each.lower() if each.isalnum() else b" " for each in (bytes([code]) for code in range(256)))


def canonical(text: str) -> str:
    """Return the text's tokens, joined and padded with single blanks; one blank for a text without any."""
    if text.isascii():
        # The same in bytes, many times as fast: every message passes here.
        joined = text[-LOOKED_AT:].encode().translate(_FOLDED, b"'").strip()
        while b"  " in joined:
            joined = joined.replace(b"  ", b" ")
        return f" {joined.decode()} " if joined else " "
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text[-LOOKED_AT:]).casefold())
    tokens = _TOKEN.findall(_DROPPED.sub("", folded))
    return f" {' '.join(tokens)} " if tokens else " "


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """A phrase of a list."""

    #: As it was written.
    text: str
    #: The language in which it counts, by its two letters; empty for every language.
    language: str = ""
    #: Where it stands below its list's name in the file: its number, or the key above it and its number.
    place: tuple[str | int, ...] = ()
    #: Its tokens.
    words: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Read its tokens once."""
        object.__setattr__(self, "words", canonical(self.text))


@dataclass(frozen=True, slots=True, kw_only=True)
class PhraseList:
    """A list of phrases of the policy."""

    phrases: tuple[Phrase, ...]
    #: Whether a phrase that its writer denies is left out.
    negation: bool = True

    @classmethod
    def plain(cls, texts: Iterable[str]) -> PhraseList:
        """Return a list of which each phrase counts in every language, unless it is denied."""
        return cls(phrases=tuple(Phrase(text=text, place=(number,)) for number, text in enumerate(texts)))


class PhraseBook:
    """Named lists of phrases, all found in one pass."""

    def __init__(self, lists: Mapping[str, PhraseList | Iterable[str]]) -> None:
        """Build the automaton."""
        read = {name: each if isinstance(each, PhraseList) else PhraseList.plain(each) for name, each in lists.items()}
        found = [(name, phrase) for name, each in read.items() for phrase in each.phrases]
        self._owners = [name for name, _ in found]
        #: The language of each phrase; None where none has one, so that such a policy does nothing for it.
        self._languages = [phrase.language for _, phrase in found] if any(each.language for _, each in found) else None
        #: Lists whose phrases count although their writer denies them.
        self.undeniable = frozenset(name for name, each in read.items() if not each.negation)
        self._automaton = (
            AhoCorasick([phrase.words for _, phrase in found], matchkind=MatchKind.Standard) if found else None
        )

    @property
    def knows_languages(self) -> bool:
        """Return whether a phrase counts in one language only."""
        return self._languages is not None

    def places_in(self, canonical_text: str, language: str = "") -> list[tuple[str, int, int]]:
        """Return each occurrence: the list's name, and where the phrase starts and ends, its blanks included.

        Of a text whose language is known, phrases of other languages are left out.
        """
        if self._automaton is None:
            return []
        found = self._automaton.find_matches_as_indexes(canonical_text, overlapping=True)
        if self._languages is None or not language:
            return [(self._owners[index], start, end) for index, start, end in found]
        counts = ("", language)
        return [(self._owners[index], start, end) for index, start, end in found if self._languages[index] in counts]

    def names_in(self, canonical_text: str, language: str = "") -> frozenset[str]:
        """Return the names of the lists of which a phrase occurs; of other languages than a known one none counts."""
        if self._automaton is None:
            return frozenset()
        found = self._automaton.find_matches_as_indexes(canonical_text, overlapping=True)
        if self._languages is None or not language:
            return frozenset(self._owners[index] for index, _, _ in found)
        counts = ("", language)
        return frozenset(self._owners[index] for index, _, _ in found if self._languages[index] in counts)
