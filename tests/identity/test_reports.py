"""Delivery reports: they tell how far a message came, in whatever order they arrive, and never begin a case."""

from __future__ import annotations

from itertools import permutations
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from gateway.model import CaseStatus, DeliveryFacts, DeliveryState, Effect, Progress
from tests.identity.desk import MINUTE, Desk

S: Final = DeliveryState


def after(*reports: tuple[DeliveryState, int]) -> Progress:
    progress = Progress()
    for state, at in reports:
        progress = progress.after(DeliveryFacts(state=state), at)
    return progress


def test_a_state_only_rises() -> None:
    assert after((S.ACCEPTED, 1)).state is S.ACCEPTED
    assert after((S.SENT, 2), (S.ACCEPTED, 1)).state is S.SENT
    assert after((S.DELAYED, 1), (S.DELIVERED, 5), (S.SENT, 3)).state is S.DELIVERED
    assert after((S.READ, 9), (S.DELIVERED, 5)).state is S.READ
    assert after().state is None


def test_a_failure_ends_it_unless_it_had_arrived_before() -> None:
    assert after((S.SENT, 1), (S.FAILED, 2)).state is S.FAILED
    assert after((S.FAILED, 2), (S.SENT, 1)).state is S.FAILED
    assert after((S.FAILED, 2), (S.SENT, 3)).state is S.FAILED
    assert after((S.DELIVERED, 1), (S.FAILED, 2)).state is S.DELIVERED
    assert after((S.FAILED, 2), (S.DELIVERED, 1)).state is S.DELIVERED
    assert after((S.FAILED, 1), (S.DELIVERED, 2)).state is S.FAILED


_REPORTS: Final = st.lists(
    st.tuples(
        st.sampled_from(list(S)),
        st.integers(0, 5),
        st.sampled_from(["", "30003", "5.1.1"]),
        st.sampled_from([None, True]),
    ),
    max_size=5,
)


@given(_REPORTS, st.integers(0, 5))
def test_order_repetition_and_two_names_of_one_message_change_nothing(
    reports: list[tuple[DeliveryState, int, str, bool | None]], cut: int
) -> None:
    def told(some: list[tuple[DeliveryState, int, str, bool | None]]) -> Progress:
        progress = Progress()
        for state, at, code, permanent in some:
            progress = progress.after(DeliveryFacts(state=state, code=code, permanent=permanent), at)
        return progress

    whole = told(reports)
    for order in list(permutations(reports))[:24]:
        found = told([*order, *order])
        assert (found.state, found.arrived_at, found.failed_at, found.code) == (
            *(whole.state, whole.arrived_at, whole.failed_at, whole.code),
        )
    both = told(reports[:cut]).along(told(reports[cut:]))
    assert (both.state, both.arrived_at, both.failed_at, both.code) == (
        *(whole.state, whole.arrived_at, whole.failed_at, whole.code),
    )


def replied(desk: Desk) -> tuple[str, str]:
    """Let a text message be answered; return the case and the effect."""
    desk.text_message("+4917112345678", "help")
    desk.dispatch()
    (sent,) = desk.sent
    return sent.case_id, sent.effect_id


def progress(desk: Desk, case: str, effect: str) -> DeliveryState | None:
    view = next(each for each in desk.history(case).effects if each.effect.id == effect)
    return view.progress.state if view.progress is not None else None


def test_a_report_is_found_by_the_messages_id_and_by_the_effects(desk: Desk) -> None:
    case, effect = replied(desk)
    assert progress(desk, case, effect) is None
    desk.report(f"<{effect}@baton>", S.SENT)
    assert progress(desk, case, effect) is S.SENT
    desk.report("another-name", S.DELIVERED, effect=effect)
    assert progress(desk, case, effect) is S.DELIVERED
    desk.report(f"<{effect}@baton>", S.FAILED, at=desk.now + MINUTE)
    desk.report(f"<{effect}@baton>", S.SENT, at=desk.now - MINUTE)
    assert progress(desk, case, effect) is S.DELIVERED
    assert len(desk.store.cases()) == 1
    kinds = [each.activity.kind.value for each in desk.history(case).activities]
    assert kinds.count("delivery_report") == 4


def test_a_report_changes_nothing_else_of_its_case(desk: Desk) -> None:
    case, effect = replied(desk)
    before = desk.history(case)
    desk.report(f"<{effect}@baton>", S.FAILED)
    after = desk.history(case)
    assert (after.case.status, after.case.last_thread) == (CaseStatus.OPEN, before.case.last_thread)
    assert [each.effect.id for each in after.effects] == [each.effect.id for each in before.effects]


def test_a_report_about_nothing_known_is_kept_and_begins_nothing(desk: Desk) -> None:
    desk.report("nobody-knows", S.FAILED)
    desk.report("", S.FAILED, effect="no-effect-of-ours")
    assert desk.store.cases() == []
    accounts = desk.store.accounts()
    assert (accounts.activities_aside, accounts.activities_applied, accounts.unaccounted) == (2, 0, 0)


def test_a_report_of_another_connection_proves_nothing(desk: Desk) -> None:
    case, effect = replied(desk)
    desk.report(f"<{effect}@baton>", S.DELIVERED, connection="web")
    desk.report("", S.DELIVERED, connection="web", effect=effect)
    assert progress(desk, case, effect) is None
    assert desk.store.accounts().activities_aside == 2


def test_a_report_that_overtakes_the_answer_of_the_call_waits_for_it(desk: Desk) -> None:
    desk.text_message("+4917112345678", "help")

    def early(connection: str, effect: Effect) -> None:
        if connection == "sms":
            desk.report(f"<{effect.id}@baton>", S.SENT)
            assert desk.store.accounts().activities_aside == 1

    desk.meanwhile = early
    desk.dispatch()
    (sent,) = desk.sent
    desk.decide()
    assert desk.store.accounts().activities_aside == 0
    assert progress(desk, sent.case_id, sent.effect_id) is S.SENT
    kinds = [each.activity.kind.value for each in desk.history(sent.case_id).activities]
    assert "delivery_report" in kinds
