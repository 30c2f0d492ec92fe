"""Phrases of `[phrases]` that their writer denies: "I was not charged twice" holds the phrase and says the opposite.

Looked at only where a phrase was found. In doubt a phrase counts: a denial must stand before it in its clause, with nothing
between them but small words. A question denies nothing ("I was not charged twice?"), and *not only* is none.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from routing.phrases import LOOKED_AT, PhraseBook, canonical
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


def said_of(book: PhraseBook, found: frozenset[str], tokens: str, text: str) -> frozenset[str]:
    """Return those of the lists found in a text's tokens of which a phrase occurs that is not denied."""
    clauses = _clauses(text)
    if "".join(clause for clause, _ in clauses).replace("  ", " ") != tokens:
        # Signs join over the end of a clause: nothing tells where it stands in the tokens.
        return found
    starts = [0]
    for clause, _ in clauses:
        starts.append(starts[-1] + len(clause) - 1)
    said: set[str] = set()
    number = 0
    for name, start, end in sorted(book.places_in(tokens), key=lambda place: place[1]):
        while starts[number + 1] <= start:
            number += 1
        asks = clauses[number][1]
        if name not in said and (asks or not _denied(tokens, starts[number], start, end, starts[number + 1])):
            said.add(name)
    return frozenset(said)


def found_with(phrase: str, wider: str) -> bool:
    """Tell whether a phrase is found wherever a wider one is; both are canonical. "not reachable" denies "reachable"."""
    at = wider.find(phrase)
    return at >= 0 and not _denied(wider, 0, at, at + len(phrase), len(wider) - 1)


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
