"""Phrases, found as people mean them: whole words, whatever their case, accents' encoding or the blanks between them.

Texts and phrases become strings of tokens (NFKC, case folded, format characters dropped, each letter of a script without
blanks its own token), joined and padded with single blanks; a phrase occurs when its string does.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
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


class PhraseBook:
    """Named lists of phrases, all found in one pass."""

    def __init__(self, phrases: Mapping[str, Iterable[str]]) -> None:
        """Build the automaton."""
        self._owners: list[str] = []
        patterns: list[str] = []
        for name, each in phrases.items():
            for phrase in each:
                patterns.append(canonical(phrase))
                self._owners.append(name)
        self._automaton = AhoCorasick(patterns, matchkind=MatchKind.Standard) if patterns else None

    def places_in(self, canonical_text: str) -> list[tuple[str, int, int]]:
        """Return each occurrence: the list's name, and where the phrase starts and ends, its blanks included."""
        if self._automaton is None:
            return []
        found = self._automaton.find_matches_as_indexes(canonical_text, overlapping=True)
        return [(self._owners[index], start, end) for index, start, end in found]

    def names_in(self, canonical_text: str) -> frozenset[str]:
        """Return the names of the lists of which a phrase occurs."""
        if self._automaton is None:
            return frozenset()
        found = self._automaton.find_matches_as_indexes(canonical_text, overlapping=True)
        return frozenset(self._owners[index] for index, _, _ in found)
