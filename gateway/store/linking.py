"""Links between contacts: who is one person, who must never be, and who might be. Within a transaction."""

from __future__ import annotations

from typing import Final

from gateway.store.engine import Engine, Transaction
from gateway.store.trees import lock_with_root, take_out, tree

_PAIRS: Final = (
    "SELECT s.contact_id, s.other_id FROM contacts x JOIN separations s ON s.contact_id = x.id"
    " JOIN contacts y ON y.id = s.other_id WHERE x.root_id = ? AND y.root_id = ?"
)
_PAIR: Final = f"{_PAIRS} LIMIT 1"


def separated(t: Transaction, one: str, two: str) -> bool:
    """Tell whether any contact of the one person must not be linked with any of the other. Roots."""
    return bool(t.rows(_PAIR, one, two)) or bool(t.rows(_PAIR, two, one))


def separate(t: Transaction, one: str, two: str, actor: str, reason: str, now: int) -> None:
    """Keep that two contacts are not one person, until an operator lifts it."""
    first, second = sorted((one, two))
    t.run(
        "INSERT INTO separations (contact_id, other_id, actor, reason, separated_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (contact_id, other_id) DO NOTHING",
        *(first, second, actor, reason, now),
    )


def lift(t: Transaction, one: str, two: str) -> int:
    """Forget that the contacts of one person must not be linked with those of another. Roots; return how many pairs."""
    rows = t.rows(_PAIRS, one, two) + t.rows(_PAIRS, two, one)
    for contact, other in rows:
        t.run("DELETE FROM separations WHERE contact_id = ? AND other_id = ?", contact, other)
    return len(rows)


def suggest(t: Transaction, one: str, two: str, reason: str, now: int) -> None:
    """Keep for an operator that two contacts may be one person, once."""
    first, second = sorted((one, two))
    t.run(
        "INSERT INTO suggestions (contact_id, other_id, reason, created_at, state, actor) VALUES (?, ?, ?, ?, 'open', '')"
        " ON CONFLICT (contact_id, other_id) DO NOTHING",
        *(first, second, reason, now),
    )


def link(t: Transaction, engine: Engine, contact: str, into: str, actor: str, reason: str, now: int) -> bool:
    """Link a root into a contact of another person; False when it is no root (any more), or when they must not be linked.

    Into the very contact that gives the reason, not into its root: when that one is parted from its person, it takes along what
    was linked because of it.
    """
    root, found = lock_with_root(t, engine, "contacts", into, contact)
    if root == contact or found[contact][0] != contact or separated(t, contact, root):
        return False
    t.run("UPDATE contacts SET merged_into = ? WHERE id = ?", into, contact)
    t.run("UPDATE contacts SET root_id = ? WHERE root_id = ?", root, contact)
    t.run(
        "INSERT INTO contact_links (contact_id, into_id, actor, reason, linked_at) VALUES (?, ?, ?, ?, ?)",
        *(contact, into, actor, reason, now),
    )
    return True


def unlink(t: Transaction, contact: str, now: int) -> None:
    """Make a contact a root again, with all that were linked into it."""
    t.run("UPDATE contact_links SET undone_at = ? WHERE contact_id = ? AND undone_at IS NULL", now, contact)
    take_out(t, "contacts", contact, tree(t, "contacts", contact))
