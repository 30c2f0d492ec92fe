"""A connection gets another name: what waits goes on under it, and nothing speaks of one that is not there."""

from __future__ import annotations

import pytest

from gateway.model import Activity, Decision, EffectKind, altered
from gateway.model.keeping import Private
from gateway.store import Store
from gateway.store.ports import CaseView, Destination, Unrenamed, Verdict
from tests.store.acts import DESK, NOW, apply_all, bring, emitting, keep, message
from tests.store.test_outbox import given_up, receipt, result

HANDOFF, UPDATE = EffectKind.HANDOFF, EffectKind.UPDATE
HELPDESK = Destination(connection="helpdesk", free=10)
RENAMED = {"talk": "chat", "helpdesk": "desk"}


def marking(view: CaseView, activity: Activity) -> Decision:
    """Decide as rules do that hand a case off: the case knows by name where it was handed to."""
    decision = emitting(HANDOFF)(view, activity)
    case = altered(
        decision.case,
        connection="chat",
        last_connection="chat",
        last_agent=("desk", "desk"),
        last_assignee=("desk", "desk"),
        targets=("desk",),
        observed=("desk", "other"),
        private=Private(placed=("desk",)),
        subject="desk",
    )
    return altered(decision, case=case)


def test_a_case_and_its_ticket_speak_of_the_new_name(store: Store) -> None:
    bring(store, message("m1"))
    apply_all(store, marking)
    (claim,) = store.claim([DESK], NOW)
    store.finish([result(claim, Verdict.DONE, receipt=receipt("7"))], NOW)
    store.register(RENAMED)
    history = store.history(claim.case.id)
    assert history is not None
    case = history.case
    assert (case.connection, case.last_connection, case.targets, case.observed) == (
        *("talk", "talk", ("helpdesk",)),
        ("helpdesk", "other"),
    )
    assert case.private.placed == ("helpdesk",)
    assert case.last_agent == case.last_assignee == ("helpdesk", "desk")
    assert case.subject == "desk", "what somebody wrote stays as it was"
    assert [link.connection for link in history.tickets] == ["helpdesk"]


def test_what_waits_is_sent_under_the_new_name_with_what_caused_it(store: Store) -> None:
    bring(store, message("m1", text="the words"))
    apply_all(store, emitting(HANDOFF))
    store.register(RENAMED)
    (claim,) = store.claim([HELPDESK], NOW)
    (effect,) = claim.effects
    assert (effect.connection, effect.cause) == ("helpdesk", ("talk", "m1"))
    transcript, _ = store.transcript(effect, 10)
    assert [activity.text for activity in transcript] == ["the words"]
    assert store.causes([effect])[effect.id].text == "the words"


def test_an_activity_that_waits_is_decided_under_the_new_name(store: Store) -> None:
    bring(store, message("m1"))
    store.register(RENAMED)
    heard: list[str] = []

    def step(view: CaseView, activity: Activity) -> Decision:
        heard.append(activity.connection)
        return keep(view, activity)

    apply_all(store, step)
    assert heard == ["talk"]


@pytest.mark.parametrize("kind", [HANDOFF, UPDATE])
def test_what_was_given_up_is_replayed_under_the_new_name(store: Store, kind: EffectKind) -> None:
    _, letter = given_up(store, kind)
    store.register(RENAMED)
    assert store.replay_dead_letter(letter.id, "ann", NOW)
    (claim,) = store.claim([HELPDESK], NOW)
    assert claim.effects[0].connection == "helpdesk"


def test_a_pause_holds_under_the_new_name(store: Store) -> None:
    store.pause("connection:desk", "ann", "it burns", NOW)
    bring(store, message("m1"))
    apply_all(store, emitting(HANDOFF))
    store.register(RENAMED)
    assert store.pauses() == {"connection:helpdesk": "it burns"}
    assert store.claim([HELPDESK], NOW) == []
    assert store.resume("connection:helpdesk", "ann", NOW)
    assert len(store.claim([HELPDESK], NOW)) == 1


def test_an_effect_for_a_connection_that_nobody_knows_costs_only_its_own_activity(store: Store) -> None:
    bring(store, message("m1"), message("x1", thread="x"))

    def step(view: CaseView, activity: Activity) -> Decision:
        return emitting(HANDOFF, connection="nowhere" if activity.dedupe == "m1" else "desk")(view, activity)

    assert apply_all(store, step) == 2
    assert [letter.kind for letter in store.dead_letters()] == ["activity"]
    assert len(store.claim([DESK], NOW)) == 1


def test_an_earlier_name_that_changes_nothing_is_told_with_the_reason(store: Store) -> None:
    assert store.register({"chat": None, "desk": None}) == {}
    assert store.register({"talk": "chat", "new": "never-there"}) == {"new": Unrenamed.NEVER}
    # The same file again, as at every start: what was done is done.
    assert store.register({"talk": "chat", "new": "never-there"}) == {
        "talk": Unrenamed.BEFORE,
        "new": Unrenamed.BEFORE,
    }
    assert store.register({"new": "desk", "desk": None}) == {"new": Unrenamed.BOTH}
