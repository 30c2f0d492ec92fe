"""What we write into our mails so that an answer to them is known for one: signed Message-IDs and subject tokens.

A Message-ID of ours names the effect that sent it and is signed for one recipient: it proves something only when that recipient
answers. A subject token is signed as well, but anybody may forward a subject: it counts only from a participant of the case,
which the store knows.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Final
from uuid import UUID

#: Bytes of a Message-ID's signature: 128 bits, nobody guesses it.
_SEAL: Final = 16
#: Bytes of a subject token's signature: 60 bits; it must also come from a participant.
_SHORT_SEAL: Final = 8
_LONGEST_EFFECT: Final = 200
_MESSAGE_ID: Final = re.compile(r"<b1\.([a-z2-7]{2,340})\.([a-z2-7]{26})@[^<>\s@]+>", re.IGNORECASE)
#: A subject token, of whatever mail of ours: its effect, and its signature.
TOKEN: Final = re.compile(r"\[#([a-z2-7]{2,340})-([a-z2-7]{13})\]", re.IGNORECASE)


def message_id_for(key: bytes, effect_id: str, recipient: str, domain: str) -> str:
    """Return the Message-ID of the mail with which an effect writes to a recipient, with its angle brackets.

    Raises ValueError for an effect id or a domain that cannot stand in one.
    """
    if not re.fullmatch(r"[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f.:]{2,60}\]", domain):
        raise ValueError("The domain of a Message-ID must be a host name.")
    return f"<b1.{_packed(effect_id)}.{_seal(key, 'message-id', effect_id, recipient, _SEAL)}@{domain}>"


def reference_of(keys: Iterable[bytes], message_ids: Iterable[str], sender: str) -> str | None:
    """Return the effect that one of the Message-IDs proves when `sender` answers it: the first one, None when none does."""
    known = tuple(keys)
    for message_id in message_ids:
        found = _MESSAGE_ID.fullmatch(message_id)
        effect_id = _unpacked(found[1]) if found is not None else None
        if found is None or effect_id is None:
            continue
        seals = [_seal(key, "message-id", effect_id, sender, _SEAL) for key in known]
        if any(hmac.compare_digest(seal, found[2].lower()) for seal in seals):
            return effect_id
    return None


def subject_token(key: bytes, effect_id: str) -> str:
    """Return the token that may stand in a subject, ``[#…]``. Raises ValueError for an effect id that cannot stand there."""
    return f"[#{_packed(effect_id)}-{_seal(key, 'subject', effect_id, '', _SHORT_SEAL)}]"


def token_of(keys: Iterable[bytes], subject: str) -> str | None:
    """Return the effect that a token of ours in a subject names, None when there is none of ours."""
    known = tuple(keys)
    for found in TOKEN.finditer(subject[:2_000]):
        effect_id = _unpacked(found[1])
        if effect_id is None:
            continue
        seals = [_seal(key, "subject", effect_id, "", _SHORT_SEAL) for key in known]
        if any(hmac.compare_digest(seal, found[2].lower()) for seal in seals):
            return effect_id
    return None


def looks_like_ours(message_id: str) -> bool:
    """Return whether a Message-ID has the shape of ours, signed or not: enough to break a loop, never to trust anybody."""
    return _MESSAGE_ID.fullmatch(message_id) is not None


def _seal(key: bytes, purpose: str, effect_id: str, recipient: str, size: int) -> str:
    who = recipient.strip().lower()
    said = b"\0".join(each.encode("utf-8", "surrogatepass") for each in ("baton", purpose, effect_id, who))
    return _letters(hmac.new(key, said, hashlib.sha256).digest()[:size])


def _packed(effect_id: str) -> str:
    """Return an effect id in letters that no mail server changes: a UUID in 26 of them, anything else marked and longer."""
    if not effect_id or len(effect_id.encode("utf-8", "surrogatepass")) > _LONGEST_EFFECT:
        raise ValueError("An effect id must be 1 to 200 bytes long.")
    try:
        uuid = UUID(effect_id)
    except ValueError:
        uuid = None
    if uuid is not None and str(uuid) == effect_id:
        return _letters(uuid.bytes)
    return _letters(b"\0" + effect_id.encode("utf-8", "surrogatepass") + b"\0" * (len(effect_id.encode()) == 15))  # noqa: PLR2004


def _unpacked(letters: str) -> str | None:
    try:
        packed = base64.b32decode(letters.upper() + "=" * (-len(letters) % 8))
        if len(packed) == 16:  # noqa: PLR2004 (a UUID)
            return str(UUID(bytes=packed))
        return packed.removeprefix(b"\0").rstrip(b"\0").decode() if packed[:1] == b"\0" else None
    except (binascii.Error, ValueError):
        return None


def _letters(data: bytes) -> str:
    return base64.b32encode(data).decode("ascii").rstrip("=").lower()
