"""What `decide` promises, whatever the case and whatever happens to it."""

from __future__ import annotations

import random
import time
import uuid
from collections import Counter
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model import (
    Activity,
    ActivityKind,
    Audience,
    CaseStatus,
    Decision,
    Effect,
    EffectKind,
    EpisodeState,
    Mode,
    Priority,
    Receipt,
    TicketLink,
    TicketStatus,
    altered,
    effect_id,
)
from routing.decide import decide
from routing.explain import explain
from routing.snapshot import Snapshot
from tests.routing.situations import LIVE, moved, situations
from tests.routing.values import (
    BOT,
    LINK,
    NOW,
    case,
    connections,
    message,
    open_episode,
    outcome,
    snapshot,
)

RANK: Final = {Mode.OBSERVE: 0, Mode.NOTES: 1, Mode.LIVE: 2}
RESULTS: Final = frozenset(
    {
        "own",
        "machine",
        "follow",
        "observed",
        "agent",
        "resolved",
        "moved",
        "none",
        "mirror",
        "escalate",
        "joined",
        "acknowledged",
    }
    | {"further", "climbed", "opened", "reminded", "relaxed", "suspended", "unmuted"}
    | {"timer", "final", "outcome", "report", "consent", "looked_up"}
)


def test_the_random_situations_reach_every_result_and_every_kind_of_effect() -> None:
    """Guards the tests below: a property that is never put to the test cannot fail."""
    results: Counter[str] = Counter()

    @settings(max_examples=2000, database=None, derandomize=True, suppress_health_check=(HealthCheck.too_slow,))
    @given(situations())
    def tried(situation: tuple[Snapshot, Activity]) -> None:
        made = decide(*situation, NOW)
        results[made.trace.result] += 1
        results.update(f"{effect.kind} {effect.mode}" for effect in made.effects)

    tried()
    modes = {EffectKind.REPLY: (Mode.OBSERVE, Mode.LIVE), EffectKind.LOOKUP: (Mode.LIVE,)}
    wanted = {f"{kind} {mode}" for kind in EffectKind for mode in modes.get(kind, tuple(Mode))} | RESULTS
    assert not {each for each in wanted if not results[each]}, results


# --- pure ------------------------------------------------------------------------------------------------------------
@given(situations())
def test_equal_input_gives_equal_bytes(situation: tuple[Snapshot, Activity]) -> None:
    start, what = situation
    again = altered(start, case=altered(start.case), connections=dict(start.connections))
    assert repr(decide(start, what, NOW)) == repr(decide(again, altered(what), NOW))


