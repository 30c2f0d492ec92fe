"""Values to JSON text and back, with decoders that are made once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

import msgspec

from gateway.model import Activity, Case, Effect, Episode, Lesson, Profile, Progress, Receipt, TicketLink

_ENCODER: Final = msgspec.json.Encoder()
encode_bytes = _ENCODER.encode

activity_from: Final = msgspec.json.Decoder(Activity).decode
case_from: Final = msgspec.json.Decoder(Case).decode
effect_from: Final = msgspec.json.Decoder(Effect).decode
episode_from: Final = msgspec.json.Decoder(Episode).decode
lesson_from: Final = msgspec.json.Decoder(Lesson).decode
profile_from: Final = msgspec.json.Decoder(Profile).decode
progress_from: Final = msgspec.json.Decoder(Progress).decode
receipt_from: Final = msgspec.json.Decoder(Receipt).decode
ticket_from: Final = msgspec.json.Decoder(TicketLink).decode
mapping_from: Final = msgspec.json.Decoder(dict[str, object]).decode
sides_from: Final = msgspec.json.Decoder(dict[str, dict[str, str]]).decode
pairs_from: Final = msgspec.json.Decoder(list[tuple[str, str]]).decode


def encode(value: object) -> str:
    """Return the value as JSON text."""
    return encode_bytes(value).decode()


def canonical(value: Mapping[str, object]) -> str:
    """Return a mapping as JSON text that is the same for equal mappings."""
    return msgspec.json.encode(value, order="sorted").decode()


def key_hash(key: str) -> str:
    """Return the hash by which a dedupe key is kept: it outlives the key, which may name a person."""
    return hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
