"""What was just taken in is parsed from memory, and it is what the store would have given."""

from __future__ import annotations

import hashlib

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.store import Store
from gateway.store.fresh import Fresh
from gateway.store.ports import ParsedDelivery, StoredDelivery
from tests.store.acts import NOW, entry

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


@given(st.lists(st.tuples(st.integers(0, 20_000), st.booleans()), max_size=30))
def test_it_never_holds_more_than_it_has_room_for_and_gives_each_once(steps: list[tuple[int, bool]]) -> None:
    room = 30_000
    fresh, kept = Fresh(room), dict[int, int]()
    for number, (size, taken) in enumerate(steps):
        fresh.keep([stored(number, size)])
        kept[number] = size
        held = sum(each + 1_000 for each in kept.values())
        while held > room:
            held -= kept.pop(next(iter(kept))) + 1_000
        if taken:
            wanted = [
                each for each in range(number + 1) if hashlib.md5(bytes([each]), usedforsecurity=False).digest()[0] % 2
            ]
            found = fresh.take(wanted)
            assert found.keys() == kept.keys() & set(wanted)
            for each in found:
                assert len(found[each].delivery.body) == kept.pop(each)
    assert fresh.take(range(len(steps))).keys() == kept.keys()
