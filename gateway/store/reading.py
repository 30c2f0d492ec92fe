"""Questions to the store: histories, transcripts, counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import BinaryIO, Final

from gateway.model import Activity, Case, CaseStatus, Effect, altered
from gateway.store import codec
from gateway.store.engine import Engine, Row, Transaction
from gateway.store.files import with_files
from gateway.store.names import Names
from gateway.store.reports import ASIDE, progress_of
from gateway.store.speakers import read_threads
from gateway.store.values import Accounts, AppliedActivity, CaseHistory, EffectState, EffectView

STATES: Final = {
    0: EffectState.PENDING,
    1: EffectState.SENDING,
    2: EffectState.UNKNOWN,
    3: EffectState.FAILED,
    10: EffectState.DONE,
    11: EffectState.FAILED,
    12: EffectState.CANCELLED,
    13: EffectState.OBSERVED,
}


class Reading:
    """Everything that only reads."""

    def __init__(self, engine: Engine, names: Names) -> None:
        """Work on an engine."""
        self._engine = engine
        self._names = names

    def transcript(self, effect: Effect, limit: int) -> tuple[Sequence[Activity], bool]:
        """Return the case as it was when an effect was decided; see `Store.transcript`."""
        connection, dedupe = effect.cause

        def work(t: Transaction) -> tuple[list[Activity], bool]:
            rows = t.rows(
                "SELECT a.id, t.doc FROM activities a JOIN contents t ON t.activity_id = a.id JOIN cases c ON c.id = a.case_id"
                " JOIN cases own ON own.root_id = c.root_id"
                " WHERE own.id = ? AND a.state = 1 AND a.id <= (SELECT id FROM activities"
                " WHERE connection_id = ? AND dedupe = ?) ORDER BY a.id DESC LIMIT ?",
                *(effect.case_id, self._names.find(connection), codec.key_hash(dedupe), limit + 1),
            )
            return with_files(t, [(row[0], row[1]) for row in reversed(rows[:limit])]), len(rows) <= limit

        return self._engine.read(work)

    def causes(self, effects: Sequence[Effect]) -> Mapping[str, Activity]:
        """Return the activities that caused some effects, by the effect's id."""
        keys = {effect.id: (self._names.find(effect.cause[0]), codec.key_hash(effect.cause[1])) for effect in effects}

        def work(t: Transaction) -> Mapping[str, Activity]:
            rows = t.rows(
                "SELECT a.connection_id, a.dedupe, a.id, t.doc FROM activities a JOIN contents t ON t.activity_id = a.id"
                " WHERE a.connection_id IN (??bigint) AND a.dedupe IN (??text)",
                sorted({key[0] for key in keys.values() if key[0] is not None}),
                sorted({key[1] for key in keys.values()}),
            )
            activities = with_files(t, [(row[2], row[3]) for row in rows])
            found = {(row[0], row[1]): activity for row, activity in zip(rows, activities, strict=True)}
            return {effect_id: found[key] for effect_id, key in keys.items() if key in found}

        return self._engine.read(work)

    def cases(self, limit: int = 100) -> Sequence[Case]:
        """Return the newest cases."""
        rows = self._engine.read(
            lambda t: t.rows("SELECT doc, merged_into FROM cases ORDER BY created_at DESC, id DESC LIMIT ?", limit)
        )
        return [self._case(row) for row in rows]

    @staticmethod
    def _case(row: Row) -> Case:
        case = codec.case_from(row[0])
        return case if row[1] is None else altered(case, status=CaseStatus.MERGED)

    def history(self, case_id: str) -> CaseHistory | None:
        """Return everything that happened to a case."""

        def work(t: Transaction) -> CaseHistory | None:
            rows = t.rows(
                "SELECT c.doc, c.merged_into, c.contact_id, k.root_id FROM cases c LEFT JOIN contacts k ON k.id = c.contact_id"
                " WHERE c.id = ?",
                case_id,
            )
            if not rows:
                return None
            return CaseHistory(
                case=self._case(rows[0]),
                threads=tuple(read_threads(t, self._names, [case_id], {case_id: rows[0][2]}).get(case_id, ())),
                tickets=tuple(
                    codec.ticket_from(row[0])
                    for row in t.rows(
                        "SELECT doc FROM tickets WHERE case_id = ? ORDER BY connection_id, ticket_id", case_id
                    )
                ),
                episodes=tuple(
                    codec.episode_from(row[0])
                    for row in t.rows("SELECT doc FROM episodes WHERE case_id = ? ORDER BY opened_at, id", case_id)
                ),
                activities=self._activities(t, case_id),
                effects=self._effects(t, case_id),
                timers=dict(t.rows("SELECT name, due_at FROM timers WHERE case_id = ? ORDER BY name", case_id)),
                merged=tuple(
                    row[0] for row in t.rows("SELECT id FROM cases WHERE merged_into = ? ORDER BY id", case_id)
                ),
                merged_into=rows[0][1],
                person=rows[0][3] or "",
            )

        return self._engine.read(work)

    @staticmethod
    def _activities(t: Transaction, case_id: str) -> tuple[AppliedActivity, ...]:
        rows = t.rows(
            "SELECT a.id, a.seq, c.doc, t.doc FROM activities a JOIN contents c ON c.activity_id = a.id"
            " LEFT JOIN traces t ON t.activity_id = a.id WHERE a.case_id = ? AND a.state = 1 ORDER BY a.seq, a.id",
            case_id,
        )
        return tuple(
            AppliedActivity(
                id=row[0],
                seq=row[1],
                activity=codec.activity_from(row[2]),
                trace=codec.mapping_from(row[3]) if row[3] else None,
            )
            for row in rows
        )

    @staticmethod
    def _effects(t: Transaction, case_id: str) -> tuple[EffectView, ...]:
        rows = t.rows(
            "SELECT doc, state, tries, receipt, reason, id FROM effects WHERE case_id = ? ORDER BY seq", case_id
        )
        progress = progress_of(t, [row[5] for row in rows])
        return tuple(
            EffectView(
                effect=codec.effect_from(row[0]),
                state=STATES[row[1]],
                tries=row[2],
                receipt=codec.receipt_from(row[3]) if row[3] else None,
                reason=row[4],
                progress=progress.get(row[5]),
            )
            for row in rows
        )

    def accounts(self) -> Accounts:
        """Count everything, in one consistent read."""

        def work(t: Transaction) -> Accounts:
            deliveries: dict[int, int] = dict(t.rows("SELECT state, count(*) FROM deliveries GROUP BY state"))
            sums = t.rows("SELECT sum(events), sum(duplicates), sum(dead) FROM deliveries")[0]
            activities: dict[int, int] = dict(t.rows("SELECT state, count(*) FROM activities GROUP BY state"))
            internal = t.rows("SELECT count(*) FROM activities WHERE delivery_id IS NULL")[0][0]
            effects: dict[str, int] = {}
            for state, count in t.rows("SELECT state, count(*) FROM effects GROUP BY state"):
                word = STATES[state].value
                effects[word] = effects.get(word, 0) + int(count)
            letters = t.rows("SELECT count(*) FROM dead_letters WHERE state = 'open'")[0][0]
            return Accounts(
                deliveries=sum(deliveries.values()),
                deliveries_pending=deliveries.get(0, 0),
                deliveries_parsed=deliveries.get(1, 0),
                deliveries_dead=deliveries.get(2, 0),
                events=int(sums[0] or 0),
                events_duplicate=int(sums[1] or 0),
                events_dead=int(sums[2] or 0),
                activities=sum(activities.values()),
                activities_internal=int(internal),
                activities_pending=activities.get(0, 0),
                activities_applied=activities.get(1, 0),
                activities_dead=activities.get(2, 0),
                activities_aside=activities.get(ASIDE, 0),
                effects=effects,
                dead_letters_open=int(letters),
            )

        return self._engine.read(work)

    def cursor(self, connection: str, name: str) -> str | None:
        """Return where a poll or stream stands."""
        number = self._names.find(connection)
        rows = self._engine.read(
            lambda t: t.rows("SELECT value FROM cursors WHERE connection_id = ? AND name = ?", number, name)
        )
        return rows[0][0] if rows else None

    def blob(self, sha256: str) -> bytes | None:
        """Return bytes by their hash."""
        rows = self._engine.read(lambda t: t.rows("SELECT body FROM blobs WHERE sha256 = ?", sha256))
        return bytes(rows[0][0]) if rows else None

    def copy_blob(self, sha256: str, to: BinaryIO) -> bool:
        """Write bytes by their hash to a file; see `Store.copy_blob`."""

        def work(t: Transaction) -> bool:
            # The transaction may run again: each time from the beginning.
            to.seek(0)
            to.truncate()
            return t.copy_blob(sha256, to)

        return self._engine.read(work)

    def oldest_pending(self) -> Mapping[str, int]:
        """Return, by connection, when its oldest unfinished effect was made."""
        rows = self._engine.read(
            lambda t: t.rows(
                "SELECT connection_id, min(created_at) FROM effects WHERE state < 10 GROUP BY connection_id"
            )
        )
        return {self._names.name(row[0]): int(row[1]) for row in rows}

    def policy(self, digest: str) -> str | None:
        """Return the policy of that hash."""
        rows = self._engine.read(lambda t: t.rows("SELECT text FROM policies WHERE digest = ?", digest))
        return rows[0][0] if rows else None
