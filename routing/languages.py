"""Languages by their two letters (ISO 639-1), and which one somebody meant who wrote something else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.toml import nearest

#: All of them: the first letter, and the second ones that follow it.
_LETTERS: Final = {
    "a": "abefkmnrsvyz",
    "b": "aegimnors",
    "c": "aehorsuvy",
    "d": "aevz",
    "e": "elnostu",
    "f": "afijory",
    "g": "adlnuv",
    "h": "aeiortuyz",
    "i": "adegikostu",
    "j": "av",
    "k": "agijklmnorsuvwy",
    "l": "abginotuv",
    "m": "ghiklnrsty",
    "n": "abdeglnorvy",
    "o": "cjmrs",
    "p": "ailst",
    "q": "u",
    "r": "mnouw",
    "s": "acdegiklmnoqrstuvw",
    "t": "aeghiklnorstwy",
    "u": "gkrz",
    "v": "eio",
    "w": "ao",
    "x": "h",
    "y": "io",
    "z": "ahu",
}
LANGUAGES: Final = frozenset(first + second for first, seconds in _LETTERS.items() for second in seconds)
#: What those are called whose denials and requests Baton knows: in English, by themselves, and by three letters.
_CALLED: Final = {
    name: language
    for language, names in {
        "de": ("de", "german", "deutsch", "ger", "deu"),
        "en": ("en", "english", "eng"),
        "es": ("es", "spanish", "espanol", "español", "spa"),
        "fr": ("fr", "french", "francais", "français", "fra", "fre"),
        "it": ("it", "italian", "italiano", "ita"),
        "nl": ("nl", "dutch", "nederlands", "nld", "dut"),
        "pt": ("pt", "portuguese", "portugues", "português", "por"),
    }.items()
    for name in names
}


def meant(word: str, others: Iterable[str] = ()) -> str | None:
    """Return the language that was most likely meant, or another word that could stand there; None when none is near."""
    folded = word.casefold()
    # With a country, de-AT, a language is one of its own elsewhere; here it is none.
    first = folded.replace("_", "-").partition("-")[0]
    if first in LANGUAGES:
        return first
    near = nearest(folded, (*others, *_CALLED))
    return _CALLED.get(near, near) if near is not None else None
