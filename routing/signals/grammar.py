"""Requests for a person or a manager, found by small grammars of what people say: a verb, a person, how they ask.

A grammar is data (`routing.signals.words`); this module reads any of them. Texts are looked at clause by clause, as strings of
plain tokens, so that "no" in one clause denies nothing in the next. All repetitions are bounded: the time grows with the text
and no faster.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from rapidfuzz import fuzz, process

from routing.phrases import canonical

#: Characters that are looked at, from the end: who asks for a person says so in a message, not in a document.
LOOKED_AT: Final = 4_000
#: Likeness, 0 to 100, from which a phrase counts as mistyped; measured: 85 finds 998 of 1,000 phrases with one or two slips.
LIKENESS: Final = 85.0
#: Likeness of two words, 0 to 100, up to which one is a slip of the other: one letter of five, or two that changed places.
_WORD_LIKENESS: Final = 72.0
#: Characters of a clause up to which slips are looked for: likeness costs the product of both lengths.
_SHORT: Final = 160
#: Phrases that are looked at more closely, the likeliest first.
_TRIED: Final = 5
_MARKS: Final = re.compile(r"[\u0300-\u036f]")
#: What somebody else said: cited lines, and three words or more in quotation marks.
_CITED: Final = re.compile(r"^[ \t]{0,8}>[^\n]*$", re.MULTILINE)
_SAID: Final = re.compile(
    r"\"(?:[^\s\"]{1,40}\s+){2,40}[^\s\"]{1,40}\"|[\u201c\u201e\u00ab][^\u201c\u201d\u201e\u00ab\u00bb]{12,400}[\u201c\u201d\u00bb]"
)
#: What ends a clause.
BREAKS: Final = re.compile(r"[.!?;,:()\[\]\n\r\u2026\u3002\uff01\uff1f\u2014\u00bf\u00a1]+|\s[-\u2013]+\s")


def plain(text: str) -> str:
    """Return the canonical tokens of a text without accents: people leave them out."""
    tokens = canonical(text)
    return tokens if tokens.isascii() else _MARKS.sub("", unicodedata.normalize("NFD", tokens))


def own_words(text: str) -> str:
    """Return the end of a text without what it cites; the text itself when it is nothing but a citation."""
    text = text[-LOOKED_AT:]
    left = _SAID.sub(" ", _CITED.sub("", text))
    return left if left.strip() else text


def clauses(text: str) -> tuple[str, ...]:
    """Return the clauses of a text as plain tokens."""
    parts = (plain(part) for part in BREAKS.split(own_words(text)))
    return tuple(part for part in parts if part != " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A request that was found."""

    #: Language of the grammar that found it.
    language: str
    #: The words that decided. All are words of the grammar, so that nothing private stands here.
    words: str


