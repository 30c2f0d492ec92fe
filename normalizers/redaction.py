"""What must not travel on: numbers and words that a customer wrote and that no second system should hold.

The text that Baton keeps stays whole. What goes from one vendor to another is redacted, visibly: brackets say what stood there.
Sources: ISO/IEC 7812-1 (card numbers and their check digit), PCI DSS 4.0 requirement 3.3 (security codes are never stored;
the last four digits of a card may be shown), ISO 13616 (IBAN).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum
from typing import Final

from normalizers.cards import card_numbers


class Secret(StrEnum):
    """What is redacted."""

    CARD = "card"
    IBAN = "iban"
    SECURITY_CODE = "security-code"
    PASSWORD = "password"  # noqa: S105 (the word for it)


#: First digits of cards that bear their security code of four digits in front; all others bear three at the back.
_FRONT: Final = ("34", "37")
_FRONT_CODE: Final = 4
_BACK_CODE: Final = 3
_IBAN: Final = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?:[ \u00a0]?[A-Z0-9]){11,30}(?!\w)", re.IGNORECASE)
_CODE: Final = re.compile(
    r"(?<!\w)(cvv2?|cvc2?|cid|security code|kartenprüfnummer|prüfziffer|cryptogramme)(\s*(?:is|:|=|ist|est)?\s*)\d{3,4}(?!\d)",
    re.IGNORECASE,
)
_PASSWORD: Final = re.compile(
    r"(?<!\w)(password|passwd|passwort|kennwort|mot de passe|contraseña|senha|pin)(\s*[:=]\s*)\S+", re.IGNORECASE
)
_NINETY_SEVEN: Final = 97


def redact(text: str, what: Collection[Secret]) -> str:
    """Return the text with the secrets of some kinds replaced by words in brackets."""
    if Secret.CARD in what:
        text = _cards(text, codes=Secret.SECURITY_CODE in what)
    if Secret.IBAN in what:
        text = _IBAN.sub(_iban, text)
    if Secret.SECURITY_CODE in what:
        text = _CODE.sub(r"\1\2[security code]", text)
    if Secret.PASSWORD in what:
        text = _PASSWORD.sub(r"\1\2[password]", text)
    return text


def _cards(text: str, *, codes: bool) -> str:
    """Replace card numbers, and the security code that was written beside one."""
    told: list[str] = []
    done = 0
    for card in card_numbers(text):
        told += [text[done : card.start], f"[card number ending in {card.digits[-4:]}]"]
        done = card.end
        size = _FRONT_CODE if card.digits.startswith(_FRONT) else _BACK_CODE
        code = next(((start, end) for start, end in card.after if end - start == size and not _joined(text, end)), None)
        if codes and code is not None:
            told += [text[done : code[0]], "[security code]"]
            done = code[1]
    return "".join(told) + text[done:]


def _joined(text: str, at: int) -> bool:
    return text[at : at + 1].isalnum()


def _iban(found: re.Match[str]) -> str:
    """Replace an account number; words that come after one without a comma are no part of it."""
    for end in range(len(found[0]), 14, -1):
        part = found[0][:end]
        plain = re.sub(r"\s", "", part).upper()
        if part[-1].isspace() or not (15 <= len(plain) <= 34):  # noqa: PLR2004 (ISO 13616: Norway's to the longest)
            continue
        after = found[0][end:]
        if after and not after[0].isspace():
            continue
        if _mod_97(plain):
            return f"[IBAN ending in {plain[-4:]}]{after}"
    return found[0]


def _mod_97(plain: str) -> bool:
    """Tell whether the check digits fit (ISO 13616, by ISO/IEC 7064 MOD 97-10)."""
    turned = plain[4:] + plain[:4]
    return int("".join(str(int(each, 36)) for each in turned)) % _NINETY_SEVEN == 1
