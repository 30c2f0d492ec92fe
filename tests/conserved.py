"""Everything that was accepted is somewhere (promise I4): in sum, of each single delivery, and of each single activity."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, cast

from gateway.store import Store, open_store

#: What must find nothing → what it would mean. Sums alone could agree by chance: one lost, another counted twice.
_QUESTIONS: Final = {
    "deliveries in no known state": "SELECT id FROM deliveries WHERE state NOT IN (0, 1, 2)",
    "deliveries whose bytes are gone": (
        "SELECT d.id FROM deliveries d LEFT JOIN payloads p ON p.delivery_id = d.id WHERE p.delivery_id IS NULL"
    ),
    "deliveries with an event that became nothing": (
        "SELECT d.id FROM deliveries d WHERE d.events <> d.duplicates + d.dead +"
        " (SELECT count(*) FROM activities a WHERE a.delivery_id = d.id)"
    ),
    "deliveries given up without a dead letter": (
        "SELECT d.id FROM deliveries d WHERE d.state = 2 AND NOT EXISTS (SELECT 1 FROM dead_letters l"
        " WHERE l.kind = 'delivery' AND l.ref = CAST(d.id AS TEXT))"
    ),
    "activities in no known state": "SELECT id FROM activities WHERE state NOT IN (0, 1, 2, 3)",
    "activities without what was said": (
        "SELECT a.id FROM activities a LEFT JOIN contents c ON c.activity_id = a.id WHERE c.activity_id IS NULL"
    ),
    "activities applied to no case": (
        "SELECT a.id FROM activities a LEFT JOIN cases c ON c.id = a.case_id"
        " WHERE a.state = 1 AND (c.id IS NULL OR a.seq IS NULL)"
    ),
    "activities given up without a dead letter": (
        "SELECT a.id FROM activities a WHERE a.state = 2 AND NOT EXISTS (SELECT 1 FROM dead_letters l"
        " WHERE l.kind = 'activity' AND l.ref = CAST(a.id AS TEXT))"
    ),
    "activities set aside for no message": (
        "SELECT a.id FROM activities a LEFT JOIN strays s ON s.activity_id = a.id WHERE a.state = 3 AND s.activity_id IS NULL"
    ),
}


def losses(store: Store) -> dict[str, list[int]]:
    """Return the deliveries and activities that are not where they should be, by what that means; empty when all are."""
    found: dict[str, list[int]] = {}
    for meaning, sql in _QUESTIONS.items():

        def asked(t: Any, sql: str = sql) -> list[int]:
            return [row[0] for row in t.rows(sql)]

        if rows := cast("list[int]", cast("Any", store)._engine.read(asked)):
            found[meaning] = rows
    return found


def require_conserved(store: Store) -> None:
    """Demand that nothing that was accepted is lost."""
    accounts = store.accounts()
    assert accounts.unaccounted == 0, accounts
    found = losses(store)
    assert not found, found


def require_conserved_in(url: str) -> None:
    """Demand it of the store at a URL, and that its audit's chain holds; of none, when nobody made one yet."""
    path = url.removeprefix("sqlite:///")
    if path != url and not Path(path).exists():
        return
    store = open_store(url, readonly=True)
    try:
        require_conserved(store)
        assert store.verify_audit() is None
    finally:
        store.close()
