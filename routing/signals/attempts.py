"""Attempts that failed: the same question again. What is kept of a message is a fingerprint, never its words."""

from __future__ import annotations

from typing import Final
from zlib import crc32

from routing.signals.grammar import own_words, plain

#: Messages of the customer that are remembered.
REMEMBERED: Final = 8
#: Words of a message that make its fingerprint.
_WORDS: Final = 32
#: Share of common words, of all words of the two, from which two messages ask the same.
_ALIKE: Final = 0.5
#: Fewer words than this ask nothing: "yes", "thank you".
_FEWEST: Final = 2
_STEM: Final = 5
_SHORTEST: Final = 3
_SMALL: Final = frozenset(
    (  # noqa: SIM905 (words read best as words)
        "the and are was you your this that have has had not with for what why how when its our they them been "
        "please thanks thank hello hey can could would should will still again just very about there from out but "
        "any all did does dont get got der die das und ist ich sie nicht mit ein eine einen wie was wann bitte "
        "danke hallo mein meine noch immer auch les des une est pas vous que qui mon mes pour dans avec toujours "
        "encore merci bonjour los las una que por con mis como para hola gracias che non per con mio mia come "
        "ciao grazie che uma com nao meu minha para ola obrigado het een van mijn niet met voor hoe wat waar "
        "hallo dank nog steeds"
    ).split()
)


def fingerprint(text: str) -> str:
    """Return hashes of the words that carry a message's meaning, four letters each; empty when it asks nothing."""
    stems = {
        token[:_STEM]
        for token in plain(own_words(text)).split()
        if token not in _SMALL and (len(token) >= _SHORTEST or not token.isascii() or token.isdigit())
    }
    if len(stems) < _FEWEST:
        return ""
    hashes = sorted({f"{crc32(stem.encode()) & 0xFFFF:04x}" for stem in stems})
    return "".join(hashes[:_WORDS])


def alike(one: str, other: str) -> bool:
    """Tell whether two fingerprints are of the same question."""
    mine, theirs = _parts(one), _parts(other)
    both = len(mine | theirs)
    return both > 0 and len(mine & theirs) / both >= _ALIKE


def _parts(fingerprint: str) -> frozenset[str]:
    return frozenset(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4))
