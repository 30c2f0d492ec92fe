"""Delivery reports: they belong to the message that they are about, and never make a case of their own.

A report about nothing that is known is set aside: counted, kept with its bytes, decided upon by no rule. It may be early: the
vendor can report on a message before it has answered the call that sent it. When the answer names the message, what was set aside
for it joins its case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from gateway.model import Activity, Progress
from gateway.store import codec
from gateway.store.engine import Engine, Row, Transaction
from gateway.store.ledger import case_of_effect, case_of_message

#: State of an activity that belongs to no case.
ASIDE: Final = 3
#: What stands in place of a thread until then.
NOWHERE: Final = ""
_BY_EFFECT: Final = "effect:"


class Reports:
    """Delivery reports, within one transaction."""

    def __init__(self, t: Transaction, engine: Engine) -> None:
        """Work in a transaction."""
        self._t = t
        self._engine = engine

    def case_of(self, connection_id: int, activity: Activity) -> str | None:
        """Take a report in, and return the case of the message that it is about; None when that is unknown."""
        name = activity.message_id or _BY_EFFECT + (activity.reference or "")
        self._engine.take_turns(self._t, [f"{connection_id}:{name}"])
        case = self._case(connection_id, activity)
        if activity.reference and case is not None:
            name = _BY_EFFECT + activity.reference
        if activity.report is not None:
            rows = self._t.rows(
                f"SELECT doc FROM reports WHERE connection_id = ? AND message = ? {self._engine.for_update}",
                *(connection_id, name),
            )
            before = codec.progress_from(rows[0][0]) if rows else Progress()
            self._t.run(
                "INSERT INTO reports (connection_id, message, doc) VALUES (?, ?, ?)"
                " ON CONFLICT (connection_id, message) DO UPDATE SET doc = excluded.doc",
                *(connection_id, name, codec.encode(before.after(activity.report, activity.occurred_at))),
            )
        return case

    def _case(self, connection_id: int, activity: Activity) -> str | None:
        case = case_of_effect(self._t, connection_id, activity.reference) if activity.reference else None
        if case is None and activity.message_id:
            case = case_of_message(self._t, connection_id, activity.message_id)
        return case

    def set_aside(self, strays: Sequence[tuple[int, int, Activity]]) -> None:
        """Set activities aside: number, connection, activity."""
        rows: list[Row] = [(number, connection_id, activity.message_id) for number, connection_id, activity in strays]
        columns = (("activity_id", "bigint"), ("connection_id", "bigint"), ("message", "text"))
        self._t.insert("strays", columns, rows)
        self._t.run(f"UPDATE activities SET state = {ASIDE} WHERE id IN (??bigint)", [row[0] for row in rows])

    def messages_known(self, connection_id: int, messages: Sequence[str], thread: Callable[[], str]) -> None:
        """Let what was set aside for some messages join the thread of their case, now that the vendor has named them."""
        self._engine.take_turns(self._t, [f"{connection_id}:{message}" for message in messages])
        rows = self._t.rows(
            "SELECT activity_id FROM strays WHERE connection_id = ? AND message IN (??text) ORDER BY activity_id",
            *(connection_id, list(messages)),
        )
        if not rows:
            return
        numbers = [row[0] for row in rows]
        self._t.run("UPDATE activities SET state = 0, thread_id = ? WHERE id IN (??bigint)", thread(), numbers)
        self._t.run("DELETE FROM strays WHERE activity_id IN (??bigint)", numbers)


def progress_of(t: Transaction, effects: Sequence[str]) -> Mapping[str, Progress]:
    """Return how far the messages of some effects came, by the effect's id; those that nobody reported on are left out."""
    found: dict[str, Progress] = {}
    for effect, doc in t.rows(
        "SELECT e.id, r.doc FROM effects e JOIN reports r ON r.connection_id = e.connection_id"
        " AND r.message = 'effect:' || e.id WHERE e.id IN (??text) UNION ALL SELECT f.effect_id, r.doc FROM foreign_ids f"
        " JOIN reports r ON r.connection_id = f.connection_id AND r.message = f.foreign_id WHERE f.effect_id IN (??text)",
        *(list(effects), list(effects)),
    ):
        progress = codec.progress_from(doc)
        found[effect] = found[effect].along(progress) if effect in found else progress
    return found
