"""SG-11: each closed case teaches the model once, whatever is reopened, breaks or runs beside; the model is kept as data."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final

import pytest

from gateway.model import Activity, CaseStatus, Decision, Lesson, RiskPoint, altered, move
from gateway.store import Store
from gateway.store.engine import Row, Transaction
from gateway.store.migrations import migrate
from gateway.store.ports import CaseView
from gateway.store.schema import VERSION
from gateway.store.sqlstore import SqlStore
from tests.store.acts import NOW, apply_all, bring, keep, message

UNTIL: Final = NOW + 1_000
POINT: Final = RiskPoint(features=("channel=chat",), at=NOW, until=UNTIL)


def deciding(
    status: CaseStatus | None = None, point: RiskPoint | None = POINT
) -> Callable[[CaseView, Activity], Decision]:
    """Return a step that gives a case its moment, and moves it."""

    def step(view: CaseView, activity: Activity) -> Decision:
        decision = keep(view, activity)
        case = altered(decision.case, risk=point)
        if status is not None and case.status is not status:
            case = move(case, status, NOW)
        return altered(decision, case=case)

    return step


def happen(
    store: Store, key: str, status: CaseStatus | None, thread: str = "t", point: RiskPoint | None = POINT
) -> None:
    bring(store, message(key, thread=thread))
    apply_all(store, deciding(status, point))


def close(store: Store, count: int, point: RiskPoint = POINT) -> None:
    for number in range(count):
        happen(store, f"close-{number}", CaseStatus.RESOLVED, f"t{number}", point)


class Taught:
    """Counts what it is taught."""

    def __init__(self) -> None:
        self.lessons: list[Lesson] = []

    def __call__(self, text: str, lessons: Sequence[Lesson]) -> str:
        self.lessons += lessons
        return str(int(text or 0) + len(lessons))


def rows(store: Store, sql: str) -> list[Row]:
    assert isinstance(store, SqlStore)

    def work(t: Transaction) -> list[Row]:
        return list(t.rows(sql))

    return store._engine.read(work)


def test_a_closed_case_teaches_once_when_its_horizon_has_passed(store: Store) -> None:
    close(store, 3)
    taught = Taught()
    assert store.learn_risk(10, UNTIL - 1, taught) == 0
    assert (store.risk().version, store.risk().waiting) == (0, 3)
    assert store.learn_risk(2, UNTIL, taught) == 2
    assert store.learn_risk(2, UNTIL, taught) == 1
    assert store.learn_risk(2, UNTIL, taught) == 0
    assert taught.lessons == [Lesson(features=("channel=chat",), escalated=False)] * 3
    standing = store.risk()
    assert (standing.model, standing.version, standing.waiting, standing.learned_at) == ("3", 2, 0, UNTIL)
    assert {row[0] for row in rows(store, "SELECT doc FROM risk_lessons")} == {""}, "what was known of cases is gone"


def test_a_case_that_is_taken_up_again_teaches_when_it_is_over_in_the_end(store: Store) -> None:
    happen(store, "m1", CaseStatus.RESOLVED)
    happen(store, "m2", CaseStatus.OPEN)
    taught = Taught()
    assert store.learn_risk(10, UNTIL, taught) == 0
    happen(store, "m3", CaseStatus.RESOLVED, point=altered(POINT, escalated_at=NOW + 5))
    assert store.learn_risk(10, UNTIL, taught) == 1
    assert [each.escalated for each in taught.lessons] == [True]
    happen(store, "m4", CaseStatus.OPEN)
    happen(store, "m5", CaseStatus.RESOLVED)
    assert store.learn_risk(10, UNTIL, taught) == 0, "once, whatever becomes of it later"
    assert store.risk().waiting == 0
    assert rows(store, "SELECT doc FROM risk_lessons") == [("",)]


def test_a_case_closed_and_taken_up_again_in_one_batch_teaches_nothing_yet(store: Store) -> None:
    steps = {"m1": deciding(CaseStatus.RESOLVED), "m2": deciding(CaseStatus.OPEN)}
    bring(store, message("m1"), message("m2"))
    apply_all(store, lambda view, activity: steps[activity.dedupe](view, activity))
    assert store.risk().waiting == 0


@pytest.mark.parametrize("point", [None, altered(POINT, forced=True)])
def test_a_case_without_a_moment_or_that_the_risk_itself_escalated_teaches_nothing(
    store: Store, point: RiskPoint | None
) -> None:
    happen(store, "m1", CaseStatus.RESOLVED, point=point)
    assert store.risk().waiting == 0


def test_a_lesson_that_breaks_changes_nothing(store: Store) -> None:
    close(store, 2)

    def broken(text: str, lessons: Sequence[Lesson]) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.learn_risk(10, UNTIL, broken)
    assert (store.risk().version, store.risk().waiting) == (0, 2)
    assert store.learn_risk(10, UNTIL, Taught()) == 2


def test_learners_side_by_side_teach_each_case_once(store: Store) -> None:
    close(store, 12)
    taught = Taught()

    def work() -> None:
        while store.learn_risk(2, UNTIL, taught):
            pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(taught.lessons) == 12
    assert store.risk().model == "12"


def test_forgetting_is_audited_and_no_version_comes_twice(store: Store) -> None:
    close(store, 3)
    store.learn_risk(2, UNTIL, Taught())
    assert store.forget_risk("anna", NOW) == 3
    standing = store.risk()
    assert (standing.model, standing.waiting, standing.version) == ("", 0, 2)
    assert store.audit_trail(1)[0]["action"] == "risk-forget"
    happen(store, "again", CaseStatus.OPEN, "t0")
    happen(store, "over", CaseStatus.RESOLVED, "t0")
    store.learn_risk(2, UNTIL, Taught())
    assert (store.risk().model, store.risk().version) == ("1", 3)


def test_a_store_of_the_version_before_gets_the_tables_and_gives_them_back(store: Store, url: str) -> None:
    close(store, 1)
    migrate(url, 4)
    with pytest.raises(Exception, match="risk_lessons"):
        rows(store, "SELECT * FROM risk_lessons")
    migrate(url, VERSION)
    assert store.risk().version == 0
    happen(store, "later", CaseStatus.RESOLVED, "later")
    assert store.risk().waiting == 1
