"""Cases and contacts are merged as trees: each row knows the one that it was merged into, and the root that stands for all.

What is merged keeps its row, so that a merge can be undone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from gateway.store.engine import Engine, Transaction

#: A table whose rows have `id`, `root_id` and `merged_into`.
Table: TypeAlias = Literal["cases", "contacts"]


def root_of(t: Transaction, table: Table, row_id: str) -> str:
    """Return the row that stands for one and all that are merged with it. Raises ValueError with a sentence."""
    rows = t.rows(f"SELECT root_id FROM {table} WHERE id = ?", row_id)
    if not rows:
        raise _missing(table, row_id)
    return str(rows[0][0])


def lock(t: Transaction, engine: Engine, table: Table, *ids: str) -> dict[str, tuple[str, str | None]]:
    """Lock rows in id order; return of each its root and what it was merged into. Raises ValueError with a sentence."""
    rows = t.rows(
        f"SELECT id, root_id, merged_into FROM {table} WHERE id IN (??text) ORDER BY id {engine.for_update}",
        sorted(set(ids)),
    )
    found = {row[0]: (row[1], row[2]) for row in rows}
    for each in ids:
        if each not in found:
            raise _missing(table, each)
    return found


def lock_with_root(
    t: Transaction, engine: Engine, table: Table, row_id: str, *others: str
) -> tuple[str, dict[str, tuple[str, str | None]]]:
    """Lock a row, its root and others; return the root, and what `lock` returns. Raises ValueError with a sentence."""
    # The root may change until its row is locked: read it, lock, and look again.
    while True:
        root = root_of(t, table, row_id)
        found = lock(t, engine, table, row_id, root, *others)
        if found[row_id][0] == root:
            return root, found


def tree(t: Transaction, table: Table, top: str) -> list[str]:
    """Return a row and all that were merged into it, directly or by way of others."""
    found, level = [top], [top]
    while level:
        level = [row[0] for row in t.rows(f"SELECT id FROM {table} WHERE merged_into IN (??text)", level)]
        found += level
    return found


def take_out(t: Transaction, table: Table, top: str, members: Sequence[str]) -> None:
    """Make a row a root again; `members` is its `tree`, which it takes along."""
    t.run(f"UPDATE {table} SET merged_into = NULL WHERE id = ?", top)
    t.run(f"UPDATE {table} SET root_id = ? WHERE id IN (??text)", top, members)


def _missing(table: Table, row_id: str) -> ValueError:
    return ValueError(
        f"There is no {table.removesuffix('s')} {row_id}: `baton {table} list` shows those that there are."
    )
