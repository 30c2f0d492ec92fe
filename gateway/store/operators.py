"""What operators do: hold the outbox, send dead letters on their way again or give them up, have deliveries parsed again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from gateway.store import codec
from gateway.store.auditing import Auditing
from gateway.store.effects import FAILED, PENDING, STUCK
from gateway.store.engine import Engine, Row, Transaction
from gateway.store.names import Names
from gateway.store.outcomes import outcome_of, tell
from gateway.store.queued import stored
from gateway.store.values import DeadLetter, DeadLetterDetail

_LETTER: Final = (
    "SELECT id, kind, ref, connection_id, case_id, reason, created_at, state, delivery_id FROM dead_letters"
)


class Operators:
    """Operators' writes and the questions that go with them."""

    def __init__(self, engine: Engine, names: Names, auditing: Auditing, entropy: Callable[[int], bytes]) -> None:
        """Work on an engine."""
        self._engine = engine
        self._names = names
        self._auditing = auditing
        self._entropy = entropy

    # --- pauses ------------------------------------------------------------------------------------------------------
    def pause(self, scope: str, actor: str, reason: str, now: int) -> None:
        """Hold the outbox of a scope; see `Store.pause`."""

        def work(t: Transaction) -> None:
            t.run(
                "INSERT INTO pauses (scope, actor, reason, since) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (scope) DO UPDATE SET actor = excluded.actor, reason = excluded.reason",
                *(scope, actor, reason, now),
            )
            self._auditing.append(t, actor, "pause", scope, {"reason": reason}, now)

        self._engine.write(work)

    def resume(self, scope: str, actor: str, now: int) -> bool:
        """Lift a pause."""

        def work(t: Transaction) -> bool:
            if not t.run("DELETE FROM pauses WHERE scope = ?", scope):
                return False
            self._auditing.append(t, actor, "resume", scope, {}, now)
            self._engine.notify(t)
            return True

        return self._engine.write(work)

    def pauses(self) -> Mapping[str, str]:
        """Return the pauses."""
        return dict(self._engine.read(lambda t: [(r[0], r[1]) for r in t.rows("SELECT scope, reason FROM pauses")]))

    # --- dead letters ------------------------------------------------------------------------------------------------
    def _letter(self, row: Row) -> DeadLetter:
        return DeadLetter(
            id=row[0],
            kind=row[1],
            ref=row[2],
            connection=self._names.name(row[3]),
            case_id=row[4],
            reason=row[5],
            created_at=row[6],
            state=row[7],
        )

    def dead_letters(self, *, state: str = "open", limit: int = 100) -> Sequence[DeadLetter]:
        """Return dead letters, newest first."""
        rows = self._engine.read(lambda t: t.rows(f"{_LETTER} WHERE state = ? ORDER BY id DESC LIMIT ?", state, limit))
        return [self._letter(row) for row in rows]

    def dead_letter(self, letter_id: int) -> DeadLetterDetail | None:
        """Return one dead letter with what is kept of it."""

        def work(t: Transaction) -> DeadLetterDetail | None:
            rows = t.rows(f"{_LETTER} WHERE id = ?", letter_id)
            if not rows:
                return None
            letter, delivery_id = self._letter(rows[0]), rows[0][8]
            if letter.kind == "effect":
                docs = t.rows("SELECT doc FROM effects WHERE id = ?", letter.ref)
                return DeadLetterDetail(letter=letter, effect=codec.effect_from(docs[0][0]) if docs else None)
            if letter.kind == "activity":
                found = t.rows("SELECT delivery_id FROM activities WHERE id = ?", int(letter.ref))
                delivery_id = found[0][0] if found else None
            kept = stored(t, self._names, "d.id = ?", delivery_id) if delivery_id is not None else []
            return DeadLetterDetail(letter=letter, delivery=kept[0] if kept else None)

        return self._engine.read(work)

    def replay_dead_letter(self, letter_id: int, actor: str, now: int) -> bool:
        """Send a dead letter on its way again."""

        def work(t: Transaction) -> bool:
            row = self._open(t, letter_id, "replayed")
            if row is None:
                return False
            kind, ref, delivery_id = row[1], row[2], row[8]
            if kind == "effect":
                t.run(
                    "UPDATE effects SET state = ?, due_at = ?, lease_until = 0, tries = 0, reason = '' WHERE id = ?"
                    " AND state IN (3, 11)",
                    *(PENDING, now, ref),
                )
            elif kind == "activity":
                t.run("UPDATE activities SET state = 0 WHERE id = ? AND state = 2", int(ref))
            else:
                self._reopen(t, [delivery_id])
            self._auditing.append(t, actor, "dead_letter.replay", str(letter_id), {"kind": kind}, now)
            self._engine.notify(t)
            return True

        return self._engine.write(work)

    def discard_dead_letter(self, letter_id: int, actor: str, reason: str, now: int) -> bool:
        """Give a dead letter up for good; the case of an effect learns of it, and what waited behind a handoff goes on."""

        def work(t: Transaction) -> bool:
            row = self._open(t, letter_id, "discarded")
            if row is None:
                return False
            if row[1] == "effect":
                t.run(f"UPDATE effects SET state = {FAILED} WHERE id = ? AND state = {STUCK}", row[2])
                self._tell(t, row[2], self._names.name(row[3]), reason, now)
            self._auditing.append(t, actor, "dead_letter.discard", str(letter_id), {"reason": reason}, now)
            self._engine.notify(t)
            return True

        return self._engine.write(work)

    def _tell(self, t: Transaction, effect_id: str, connection: str, reason: str, now: int) -> None:
        """Let the case know, in the order of all that changes it: its episode ends, and the next match hands off again."""
        for doc, case_id in t.rows("SELECT doc, case_id FROM effects WHERE id = ?", effect_id):
            outcome = outcome_of(codec.effect_from(doc), connection, landed=False, discarded=True, reason=reason)
            tell(t, self._entropy, outcome, case_id, "discarded", now)

    def _open(self, t: Transaction, letter_id: int, state: str) -> Row | None:
        rows = t.rows(f"{_LETTER} WHERE id = ? AND state = 'open' {self._engine.for_update}", letter_id)
        if not rows:
            return None
        t.run("UPDATE dead_letters SET state = ? WHERE id = ?", state, letter_id)
        return rows[0]

    # --- replay ------------------------------------------------------------------------------------------------------
    @staticmethod
    def _reopen(t: Transaction, delivery_ids: Sequence[int]) -> int:
        """Have deliveries parsed again; their open dead letters are answered by that."""
        t.run(
            "UPDATE dead_letters SET state = 'replayed' WHERE state = 'open' AND kind IN ('delivery', 'event')"
            " AND delivery_id IN (??bigint)",
            list(delivery_ids),
        )
        return t.run(
            "UPDATE deliveries SET state = 0, events = (SELECT count(*) FROM activities a WHERE a.delivery_id ="
            " deliveries.id), duplicates = 0, dead = 0 WHERE state <> 0 AND id IN (??bigint)",
            list(delivery_ids),
        )

    def replay(self, delivery_ids: Iterable[int], actor: str, now: int) -> int:
        """Have deliveries parsed again; see `Store.replay`."""
        wanted = list(delivery_ids)

        def work(t: Transaction) -> int:
            count = self._reopen(t, wanted)
            self._auditing.append(t, actor, "replay", "deliveries", {"count": count}, now)
            self._engine.notify(t)
            return count

        return self._engine.write(work)

    def waiting(self, delivery_ids: Iterable[int]) -> Mapping[str, int]:
        """Return how many of some deliveries wait to be parsed, by connection; see `Store.waiting`."""
        wanted = list(delivery_ids)
        rows = self._engine.read(
            lambda t: t.rows(
                "SELECT connection_id, count(*) FROM deliveries WHERE state = 0 AND id IN (??bigint) GROUP BY connection_id",
                wanted,
            )
        )
        return {self._names.name(row[0]): int(row[1]) for row in rows}

    def deliveries(self, *, since: int, connection: str | None = None, limit: int = 1000) -> Sequence[int]:
        """Return ids of deliveries received since an instant, but for those that were given up for good."""
        number = self._names.find(connection) if connection is not None else None
        if connection is not None and number is None:
            return []
        condition = "received_at >= ?" if number is None else "received_at >= ? AND connection_id = ?"
        # What somebody gave up for good comes back only when it is asked for by its number.
        condition += (
            " AND id NOT IN (SELECT delivery_id FROM dead_letters WHERE state = 'discarded' AND kind = 'delivery'"
            " AND delivery_id IS NOT NULL)"
        )
        values = (since,) if number is None else (since, number)
        rows = self._engine.read(
            lambda t: t.rows(f"SELECT id FROM deliveries WHERE {condition} ORDER BY id LIMIT ?", *values, limit)
        )
        return [row[0] for row in rows]
