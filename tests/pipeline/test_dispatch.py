"""What becomes of effects: each outcome of a call, as a row of the outbox and at the vendor."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.model import EffectKind, Mode
from gateway.pipeline.calls import GRACE
from gateway.pipeline.retry import MOST_ATTEMPTS, MOST_LOOKS
from gateway.sdk import RateLimit
from gateway.store.ports import EffectState
from tests.pipeline.world import World, stepping

DONE, PENDING, UNKNOWN, FAILED, OBSERVED = (
    EffectState.DONE,
    EffectState.PENDING,
    EffectState.UNKNOWN,
    EffectState.FAILED,
    EffectState.OBSERVED,
)
HANDOFF = EffectKind.HANDOFF
SECOND = 1_000_000


def outcomes(world: World, call: str) -> list[str]:
    return [outcome for what, _, outcome in world.vendor.calls if what == call]


async def test_what_lands_is_done_with_its_receipt_and_its_ticket(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        world.say()
        await world.rest()
        (view,) = world.effects()
        assert (view.state, view.tries) == (DONE, 1)
        assert view.receipt is not None
        assert view.receipt.ticket_id == "T1"
        (history,) = world.histories()
        assert [(link.connection, link.ticket_id, link.adopted) for link in history.tickets] == [("desk", "T1", False)]
        assert [applied.activity.kind.value for applied in history.activities] == ["message", "outcome"]


async def test_what_comes_later_goes_to_the_same_ticket_together(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        world.say()
        await world.rest()
        for _ in range(3):
            world.say()
        world.decide()
        assert await world.dispatch() == 1
        assert world.states() == [DONE] * 4
        assert world.vendor.count("write") == 2
        assert sorted(world.vendor.written.values()) == [1, 1, 1, 1]
        assert len(world.vendor.tickets) == 1


async def test_an_effect_waits_for_the_one_before_it_and_for_no_other_case(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        world.vendor.plan("write", "away")
        world.say(thread="a")
        world.decide()
        await world.dispatch()
        world.say(thread="a")
        world.say(thread="b")
        world.decide()
        assert await world.dispatch() == 1
        states = {
            thread.key: [view.state for view in history.effects]
            for history in world.histories()
            for thread in history.threads
            if thread.connection == "line"
        }
        assert states == {"a": [PENDING, PENDING], "b": [DONE]}
        await world.rest()


async def test_what_failed_for_now_is_sent_again_later_and_later(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        world.vendor.plan("write", *["away"] * 12)
        world.say()
        world.decide()
        gaps: list[float] = []
        while world.vendor.plans["write"]:
            begun = world.clock.now()
            assert await world.dispatch() == 1
            assert await world.dispatch() == 0, "not before it is due"
            due = world.store.next_due()
            assert due is not None
            gaps.append((due - begun) / SECOND)
            world.clock.advance(gaps[-1] + 0.001)
        # Full jitter: each wait is between nothing and twice the longest before, fifteen minutes at most.
        assert all(0 <= gap <= min(900, 2**number) for number, gap in enumerate(gaps))
        assert sum(gaps) > 10
        await world.rest()
        assert world.states() == [DONE]
        assert world.vendor.count("settle") == 0, "it certainly did not happen: there is nothing to look for"


async def test_what_fails_for_hours_is_a_dead_letter_with_the_last_reason(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        world.vendor.always["write"] = "away"
        world.say()
        begun = world.clock.now()
        await world.rest()
        assert world.states() == [FAILED]
        assert world.vendor.count("write") == MOST_ATTEMPTS
        assert world.clock.now() - begun > 3600 * SECOND, "an outage of an hour costs nobody a case"
        (letter,) = world.store.dead_letters()
        assert letter.kind == "effect"
        assert letter.reason == f"Given up after {MOST_ATTEMPTS} attempts: The vendor is away."


async def test_the_vendors_own_wish_is_kept(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        world.vendor.plan("write", "limit")
        world.say()
        world.decide()
        await world.dispatch()
        due = world.store.next_due()
        assert due is not None
        assert due - world.clock.now() >= 600 * SECOND
        world.clock.advance(600)
        assert await world.dispatch() == 0
        await world.rest()
        assert world.states() == [DONE]
        assert world.meters.throttled.labels("peer")._value.get() == 1


async def test_what_is_refused_is_a_dead_letter_at_once_and_keeps_its_case_in_order(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        world.vendor.plan("write", "refuse")
        world.say()
        await world.rest()
        world.say()
        await world.rest()
        assert world.states() == [FAILED, PENDING]
        (letter,) = world.store.dead_letters()
        assert letter.reason == "The vendor does not take it."
        assert world.vendor.count("write") == 1
        assert world.store.replay_dead_letter(letter.id, "anna", world.clock.now())
        await world.rest()
        assert world.states() == [DONE, DONE]


@pytest.mark.parametrize("outcome", ["lost after", "hang after", "bug after"])
async def test_a_lost_answer_is_settled_and_never_sent_again(tmp_path: Path, outcome: str) -> None:
    async with stepping(tmp_path) as world:
        world.vendor.plan("write", outcome)
        world.say()
        world.decide()
        await world.dispatch()
        assert world.states() == [UNKNOWN]
        due = world.store.next_due()
        assert due is not None
        assert due - world.clock.now() >= GRACE * SECOND, "a write may land late: it is left alone for a while"
        assert await world.dispatch() == 0
        await world.rest()
        assert world.states() == [DONE]
        assert (world.vendor.count("write"), world.vendor.count("settle")) == (1, 1)
        (history,) = world.histories()
        assert [link.ticket_id for link in history.tickets] == ["T1"], "the ticket is found by what was settled"


@pytest.mark.parametrize("outcome", ["lost before", "hang before"])
async def test_what_is_settled_as_absent_is_sent_again(tmp_path: Path, outcome: str) -> None:
    async with stepping(tmp_path) as world:
        world.vendor.plan("write", outcome)
        world.say()
        await world.rest()
        assert world.states() == [DONE]
        assert [what for what, _, _ in world.vendor.calls] == ["write", "settle", "write"]


@pytest.mark.parametrize("trouble", ["unknown", "refuse", "hang", "bug"])
@pytest.mark.parametrize("write", ["lost after", "lost before"])
async def test_what_can_never_be_settled_waits_for_a_person_and_is_not_sent_again(
    tmp_path: Path, trouble: str, write: str
) -> None:
    async with stepping(tmp_path) as world:
        world.vendor.plan("write", write)
        world.vendor.always["settle"] = trouble
        world.say()
        await world.rest()
        assert world.states() == [FAILED]
        assert world.vendor.count("write") == 1
        assert world.vendor.count("settle") == MOST_LOOKS
        (letter,) = world.store.dead_letters()
        assert letter.reason.startswith(f"Its outcome stayed unknown after {MOST_LOOKS} looks")
        assert letter.reason.endswith("look into the vendor's system.")


async def test_a_vendor_that_is_away_while_settling_costs_no_dead_letter(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        world.vendor.plan("write", "lost after")
        world.vendor.plan("settle", *["away"] * 30)
        world.say()
        await world.rest()
        assert world.states() == [DONE]
        assert world.vendor.count("write") == 1
        assert not world.store.dead_letters()


async def test_refused_credentials_hold_the_connection_and_cost_no_attempt(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        world.vendor.plan("write", "login")
        world.say(thread="a")
        world.say(thread="b")
        world.decide()
        await world.dispatch()
        connection = world.supervisor.connections["desk"]
        assert not connection.ready
        waiting = [view for view in world.effects() if view.state is PENDING]
        assert [view.tries for view in waiting] == [0]
        world.clock.advance(30)
        assert await world.dispatch() == 0
        await world.rest(until=world.clock.now() + 3600 * SECOND)
        world.clock.advance(60)
        await world.rest()
        assert world.states() == [DONE, DONE]


async def test_credentials_refused_while_settling_leave_it_unknown(tmp_path: Path) -> None:
    """Given back as pending it would be sent again, blindly."""
    async with stepping(tmp_path) as world:
        world.vendor.plan("write", "lost after")
        world.vendor.plan("settle", "login")
        world.say()
        await world.rest()
        assert world.states() == [DONE]
        assert [what for what, _, _ in world.vendor.calls] == ["write", "settle", "settle"]


async def test_limits_of_the_vendor_are_kept_before_it_has_to_complain(tmp_path: Path) -> None:
    limits = (RateLimit(scope="connection", calls=3, seconds=10.0),)
    async with stepping(tmp_path, limits=limits) as world:
        for number in range(10):
            world.say(thread=f"t{number}")
        world.decide()
        calls: list[int] = []
        for _ in range(45):
            await world.dispatch()
            calls.append(world.vendor.count("write"))
            world.clock.advance(1)
        assert calls[0] == 3
        assert all(later - earlier <= 3 for earlier, later in zip(calls, calls[10:], strict=False))
        assert calls[-1] == 10


# --- modes -----------------------------------------------------------------------------------------------------------
async def test_in_observe_nothing_is_called(tmp_path: Path) -> None:
    async with stepping(tmp_path, mode=Mode.OBSERVE) as world:
        world.say("help")
        world.say()
        await world.rest()
        assert set(world.states()) == {OBSERVED}
        assert world.vendor.calls == []


@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.NOTES])
async def test_a_mode_made_stricter_holds_for_what_was_decided_before(tmp_path: Path, mode: Mode) -> None:
    """The admin pulls the brake: what waits in the outbox must not go out any more."""
    async with stepping(tmp_path) as world:
        world.say()
        world.decide()
        assert world.states(HANDOFF) == [PENDING]
        await world.set_mode(mode)
        await world.rest()
        assert world.states(HANDOFF) == [OBSERVED]
        assert world.vendor.calls == []


async def test_in_notes_a_ticket_that_stands_is_still_told(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        world.say()
        await world.rest()
        await world.set_mode(Mode.NOTES)
        world.say()
        await world.rest()
        assert world.states() == [DONE, DONE]


async def test_a_reply_that_waits_is_not_sent_in_notes(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        world.say("help")
        while not world.states(EffectKind.REPLY):
            world.decide()
            if not world.states(EffectKind.REPLY):
                assert await world.dispatch()
        assert world.states(EffectKind.REPLY) == [PENDING]
        await world.set_mode(Mode.NOTES, "line")
        await world.rest(until=world.clock.now() + 60 * SECOND)
        assert world.states(EffectKind.REPLY) == [OBSERVED]
        assert world.states(EffectKind.NOTIFY) == [DONE]


async def test_a_looser_mode_does_not_send_what_was_observed(tmp_path: Path) -> None:
    async with stepping(tmp_path, mode=Mode.OBSERVE) as world:
        world.say()
        await world.rest()
        await world.set_mode(Mode.LIVE)
        await world.rest()
        assert world.states(HANDOFF) == [OBSERVED]
        assert world.vendor.calls == []


@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.NOTES])
async def test_an_unknown_outcome_stays_unknown_in_a_stricter_mode(tmp_path: Path, mode: Mode) -> None:
    """It may stand at the vendor: calling it observed would lose the ticket, and the next handoff would make another."""
    async with stepping(tmp_path) as world:
        world.vendor.plan("write", "lost after")
        world.say()
        world.decide()
        await world.dispatch()
        assert world.states(HANDOFF) == [UNKNOWN]
        await world.set_mode(mode)
        await world.rest(until=world.clock.now() + 600 * SECOND)
        await world.set_mode(Mode.LIVE)
        await world.rest()
        assert world.states(HANDOFF) == [DONE]
        assert world.vendor.count("write") == 1


# --- pauses ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("scope", ["all", "connection:desk", "rule:keep"])
async def test_a_pause_holds_what_goes_out_and_nothing_is_lost(tmp_path: Path, scope: str) -> None:
    async with stepping(tmp_path) as world:
        world.store.pause(scope, "anna", "holidays", world.clock.now())
        world.say()
        world.decide()
        world.clock.advance(3600)
        assert await world.dispatch() == 0
        assert world.states() == [PENDING]
        assert world.store.resume(scope, "anna", world.clock.now())
        assert await world.dispatch() == 1
        assert world.states() == [DONE]


@pytest.mark.parametrize("scope", ["connection:line", "rule:help"])
async def test_a_pause_of_something_else_holds_nothing(tmp_path: Path, scope: str) -> None:
    async with stepping(tmp_path) as world:
        world.store.pause(scope, "anna", "", world.clock.now())
        world.say()
        await world.rest()
        assert world.states() == [DONE]


async def test_a_pause_also_holds_looking_and_goes_on_where_it_was(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        world.vendor.plan("write", "lost after")
        world.say()
        world.decide()
        await world.dispatch()
        world.store.pause("all", "anna", "", world.clock.now())
        world.clock.advance(3600)
        assert await world.dispatch() == 0
        world.store.resume("all", "anna", world.clock.now())
        await world.rest()
        assert (world.vendor.count("write"), world.vendor.count("settle")) == (1, 1)


# --- what is not there any more --------------------------------------------------------------------------------------
async def test_a_connection_that_was_removed_loses_nothing(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        world.say()
        world.decide()
        configs = world.configs()
        await world.supervisor.change([config for config in configs if config.name != "desk"])
        world.clock.advance(60)
        assert await world.dispatch() == 0
        assert world.states() == [PENDING]
        await world.supervisor.change(configs)
        await world.rest()
        assert world.states() == [DONE]


async def test_the_reason_is_kept_with_the_effect(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        world.vendor.plan("write", "away")
        world.say()
        world.decide()
        await world.dispatch()
        assert [view.reason for view in world.effects()] == ["The vendor is away."]
        await world.rest()
        assert outcomes(world, "write") == ["away", "ok"]