@given(situations(), st.integers(-NOW // 2, NOW))
def test_only_the_instant_that_is_handed_in_counts(situation: tuple[Snapshot, Activity], by: int) -> None:
    start, what = situation
    later = decide(moved(start, by), moved(what, by), NOW + by)
    assert later == moved(decide(start, what, NOW), by)


@given(situations())
def test_no_clock_and_no_chance_is_asked(situation: tuple[Snapshot, Activity]) -> None:
    def never(*_: object, **__: object) -> int:
        raise AssertionError("decide asked a clock, or chance")

    start, what = situation
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in (
            *((time, name) for name in ("time", "time_ns", "monotonic", "perf_counter")),
            *((random, name) for name in ("random", "getrandbits")),
            *((uuid, name) for name in ("uuid1", "uuid4")),
        ):
            patch.setattr(owner, name, never)
        decide(start, what, NOW)


# --- one outcome, and why --------------------------------------------------------------------------------------------
@given(situations())
def test_every_decision_has_one_result_and_a_sentence(situation: tuple[Snapshot, Activity]) -> None:
    start, what = situation
    made = decide(start, what, NOW)
    assert made.trace.result in RESULTS
    assert made.trace.sentence.endswith(".")
    assert made.trace.policy == start.policy.digest
    assert made.case.seq == start.case.seq + 1
    assert made.case.id == start.case.id


@given(situations())
def test_the_first_rules_that_match_count_and_no_others(situation: tuple[Snapshot, Activity]) -> None:
    start, what = situation
    made = decide(start, what, NOW)
    if not made.trace.steps:
        assert made.trace.skipped == 0
        return
    expected: list[str] = []
    account = explain(start, what, NOW)
    for rule, step in zip(start.policy.rules, account, strict=True):
        held = [value for _, value in step.conditions]
        every, some = held[: len(rule.all)], held[len(rule.all) :]
        if all(every) and (not some or any(some)):
            expected.append(rule.id)
            if not rule.goes_on:
                break
    assert [step.rule for step in made.trace.steps] == expected
    assert made.trace.skipped == [rule.id for rule in start.policy.rules].index(expected[0])
    assert [step.rule for step in account if step.matched] == expected


@given(situations())
def test_the_trace_holds_no_word_of_what_people_wrote(situation: tuple[Snapshot, Activity]) -> None:
    start, what = situation
    secret = "canary-7f3c"
    said = altered(what, text=f"{what.text} {secret}", reply_text=f"{what.reply_text} {secret}", subject=secret)
    assert secret not in repr(decide(start, said, NOW).trace)


# --- who can trigger what --------------------------------------------------------------------------------------------
@given(situations())
def test_echoes_and_machines_never_lead_to_anything_outside(situation: tuple[Snapshot, Activity]) -> None:
    start, what = situation
    if what.kind in {ActivityKind.TIMER, ActivityKind.OUTCOME}:
        return
    wish = what.kind is ActivityKind.HANDOFF_REQUEST
    machines = () if wish else (altered(what, sender=BOT), altered(what, sender=None))
    for quiet in (altered(what, own=True), *machines):
        made = decide(start, quiet, NOW)
        assert made.effects == ()
        assert made.timers == ()
        assert made.trace.steps == ()


@given(situations())
def test_changed_messages_and_internal_notes_trigger_no_rule(situation: tuple[Snapshot, Activity]) -> None:
    start, what = situation
    if what.kind in {ActivityKind.EDIT, ActivityKind.DELETION} or (
        what.kind is ActivityKind.MESSAGE
        and what.audience is Audience.INTERNAL
        and what.sender is not None
        and what.sender.role == "agent"
    ):
        made = decide(start, what, NOW)
        assert made.trace.steps == ()
        assert {effect.kind for effect in made.effects} <= {EffectKind.UPDATE}
        assert made.episode == start.episode


# --- effects ---------------------------------------------------------------------------------------------------------
@given(st.text(max_size=20), st.text(max_size=20), st.sampled_from(EffectKind), st.integers(0, 9))
def test_an_effect_is_named_by_a_uuid_of_its_cause(case_id: str, cause: str, kind: EffectKind, number: int) -> None:
    made = uuid.UUID(effect_id(case_id, cause, kind.value, number))
    assert made.version == 5
    assert made.variant == uuid.RFC_4122
    name = f"{case_id}\n{cause}\n{kind.value}\n{number}"
    assert made == uuid.uuid5(uuid.UUID("7f3c1d0a-5a0e-5c57-9c1b-0b6a70e5f1aa"), name)


@given(situations())
def test_effects_have_ids_of_their_own(situation: tuple[Snapshot, Activity]) -> None:
    start, what = situation
    one = decide(start, what, NOW).effects
    other = decide(start, altered(what, dedupe=what.dedupe + "x"), NOW).effects
    elsewhere = decide(altered(start, case=altered(start.case, id="another")), what, NOW).effects
    ids = [effect.id for effect in (*one, *other, *elsewhere)]
    assert len(set(ids)) == len(ids)
    assert all(effect.cause == (what.connection, what.dedupe) for effect in one)


def acting(decision: Decision) -> list[Effect]:
    """Return what acts on the outside. A look-up only reads: no mode holds it back."""
    return [effect for effect in decision.effects if effect.kind is not EffectKind.LOOKUP]


def allowed(start: Snapshot, effect: Effect) -> Mode:
    facts = start.connections[effect.connection]
    rule = start.policy.by_id.get(effect.rule)
    return min((facts.mode, rule.mode if rule else Mode.LIVE), key=RANK.__getitem__)


@given(situations())
def test_no_effect_goes_further_than_its_connection_and_its_rule(situation: tuple[Snapshot, Activity]) -> None:
    start, what = situation
    for effect in acting(decide(start, what, NOW)):
        assert RANK[effect.mode] <= RANK[allowed(start, effect)]
        if effect.kind is EffectKind.REPLY:
            assert effect.mode is not Mode.NOTES
        if effect.kind is EffectKind.HANDOFF and not start.tickets:
            assert effect.mode is not Mode.NOTES


@given(situations(), st.sampled_from(Mode), st.sampled_from(Mode))
def test_a_stricter_mode_only_ever_weakens_what_is_done(
    situation: tuple[Snapshot, Activity], chat: Mode, desk: Mode
) -> None:
    def key(effect: Effect) -> tuple[str, ...]:
        return (effect.kind, effect.connection, effect.destination, effect.title, effect.rule)

    start, what = situation
    start = altered(start, policy=LIVE, connections=connections())
    strict = altered(start, connections=connections(chat=chat, desk=desk))
    far = {key(effect): effect for effect in acting(decide(start, what, NOW))}
    for effect in acting(decide(strict, what, NOW)):
        assert RANK[effect.mode] <= RANK[strict.connections[effect.connection].mode]
        if key(effect) in far:
            assert RANK[effect.mode] <= RANK[far[key(effect)].mode]


@given(situations())
def test_nothing_is_sent_where_nothing_may_be(situation: tuple[Snapshot, Activity]) -> None:
    start, what = situation
    quiet = altered(start, connections=connections(chat=Mode.OBSERVE, desk=Mode.OBSERVE))
    assert {effect.mode for effect in acting(decide(quiet, what, NOW))} <= {Mode.OBSERVE}


@given(situations())
def test_customers_are_promised_something_only_once_the_ticket_stands(situation: tuple[Snapshot, Activity]) -> None:
    start, what = situation
    replies = [each for each in decide(start, what, NOW).effects if each.kind is EffectKind.REPLY]
    proof = what.outcome
    proven = proof is not None and proof.landed and proof.effect_kind == "handoff" and what.kind is ActivityKind.OUTCOME
    assert not replies or proven
    assert len(replies) <= 1
    for reply in replies:
        assert (reply.connection, reply.destination) == (start.case.last_connection, start.case.last_thread)
        assert "#55" in reply.text


def test_a_handoff_of_another_episode_promises_nothing() -> None:
    start = snapshot(LIVE, case=case(last_connection="chat", last_thread="C1/1"), episode=open_episode())
    for what in (
        outcome("e9", open_episode(), episode_id="episode-0"),
        outcome("e9", open_episode(), episode_id=None),
        outcome("e9", open_episode(), effect_kind="update"),
        outcome("e9", open_episode(), landed=False),
        outcome("e9", open_episode(), rule="gone"),
    ):
        assert not [each for each in decide(start, what, NOW).effects if each.kind is EffectKind.REPLY]
    told = decide(start, outcome("e9", open_episode()), NOW).effects
    assert [each.kind for each in told] == [EffectKind.NOTIFY, EffectKind.REPLY]
    assert told[1].text == "Your reference is #55, ."


# --- the case --------------------------------------------------------------------------------------------------------
@given(situations())
def test_while_an_episode_is_open_the_priority_never_falls(situation: tuple[Snapshot, Activity]) -> None:
    start, what = situation
    before, made = start.case.priority, decide(start, what, NOW)
    if start.episode is not None and before is not None:
        assert made.case.priority is not None
        assert made.case.priority.value <= before.value


@given(situations())
def test_counters_time_and_tags_only_grow(situation: tuple[Snapshot, Activity]) -> None:
    start, what = situation
    made = decide(start, what, NOW).case
    assert set(start.case.tags) <= set(made.tags)
    assert len(set(made.tags)) == len(made.tags)
    assert set(start.case.targets) <= set(made.targets)
    assert made.last_activity_at == max(start.case.last_activity_at, what.occurred_at)
    assert made.customer_messages - start.case.customer_messages in {0, 1}
    assert made.agent_messages - start.case.agent_messages in {0, 1}


@given(situations())
def test_a_case_never_becomes_merged_or_unmerged_by_a_rule(situation: tuple[Snapshot, Activity]) -> None:
    start, what = situation
    made = decide(start, what, NOW).case
    assert (made.status is CaseStatus.MERGED) == (start.case.status is CaseStatus.MERGED)


@given(situations())
def test_an_episode_keeps_what_it_began_with(situation: tuple[Snapshot, Activity]) -> None:
    start, what = situation
    before, after = start.episode, decide(start, what, NOW).episode
    if before is None:
        assert after is None or (after.state is EpisodeState.OPEN and after.opened_at == NOW and after.step == 0)
        return
    assert after is not None
    if after.id != before.id:
        assert before.mode is not Mode.LIVE
        assert decide(start, what, NOW).replaced == altered(before, state=EpisodeState.CLOSED, closed_at=NOW)
        return
    assert after.reasons[: len(before.reasons)] == before.reasons
    assert len(set(after.reasons)) == len(after.reasons)
    order = list(EpisodeState)
    assert order.index(after.state) >= order.index(before.state) or after.epoch == before.epoch + 1
    assert (after.epoch == before.epoch) == ((after.ladder, after.step) == (before.ladder, before.step))
    kept = {"id", "case_id", "rule", "policy", "opened_at", "mode"}
    assert all(getattr(after, name) == getattr(before, name) for name in kept)
    assert (after.ladder != before.ladder) <= (after.leading == "boss" and before.leading != "boss")


@given(situations())
def test_an_open_episode_has_its_deadline_and_one_that_is_taken_or_over_has_none(
    situation: tuple[Snapshot, Activity],
) -> None:
    start, what = situation
    made = decide(start, what, NOW)
    before, after = start.episode, made.episode
    if after is not None and (before is None or after.id != before.id):
        assert [(each.name, each.due_at > NOW) for each in made.timers][-1:] == [(f"ack:{after.id}:0", True)]
        assert {each.name for each in made.timers[:-1]} <= set(made.cancelled)
    elif after is not None and before is not None and (after.epoch, after.state) != (before.epoch, before.state):
        assert {each.name.rpartition(":")[2] for each in made.timers} <= {str(after.epoch)}
        assert all(each.due_at > NOW for each in made.timers)
    elif made.trace.result == "relaxed":
        assert [(each.name, each.due_at > NOW) for each in made.timers] in ([], [("relax:episode-1:1", True)])
        assert after is not None
        assert (after.relax_at is None) == (not made.timers)
    else:
        assert [each.name for each in made.timers] == ["suspend:stuck"] * (made.trace.result == "suspended")
    if before is not None and after is not None and before.state is EpisodeState.OPEN is not after.state:
        assert made.cancelled[0] == f"ack:{before.id}:{before.epoch}"


def test_the_higher_priority_wins_when_two_rules_escalate_together() -> None:
    made = decide(snapshot(LIVE), message("a real person! I was charged twice"), NOW)
    assert made.case.priority is Priority.P1
    assert made.episode is not None
    assert made.episode.reasons == ("help", "money")
    assert [(each.kind, each.rule, each.priority) for each in made.effects] == [
        (EffectKind.HANDOFF, "help", Priority.P3),
        (EffectKind.UPDATE, "money", Priority.P1),
    ]


def test_a_ticket_that_stands_already_is_used_in_notes_mode() -> None:
    start = snapshot(LIVE, connections=connections(desk=Mode.NOTES), tickets=(LINK,))
    handoff = decide(start, message("a real person"), NOW).effects[0]
    assert (handoff.kind, handoff.mode) == (EffectKind.HANDOFF, Mode.NOTES)


def test_the_receipt_says_which_ticket_the_notice_and_the_answer_name() -> None:
    start = snapshot(LIVE, case=case(last_connection="chat", last_thread="C1/1"), episode=open_episode())
    receipt = Receipt(ids=(), ticket_id="77", url="https://desk.example/77")
    notice, reply = decide(start, outcome("e9", open_episode(), receipt=receipt), NOW).effects
    assert notice.text == "https://desk.example/77"
    assert "#77" in reply.text


def test_a_ticket_of_another_helpdesk_is_no_ticket_here() -> None:
    other = TicketLink(connection="other", ticket_id="1", adopted=False, status=TicketStatus.OPEN)
    start = snapshot(LIVE, connections=connections(desk=Mode.NOTES), tickets=(other,))
    assert decide(start, message("a real person"), NOW).effects[0].mode is Mode.OBSERVE
