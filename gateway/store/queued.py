"""What waits, as the next step reads it: the oldest first, from memory where it was just written, never too much at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.model import Activity
from gateway.sdk import Delivery
from gateway.store import codec
from gateway.store.engine import Transaction
from gateway.store.fresh import Fresh
from gateway.store.names import Names
from gateway.store.values import StoredDelivery

#: Bytes that are read from the store at once, about.
AT_ONCE: Final = 32_000_000
#: Activities that are read before their sizes are looked at.
_PART: Final = 64


def stored(t: Transaction, names: Names, condition: str, *values: object) -> list[StoredDelivery]:
    """Return deliveries with their bytes."""
    rows = t.rows(
        "SELECT d.id, d.connection_id, p.endpoint, d.lane, d.received_at, p.method, p.url, p.headers,"
        f" coalesce(p.body, b.body), d.attempts FROM (SELECT * FROM deliveries d WHERE {condition}) d"
        " JOIN payloads p ON p.delivery_id = d.id LEFT JOIN blobs b ON b.sha256 = p.blob ORDER BY d.id",
        *values,
    )
    return [
        StoredDelivery(
            id=row[0],
            lane=row[3],
            attempts=row[9],
            delivery=Delivery(
                connection=names.name(row[1]),
                endpoint=row[2],
                received_at=row[4],
                method=row[5],
                url=row[6],
                headers=tuple(codec.pairs_from(row[7])),
                body=row[8] if row[8] is not None else b"",
            ),
        )
        for row in rows
    ]


def oldest_deliveries(
    t: Transaction, names: Names, fresh: Fresh[StoredDelivery], connections: Sequence[int], limit: int
) -> list[StoredDelivery]:
    """Return the oldest deliveries that wait for parsing, as many as fit."""
    rows = t.rows(
        "SELECT id, attempts FROM deliveries WHERE state = 0 AND connection_id IN (??bigint) ORDER BY id LIMIT ?",
        *(connections, limit),
    )
    found = fresh.take([row[0] for row in rows if row[1] == 0])
    lacking = [row[0] for row in rows if row[0] not in found]
    if lacking:
        fitting = _fitting(t, lacking)
        found.update((each.id, each) for each in stored(t, names, "d.id IN (??bigint)", fitting))
        if len(fitting) < len(lacking):
            # What is newer than those comes later, too: each lane stays in order.
            rows = [row for row in rows if row[0] <= fitting[-1]]
    return [found[row[0]] for row in rows if row[0] in found]


def _fitting(t: Transaction, numbers: Sequence[int]) -> Sequence[int]:
    """Return the oldest of some deliveries, as many as are read at once: always one, however large."""
    sizes = t.rows(
        "SELECT p.delivery_id, coalesce(length(p.body), length(b.body), 0) FROM payloads p"
        " LEFT JOIN blobs b ON b.sha256 = p.blob WHERE p.delivery_id IN (??bigint) ORDER BY p.delivery_id",
        numbers,
    )
    held = 0
    for place, (_, size) in enumerate(sizes):
        held += size
        if held > AT_ONCE:
            return numbers[: max(place, 1)]
    return numbers


def oldest_activities(t: Transaction, fresh: Fresh[Activity], numbers: Sequence[int]) -> dict[int, Activity]:
    """Return the oldest of some activities, as many as fit, by their numbers, which ascend."""
    found = fresh.take(numbers)
    lacking, held = [number for number in numbers if number not in found], 0
    for at in range(0, len(lacking), _PART):
        if held > AT_ONCE:
            return {number: each for number, each in found.items() if number < lacking[at]}
        rows = t.rows("SELECT activity_id, doc FROM contents WHERE activity_id IN (??bigint)", lacking[at : at + _PART])
        held += sum(len(row[1]) for row in rows)
        found.update((row[0], codec.activity_from(row[1])) for row in rows)
    return found