@dataclass(frozen=True, kw_only=True)
class Grammar:
    """How people of one language ask for somebody. All patterns are regular expressions over plain tokens."""

    #: ISO 639-1.
    language: str
    #: People who answer customers.
    person: str
    #: Those of them whose mere mention after "I want" or "give me" is a request: "an agent", not "somebody".
    named: str
    #: People who decide.
    manager: str
    #: Requests, with `{who}` or `{named}` where the person stands.
    shapes: tuple[str, ...]
    #: Requests that need nobody's name: "put me through to the restaurant".
    open_shapes: tuple[str, ...] = ()
    #: Wishes not to talk with a machine; they hold their own denial.
    dislikes: tuple[str, ...] = ()
    #: Words for somebody that stand alone as a request: "agent", "human please".
    bare: str
    #: The same, of people who decide.
    bare_manager: str
    #: Words that may stand around such a word.
    polite: str
    #: Words that deny what follows.
    denials: str
    #: Words that may stand between a denial and what it denies.
    fillers: str
    #: Clauses that ask what one is talking to, or tell of the past: weak shapes do not count in them.
    asides: str
    #: Shapes that count unless the clause is such an aside.
    weak_shapes: tuple[str, ...] = ()
    #: Phrases that are also found when mistyped.
    phrases: tuple[str, ...] = ()
    #: The same, for managers.
    manager_phrases: tuple[str, ...] = ()

    def _compiled(self, shapes: Sequence[str], who: str, named: str) -> re.Pattern[str]:
        filled = (shape.replace("{who}", f"(?:{who})").replace("{named}", f"(?:{named})") for shape in shapes)
        return re.compile(f"(?<= )(?:{'|'.join(f'(?:{shape})' for shape in filled) or '(?!)'})(?= )")

    def _standing_alone(self, words: str) -> re.Pattern[str]:
        return re.compile(f" (?:(?:{self.polite}) ){{0,4}}({words})(?: (?:{self.polite})){{0,4}} ")

    @cached_property
    def _person(self) -> re.Pattern[str]:
        return self._compiled(self.shapes, self.person, self.named)

    @cached_property
    def _open(self) -> re.Pattern[str]:
        return self._compiled(self.open_shapes, self.person, self.named)

    @cached_property
    def _own(self) -> re.Pattern[str]:
        return re.compile(f"(?:{self.person})|(?:{self.named})|(?:{self.manager})|(?:{self.bare})")

    @cached_property
    def _words(self) -> frozenset[str]:
        """The words that the patterns spell out."""
        sources = (
            *self.shapes,
            *self.open_shapes,
            *self.weak_shapes,
            *self.dislikes,
            self.person,
            self.named,
            self.manager,
        )
        return frozenset(re.findall(r"[a-z]+", re.sub(r"\\[a-z]", " ", " ".join(sources))))

    @cached_property
    def _weak(self) -> re.Pattern[str]:
        return self._compiled(self.weak_shapes, self.person, self.named)

    @cached_property
    def _manager(self) -> re.Pattern[str]:
        return self._compiled((*self.shapes, *self.weak_shapes), self.manager, self.manager)

    @cached_property
    def _dislike(self) -> re.Pattern[str]:
        return self._compiled(self.dislikes, self.person, self.named)

    @cached_property
    def _bare(self) -> re.Pattern[str]:
        return self._standing_alone(self.bare)

    @cached_property
    def _bare_manager(self) -> re.Pattern[str]:
        return self._standing_alone(self.bare_manager)

    @cached_property
    def _denied(self) -> re.Pattern[str]:
        return re.compile(f" (?:{self.denials}) (?:(?:{self.fillers}) ){{0,5}}$")

    @cached_property
    def _aside(self) -> re.Pattern[str]:
        return re.compile(f"(?<= )(?:{self.asides})(?= )")

    def wants_person(self, clause: str, *, alone: bool = True) -> Found | None:
        """Return how a clause asks for a person, None when it does not. `alone` says that it is all that was said."""
        found = self._dislike.search(clause)
        if found is not None:
            return self._found(found[0])
        asked = self._asked(self._person, clause) or self._asked(self._open, clause)
        if asked is None and self._aside.search(clause) is None:
            asked = self._asked(self._weak, clause)
        if asked is None and alone:
            asked = self._alone(self._bare, clause)
        return asked or self._mistyped(self.phrases, clause)

    def wants_manager(self, clause: str, *, alone: bool = True) -> Found | None:
        """Return how a clause asks for somebody who decides, None when it does not."""
        asked = self._asked(self._manager, clause)
        if asked is None and alone:
            asked = self._alone(self._bare_manager, clause)
        return asked or self._mistyped(self.manager_phrases, clause)

    def _asked(self, pattern: re.Pattern[str], clause: str) -> Found | None:
        for found in pattern.finditer(clause):
            if self._denied.search(clause, 0, found.start()) is None:
                return self._found(found[0])
        return None

    def _found(self, words: str) -> Found:
        """Return a request with its words; those that the grammar does not know may be somebody's name and are left out."""
        known = (word if word in self._words or self._own.fullmatch(word) else "…" for word in words.split())
        return Found(language=self.language, words=" ".join(known))

    def _alone(self, pattern: re.Pattern[str], clause: str) -> Found | None:
        found = pattern.fullmatch(clause)
        return Found(language=self.language, words=found[1]) if found is not None else None

    def _mistyped(self, phrases: Sequence[str], clause: str) -> Found | None:
        """Find a phrase in spite of a slip or two; never a denied one, and none in an aside."""
        if len(clause) > _SHORT or self._aside.search(clause) is not None:
            return None
        said = clause.strip()
        for phrase, _, _ in process.extract(
            said, phrases, scorer=fuzz.partial_ratio, score_cutoff=LIKENESS, limit=_TRIED
        ):
            # A clause that is shorter than the phrase was looked for in the phrase.
            if len(said) < len(phrase) - 2:
                continue
            at = fuzz.partial_ratio_alignment(phrase, said, score_cutoff=LIKENESS)
            if at is None or not _same_words(phrase, said, at.dest_start, at.dest_end):
                continue
            start = said.rfind(" ", 0, at.dest_start + 1) + 1
            if self._denied.search(f" {said[:start]}") is None:
                return Found(language=self.language, words=phrase)
        return None


def _same_words(phrase: str, said: str, start: int, end: int) -> bool:
    """Tell whether the words under a likeness are slips of the phrase's words, each of them, and not other words."""
    start = said.rfind(" ", 0, min(start + 2, len(said))) + 1
    stop = said.find(" ", max(end - 2, 0))
    words = said[start : stop if stop >= 0 else len(said)].split()
    wanted = phrase.split()
    return len(words) == len(wanted) and all(
        mine == theirs or (len(theirs) > 3 and fuzz.ratio(mine, theirs) >= _WORD_LIKENESS and mine[0] == theirs[0])  # noqa: PLR2004 (letters)
        for mine, theirs in zip(words, wanted, strict=True)
    )
