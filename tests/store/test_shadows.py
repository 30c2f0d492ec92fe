"""PO-6: what is kept of policies that are tried, on both engines."""

from __future__ import annotations

import pytest

from gateway.store import Store, shadows
from gateway.store.ports import Diverged, Tried

REAL = {"rule": "", "ladder": "", "level": "", "priority": ""}
CANDIDATE = {"rule": "broken", "ladder": "second", "level": "1", "priority": "P3"}


def tried(candidate: str = "new", policy: str = "old", *, at: int = 5, compared: int = 1) -> Tried:
    return Tried(candidate=candidate, policy=policy, compared=compared, missed=2, failed=3, began_at=at, seen_at=at)


def diverged(case: str, seq: int = 1, kind: str = "would_escalate") -> Diverged:
    return Diverged(case_id=case, seq=seq, at=seq, kind=kind, real=REAL, candidate=CANDIDATE)


def test_what_was_asked_adds_up_and_the_newest_divergences_come_first(store: Store) -> None:
    assert store.shadow() is None
    store.keep_shadow(tried(at=5), [diverged("a"), diverged("b")])
    store.keep_shadow(tried(at=9, compared=4), [diverged("a", 2, "other_level"), diverged("a", 3)])
    store.keep_shadow(tried(policy="older", at=1), [])
    view = store.shadow()
    assert view is not None
    assert view.tried == (
        Tried(candidate="new", policy="old", compared=5, missed=4, failed=6, began_at=5, seen_at=9),
        tried(policy="older", at=1),
    )
    assert view.counts == {"other_level": (1, 1), "would_escalate": (3, 2)}
    assert [(each.case_id, each.seq) for each in view.newest] == [("a", 3), ("a", 2), ("b", 1), ("a", 1)]
    assert view.newest[0] == diverged("a", 3)
    newest = store.shadow(limit=1)
    assert newest is not None
    assert len(newest.newest) == 1


def test_the_same_divergence_is_kept_once(store: Store) -> None:
    """Two replicas may follow one case."""
    for _ in range(2):
        store.keep_shadow(tried(), [diverged("a")])
    view = store.shadow("new")
    assert view is not None
    assert view.counts == {"would_escalate": (1, 1)}


def test_each_candidate_has_its_own(store: Store) -> None:
    store.keep_shadow(tried("first", at=1), [diverged("a")])
    store.keep_shadow(tried("second", at=2), [])
    newest, first = store.shadow(), store.shadow("first")
    assert newest is not None
    assert first is not None
    assert (newest.tried[0].candidate, newest.counts) == ("second", {})
    assert first.counts == {"would_escalate": (1, 1)}
    assert store.shadow("third") is None


def test_the_oldest_divergences_make_room(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadows, "KEPT", 3)
    store.keep_shadow(tried("other"), [diverged("a")])
    for number in range(1, 8):
        store.keep_shadow(tried(), [diverged("a", number)])
    view, other = store.shadow("new"), store.shadow("other")
    assert view is not None
    assert other is not None
    assert [each.seq for each in view.newest] == [7, 6, 5]
    assert len(other.newest) == 1
