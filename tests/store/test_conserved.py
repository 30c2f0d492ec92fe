"""What the tests demand after each test would be seen if it were not so: also where the sums agree by chance."""

from __future__ import annotations

from typing import Any, cast

import pytest

from gateway.store import Store
from tests.conserved import require_conserved
from tests.store.acts import apply_all, bring, message


@pytest.mark.parametrize(
    ("damage", "seen"),
    [
        ("UPDATE deliveries SET events = events + CASE WHEN id = 1 THEN 1 ELSE -1 END", "became nothing"),
        ("UPDATE deliveries SET state = 7 WHERE id = 1", "deliveries_parsed=1"),
        ("DELETE FROM payloads WHERE delivery_id = 1", "bytes are gone"),
        ("DELETE FROM contents WHERE activity_id = 1", "without what was said"),
        ("UPDATE activities SET case_id = 'nowhere' WHERE id = 1", "applied to no case"),
        ("UPDATE activities SET state = 2 WHERE id = 1", "activities given up without a dead letter"),
        ("UPDATE activities SET state = 3 WHERE id = 1", "set aside for no message"),
        ("UPDATE deliveries SET state = 2 WHERE id = 1", "deliveries given up without a dead letter"),
    ],
)
def test_a_loss_is_seen(store: Store, damage: str, seen: str) -> None:
    for name in "ab":
        bring(store, message(f"{name}1", thread=name))
    apply_all(store)
    require_conserved(store)
    engine = cast("Any", store)._engine

    class Undo(Exception): ...

    def work(t: Any) -> None:
        t.run(damage)
        looked = _Within(store, t)
        with pytest.raises(AssertionError, match=seen):
            require_conserved(cast("Store", looked))
        raise Undo

    with pytest.raises(Undo):
        engine.write(work)


class _Within:
    """The store as a transaction sees it that is not committed."""

    def __init__(self, store: Store, t: Any) -> None:
        self._store = store
        self._t = t
        self._engine = self

    def read(self, work: Any) -> Any:
        return work(self._t)

    def accounts(self) -> Any:
        reading = cast("Any", self._store).accounts.__self__
        whole, reading._engine = reading._engine, self
        try:
            return cast("Any", self._store).accounts()
        finally:
            reading._engine = whole
