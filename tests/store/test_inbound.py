"""The way in: durable, once, in order, and nothing lost."""

from __future__ import annotations

import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model import Decision, EffectKind, altered
from gateway.store import Store
from gateway.store.ports import CaseView, EventFailure, ParsedDelivery
from tests.store.acts import DESK, NOW, apply_all, bring, emitting, entry, keep, message, ticket


def test_a_delivery_is_kept_byte_for_byte_and_its_credentials_are_not(store: Store) -> None:
    small, large = bytes(range(256)), bytes(range(256)) * 1000
    store.journal([entry(small), entry(large), entry(large)])
    kept = store.unparsed(10)
    assert [each.delivery.body for each in kept] == [small, large, large]
    assert kept[0].delivery.headers == (("Content-Type", "application/json"),)


def test_a_redelivery_adds_nothing_however_late(store: Store) -> None:
    day = 86_400_000_000
    bring(store, message("m1"))
    apply_all(store)
    bring(store, message("m1"), now=NOW + 300_000_000)
    bring(store, message("m1"), now=NOW + 5 * day)
    assert apply_all(store) == 0
    accounts = store.accounts()
    assert (accounts.deliveries, accounts.events, accounts.events_duplicate, accounts.activities) == (3, 3, 2, 1)
    assert len(store.cases()) == 1


def test_the_same_key_of_another_connection_is_another_event(store: Store) -> None:
    bring(store, message("m1"), altered(message("m1"), connection="desk"))
    assert apply_all(store) == 2


def test_one_event_counts_once_under_sixteen_threads(store: Store) -> None:
    numbers = store.journal([entry(lane=f"l{n}") for n in range(64)])
    errors: list[BaseException] = []

    def save(part: list[int]) -> None:
        try:
            for number in part:
                store.save_parsed(
                    [ParsedDelivery(id=number, lane="", activities=((0, message(f"m{number % 4}", thread="t")),))], NOW
                )
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=save, args=([*numbers[n::16]],)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    accounts = store.accounts()
    assert (accounts.activities, accounts.events_duplicate) == (4, 60)
    assert len(store.cases()) == 1


def test_an_earlier_delivery_of_the_lane_holds_the_later_one(store: Store) -> None:
    first, second = store.journal([entry(lane="a"), entry(lane="a")])
    other = store.journal([entry(lane="b")])[0]
    late = ParsedDelivery(id=second, lane="a", activities=((0, message("m2")),))
    free = ParsedDelivery(id=other, lane="b", activities=((0, message("x", thread="u")),))
    saved = store.save_parsed([late, free], NOW)
    assert (saved.parsed, saved.fresh) == (1, 1)
    early = ParsedDelivery(id=first, lane="a", activities=((0, message("m1")),))
    assert store.save_parsed([late, early], NOW).parsed == 2
    seen: list[str] = []
    apply_all(store, see=seen.append)
    assert [key for key in seen if key != "x"] == ["m1", "m2"]


def test_saving_the_same_delivery_twice_changes_nothing(store: Store) -> None:
    (number,) = store.journal([entry()])
    parsed = ParsedDelivery(id=number, lane="l", activities=((0, message("m1")),))
    store.save_parsed([parsed], NOW)
    again = store.save_parsed([parsed], NOW)
    assert (again.parsed, again.fresh, again.duplicates) == (0, 0, 0)


def test_what_cannot_be_read_is_a_dead_letter_with_its_bytes_and_can_be_replayed(store: Store) -> None:
    (number,) = store.journal([entry(b"\xff rubbish")])
    store.save_parsed([ParsedDelivery(id=number, lane="l", unreadable="The body is not JSON.")], NOW)
    (letter,) = store.dead_letters()
    detail = store.dead_letter(letter.id)
    assert detail is not None
    assert detail.delivery is not None
    assert (letter.kind, letter.reason, detail.delivery.delivery.body) == (
        "delivery",
        "The body is not JSON.",
        b"\xff rubbish",
    )
    assert store.replay_dead_letter(letter.id, "test", NOW)
    assert not store.replay_dead_letter(letter.id, "test", NOW)
    assert [each.id for each in store.unparsed(10)] == [number]
    store.save_parsed([ParsedDelivery(id=number, lane="l", activities=((0, message("m1")),))], NOW)
    assert apply_all(store) == 1
    assert store.dead_letters() == []


def test_one_bad_event_leaves_its_neighbours_alone(store: Store) -> None:
    (number,) = store.journal([entry()])
    parsed = ParsedDelivery(
        id=number,
        lane="l",
        activities=((0, message("m1")), (2, message("m3"))),
        failures=(EventFailure(index=1, reason="Normalizing failed."),),
    )
    saved = store.save_parsed([parsed], NOW)
    assert (saved.fresh, saved.dead) == (2, 1)
    assert apply_all(store) == 2


