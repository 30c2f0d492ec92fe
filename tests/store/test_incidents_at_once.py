"""SG-8: the count is right with two processes at work, after one that died in between, and when something is decided again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from gateway.model import Activity, Decision
from gateway.pipeline.policies import Direction, Policies
from gateway.store import Store, open_store
from gateway.store.ports import CaseView, Step
from routing.decide import decide
from tests.routing.values import NOW, connections
from tests.store.acts import bring
from tests.store.outage import POLICY, THRESHOLD, says

#: Seconds that the one waits for the other, who must wait for it.
_A_WHILE = 1.0


class _Process:
    """A process that applies one activity at a time."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.policies = Policies(store, Direction(policy=POLICY, connections=connections()))

    def apply(self, limit: int = 1, step: Step | None = None) -> int:
        watch = self.policies.watch(self.policies.direction, NOW)
        return self.store.apply(limit, NOW, step or self.decide, watch=watch).applied

    def decide(self, view: CaseView, activity: Activity) -> Decision:
        return decide(self.policies.snapshot(view, self.policies.direction), activity, NOW)


def _ready(store: Store) -> None:
    store.register(dict.fromkeys(connections()))
    store.save_policy(POLICY.digest, POLICY.source, 0)


def test_two_processes_that_count_at_once_miss_nobody(url: str) -> None:
    """While the one decides on the second customer, the other gets the third: each would see two, and three are enough."""
    one = _Process(open_store(url))
    other = _Process(open_store(url)) if one.store.engine == "postgresql" else one
    _ready(one.store)
    bring(one.store, says("0"))
    one.apply()
    bring(one.store, says("1"), says("2"))
    begun, counted = Event(), Event()

    def slowly(view: CaseView, activity: Activity) -> Decision:
        begun.set()
        counted.wait(_A_WHILE)
        return one.decide(view, activity)

    def then(view: CaseView, activity: Activity) -> Decision:
        counted.set()
        return other.decide(view, activity)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(one.apply, 1, slowly)
        begun.wait()
        applied = other.apply(64, then)
        assert first.result() + applied == len(("1", "2"))
    while one.apply(64):
        pass
    assert [incident.customers for incident in one.store.incidents()] == [THRESHOLD]
    for each in {one, other}:
        each.store.close()


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
