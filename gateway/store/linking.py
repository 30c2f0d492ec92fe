"""Links between contacts: who is one person, who must never be, and who might be. Within a transaction."""

from __future__ import annotations

from typing import Final

from gateway.store.engine import Engine, Transaction

_PAIR: Final = (
    "SELECT 1 FROM contacts x JOIN separations s ON s.contact_id = x.id JOIN contacts y ON y.id = s.other_id"
    " WHERE x.root_id = ? AND y.root_id = ? LIMIT 1"
)


def separated(t: Transaction, one: str, two: str) -> bool:
    """Tell whether any contact of the one person must not be linked with any of the other. Roots."""
    return bool(t.rows(_PAIR, one, two)) or bool(t.rows(_PAIR, two, one))


def separate(t: Transaction, one: str, two: str, actor: str, reason: str, now: int) -> None:
    """Keep for ever that two contacts are not one person."""
    first, second = sorted((one, two))
    t.run(
        "INSERT INTO separations (contact_id, other_id, actor, reason, separated_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (contact_id, other_id) DO NOTHING",
        *(first, second, actor, reason, now),
    )


def suggest(t: Transaction, one: str, two: str, reason: str, now: int) -> None:
    """Keep for an operator that two contacts may be one person, once."""
    first, second = sorted((one, two))
    t.run(
        "INSERT INTO suggestions (contact_id, other_id, reason, created_at, state, actor) VALUES (?, ?, ?, ?, 'open', '')"
        " ON CONFLICT (contact_id, other_id) DO NOTHING",
        *(first, second, reason, now),
    )


def lock(t: Transaction, engine: Engine, *ids: str) -> dict[str, tuple[str, str | None]]:
    """Lock contacts in id order and return root and link of each. Raises ValueError with a sentence."""
    rows = t.rows(
        f"SELECT id, root_id, merged_into FROM contacts WHERE id IN (??text) ORDER BY id {engine.for_update}",
        sorted(set(ids)),
    )
    found = {row[0]: (row[1], row[2]) for row in rows}
    for each in ids:
        if each not in found:
            raise ValueError(f"There is no contact {each}.")
    return found


def link(t: Transaction, engine: Engine, contact: str, into: str, actor: str, reason: str, now: int) -> bool:
    """Link a root into a contact of another person; False when it is no root (any more), or when they must not be linked.

    Into the very contact that gives the reason, not into its root: when that one is parted from its person, it takes along what
    was linked because of it.
    """
    while True:
        root = root_of(t, into)
        found = lock(t, engine, contact, into, root)
        if found[into][0] == root:
            break
    if root == contact or found[contact][0] != contact or separated(t, contact, root):
        return False
    t.run("UPDATE contacts SET merged_into = ? WHERE id = ?", into, contact)
    t.run("UPDATE contacts SET root_id = ? WHERE root_id = ?", root, contact)
    t.run(
        "INSERT INTO contact_links (contact_id, into_id, actor, reason, linked_at) VALUES (?, ?, ?, ?, ?)",
        *(contact, into, actor, reason, now),
    )
    return True


def root_of(t: Transaction, contact: str) -> str:
    """Return the contact that stands for a person. Raises ValueError with a sentence."""
    rows = t.rows("SELECT root_id FROM contacts WHERE id = ?", contact)
    if not rows:
        raise ValueError(f"There is no contact {contact}.")
    return str(rows[0][0])


def unlink(t: Transaction, contact: str, now: int) -> None:
    """Make a contact a root again, with all that were linked into it."""
    t.run("UPDATE contact_links SET undone_at = ? WHERE contact_id = ? AND undone_at IS NULL", now, contact)
    t.run("UPDATE contacts SET merged_into = NULL, root_id = id WHERE id = ?", contact)
    level = [contact]
    while level:
        level = [row[0] for row in t.rows("SELECT id FROM contacts WHERE merged_into IN (??text)", level)]
        if level:
            t.run("UPDATE contacts SET root_id = ? WHERE id IN (??text)", contact, level)
