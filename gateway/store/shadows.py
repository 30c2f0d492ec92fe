"""Policies that are tried beside the one in force: how much each was asked, and where it would have decided otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.store import codec
from gateway.store.engine import Engine, Transaction

#: Divergences that are kept of one candidate, the newest.
KEPT: Final = 10_000

_COLUMNS: Final = (
    *(("candidate", "text"), ("case_id", "text"), ("seq", "bigint"), ("kind", "text"), ("at", "bigint")),
    ("doc", "text"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diverged:
    """One point at which a candidate would have gone another way. Ids and names of the policy, never a body."""

    case_id: str
    #: The activity of the case, by its number, after which it was so.
    seq: int
    #: When, UTC microseconds.
    at: int
    #: How they differ, by its name.
    kind: str
    #: Where the case stood, and where it would have stood, as names and words of the policies.
    real: Mapping[str, str] = field(default_factory=dict[str, str])
    candidate: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """How much a candidate was asked beside a policy."""

    #: Hash of the candidate, and of the policy in force.
    candidate: str
    policy: str
    #: Activities that both decided on; those that the candidate did not get to see; and those at which it broke.
    compared: int = 0
    missed: int = 0
    failed: int = 0
    #: From when to when, UTC microseconds.
    began_at: int = 0
    seen_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowView:
    """All that is kept of one candidate."""

    #: Beside which policies it was tried, the newest first.
    tried: tuple[Tried, ...]
    #: Kind → how many divergences are kept, and in how many cases.
    counts: Mapping[str, tuple[int, int]]
    #: The newest of them, newest first.
    newest: tuple[Diverged, ...]


class Shadows:
    """What is kept of candidates."""

    def __init__(self, engine: Engine) -> None:
        """Work on an engine."""
        self._engine = engine

    def keep(self, tried: Tried, diverged: Sequence[Diverged]) -> None:
        """Add up; see `Store.keep_shadow`."""

        def work(t: Transaction) -> None:
            t.run(
                "INSERT INTO shadows (candidate, policy, compared, missed, failed, began_at, seen_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (candidate, policy) DO UPDATE SET"
                " compared = shadows.compared + excluded.compared, missed = shadows.missed + excluded.missed,"
                " failed = shadows.failed + excluded.failed, seen_at = excluded.seen_at",
                *(tried.candidate, tried.policy, tried.compared, tried.missed, tried.failed),
                *(tried.began_at, tried.seen_at),
            )
            if not diverged:
                return
            rows = [
                (
                    *(tried.candidate, each.case_id, each.seq, each.kind, each.at),
                    codec.encode({"real": dict(each.real), "candidate": dict(each.candidate)}),
                )
                for each in diverged
            ]
            t.insert("divergences", _COLUMNS, rows, conflict="ON CONFLICT (candidate, case_id, seq, kind) DO NOTHING")
            t.run(
                "DELETE FROM divergences WHERE candidate = ? AND id <= (SELECT id FROM divergences WHERE candidate = ?"
                " ORDER BY id DESC LIMIT 1 OFFSET ?)",
                *(tried.candidate, tried.candidate, KEPT),
            )

        self._engine.write(work)

    def read(self, candidate: str | None = None, limit: int = 20) -> ShadowView | None:
        """Return what is kept of a candidate, or of the one that was tried last; see `Store.shadow`."""

        def work(t: Transaction) -> ShadowView | None:
            wanted = candidate
            if wanted is None:
                last = t.rows("SELECT candidate FROM shadows ORDER BY seen_at DESC, candidate LIMIT 1")
                wanted = last[0][0] if last else ""
            tried = [
                Tried(
                    candidate=row[0],
                    policy=row[1],
                    compared=row[2],
                    missed=row[3],
                    failed=row[4],
                    began_at=row[5],
                    seen_at=row[6],
                )
                for row in t.rows(
                    "SELECT candidate, policy, compared, missed, failed, began_at, seen_at FROM shadows"
                    " WHERE candidate = ? ORDER BY seen_at DESC, policy",
                    wanted,
                )
            ]
            if not tried:
                return None
            counts = {
                row[0]: (int(row[1]), int(row[2]))
                for row in t.rows(
                    "SELECT kind, count(*), count(DISTINCT case_id) FROM divergences WHERE candidate = ?"
                    " GROUP BY kind ORDER BY kind",
                    wanted,
                )
            }
            rows = t.rows(
                "SELECT case_id, seq, kind, at, doc FROM divergences WHERE candidate = ? ORDER BY id DESC LIMIT ?",
                *(wanted, limit),
            )
            newest = [_diverged(case_id, seq, kind, at, doc) for case_id, seq, kind, at, doc in rows]
            return ShadowView(tried=tuple(tried), counts=counts, newest=tuple(newest))

        return self._engine.read(work)


def _diverged(case_id: str, seq: int, kind: str, at: int, doc: str) -> Diverged:
    sides = codec.sides_from(doc)
    return Diverged(case_id=case_id, seq=seq, at=at, kind=kind, real=sides["real"], candidate=sides["candidate"])
