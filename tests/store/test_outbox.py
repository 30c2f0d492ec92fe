"""The way out: claimed in order, within limits, behind a fence; unknown is a state, and nothing is sent twice."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from gateway.model import (
    Activity,
    ActivityKind,
    Decision,
    Effect,
    EffectKind,
    ForeignId,
    Mode,
    Outcome,
    Receipt,
    Timer,
    altered,
)
from gateway.sdk import RateLimit
from gateway.store import Store
from gateway.store.engine import Transaction
from gateway.store.ports import CaseView, ClaimedEffects, DeadLetter, EffectResult, ParsedDelivery, Verdict
from gateway.store.sqlstore import SqlStore
from tests.store.acts import DESK, NOW, SECOND, apply_all, bring, emitting, entry, keep, message, opening

HANDOFF, UPDATE, NOTIFY = EffectKind.HANDOFF, EffectKind.UPDATE, EffectKind.NOTIFY


def result(claim: ClaimedEffects, verdict: Verdict, **values: object) -> EffectResult:
    ids = tuple(effect.id for effect in claim.effects)
    made = EffectResult(connection=claim.connection, effect_ids=ids, attempt=claim.attempt, verdict=verdict)
    return replace(made, **values)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def receipt(number: str) -> Receipt:
    return Receipt(
        ids=(ForeignId(kind="ticket", id=number),), ticket_id=number, url=f"u/{number}", thread=f"ticket:{number}"
    )


def test_what_is_observed_is_never_claimed(store: Store) -> None:
    bring(store, message("m1"))
    apply_all(store, emitting(HANDOFF, UPDATE, NOTIFY, mode=Mode.OBSERVE))
    assert store.claim([DESK], NOW + 10**12) == []
    assert store.accounts().effects == {"observed": 3}


def test_effects_of_a_case_go_out_one_after_the_other(store: Store) -> None:
    bring(store, message("m1"), message("m2"))
    bring(store, message("x", thread="u"), now=NOW + SECOND)
    apply_all(store, emitting(HANDOFF))
    claims = store.claim([DESK], NOW)
    assert len(claims) == 2
    assert store.claim([DESK], NOW) == []
    first = next(claim for claim in claims if claim.case.id == store.cases()[-1].id)
    assert store.finish([result(first, Verdict.DONE, receipt=receipt("1"))], NOW) == 1
    (second,) = store.claim([DESK], NOW)
    assert second.case.id == first.case.id
    assert [link.ticket_id for link in second.tickets] == ["1"]


def test_updates_that_wait_go_out_together_and_stay_together(store: Store) -> None:
    bring(store, *(message(f"m{n}") for n in range(4)))
    apply_all(store, emitting(UPDATE))
    (claim,) = store.claim([DESK], NOW)
    assert len(claim.effects) == 4
    store.finish([result(claim, Verdict.UNKNOWN, due_at=NOW)], NOW)
    bring(store, message("m9"))
    apply_all(store, emitting(UPDATE))
    (again,) = store.claim([DESK], NOW)
    assert again.settle
    assert [effect.id for effect in again.effects] == [effect.id for effect in claim.effects]


def test_a_result_behind_the_fence_changes_nothing(store: Store) -> None:
    bring(store, message("m1"))
    apply_all(store, emitting(HANDOFF))
    (old,) = store.claim([DESK], NOW)
    store.finish([result(old, Verdict.RETRY, due_at=NOW)], NOW)
    (new,) = store.claim([DESK], NOW)
    assert store.finish([result(old, Verdict.DONE, receipt=receipt("1"))], NOW) == 0
    assert store.finish([result(new, Verdict.DONE, receipt=receipt("2"))], NOW) == 1
    assert store.finish([result(new, Verdict.DONE, receipt=receipt("2"))], NOW) == 0


def test_a_lease_that_runs_out_makes_the_outcome_unknown_and_sends_nothing(store: Store) -> None:
    bring(store, message("m1"))
    apply_all(store, emitting(HANDOFF))
    short = replace(DESK, lease=0.0)
    (claim,) = store.claim([short], NOW)
    assert not claim.settle
    assert store.expire(NOW + SECOND) == 1
    assert store.accounts().effects == {"unknown": 1}
    (settling,) = store.claim([DESK], NOW + 2 * SECOND)
    assert settling.settle
    assert store.finish([result(settling, Verdict.DONE, receipt=receipt("1"))], NOW) == 1


def test_a_late_receipt_of_the_same_attempt_counts(store: Store) -> None:
    bring(store, message("m1"))
    apply_all(store, emitting(HANDOFF))
    (claim,) = store.claim([replace(DESK, lease=0.0)], NOW)
    store.expire(NOW + SECOND)
    assert store.finish([result(claim, Verdict.DONE, receipt=receipt("1"))], NOW) == 1
    assert store.accounts().effects == {"done": 1}


def test_what_is_given_back_does_not_count_as_an_attempt(store: Store) -> None:
    bring(store, message("m1"))
    apply_all(store, emitting(HANDOFF))
    for number in (1, 2, 3):
        (claim,) = store.claim([DESK], NOW)
        assert claim.tries == 1
        # The fence goes on all the same: no late result of an earlier claim may pass for this one's.
        assert claim.attempt == number
        store.finish([result(claim, Verdict.RETURNED)], NOW)


def test_sending_and_looking_are_counted_apart_and_anew_after_a_replay(store: Store) -> None:
    bring(store, message("m1"))
    apply_all(store, emitting(HANDOFF))
    counted: list[tuple[bool, int]] = []
    for verdict in (
        *(Verdict.RETRY, Verdict.RETRY, Verdict.UNKNOWN, Verdict.UNKNOWN, Verdict.RETURNED, Verdict.UNKNOWN),
        *(Verdict.RETRY, Verdict.FAILED),
    ):
        (claim,) = store.claim([DESK], NOW)
        counted.append((claim.settle, claim.tries))
        store.finish([result(claim, verdict)], NOW)
    sending, looking = False, True
    assert counted == [
        *((sending, 1), (sending, 2), (sending, 3), (looking, 1), (looking, 2), (looking, 2), (looking, 3)),
        (sending, 1),
    ]
    (letter,) = store.dead_letters()
    store.replay_dead_letter(letter.id, "test", NOW)
    (claim,) = store.claim([DESK], NOW)
    assert (claim.settle, claim.tries) == (sending, 1)
    assert claim.attempt == len(counted) + 1


def test_a_failed_handoff_keeps_what_follows_waiting_until_somebody_decides(store: Store) -> None:
    bring(store, message("m1"), message("m2"))
    apply_all(store, emitting(HANDOFF))
    (claim,) = store.claim([DESK], NOW)
    store.finish([result(claim, Verdict.FAILED, reason="Zendesk has no group X.")], NOW)
    assert store.claim([DESK], NOW) == []
    (letter,) = store.dead_letters()
    assert (letter.kind, letter.reason) == ("effect", "Zendesk has no group X.")
    assert store.replay_dead_letter(letter.id, "test", NOW)
    (again,) = store.claim([DESK], NOW)
    assert again.effects == claim.effects
    store.finish([result(again, Verdict.FAILED, reason="still")], NOW)
    (letter,) = store.dead_letters()
    assert store.discard_dead_letter(letter.id, "test", "made by hand", NOW)
    (follower,) = store.claim([DESK], NOW)
    assert follower.effects != claim.effects


def heard_after(store: Store) -> list[Activity]:
    """Apply what waits; return the activities that were heard."""
    heard: list[Activity] = []

    def step(view: CaseView, activity: Activity) -> Decision:
        heard.append(activity)
        return keep(view, activity)

    apply_all(store, step)
    return heard


def given_up(store: Store, kind: EffectKind) -> tuple[Effect, DeadLetter]:
    """Have an effect of an open episode refused by the vendor, and its case told so."""
    bring(store, message("m1"))

    def step(view: CaseView, activity: Activity) -> Decision:
        decision = opening(view, activity)
        assert decision.episode is not None
        (effect,) = emitting(kind, rule="r1")(view, activity).effects
        return altered(decision, effects=(altered(effect, episode_id=decision.episode.id),))

    apply_all(store, step)
    (claim,) = store.claim([DESK], NOW)
    store.finish([result(claim, Verdict.FAILED, reason="No.")], NOW)
    (told,) = heard_after(store)
    assert told.outcome is not None
    assert (told.outcome.landed, told.outcome.discarded) == (False, False)
    (letter,) = store.dead_letters()
    return claim.effects[0], letter


@pytest.mark.parametrize("kind", [HANDOFF, UPDATE, NOTIFY, EffectKind.REPLY])
def test_a_discarded_effect_is_told_to_its_case_once(store: Store, kind: EffectKind) -> None:
    effect, letter = given_up(store, kind)
    assert store.discard_dead_letter(letter.id, "ann", "made by hand", NOW + SECOND)
    assert not store.discard_dead_letter(letter.id, "ann", "made by hand", NOW + SECOND)
    (told,) = heard_after(store)
    assert (told.kind, told.connection, told.thread) == (ActivityKind.OUTCOME, "baton", effect.case_id)
    assert (told.occurred_at, told.received_at) == (NOW + SECOND, NOW + SECOND)
    assert told.outcome == Outcome(
        effect_id=effect.id,
        effect_kind=kind.value,
        connection="desk",
        rule="r1",
        episode_id=effect.episode_id,
        landed=False,
        discarded=True,
        reason="made by hand",
    )
    assert effect.episode_id is not None


def test_a_replayed_effect_is_told_as_discarded_only_when_it_is(store: Store) -> None:
    _, letter = given_up(store, HANDOFF)
    assert store.replay_dead_letter(letter.id, "ann", NOW)
    assert heard_after(store) == []
    (claim,) = store.claim([DESK], NOW)
    store.finish([result(claim, Verdict.DONE, receipt=receipt("7"))], NOW)
    assert not store.discard_dead_letter(letter.id, "ann", "too late", NOW)
    assert [(a.outcome.landed, a.outcome.discarded) for a in heard_after(store) if a.outcome] == [(True, False)]


def test_a_discard_goes_by_the_name_that_the_connection_has_by_then(store: Store) -> None:
    _, letter = given_up(store, HANDOFF)
    store.register({"chat": None, "helpdesk": "desk"})
    store.discard_dead_letter(letter.id, "ann", "made by hand", NOW)
    assert [a.outcome.connection for a in heard_after(store) if a.outcome] == ["helpdesk"]


def test_a_discard_that_cannot_be_told_to_the_case_does_not_happen(store: Store) -> None:
    """Letter, effect and case change in one transaction, or not at all."""
    _, letter = given_up(store, HANDOFF)
    bring(store, message("m2"))
    apply_all(store, emitting(UPDATE))
    assert isinstance(store, SqlStore)

    def rename(t: Transaction, before: str, after: str) -> None:
        t.run(f"ALTER TABLE {before} RENAME TO {after}")

    store._engine.write(partial(rename, before="contents", after="hidden"))
    with pytest.raises(Exception, match="contents"):
        store.discard_dead_letter(letter.id, "ann", "made by hand", NOW)
    store._engine.write(partial(rename, before="hidden", after="contents"))
    assert [(open_one.id, open_one.state) for open_one in store.dead_letters()] == [(letter.id, "open")]
    assert store.claim([DESK], NOW) == [], "the update waits behind the handoff still"
    assert [row["action"] for row in store.audit_trail()] == []
    assert heard_after(store) == []


def test_a_discarded_delivery_tells_no_case(store: Store) -> None:
    (number,) = store.journal([entry(b"rubbish")])
    store.save_parsed([ParsedDelivery(id=number, lane="l", unreadable="It is not JSON.")], NOW)
    (letter,) = store.dead_letters()
    assert store.discard_dead_letter(letter.id, "ann", "rubbish", NOW)
    assert heard_after(store) == []


def test_an_outcome_finds_its_own_episode_in_a_case_that_was_merged(store: Store) -> None:
    """Both cases had an episode open: the one whose handoff was discarded must end, not the other."""
    effect, letter = given_up(store, HANDOFF)
    bring(store, message("x1", thread="x"))
    apply_all(store, opening)
    other = next(case.id for case in store.cases() if case.id != effect.case_id)
    store.merge(effect.case_id, other, "ann", NOW)
    store.discard_dead_letter(letter.id, "ann", "made by hand", NOW)
    seen: list[tuple[str, str | None]] = []

    def step(view: CaseView, activity: Activity) -> Decision:
        seen.append((view.case.id, view.episode.id if view.episode else None))
        return keep(view, activity)

    apply_all(store, step)
    assert seen == [(other, effect.episode_id)]


def test_the_outcome_comes_back_as_an_activity_of_the_case(store: Store) -> None:
    bring(store, message("m1"))
    apply_all(store, emitting(HANDOFF, rule="r1"))
    (claim,) = store.claim([DESK], NOW)
    store.finish([result(claim, Verdict.DONE, receipt=receipt("7"))], NOW)
    heard: list[Activity] = []

    def step(view: object, activity: Activity) -> object:
        heard.append(activity)
        return emitting()(view, activity)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]

    store.apply(64, NOW, step)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    (activity,) = heard
    assert activity.kind is ActivityKind.OUTCOME
    assert activity.outcome is not None
    assert (activity.outcome.landed, activity.outcome.rule, activity.outcome.receipt) == (True, "r1", receipt("7"))
    bring(store, altered(message("answer", thread="ticket:7"), connection="desk"))
    assert len(store.cases()) == 1


def test_limits_of_a_connection_and_of_a_ticket_are_kept(store: Store) -> None:
    limits = (RateLimit(scope="connection", calls=3, seconds=60), RateLimit(scope="ticket", calls=2, seconds=600))
    desk = replace(DESK, limits=limits)
    bring(store, *(message(f"a{n}", thread="a") for n in range(3)), *(message(f"b{n}", thread="b") for n in range(3)))
    apply_all(store, emitting(NOTIFY))
    sent = 0
    for _ in range(6):
        for claim in store.claim([desk], NOW):
            sent += 1
            store.finish([result(claim, Verdict.DONE, receipt=receipt("1"))], NOW)
    assert sent == 3
    later = NOW + 61 * SECOND
    for _ in range(6):
        for claim in store.claim([desk], later):
            sent += 1
            store.finish([result(claim, Verdict.DONE, receipt=receipt("1"))], later)
    assert sent == 4
    for _ in range(6):
        for claim in store.claim([desk], NOW + 700 * SECOND):
            sent += 1
            store.finish([result(claim, Verdict.DONE, receipt=receipt("1"))], NOW + 700 * SECOND)
    assert sent == 6


@pytest.mark.parametrize("scope", ["all", "connection:desk", "rule:r1"])
def test_a_pause_holds_the_outbox_durably(store: Store, scope: str) -> None:
    bring(store, message("m1"))
    apply_all(store, emitting(HANDOFF, rule="r1"))
    store.pause(scope, "test", "looking", NOW)
    assert store.pauses() == {scope: "looking"}
    assert store.claim([DESK], NOW) == []
    assert store.resume(scope, "test", NOW)
    assert not store.resume(scope, "test", NOW)
    assert len(store.claim([DESK], NOW)) == 1


def test_a_paused_rule_leaves_other_rules_alone(store: Store) -> None:
    store.pause("rule:r1", "test", "", NOW)
    bring(store, *(message(f"m{n}", thread=f"t{n}") for n in range(30)))
    apply_all(store, emitting(HANDOFF, rule="r1"))
    bring(store, message("x", thread="other"))
    apply_all(store, emitting(HANDOFF, rule="r2"))
    assert [claim.effects[0].rule for claim in store.claim([DESK], NOW)] == ["r2"]


def test_timers_fire_once_and_can_be_moved_and_dropped(store: Store) -> None:
    bring(store, message("m1"))
    apply_all(store, emitting(timers=[Timer(name="a", due_at=NOW + 5), Timer(name="b", due_at=NOW + 50)]))
    assert store.next_due() == NOW + 5
    assert store.fire(NOW + 4, 10) == 0
    assert store.fire(NOW + 6, 10) == 1
    assert store.fire(NOW + 7, 10) == 0
    seen: list[str] = []
    apply_all(store, see=seen.append)
    assert len(seen) == 1
    assert ":a:" in seen[0]
    assert store.next_due() == NOW + 50


def test_effects_are_made_once_whatever_is_applied_again(store: Store) -> None:
    bring(store, message("m1"))
    apply_all(store, emitting(HANDOFF))
    (number,) = store.deliveries(since=0)
    store.replay([number], "test", NOW)
    assert store.accounts().effects == {"pending": 1}


def test_the_transcript_of_an_effect_ends_with_its_cause(store: Store) -> None:
    bring(store, message("m1"), message("m2"))
    apply_all(store, emitting(HANDOFF))
    bring(store, message("m3"))
    apply_all(store)
    first = store.claim([DESK], NOW)[0].effects[0]
    activities, complete = store.transcript(first, 10)
    assert [activity.dedupe for activity in activities] == ["m1"]
    assert complete
    assert store.causes([first])[first.id].dedupe == "m1"
