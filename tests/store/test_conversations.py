"""What may be shown of a thread: everything public, nothing internal, nothing of another thread."""

from __future__ import annotations

import pytest

from gateway.model import (
    Activity,
    ActivityKind,
    Attachment,
    Audience,
    CaseStatus,
    Decision,
    Effect,
    EffectKind,
    EpisodeState,
    Mode,
    Party,
    Receipt,
    Role,
    altered,
    effect_id,
)
from gateway.store import Store
from gateway.store.ports import CaseHistory, CaseView, Destination, EffectResult, Verdict
from tests.store.acts import NOW, SECOND, apply_all, bring, keep, message, opening, ticket

HERE = Destination(connection="chat", free=10)


def public(key: str, *, thread: str = "t", text: str = "", at: int = NOW) -> Activity:
    return altered(message(key, thread=thread, text=text or key), audience=Audience.PUBLIC, received_at=at)


def replying(view: CaseView, activity: Activity) -> Decision:
    """Answer each message on its thread."""
    decision = keep(view, activity)
    if activity.kind is not ActivityKind.MESSAGE:
        return decision
    effect = Effect(
        id=effect_id(view.case.id, activity.dedupe, EffectKind.REPLY.value, 0),
        kind=EffectKind.REPLY,
        case_id=view.case.id,
        connection="chat",
        mode=Mode.LIVE,
        cause=(activity.connection, activity.dedupe),
        destination="t",
        text=f"answer to {activity.text}",
        buttons=(("talk_to_agent", "Talk to an agent"),),
    )
    return altered(decision, effects=(effect,))


def send(store: Store, verdict: Verdict = Verdict.DONE) -> None:
    for claim in store.claim([HERE], NOW + SECOND):
        result = EffectResult(
            connection="chat",
            effect_ids=tuple(effect.id for effect in claim.effects),
            attempt=claim.attempt,
            verdict=verdict,
            receipt=Receipt(ids=()) if verdict is Verdict.DONE else None,
        )
        assert store.finish([result], NOW + SECOND) == 1


def texts(store: Store, thread: str = "t", limit: int = 50) -> list[str]:
    return [each.text for each in store.said("chat", thread, limit)]


def test_a_message_is_told_as_soon_as_it_was_read_and_once(store: Store) -> None:
    bring(store, public("m1"))
    assert texts(store) == ["m1"]
    apply_all(store)
    assert texts(store) == ["m1"]


def test_internal_words_echoes_and_other_threads_are_nobodys_to_see(store: Store) -> None:
    bring(
        store,
        public("m1"),
        altered(public("m2"), audience=Audience.INTERNAL),
        altered(public("m3"), own=True),
        public("m4", thread="other"),
        altered(public("m5"), connection="desk"),
        altered(public("m6"), kind=ActivityKind.HANDOFF_REQUEST),
    )
    apply_all(store)
    assert texts(store) == ["m1"]
    assert texts(store, "other") == ["m4"]
    assert texts(store, "nothing") == []
    assert store.said("nowhere", "t", 50) == []


def test_the_newest_are_told_oldest_first(store: Store) -> None:
    bring(store, *(public(f"m{number}", at=NOW + number) for number in range(9)))
    apply_all(store)
    assert texts(store, limit=3) == ["m6", "m7", "m8"]


def test_a_changed_message_stands_with_its_last_text_in_its_place_and_a_deleted_one_does_not(store: Store) -> None:
    edit = altered(public("e1", text="m1, mended"), kind=ActivityKind.EDIT, message_id="m1", dedupe="e1")
    gone = altered(public("d1"), kind=ActivityKind.DELETION, message_id="m2", dedupe="d1")
    bring(store, public("m1"), public("m2"), public("m3"), edit, gone)
    apply_all(store)
    assert texts(store) == ["m1, mended", "m3"]


def test_a_file_that_came_along_is_named(store: Store) -> None:
    bring(store, altered(public("m1"), attachments=(Attachment(id="f", name="bill.pdf", size=3),)))
    (line,) = store.said("chat", "t", 5)
    assert line.attachments[0].name == "bill.pdf"


