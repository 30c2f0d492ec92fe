"""What was just taken in is parsed from memory, and it is what the store would have given."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model import Activity, ActivityKind, Decision
from gateway.store import Store
from gateway.store.engine import Transaction
from gateway.store.fresh import Fresh
from gateway.store.ports import CaseView, ParsedDelivery, StoredDelivery
from tests.store.acts import NOW, bring, entry, keep, message

_BODIES = st.lists(st.sampled_from([b"", b"{}", bytes(range(256)), bytes(range(256)) * 1000]), min_size=1, max_size=6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(_BODIES, st.integers(1, 8))
def test_it_is_the_same_from_memory_and_from_the_store(store: Store, bodies: list[bytes], limit: int) -> None:
    numbers = store.journal([entry(body, lane=f"l{len(body)}", at=NOW + n) for n, body in enumerate(bodies)])
    first = store.unparsed(limit, ["chat"])
    again = store.unparsed(limit, ["chat"])
    assert list(first) == list(again) == list(store.unparsed(limit))
    assert "secret-canary" not in repr(first)
    store.save_parsed([ParsedDelivery(id=number, lane="") for number in numbers], NOW)
    assert store.unparsed(limit, ["chat"]) == []


def test_what_is_parsed_again_is_read_from_the_store(store: Store) -> None:
    (number,) = store.journal([entry(b"{}")])
    store.unparsed(1, ["chat"])
    store.save_parsed([ParsedDelivery(id=number, lane="l")], NOW)
    assert store.replay([number], "ann", NOW) == 1
    (again,) = store.unparsed(1, ["chat"])
    assert (again.id, again.delivery.body) == (number, b"{}")


def stored(number: int, size: int) -> StoredDelivery:
    return StoredDelivery(id=number, lane="l", attempts=0, delivery=entry(b"x" * size).delivery)


_STEPS = st.lists(st.tuples(st.integers(0, 20_000), st.sets(st.integers(0, 30))), max_size=30)


@given(_STEPS)
def test_it_never_holds_more_than_it_has_room_for_and_gives_each_once(steps: list[tuple[int, set[int]]]) -> None:
    room = 30_000
    fresh: Fresh[StoredDelivery] = Fresh(lambda each: len(each.delivery.body), room)
    kept = dict[int, int]()
    for number, (size, asked) in enumerate(steps):
        fresh.keep([(number, stored(number, size))])
        if sum(each + 1_000 for each in kept.values()) + size + 1_000 <= room:
            kept[number] = size
        wanted = sorted(asked)
        found = fresh.take(wanted)
        assert {each: len(found[each].delivery.body) for each in found} == {
            each: size for each, size in kept.items() if each in asked
        }
        kept = {each: size for each, size in kept.items() if each not in asked and not (wanted and each < wanted[0])}
    assert fresh.take(range(len(steps))).keys() == kept.keys()
    fresh.forget()
    fresh.keep([(0, stored(0, room - 1_000))])
    assert fresh.take([0])


class Outage(Exception):
    """The database gave up."""


@contextmanager
def failing(store: Store) -> Generator[None]:
    """Let what is written meanwhile be rolled back once it was done."""
    engine: Any = store._engine  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    write = engine.write

    def fail(work: Callable[[Transaction], object], *, first: bool = False) -> object:
        def done(t: Transaction) -> None:
            work(t)
            raise Outage

        return write(done, first=first)

    engine.write = fail
    try:
        yield
    finally:
        engine.write = write


def test_what_was_rolled_back_is_never_taken_for_the_row_that_gets_its_number(store: Store) -> None:
    with failing(store), pytest.raises(Outage):
        store.journal([entry(b"lost", lane="a")])
    store.journal_with_cursor([entry(b"kept", lane="a")], "chat", "place", "1")
    (only,) = store.unparsed(8, ["chat"])
    assert only.delivery.body == b"kept"

    store.save_parsed([ParsedDelivery(id=only.id, lane="a", activities=((0, message("m1")),))], NOW)
    heard: list[Activity] = []

    def hear(view: CaseView, activity: Activity) -> Decision:
        heard.append(activity)
        return keep(view, activity)

    store.apply(8, NOW, hear)
    (number,) = store.journal([entry(lane="a")])
    parsed = ParsedDelivery(id=number, lane="a", activities=((0, message("m2")),))
    with failing(store), pytest.raises(Outage):
        store.save_parsed([parsed], NOW)
    (case,) = store.cases(8)
    timer = Activity(
        kind=ActivityKind.TIMER, connection="baton", thread="", dedupe="t", occurred_at=NOW, received_at=NOW, name="t"
    )
    assert store.append(case.id, timer)
    store.apply(8, NOW, hear)
    store.save_parsed([parsed], NOW)
    store.apply(8, NOW, hear)
    assert [each.dedupe for each in heard] == ["m1", "t", "m2"]


def test_it_is_decided_upon_what_the_store_would_have_given(store: Store) -> None:
    bring(store, message("m1"), message("m2", text="once more"))
    heard: list[Activity] = []

    def hear(view: CaseView, activity: Activity) -> Decision:
        heard.append(activity)
        return keep(view, activity)

    store.apply(8, NOW, hear)
    (case,) = store.cases(8)
    history = store.history(case.id)
    assert history is not None
    assert heard == [each.activity for each in history.activities]
