"""Rows of effects: the numbers of their states, and how new ones are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.model import Effect, Mode
from gateway.store import codec
from gateway.store.engine import Row, Transaction
from gateway.store.names import Names

#: States as numbers: below 10 an effect is open and keeps later effects of its case and connection waiting.
PENDING, SENDING, UNKNOWN, STUCK, DONE, FAILED, CANCELLED, OBSERVED = 0, 1, 2, 3, 10, 11, 12, 13

_COLUMNS: Final = (
    *(("id", "text"), ("case_id", "text"), ("connection_id", "bigint"), ("kind", "text"), ("rule", "text")),
    *(("state", "bigint"), ("due_at", "bigint"), ("created_at", "bigint"), ("doc", "text")),
)


def insert_effects(t: Transaction, names: Names, effects: Sequence[Effect], now: int) -> None:
    """Write new effects; one that is there already stays as it is."""
    rows: list[Row] = [
        (
            *(effect.id, effect.case_id, names.number(effect.connection), effect.kind.value, effect.rule),
            *(OBSERVED if effect.mode is Mode.OBSERVE else PENDING, effect.due_at, now),
            codec.encode(effect),
        )
        for effect in effects
    ]
    t.insert("effects", _COLUMNS, rows, conflict="ON CONFLICT (id) DO NOTHING")
