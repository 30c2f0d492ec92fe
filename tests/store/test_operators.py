"""Merges that can be undone, an audit that shows tampering, engines that refuse what would lose data."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from gateway.model import Activity, CaseStatus, Decision
from gateway.store import Store, StoreUnavailable, open_store
from gateway.store.ports import CaseView
from gateway.store.schema import VERSION
from tests.store.acts import NOW, apply_all, bring, entry, keep, message, opening


def two_cases(store: Store) -> tuple[str, str]:
    bring(store, message("a1", thread="a"))
    bring(store, message("b1", thread="b"), now=NOW + 1_000_000)
    apply_all(store)
    newer, older = store.cases()
    return older.id, newer.id


def test_a_merged_case_speaks_in_the_other_and_undoing_gives_everything_back(store: Store) -> None:
    one, two = two_cases(store)
    before = store.history(one)
    store.merge(two, one, "test", NOW)
    merged = next(case for case in store.cases() if case.id == two)
    assert merged.status is CaseStatus.MERGED
    bring(store, message("b2", thread="b"))
    apply_all(store)
    history = store.history(one)
    assert history is not None
    assert [item.activity.dedupe for item in history.activities] == ["a1", "b2"]
    store.unmerge(two, "test", NOW)
    back = store.history(two)
    assert back is not None
    assert (back.case.seq, back.case.customer_messages, back.case.last_thread) == (2, 2, "b")
    assert store.history(one) == before
    assert {item.activity.dedupe for item in back.activities} == {"b1", "b2"}
    bring(store, message("b3", thread="b"))
    apply_all(store)
    history = store.history(one)
    assert history is not None
    assert [item.activity.dedupe for item in history.activities] == ["a1"]


def test_merges_that_make_no_sense_are_refused_with_a_sentence(store: Store) -> None:
    one, two = two_cases(store)
    with pytest.raises(ValueError, match="into itself"):
        store.merge(one, one, "test", NOW)
    with pytest.raises(ValueError, match="There is no case"):
        store.merge(one, "nobody", "test", NOW)
    store.merge(two, one, "test", NOW)
    with pytest.raises(ValueError, match="merged into"):
        store.merge(two, one, "test", NOW)
    with pytest.raises(ValueError, match="is not merged"):
        store.unmerge(one, "test", NOW)


def test_a_chain_of_merges_comes_apart_link_by_link(store: Store) -> None:
    bring(store, *(message(f"{name}1", thread=name) for name in "abc"))
    apply_all(store)
    cases = {store.history(case.id).activities[0].activity.thread: case.id for case in store.cases()}  # type: ignore[union-attr] # pyright: ignore[reportOptionalMemberAccess]
    store.merge(cases["a"], cases["b"], "test", NOW)
    store.merge(cases["b"], cases["c"], "test", NOW)
    bring(store, message("a2", thread="a"))
    apply_all(store)
    history = store.history(cases["c"])
    assert history is not None
    assert "a2" in [item.activity.dedupe for item in history.activities]
    store.unmerge(cases["a"], "test", NOW)
    bring(store, message("a3", thread="a"), message("b2", thread="b"))
    apply_all(store)
    alone, rest = store.history(cases["a"]), store.history(cases["c"])
    assert alone is not None
    assert rest is not None
    assert {item.activity.dedupe for item in alone.activities} == {"a1", "a2", "a3"}
    assert "b2" in [item.activity.dedupe for item in rest.activities]


def test_an_open_episode_of_a_merged_case_is_the_open_one(store: Store) -> None:
    bring(store, message("a1", thread="a"))
    apply_all(store, opening)
    bring(store, message("b1", thread="b"), now=NOW + 1_000_000)
    apply_all(store)
    newer, older = store.cases()
    store.merge(older.id, newer.id, "test", NOW)
    bring(store, message("b2", thread="b"))
    apply_all(store, opening)
    history = store.history(newer.id)
    assert history is not None
    assert history.episodes == ()


def test_merging_and_applying_at_once_loses_nothing_and_keeps_order(store: Store) -> None:
    one, two = two_cases(store)
    bring(
        store,
        *(message(f"a{n}", thread="a") for n in range(2, 60)),
        *(message(f"b{n}", thread="b") for n in range(2, 60)),
    )
    seen: list[str] = []
    stop = threading.Event()

    def noting(view: CaseView, activity: Activity) -> Decision:
        seen.append(activity.dedupe)
        return keep(view, activity)

    def merges() -> None:
        while not stop.is_set():
            store.merge(two, one, "test", NOW)
            store.unmerge(two, "test", NOW)

    thread = threading.Thread(target=merges)
    thread.start()
    try:
        while len(seen) < 116:
            store.apply(8, NOW, noting)
    finally:
        stop.set()
        thread.join()
    for name in "ab":
        mine = [int(key[1:]) for key in dict.fromkeys(seen) if key[0] == name]
        assert mine == list(range(2, 60))
    assert store.accounts().activities_applied == 118


def test_the_audit_is_a_chain_that_shows_tampering(store: Store, url: str) -> None:
    for number in range(3):
        store.audit("ann", "mode", "chat", {"to": number}, NOW + number)
    assert store.verify_audit() is None
    trail = store.audit_trail()
    assert [row["detail"] for row in trail] == [{"to": 2}, {"to": 1}, {"to": 0}]
    assert trail[0]["previous"] == trail[1]["hash"]
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as other:
            with pytest.raises(sqlite3.IntegrityError, match="final"):
                other.execute("UPDATE audit SET actor = 'eve' WHERE id = 2")
            other.execute("DROP TRIGGER audit_no_update")
            other.execute("UPDATE audit SET actor = 'eve' WHERE id = 2")
        assert store.verify_audit() == 2


def test_policies_are_kept_by_their_hash(store: Store) -> None:
    store.save_policy("d1", "text", NOW)
    store.save_policy("d1", "text", NOW)
    assert (store.policy("d1"), store.policy("d2")) == ("text", None)


def test_a_store_can_be_opened_again_and_knows_everything(url: str) -> None:
    first = open_store(url)
    first.register({"chat": None, "desk": None})
    bring(first, message("m1"))
    first.pause("all", "test", "", NOW)
    first.close()
    first.close()
    second = open_store(url)
    assert second.accounts().activities_pending == 1
    assert second.pauses() == {"all": ""}
    bring(second, message("m1"))
    assert second.accounts().events_duplicate == 1
    second.close()


# --- SQLite alone ----------------------------------------------------------------------------------------------------
def test_a_second_process_is_refused_with_a_sentence(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'baton.db'}"
    store = open_store(url)
    store.register({"chat": None})
    with pytest.raises(StoreUnavailable, match="SQLite serves one process"):
        open_store(url)
    reader = open_store(url, readonly=True)
    assert reader.accounts().deliveries == 0
    with pytest.raises(StoreUnavailable, match="read only"):
        reader.journal([entry()])
    reader.close()
    store.close()


def test_a_full_disk_refuses_and_harms_nothing(tmp_path: Path) -> None:
    path = tmp_path / "baton.db"
    store = open_store(f"sqlite:///{path}")
    store.register({"chat": None, "desk": None})
    writer = store._engine._writer  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType]
    pages = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count = {pages + 20}")
    accepted = 0
    try:
        while accepted < 1000:
            store.journal([entry(b"x" * 5000)])
            accepted += 1
    except StoreUnavailable as refusal:
        assert "full" in str(refusal)
    assert 0 < accepted < 1000
    assert store.accounts().deliveries == accepted
    writer.execute("PRAGMA max_page_count = 1000000")
    store.journal([entry()])
    assert store.accounts().deliveries == accepted + 1
    assert writer.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    store.close()


def test_a_newer_store_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "baton.db"
    open_store(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as other:
        other.execute("UPDATE meta SET value = ? WHERE key = 'version'", (str(VERSION + 1),))
    with pytest.raises(StoreUnavailable, match="use the newer Baton"):
        open_store(f"sqlite:///{path}")


def test_another_kind_of_url_is_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match="must begin with"):
        open_store("mysql://x")


# --- PostgreSQL alone ------------------------------------------------------------------------------------------------
def test_a_server_that_may_lose_commits_is_refused(postgres_url: str) -> None:
    weak = postgres_url + "%20-csynchronous_commit%3Doff"
    with pytest.raises(StoreUnavailable, match="synchronous_commit = off"):
        open_store(weak)


def test_a_killed_server_is_lived_through(postgres_url: str) -> None:
    from tests.facilities import MissingFacilityError, start_postgres

    try:
        server = start_postgres(ours=True)
    except MissingFacilityError as problem:
        pytest.skip(str(problem))
    store = open_store(server.schema())
    store.register({"chat": None, "desk": None})
    store.journal([entry()])
    server.kill()
    with pytest.raises(StoreUnavailable):
        store.journal([entry()])
    server.start()
    store.journal([entry()])
    assert store.accounts().deliveries == 2
    server.kill()
    server.start()
    assert store.accounts().deliveries == 2, "what only reads is repeated on a new connection"
    store.close()
    server.close()
