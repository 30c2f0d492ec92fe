"""Attempts that failed: the same question again. What is kept of a message is a fingerprint, never its words."""

from __future__ import annotations

from typing import Final
from zlib import crc32

from routing.signals.grammar import own_words, plain

#: Messages of the customer that are remembered.
REMEMBERED: Final = 8
#: Words of a message that make its fingerprint.
_WORDS: Final = 30
#: Share of common words, of all words of the two, from which two messages ask the same when one only adds to the other.
_ALIKE: Final = 0.5
#: The same, when each holds a word that the other lacks: in a short question that word is what it asks for.
_EACH_DIFFERS: Final = 0.8
#: Fewer words than this ask nothing, unless as a question: "yes", "thank you".
_FEWEST: Final = 2
_STEM: Final = 5
_SHORTEST: Final = 3


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_SMALL: Final = _words(
    "the and are was you your this that have has had not with for what why how when its our they them been "
    "please thanks thank hello hey can could would should will still again just very about there from out but "
    "any all did does dont get got der die das und ist ich sie nicht mit ein eine einen wie was wann bitte "
    "danke hallo mein meine noch immer auch les des une est pas vous que qui mon mes pour dans avec toujours "
    "encore merci bonjour los las una que por con mis como para hola gracias che non per con mio mia come "
    "ciao grazie che uma com nao meu minha para ola obrigado het een van mijn niet met voor hoe wat waar "
    "hallo dank nog steeds yes okay sure fine jawohl oui sim"
)
#: Words that say of a question nothing that another one would not say, by their stems: they make no two alike.
_LIGHT: Final = frozenset(
    word[:_STEM]
    for word in _words(
        "want need like know tell help give take make look show wants needs wish trying tried possible question mochte moechte "
        "brauche wurde konnen koennen kann habe frage hilfe wissen veux voudrais besoin puis peux savoir aide quiero "
        "necesito puedo saber ayuda tengo voglio vorrei bisogno posso sapere aiuto quero preciso gostaria ajuda tenho wil "
        "nodig kan weten heb hulp graag denn"
    )
)
#: Words around a question that do not change it.
_POLITE: Final = _words(
    "please pls thanks thank hello hey hi bitte danke hallo svp merci bonjour porfavor hola gracias ciao grazie ola "
    "obrigado obrigada dank bedankt again still noch encore ancora"
)
#: Words that begin a question.
_ASKING: Final = _words(
    "where what when why how who which any wo was wann warum wie wer ou quand comment pourquoi quel quelle donde cuando "
    "como porque cual dove quando come perche onde quanto waar wat wanneer waarom hoe"
)


def fingerprint(text: str) -> str:
    """Return hashes of a message, four letters each: `=` and the whole, then its words; empty when it asks nothing.

    A word with a digit has its hash in capitals: other numbers are other questions.
    """
    own = own_words(text)
    tokens = plain(own).split()
    stems = {
        token[:_STEM] if token.isalpha() else token
        for token in tokens
        if token not in _SMALL and (len(token) >= _SHORTEST or not token.isascii() or token.isdigit())
    }
    asks = len(stems) >= _FEWEST or (bool(stems) and len(tokens) > 1 and ("?" in own or tokens[0] in _ASKING))
    if not asks:
        return ""
    whole = _hash(" ".join(token for token in tokens if token not in _POLITE))
    parts = sorted({_hash(stem) if stem.isalpha() else _hash(stem).upper() for stem in stems - _LIGHT})
    return f"={whole}" + ("".join(parts[:_WORDS]) if len(parts) >= _FEWEST else "")


def alike(one: str, other: str) -> bool:
    """Tell whether two fingerprints are of the same question."""
    if one.startswith("=") and one[:5] == other[:5]:
        return True
    mine, theirs = _parts(one), _parts(other)
    both = len(mine | theirs)
    if not mine or not theirs:
        return False
    only_mine, only_theirs = mine - theirs, theirs - mine
    if _numbers(only_mine) and _numbers(only_theirs):
        return False
    return len(mine & theirs) / both >= (_EACH_DIFFERS if only_mine and only_theirs else _ALIKE)


def _hash(words: str) -> str:
    # The letter in front keeps a hash of digits only apart from its own capitals.
    return f"{'abcdef'[crc32(words.encode()) % 6]}{crc32(words.encode()) >> 8 & 0xFFF:03x}"


def _numbers(parts: frozenset[str]) -> bool:
    return any(part[0].isupper() for part in parts)


def _parts(fingerprint: str) -> frozenset[str]:
    words = fingerprint[5:] if fingerprint.startswith("=") else fingerprint
    return frozenset(words[at : at + 4] for at in range(0, len(words), 4))