def test_parsing_again_after_a_mended_mapping_adds_only_what_was_missed(store: Store) -> None:
    (number,) = store.journal([entry()])
    store.save_parsed([ParsedDelivery(id=number, lane="l", activities=((0, message("m1")),))], NOW)
    apply_all(store)
    assert store.replay([number], "test", NOW) == 1
    both = ((0, message("m1")), (1, message("m2")))
    saved = store.save_parsed([ParsedDelivery(id=number, lane="l", activities=both)], NOW)
    assert (saved.fresh, saved.duplicates) == (1, 0)
    assert apply_all(store) == 1


def test_an_activity_that_cannot_be_decided_costs_only_itself(store: Store) -> None:
    bring(store, message("m1"), message("poison"), message("m3"), message("other", thread="u"))

    def step(view: CaseView, activity: object) -> Decision:
        if getattr(activity, "dedupe", "") == "poison":
            raise RecursionError("deep")
        return keep(view, activity)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]

    assert apply_all(store, step) == 4
    (letter,) = store.dead_letters()
    assert letter.kind == "activity"
    assert "deep" not in letter.reason
    assert store.accounts().activities_applied == 3
    store.replay_dead_letter(letter.id, "test", NOW)
    assert apply_all(store) == 1


def test_a_reference_binds_a_ticket_to_its_case_only_when_it_is_proven(store: Store) -> None:
    bring(store, message("m1"))
    apply_all(store, emitting(EffectKind.HANDOFF))
    (case,) = store.cases()
    bring(store, ticket("k1", "7", reference=f"baton:{case.id}"))
    bring(store, ticket("k2", "8", reference="baton:00000000-0000-7000-8000-000000000000"))
    bring(store, ticket("k3", "9", reference="not ours"))
    apply_all(store)
    history = store.history(case.id)
    assert history is not None
    assert [(link.ticket_id, link.adopted) for link in history.tickets] == [("7", False)]
    assert len(store.cases()) == 3


def test_another_connections_effect_is_no_reference(store: Store) -> None:
    bring(store, message("m1"))
    apply_all(store, emitting(EffectKind.NOTIFY))
    (claim,) = store.claim([DESK], NOW)
    bring(store, message("m2", thread="u", reference=claim.effects[0].id))
    assert len(store.cases()) == 2


def test_a_cursor_moves_with_its_deliveries(store: Store) -> None:
    assert store.cursor("chat", "inbox") is None
    store.journal_with_cursor([entry()], "chat", "inbox", "uid:7")
    store.journal_with_cursor([], "chat", "inbox", "uid:8")
    assert store.cursor("chat", "inbox") == "uid:8"
    assert store.accounts().deliveries == 1


def test_renaming_keeps_the_connection(store: Store) -> None:
    bring(store, message("m1"))
    store.register({"talk": "chat", "desk": None})
    bring(store, altered(message("m1"), connection="talk"))
    assert store.accounts().events_duplicate == 1


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    deliveries=st.lists(st.lists(st.integers(0, 6), max_size=4), min_size=1, max_size=12),
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=6),
)
def test_any_multiset_of_deliveries_leaves_each_event_once(
    store: Store, deliveries: list[list[int]], sizes: list[int]
) -> None:
    """Whatever comes, how often and in what batches: the model is a set."""
    salt = store.accounts().deliveries
    numbers = store.journal([entry(lane=f"l{index % 3}") for index in range(len(deliveries))])
    parsed = [
        ParsedDelivery(
            id=number,
            lane="",
            activities=tuple((place, message(f"{salt}-{key}")) for place, key in enumerate(keys)),
        )
        for number, keys in zip(numbers, deliveries, strict=True)
    ]
    before = store.accounts().activities
    while parsed:
        size = sizes[len(parsed) % len(sizes)]
        store.save_parsed(parsed[:size], NOW)
        parsed = parsed[size:]
    store.save_parsed([], NOW)
    assert store.accounts().activities - before == len({key for keys in deliveries for key in keys})
    assert store.accounts().unaccounted == 0


@pytest.mark.parametrize("count", [1, 65, 200])
def test_a_backlog_is_applied_in_order_in_batches(store: Store, count: int) -> None:
    bring(store, *(message(f"m{number}", thread=f"t{number % 3}") for number in range(count)))
    seen: list[str] = []
    assert apply_all(store, see=seen.append) == count
    for thread in range(3):
        mine = [int(key[1:]) for key in seen if int(key[1:]) % 3 == thread]
        assert mine == sorted(mine)
