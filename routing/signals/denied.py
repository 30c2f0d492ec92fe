"""Phrases of `[phrases]` that their writer denies: "I was not charged twice" holds the phrase and says the opposite.

Looked at only where a phrase was found. In doubt a phrase counts: a denial must stand before it in its clause, with nothing
between them but small words. A question denies nothing ("I was not charged twice?"), and *not only* is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from routing.phrases import LOOKED_AT, Phrase, PhraseBook, PhraseList, canonical
from routing.signals.grammar import BREAKS, plain

#: Characters before a phrase in which its denial stands.
_NEAR: Final = 120
#: By language: what denies, and the small words that may stand between it and the phrase.
_BEFORE: Final = (
    (
        r"not|never|no longer|cannot|aint|(?:do|does|did|wo|would|should|ca|could|is|are|was|were|has|have|had)nt",
        r"a|an|the|any|been|be|being|going|gonna|to|have|having|yet|ever|about|planning|threatening|of|your|my|actually|really",
    ),
    # Only right before a phrase: "no I was charged twice" is an answer.
    (r"no|neither|nor", r"a|an|any|such|known|more|further|other|new|real|current|single"),
    (
        r"nicht|kein|keine|keinen|keinem|keiner|keinerlei|nie|niemals|weder",
        r"mehr|mit|ein|eine|einen|einem|einer|der|die|das|den|dem|meinen|meinem|von|wirklich|sofort",
    ),
    (r"pas|jamais|aucun|aucune|ni", r"de|d|du|des|un|une|la|le|les|mon|ma|vous|ete"),
    (
        r"no|nunca|jamas|ningun|ninguna|tampoco|ni",
        r"voy a|vamos a|me|se|nos|ha|han|he|hay|hubo|es|fue|sido|un|una|el|la|los|ningun|ninguna|tengo",
    ),
    (
        r"non|nessun|nessuna|nessuno|mai",
        r"mi|ci|vi|ho|ha|hanno|e|ce|sono|stato|stata|stati|un|una|il|la|nessun|nessuna|voglio",
    ),
    (
        r"nao|nunca|jamais|nenhum|nenhuma|nem",
        r"me|fui|foi|ha|houve|tem|tenho|vou|e|um|uma|o|a|nenhum|nenhuma|sido",
    ),
    (r"niet|geen|nooit|noch", r"een|de|het|meer|echt|mijn|met|enkele|te"),
)
_DENIED: Final = re.compile("|".join(f"(?: (?:{denials}) (?:(?:{fillers}) ){{0,5}}$)" for denials, fillers in _BEFORE))
#: German and Dutch deny after the verb: "ich verklage Sie nicht".
_AFTER: Final = re.compile(r" (?:nicht|niet|keinesfalls|keineswegs)(?! (?:nur|bloss|alleen|enkel)) ")


def said_of(book: PhraseBook, found: frozenset[str], tokens: str, text: str, language: str = "") -> frozenset[str]:
    """Return those of the lists found in a text's tokens of which a phrase occurs that is not denied, or may be."""
    if found <= book.undeniable:
        return found
    clauses = _clauses(text)
    if not _fit(clauses, tokens):
        return found
    said: set[str] = set(found & book.undeniable)
    for name, start, end, (asks, begins, ends) in _placed(clauses, book.places_in(tokens, language)):
        if name not in said and (asks or not _denied(tokens, begins, start, end, ends)):
            said.add(name)
    return frozenset(said)


def sightings(book: PhraseBook, tokens: str, text: str, language: str = "") -> list[str]:
    """Return each phrase that occurs in a text's tokens, with its list, and why it does not count where it does not."""
    clauses, places = _clauses(text), book.places_in(tokens)
    denied: set[tuple[str, int, int]] = set()
    if _fit(clauses, tokens):
        denied = {
            (name, start, end)
            for name, start, end, (asks, begins, ends) in _placed(clauses, places)
            if name not in book.undeniable and not asks and _denied(tokens, begins, start, end, ends)
        }
    heard = set(book.places_in(tokens, language))
    told: dict[str, None] = {}
    for place in sorted(places, key=lambda place: place[1]):
        why = f": not in {language}" if place not in heard else ": denied" if place in denied else ""
        told[f"{place[0]}: {tokens[place[1] : place[2]].strip()}{why}"] = None
    return list(told)


def always_with(phrase: Phrase, of: PhraseList, wider: Phrase, others: PhraseList) -> bool:
    """Tell whether a phrase of a list counts wherever a wider one counts, of the same list or of another."""
    if phrase.language not in ("", wider.language):
        return False
    if not of.negation:
        return phrase.words in wider.words
    return others.negation and found_with(phrase.words, wider.words)


def found_with(phrase: str, wider: str) -> bool:
    """Tell whether a phrase is found wherever a wider one is; both are canonical. "not reachable" denies "reachable"."""
    at = wider.find(phrase)
    return at >= 0 and not _denied(wider, 0, at, at + len(phrase), len(wider) - 1)


def _placed(
    clauses: Sequence[tuple[str, bool]], places: Iterable[tuple[str, int, int]]
) -> Iterator[tuple[str, int, int, tuple[bool, int, int]]]:
    """Yield occurrences in their order, each with its clause: whether it is a question, and where in the tokens it stands."""
    starts = [0]
    for words, _ in clauses:
        starts.append(starts[-1] + len(words) - 1)
    number = 0
    for name, start, end in sorted(places, key=lambda place: place[1]):
        while starts[number + 1] <= start:
            number += 1
        yield name, start, end, (clauses[number][1], starts[number], starts[number + 1])


def _fit(clauses: Sequence[tuple[str, bool]], tokens: str) -> bool:
    """Tell whether clauses are the tokens. Signs may join over the end of one: nothing tells then where it stands in them."""
    return "".join(clause for clause, _ in clauses).replace("  ", " ") == tokens


def _clauses(text: str) -> list[tuple[str, bool]]:
    """Return the clauses as canonical tokens, and whether each is a question."""
    text = text[-LOOKED_AT:]
    borders = [(0, 0), *(found.span() for found in BREAKS.finditer(text)), (len(text), len(text))]
    parts = ((canonical(text[stop:start]), text[start:end]) for (_, stop), (start, end) in pairwise(borders))
    return [(part, "?" in after or "\uff1f" in after) for part, after in parts if part != " "]


def _denied(tokens: str, clause: int, start: int, end: int, over: int) -> bool:
    """Tell whether the phrase from `start` to `end`, blanks included, is denied in its clause up to `over`."""
    before = plain(tokens[max(clause, start - _NEAR) : start + 1])
    if _DENIED.search(before) is not None:
        return True
    return _AFTER.match(plain(tokens[end - 1 : min(over + 1, end + _NEAR)])) is not None