@pytest.mark.parametrize(
    "verdict", [Verdict.FAILED, Verdict.OBSERVED, Verdict.CANCELLED, Verdict.UNKNOWN, Verdict.RETRY]
)
def test_a_reply_that_was_not_sent_is_not_shown(store: Store, verdict: Verdict) -> None:
    bring(store, public("m1"))
    apply_all(store, replying)
    assert texts(store) == ["m1"]
    send(store, verdict)
    assert texts(store) == ["m1"]


def test_a_reply_that_was_sent_is_shown_after_what_it_answers_with_its_key(store: Store) -> None:
    bring(store, public("m1"))
    apply_all(store, replying)
    send(store)
    first, second = store.said("chat", "t", 5)
    assert (first.key, second.text, second.sender) == ("m1", "answer to m1", None)
    assert second.buttons == (("talk_to_agent", "Talk to an agent"),)
    assert second.key == next(view.effect.id for case in store.cases() for view in _history(store, case.id).effects)


def test_a_reply_to_one_thread_of_a_case_is_not_shown_on_another(store: Store) -> None:
    bring(store, public("m1"), public("n1", thread="other"))
    apply_all(store, replying)
    one, two = sorted(case.id for case in store.cases())
    store.merge(one, two, "me", NOW)
    send(store)
    bring(store, public("m2", at=NOW + 2 * SECOND))
    apply_all(store)
    assert texts(store) == ["m1", "answer to m1", "answer to n1", "m2"]
    assert texts(store, "other") == ["n1"]


def test_a_reply_that_carries_an_agents_words_names_the_agent(store: Store) -> None:
    bring(store, public("m1"))
    apply_all(store)
    agent = Party(kind="desk_user", value="7", name="Lea", role=Role.AGENT)
    bring(store, altered(public("a1"), sender=agent))
    apply_all(store, replying)
    send(store)
    assert [each.author for each in store.said("chat", "t", 5)] == ["", "", "Lea"]


def test_nobody_stands_anywhere_before_the_first_message(store: Store) -> None:
    assert store.standing("chat", "t").state == "none"
    assert store.standing("nowhere", "t").state == "none"


def test_a_case_is_open_then_escalated_then_acknowledged_and_at_last_resolved(store: Store) -> None:
    bring(store, public("m1"))
    assert store.standing("chat", "t").state == "open"
    apply_all(store, opening)
    assert store.standing("chat", "t").state == "escalated"
    assert store.standing("chat", "t").rule == "r"
    bring(store, public("m2"))
    apply_all(store, _acknowledging)
    assert store.standing("chat", "t").state == "acknowledged"
    bring(store, public("m3"))
    apply_all(store, _resolving)
    standing = store.standing("chat", "t")
    assert (standing.state, standing.handed_off) == ("resolved", False)
    assert standing.case_id == store.cases()[0].id


def test_a_case_is_handed_off_when_a_ticket_of_it_exists_and_not_before(store: Store) -> None:
    bring(store, public("m1"), ticket("k1", "7"))
    apply_all(store)
    assert not store.standing("chat", "t").handed_off
    chat = next(case.id for case in store.cases() if case.connection == "chat")
    desk = next(case.id for case in store.cases() if case.connection == "desk")
    store.merge(chat, desk, "me", NOW)
    standing = store.standing("chat", "t")
    assert (standing.handed_off, standing.case_id) == (True, desk)


def _acknowledging(view: CaseView, activity: Activity) -> Decision:
    assert view.episode is not None
    return altered(keep(view, activity), episode=altered(view.episode, state=EpisodeState.ACKNOWLEDGED))


def _resolving(view: CaseView, activity: Activity) -> Decision:
    assert view.episode is not None
    decision = keep(view, activity)
    return altered(
        decision,
        case=altered(decision.case, status=CaseStatus.RESOLVED),
        episode=altered(view.episode, state=EpisodeState.CLOSED),
    )


def _history(store: Store, case_id: str) -> CaseHistory:
    found = store.history(case_id)
    assert found is not None
    return found
