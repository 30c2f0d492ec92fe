"""How many messages a text is on the way: what is billed, and what a day's cap counts. Pure.

Source: 3GPP TS 23.038 (the alphabet of 7 bits), twilio.com/docs/glossary/what-sms-character-limit: 160 characters of that
alphabet or 70 of Unicode (UTF-16 units), and 153 or 67 in each of several. WhatsApp bills no segments: a message is one.
"""

from __future__ import annotations

from typing import Final

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: Characters of that alphabet that take two places.
_TWICE: Final = frozenset("\f^{}\\[~]|€")
#: Places in one message, and in each of several; by the alphabet of 7 bits, and by Unicode.
_SHORT: Final = (160, 153)
_WIDE: Final = (70, 67)


def segments(text: str, *, to: str) -> int:
    """Return how many messages a text is on its way to a number; at least 1."""
    if ":" in to:
        return 1
    if all(letter in _BASIC or letter in _TWICE for letter in text):
        places, (whole, part) = sum(2 if letter in _TWICE else 1 for letter in text), _SHORT
    else:
        places, (whole, part) = len(text.encode("utf-16-le", "replace")) // 2, _WIDE
    return 1 if places <= whole else -(-places // part)
