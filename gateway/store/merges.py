"""Merging cases, as links that can be undone: threads move, documents stay as they were.

When cases come apart again, each is counted anew from its own activities: as if they had never been one, but for what rules
decided and what stands outside since.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.model import recount
from gateway.model.carrying import carried
from gateway.model.sla import look_name
from gateway.store import codec
from gateway.store.auditing import Auditing
from gateway.store.engine import Engine, Row, Transaction
from gateway.store.names import Names
from gateway.store.speakers import threads_by_id
from gateway.store.trees import lock, lock_with_root, take_out, tree

_ENDLESS: Final = 2**62


class Merges:
    """Merge and its undoing. Both lock the rows of all cases concerned, in id order, as applying does."""

    def __init__(self, engine: Engine, names: Names, auditing: Auditing) -> None:
        """Work on an engine."""
        self._engine = engine
        self._names = names
        self._auditing = auditing

    def merge(self, case_id: str, into: str, actor: str, now: int, reason: str = "") -> None:
        """Link a case into another; see `Store.merge`."""

        def work(t: Transaction) -> None:
            cases = lock(t, self._engine, "cases", case_id, into)
            if case_id == into:
                raise ValueError(f"Case {case_id} cannot be merged into itself.")
            for each in (case_id, into):
                link = cases[each][1]
                if link is not None:
                    raise ValueError(f"Case {each} is merged into {link} already: undo that first, or name {link}.")
            moved = [row[0] for row in t.rows("SELECT id FROM threads WHERE case_id = ? ORDER BY id", case_id)]
            t.run("UPDATE threads SET case_id = ? WHERE case_id = ?", into, case_id)
            t.run("UPDATE cases SET merged_into = ? WHERE id = ?", into, case_id)
            self._carry(t, case_id, into)
            t.run("UPDATE cases SET root_id = ? WHERE root_id = ?", into, case_id)
            since = t.rows(
                "SELECT coalesce(max(a.id), 0) FROM activities a JOIN threads t ON t.id = a.thread_id WHERE a.state = 1"
                " AND t.id IN (??text) AND a.case_id IN (SELECT id FROM cases WHERE root_id = ?)",
                *(moved, into),
            )[0][0]
            t.run(
                "INSERT INTO merges (case_id, into_id, threads, actor, merged_at, since) VALUES (?, ?, ?, ?, ?, ?)",
                *(case_id, into, codec.encode(moved), actor, now, since),
            )
            self._auditing.append(t, actor, "case.merge", case_id, {"into": into, "reason": reason}, now)
            self._engine.notify(t)

        self._engine.write(work)

    def unmerge(self, case_id: str, actor: str, now: int, reason: str = "") -> str:
        """Undo `merge`; see `Store.unmerge`."""

        def work(t: Transaction) -> str:
            root, cases = lock_with_root(t, self._engine, "cases", case_id)
            into = cases[case_id][1]
            if into is None:
                raise ValueError(f"Case {case_id} is not merged.")
            number, since = t.rows(
                "SELECT id, since FROM merges WHERE case_id = ? AND undone_at IS NULL ORDER BY id DESC LIMIT 1",
                case_id,
            )[0]
            members = tree(t, "cases", case_id)
            moved = self._own_threads(t, members, root)
            t.run("UPDATE threads SET case_id = ? WHERE id IN (??text)", case_id, moved)
            t.run(
                "UPDATE activities SET case_id = ? WHERE state = 1 AND thread_id IN (??text) AND id > ?"
                " AND case_id IN (SELECT id FROM cases WHERE root_id = ?)",
                *(case_id, moved, since or 0, root),
            )
            take_out(t, "cases", case_id, members)
            if since is not None:
                self._recount(t, case_id, since)
                for each in sorted({into, root}):
                    self._recount(t, each, None)
                for each in sorted({case_id, into, root}):
                    self._look(t, each, now)
            t.run("UPDATE merges SET undone_at = ? WHERE id = ?", now, number)
            self._auditing.append(t, actor, "case.unmerge", case_id, {"from": into, "reason": reason}, now)
            self._engine.notify(t)
            return into

        return self._engine.write(work)

    @staticmethod
    def _carry(t: Transaction, case_id: str, into: str) -> None:
        """Let a case take over what must not be lost of the one that is merged into it."""
        merged, before = (
            codec.case_from(t.rows("SELECT doc FROM cases WHERE id = ?", each)[0][0]) for each in (case_id, into)
        )
        after = carried(before, merged)
        if after is not before:
            t.run("UPDATE cases SET doc = ? WHERE id = ?", codec.encode(after), into)

    @staticmethod
    def _look(t: Transaction, case_id: str, now: int) -> None:
        """Have the clocks of a case's SLA read anew: their timers may have fired while another case held it."""
        if codec.case_from(t.rows("SELECT doc FROM cases WHERE id = ?", case_id)[0][0]).sla is None:
            return
        t.run(
            "INSERT INTO timers (case_id, name, due_at) VALUES (?, ?, ?)"
            " ON CONFLICT (case_id, name) DO UPDATE SET due_at = excluded.due_at",
            *(case_id, look_name(case_id), now),
        )

    @staticmethod
    def _own_threads(t: Transaction, members: Sequence[str], root: str) -> list[str]:
        """Return the threads that a root holds for a case: those that began in it, or in one that is merged into it.

        Not those that it had when it was merged: one that was merged into it may have gone its own way since.
        """
        rows = t.rows(
            "SELECT id FROM threads WHERE case_id = ? AND home_case_id IN (??text) ORDER BY id", root, sorted(members)
        )
        return [row[0] for row in rows]

    def _recount(self, t: Transaction, case_id: str, since: int | None) -> None:
        """Count a case anew from its activities, and number them from 1.

        Up to `since` they are in the case's own order; later ones were numbered by the case that held it: they follow as
        they came.
        """
        doc, person = t.rows("SELECT doc, contact_id FROM cases WHERE id = ?", case_id)[0]
        rows = t.rows(
            "SELECT a.id, a.thread_id, c.doc FROM activities a JOIN contents c ON c.activity_id = a.id"
            " WHERE a.case_id = ? AND a.state = 1 ORDER BY CASE WHEN a.id > ? THEN a.id ELSE 0 END, a.seq, a.id",
            *(case_id, _ENDLESS if since is None else since),
        )
        threads = threads_by_id(t, self._names, sorted({row[1] for row in rows}), person)
        case = recount(
            codec.case_from(doc), ((codec.activity_from(row[2]), threads[row[1]]) for row in rows if row[1] in threads)
        )
        t.run("UPDATE cases SET seq = ?, doc = ? WHERE id = ?", case.seq, codec.encode(case), case_id)
        numbers: list[Row] = [(row[0], number) for number, row in enumerate(rows, 1)]
        t.update("activities", ("id", "bigint"), (("seq", "bigint"),), numbers)
