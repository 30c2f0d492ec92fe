"""SG-8: the count is right with two processes at work, after one that died in between, and when something is decided again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from gateway.model import Activity, Decision
from gateway.pipeline.policies import Direction, Policies
from gateway.store import Store, open_store
from gateway.store.ports import CaseView
from routing.decide import decide
from tests.routing.values import NOW, connections
from tests.store.acts import bring
from tests.store.outage import POLICY, THRESHOLD, says

_ROUNDS = 12


class _Process:
    """A process that applies one activity at a time."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.policies = Policies(store, Direction(policy=POLICY, connections=connections()))

    def apply(self, limit: int = 1) -> int:
        watch = self.policies.watch(self.policies.direction, NOW)
        return self.store.apply(limit, NOW, self.decide, watch=watch).applied

    def decide(self, view: CaseView, activity: Activity) -> Decision:
        return decide(self.policies.snapshot(view, self.policies.direction), activity, NOW)


def _ready(store: Store) -> None:
    store.register(dict.fromkeys(connections()))
    store.save_policy(POLICY.digest, POLICY.source, 0)


def test_two_processes_that_count_at_once_miss_nobody(url: str) -> None:
    """Each round a burst of exactly enough customers of another connection's fingerprint: one incident, all in it."""
    stores = [open_store(url)]
    _ready(stores[0])
    if stores[0].engine == "postgresql":
        stores.append(open_store(url))
    processes = [_Process(stores[number % len(stores)]) for number in range(THRESHOLD)]
    barrier = Barrier(THRESHOLD)

    def together(process: _Process) -> int:
        barrier.wait()
        return process.apply()

    with ThreadPoolExecutor(THRESHOLD) as pool:
        for number in range(_ROUNDS):
            for who in range(THRESHOLD):
                # A lane and a case each, so that nobody waits for anybody.
                bring(stores[0], says(f"{number}-{who}", at=NOW), lane=f"{number}-{who}")
            list(pool.map(together, processes))
            while any(process.apply(64) for process in processes):
                pass
            (incident,) = stores[0].incidents()
            assert incident.customers == THRESHOLD
            assert incident.closed_at is None
            stores[0].close_incident(incident.id, "test", "next round", NOW)
            while any(process.apply(64) for process in processes):
                pass
            _forget(stores[0])
    for store in stores:
        store.close()


def _forget(store: Store) -> None:
    """Forget an incident and what was counted, as if nothing had happened yet."""

    def work(t: object) -> None:
        for table in ("sightings", "incident_cases", "incidents"):
            t.run(f"DELETE FROM {table}")  # type: ignore[attr-defined] # pyright: ignore

    store._engine.write(work)  # type: ignore[attr-defined] # pyright: ignore


def test_a_process_that_dies_while_it_decides_has_counted_nothing(store: Store) -> None:
    """What it had counted goes with its transaction, and is counted when the activity is taken again."""
    _ready(store)
    process = _Process(store)
    for who in range(THRESHOLD):
        bring(store, says(str(who)))

    def dies(view: CaseView, activity: Activity) -> Decision:
        process.decide(view, activity)
        raise KeyboardInterrupt

    watch = process.policies.watch(process.policies.direction, NOW)
    for _ in range(THRESHOLD):
        with pytest.raises(KeyboardInterrupt):
            store.apply(64, NOW, dies, watch=watch)
    assert not store.incidents()
    counted: list[int] = []

    def counts(view: CaseView, activity: Activity) -> Decision:
        counted.extend(burst.customers for burst in view.bursts)
        return process.decide(view, activity)

    store.apply(64, NOW, counts, watch=watch)
    assert counted == [*range(1, THRESHOLD + 1)]
    while process.apply(64):
        pass
    assert [incident.customers for incident in store.incidents()] == [THRESHOLD]


def test_what_is_decided_again_is_not_counted_again(store: Store) -> None:
    """A dead letter that is sent on its way again, and a delivery that is parsed again, bring no new customer."""
    _ready(store)
    process = _Process(store)
    bring(store, says("ann"), says("bob"))

    def fails(view: CaseView, activity: Activity) -> Decision:
        raise RuntimeError(view.case.id, activity.dedupe)

    watch = process.policies.watch(process.policies.direction, NOW)
    for _ in range(3):
        store.apply(64, NOW, fails, watch=watch)
        for letter in store.dead_letters():
            store.replay_dead_letter(letter.id, "test", NOW)
    counted: list[int] = []

    def counts(view: CaseView, activity: Activity) -> Decision:
        counted.extend(burst.customers for burst in view.bursts)
        return process.decide(view, activity)

    store.apply(64, NOW, counts, watch=watch)
    assert max(counted) == len(("ann", "bob"))
    assert not store.incidents()
