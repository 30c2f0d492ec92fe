"""What waits is read the oldest first, each lane in order, and never more bytes at once than there is room for but for one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model import Activity, Decision
from gateway.store import Store, queued
from gateway.store.fresh import Fresh
from gateway.store.ports import CaseView, ParsedDelivery
from tests.store.acts import NOW, bring, entry, keep, message

_ROOM = 1_000


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 900), st.sampled_from("ab"), st.booleans()), min_size=1, max_size=12),
    st.integers(1, 12),
)
def test_deliveries_come_in_order_and_as_many_as_fit(
    store: Store, sizes: list[tuple[int, str, bool]], limit: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queued, "AT_ONCE", _ROOM)
        wanted: list[tuple[int, int]] = []
        for size, lane, kept_in_memory in sizes:
            large = size > 800
            body = bytes(size * 100 if large else size)
            (number,) = store.journal([entry(body, lane=lane)])
            wanted.append((number, len(body)))
            if not kept_in_memory:
                inbound: Any = store.unparsed.__self__  # type: ignore[attr-defined] # pyright: ignore[reportFunctionMemberAccess]
                inbound._fresh.take([number])
        seen: list[tuple[int, int]] = []
        while found := store.unparsed(limit, ["chat"]):
            assert len(found) <= limit
            again = store.unparsed(limit, ["chat"])
            # From the store alone, and still a beginning of it.
            assert again == found[: len(again)]
            assert len(again) == 1 or sum(len(each.delivery.body) for each in again) <= _ROOM
            seen += [(each.id, len(each.delivery.body)) for each in found]
            store.save_parsed([ParsedDelivery(id=each.id, lane=each.lane) for each in found], NOW)
        assert seen == wanted


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3_000), st.booleans()), min_size=1, max_size=12), st.integers(1, 4))
def test_activities_are_decided_in_order_however_large(store: Store, sizes: list[tuple[int, bool]], part: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queued, "AT_ONCE", _ROOM)
        patch.setattr(queued, "_PART", part)
        bound: Any = store.apply
        fresh: Fresh[Activity] = bound.__self__._parsed
        heard: list[str] = []

        def hear(view: CaseView, activity: Activity) -> Decision:
            heard.append(activity.dedupe)
            return keep(view, activity)

        begun = len(store.cases(100))
        wanted = [f"{begun}-{number}" for number in range(len(sizes))]
        for key, (size, kept_in_memory) in zip(wanted, sizes, strict=True):
            bring(store, message(key, thread=f"t{begun}", text="x" * size))
            if not kept_in_memory:
                fresh.forget()
        turns = 0
        while (batch := store.apply(100, NOW, hear)).more or batch.applied:
            turns += 1
            assert batch.applied, "each turn gets on"
        assert heard == wanted
        assert turns <= len(sizes) + 1
