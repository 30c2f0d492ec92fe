"""Threads and cases as rows: the thread of a key, made where there is none, and whose it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.model import uuid7
from gateway.store.engine import Transaction
from gateway.store.names import BATON

THREAD: Final = (
    *(("id", "text"), ("connection_id", "bigint"), ("key", "text"), ("channel", "text"), ("case_id", "text")),
    *(("home_case_id", "text"), ("created_at", "bigint"), ("contact_id", "text")),
)
#: A case that was never merged.
CASE: Final = (
    *(("id", "text"), ("root_id", "text"), ("contact_id", "text"), ("created_at", "bigint"), ("seq", "bigint")),
    ("doc", "text"),
)
UNLESS_THERE: Final = "ON CONFLICT (connection_id, key) DO NOTHING"


def bind_thread(
    t: Transaction, entropy: Callable[[int], bytes], connection_id: int, key: str, case_id: str, now: int
) -> str:
    """Return the thread of that key; make it, bound to the case's root, when there is none."""
    home = t.rows("SELECT root_id FROM cases WHERE id = ?", case_id)[0][0]
    made = t.insert(
        "threads",
        THREAD,
        [(uuid7(now, entropy(10)), connection_id, key, None, home, case_id, now, None)],
        conflict=UNLESS_THERE,
        returning="id",
    )
    if made:
        return str(made[0][0])
    return str(t.rows("SELECT id FROM threads WHERE connection_id = ? AND key = ?", connection_id, key)[0][0])


def internal_thread(t: Transaction, entropy: Callable[[int], bytes], case_id: str, now: int) -> str:
    """Return the thread on which Baton itself speaks in a case."""
    return bind_thread(t, entropy, BATON, case_id, case_id, now)


def contact_of(t: Transaction, thread_id: str) -> str | None:
    """Return who speaks on a thread: its own contact, or else the one whose case it began; None when that is nobody known."""
    rows = t.rows(
        "SELECT coalesce(t.contact_id, k.contact_id) FROM threads t JOIN cases k ON k.id = t.home_case_id WHERE t.id = ?",
        thread_id,
    )
    return rows[0][0] if rows else None
