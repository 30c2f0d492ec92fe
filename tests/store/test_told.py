"""What staff answer to a notice: the case of that notice, or none; on both engines."""

from __future__ import annotations

from gateway.model import (
    Activity,
    ActivityKind,
    Channel,
    Decision,
    Effect,
    EffectKind,
    EpisodeState,
    MailFacts,
    Mode,
    Party,
    effect_id,
)
from gateway.model.altering import altered
from gateway.model.staff import said_by_staff
from gateway.store import Store
from gateway.store.ports import CaseView
from tests.store.acts import apply_all, bring, keep, message, opening

EVE, FAY = "+4915550900", "+4915550901"


def telling(view: CaseView, activity: Activity) -> Decision:
    """Open an episode for each message of a customer, and tell Eve of it over the same connection."""
    if activity.kind is not ActivityKind.MESSAGE:
        return keep(view, activity)
    decision = opening(view, activity)
    assert decision.episode is not None
    notice = Effect(
        id=effect_id(view.case.id, activity.dedupe, "notify", 0),
        kind=EffectKind.NOTIFY,
        case_id=view.case.id,
        connection="chat",
        mode=Mode.LIVE,
        cause=(activity.connection, activity.dedupe),
        episode_id=decision.episode.id,
        destination=EVE,
    )
    return altered(decision, effects=(notice,))


def text(key: str, words: str, sender: str = EVE) -> Activity:
    """Return a text message of somebody of the staff, as the pipeline hands it on."""
    made = altered(
        message(key, thread=f"ours|{sender}", text=words),
        channel=Channel.MESSAGING,
        sender=Party(kind="phone", value=sender),
    )
    return said_by_staff(made)


def acknowledged(store: Store) -> list[str]:
    """Return the threads of the customers whose cases somebody of the staff took."""
    found: list[str] = []
    for case in store.cases():
        history = store.history(case.id)
        assert history is not None
        if any(each.activity.kind is ActivityKind.BUTTON for each in history.activities):
            found.append(history.activities[0].activity.thread)
    return sorted(found)


def letters(store: Store, thread: str) -> str:
    for case in store.cases():
        history = store.history(case.id)
        if history is not None and history.activities[0].activity.thread == thread:
            return next(each.effect.id for each in history.effects).replace("-", "")[:6]
    raise AssertionError(thread)


def two_cases(store: Store) -> None:
    bring(store, message("m1", thread="a"))
    apply_all(store, telling)
    bring(store, message("m2", thread="b"))
    apply_all(store, telling)


def test_a_digit_alone_is_the_newest_notice_and_with_its_letters_it_is_that_case(store: Store) -> None:
    two_cases(store)
    bring(store, text("s1", f"1 {letters(store, 'a').upper()}"))
    apply_all(store)
    assert acknowledged(store) == ["a"]
    bring(store, text("s2", " 1. "))
    apply_all(store)
    assert acknowledged(store) == ["a", "b"]
    assert len(store.cases()) == 2


def test_another_number_takes_nothing_and_no_words_of_staff_make_a_case(store: Store) -> None:
    two_cases(store)
    said = [
        text("s1", f"1 {letters(store, 'a')}", FAY),
        text("s2", "1", FAY),
        text("s3", "hello"),
        text("s4", "1 000000"),
    ]
    bring(store, *said)
    bring(store, altered(text("s5", "STOP"), kind=ActivityKind.CONSENT, consent=False))
    apply_all(store)
    assert acknowledged(store) == []
    assert len(store.cases()) == 2
    accounts = store.accounts()
    assert (accounts.activities, accounts.unaccounted) == (7, 0)


def test_a_notice_of_an_escalation_that_is_over_is_answered_by_nobody(store: Store) -> None:
    def closing(view: CaseView, activity: Activity) -> Decision:
        assert view.episode is not None
        return altered(keep(view, activity), episode=altered(view.episode, state=EpisodeState.CLOSED, closed_at=1))

    bring(store, message("m1", thread="a"))
    apply_all(store, telling)
    bring(store, message("m2", thread="a"))
    apply_all(store, closing)
    bring(store, text("s1", "1"))
    apply_all(store)
    assert acknowledged(store) == []


def test_the_key_of_a_call_counts_from_the_number_that_was_called(store: Store) -> None:
    bring(store, message("m1", thread="a"))
    apply_all(store, telling)
    (case,) = store.cases()
    history = store.history(case.id)
    assert history is not None
    (kept,) = history.effects
    for number, sender in enumerate((FAY, EVE)):
        button = said_by_staff(altered(text(f"k{number}", "1", sender), kind=ActivityKind.MESSAGE))
        pressed = altered(button, channel=Channel.PHONE, thread=f"call:{number}", reference=kept.effect.id)
        bring(store, pressed)
        apply_all(store)
        assert acknowledged(store) == (["a"] if sender == EVE else [])
    assert len(store.cases()) == 1


def test_a_mail_that_answers_a_notice_is_no_customers(store: Store) -> None:
    """The reference is proven by the connector; a mail without one is a mail."""
    bring(store, message("m1", thread="a"))
    apply_all(store, telling)
    (case,) = store.cases()
    history = store.history(case.id)
    assert history is not None
    (kept,) = history.effects
    mail = altered(
        message("e1", thread="eve@desk.example:1"),
        channel=Channel.EMAIL,
        sender=Party(kind="email", value="eve@desk.example"),
        mail=MailFacts(),
    )
    bring(store, altered(mail, reference=kept.effect.id))
    apply_all(store)
    assert len(store.cases()) == 1
    bring(store, altered(mail, dedupe="e2", message_id="e2"))
    apply_all(store)
    assert len(store.cases()) == 2
