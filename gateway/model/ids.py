"""Identifiers: made in one place, compared as text, parsed nowhere.

Rows are named by UUID version 7 (RFC 9562, section 5.7), so that their order is roughly their age. Effects are named by
UUID version 5 of what caused them (RFC 9562, section 5.5): deciding the same thing twice yields the same effect.
"""

from __future__ import annotations

import hashlib
import uuid

_EFFECTS = uuid.UUID("7f3c1d0a-5a0e-5c57-9c1b-0b6a70e5f1aa")
_BEGUN = hashlib.sha1(_EFFECTS.bytes, usedforsecurity=False)
_RANDOM_BYTES = 10


def uuid7(at: int, entropy: bytes) -> str:
    """Return a UUID version 7 for the instant `at` (microseconds) from 10 bytes of `entropy`.

    The model knows no clock and no source of chance: both are handed in.
    Raises ValueError when `entropy` is not 10 bytes long.
    """
    if len(entropy) != _RANDOM_BYTES:
        message = f"uuid7 needs {_RANDOM_BYTES} bytes of entropy, not {len(entropy)}"
        raise ValueError(message)
    chance = int.from_bytes(entropy, "big")
    value = ((at // 1000) & 0xFFFF_FFFF_FFFF) << 80
    value |= 0x7 << 76 | (chance >> 68 & 0xFFF) << 64
    value |= 0b10 << 62 | (chance & 0x3FFF_FFFF_FFFF_FFFF)
    return str(uuid.UUID(int=value))


def effect_id(case_id: str, cause: str, kind: str, number: int) -> str:
    """Return the id of the effect number `number` of `kind` that `cause` has on a case.

    The id is also the idempotency key that vendors are given: it holds only ``[0-9a-f-]``.
    """
    # What `uuid.uuid5` does, without the object: this stands in the way of every effect.
    name = f"{case_id}\n{cause}\n{kind}\n{number}".encode()
    digest = _BEGUN.copy()
    digest.update(name)
    text = digest.hexdigest()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"
