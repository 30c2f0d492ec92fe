"""A connection that gets another name: what is still to be decided or sent speaks of it by the new one.

Rows know connections by their numbers, so most of the store needs nothing. Documents that later decisions read hold names; what
is over keeps the name that the connection had then. Effects that were given up count as open: they may be replayed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from gateway.model import Activity, Case, Effect, TicketLink, altered
from gateway.store import codec
from gateway.store.engine import Transaction

_DOC: Final = (("doc", "text"),)
#: Table, name and type of its key, which rows, how a document is read.
_OPEN: Final[tuple[tuple[str, tuple[str, str], str, Callable[[str], Any]], ...]] = (
    ("cases", ("id", "text"), "SELECT id, doc FROM cases", codec.case_from),
    ("effects", ("id", "text"), "SELECT id, doc FROM effects WHERE state < 10 OR state = 11", codec.effect_from),
    (
        "contents",
        ("activity_id", "bigint"),
        "SELECT activity_id, doc FROM contents WHERE activity_id IN (SELECT id FROM activities WHERE state <> 1)",
        codec.activity_from,
    ),
)


def rename(t: Transaction, number: int, earlier: str, name: str) -> None:
    """Give a connection another name everywhere where a name still counts."""
    t.run("UPDATE connections SET name = ? WHERE id = ?", name, number)
    for table, key, rows, read in _OPEN:
        found = [(row[0], read(row[1])) for row in t.rows(rows) if f'"{earlier}"' in row[1]]
        changed = [(row, _with_name(value, earlier, name)) for row, value in found]
        t.update(table, key, _DOC, [(row, codec.encode(value)) for row, value in changed])
    for ticket_id, doc in t.rows("SELECT ticket_id, doc FROM tickets WHERE connection_id = ?", number):
        link = _with_name(codec.ticket_from(doc), earlier, name)
        t.run(
            "UPDATE tickets SET doc = ? WHERE connection_id = ? AND ticket_id = ?",
            codec.encode(link),
            number,
            ticket_id,
        )
    # A pause must not end because the connection is called otherwise.
    t.run("DELETE FROM pauses WHERE scope = ?", f"connection:{name}")
    t.run("UPDATE pauses SET scope = ? WHERE scope = ?", f"connection:{name}", f"connection:{earlier}")


def _with_name(value: Any, earlier: str, name: str) -> Any:
    def now(one: str) -> str:
        return name if one == earlier else one

    match value:
        case Case():
            return altered(
                value,
                connection=now(value.connection),
                last_connection=now(value.last_connection),
                last_agent=(now(value.last_agent[0]), value.last_agent[1]),
                last_assignee=(now(value.last_assignee[0]), value.last_assignee[1]),
                targets=tuple(map(now, value.targets)),
                observed=tuple(map(now, value.observed)),
                private=altered(value.private, placed=tuple(map(now, value.private.placed))),
            )
        case Effect():
            return altered(value, connection=now(value.connection), cause=(now(value.cause[0]), value.cause[1]))
        case Activity():
            outcome = value.outcome
            if outcome is not None:
                outcome = altered(outcome, connection=now(outcome.connection))
            return altered(value, connection=now(value.connection), outcome=outcome)
        case TicketLink():
            return altered(value, connection=now(value.connection))
        case _:
            raise TypeError(type(value).__name__)
