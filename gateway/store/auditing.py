"""The audit: who did what, each row chained to the one before by a hash. Ids and settings, never bodies."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from gateway.store import codec
from gateway.store.engine import Engine, Transaction

_START: Final = "0" * 64


def _hash(previous: str, at: int, actor: str, action: str, target: str, detail: str) -> str:
    text = codec.encode([previous, at, actor, action, target, detail])
    return hashlib.sha256(text.encode()).hexdigest()


class Auditing:
    """The audit."""

    def __init__(self, engine: Engine) -> None:
        """Work on an engine."""
        self._engine = engine

    def append(
        self, t: Transaction, actor: str, action: str, target: str, detail: Mapping[str, object], now: int
    ) -> None:
        """Append a row within a transaction. Writers take turns, so that the chain has no forks."""
        if self._engine.name == "postgresql":
            t.run("SELECT pg_advisory_xact_lock(72616)")
        rows = t.rows("SELECT hash FROM audit ORDER BY id DESC LIMIT 1")
        previous = rows[0][0] if rows else _START
        text = codec.canonical(detail)
        t.run(
            "INSERT INTO audit (at, actor, action, target, detail, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(now, actor, action, target, text, previous, _hash(previous, now, actor, action, target, text)),
        )

    def audit(self, actor: str, action: str, target: str, detail: Mapping[str, object], now: int) -> None:
        """Append a row; see `Store.audit`."""
        self._engine.write(lambda t: self.append(t, actor, action, target, detail, now))

    def audit_trail(self, limit: int = 100, since: int | None = None) -> Sequence[Mapping[str, object]]:
        """Return the newest rows."""
        rows = self._engine.read(
            lambda t: t.rows(
                "SELECT id, at, actor, action, target, detail, previous, hash FROM audit WHERE at >= ?"
                " ORDER BY id DESC LIMIT ?",
                *(since or 0, limit),
            )
        )
        names = ("id", "at", "actor", "action", "target", "detail", "previous", "hash")
        return [{**dict(zip(names, row, strict=True)), "detail": codec.mapping_from(row[5])} for row in rows]

    def verify_audit(self) -> int | None:
        """Return the id of the first row whose hash does not hold."""
        rows = self._engine.read(
            lambda t: t.rows("SELECT id, at, actor, action, target, detail, previous, hash FROM audit ORDER BY id")
        )
        before = _START
        for number, at, actor, action, target, detail, previous, digest in rows:
            if previous != before or digest != _hash(previous, at, actor, action, target, detail):
                return int(number)
            before = digest
        return None
