"""The loops together: from a delivery to the vendor, through outages of the store, to an end that loses nothing."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.model import EffectKind, Mode
from gateway.sdk import TemporaryFailure
from gateway.store import StoreUnavailable
from gateway.store.ports import EffectState
from tests.pipeline.world import POLICY, World, looping, stepping

DONE, PENDING, UNKNOWN, SENDING = EffectState.DONE, EffectState.PENDING, EffectState.UNKNOWN, EffectState.SENDING

#: What the loops ask of the store.
STEPS = ("unparsed", "save_parsed", "apply", "claim", "finish", "fire", "expire")


def all_done(world: World, count: int) -> Callable[[], bool]:
    """Return a condition: so many effects, and each of them done."""
    return lambda: world.states() == [DONE] * count


def breaking(world: World, name: str, error: Exception, times: int) -> list[str]:
    """Have a method of the store fail some times; return the calls that failed."""
    store: Any = world.store
    right = getattr(store, name)
    failed: list[str] = []

    def call(*arguments: Any, **more: Any) -> Any:
        if len(failed) < times:
            failed.append(name)
            raise error
        return right(*arguments, **more)

    setattr(store, name, call)
    return failed


async def test_a_delivery_goes_all_the_way_by_itself(tmp_path: Path) -> None:
    async with looping(tmp_path) as world:
        await world.pipeline.intake.accept(world.message("help"))
        await world.until(all_done(world, 3))
        kinds = sorted(view.effect.kind.value for view in world.effects())
        assert kinds == ["handoff", "notify", "reply"]
        assert world.vendor.count("write") == 3
        assert world.store.accounts().unaccounted == 0


async def test_a_deadline_is_reached_by_itself_and_once(tmp_path: Path) -> None:
    async with looping(tmp_path) as world:
        await world.pipeline.intake.accept(world.message("help"))
        await world.until(all_done(world, 3))
        await world.until(lambda: len(world.states(EffectKind.NOTIFY)) == 2, step=20)
        await world.pass_time(7200, step=60)
        assert len(world.states(EffectKind.NOTIFY)) == 2
        assert world.meters.timers._value.get() == 1


@pytest.mark.parametrize(
    ("name", "error"),
    [
        *((name, ZeroDivisionError("a bug")) for name in STEPS),
        *((name, StoreUnavailable("The disk is full.")) for name in (*STEPS, "transcript")),
    ],
)
async def test_a_step_that_breaks_is_taken_again_and_nothing_is_lost(
    tmp_path: Path, name: str, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Above all `finish`: what was written must not be forgotten, and not be written again."""
    caplog.set_level(logging.CRITICAL)
    async with looping(tmp_path) as world:
        failed = breaking(world, name, error, 3)
        await world.pipeline.intake.accept(world.message())
        await world.until(lambda: world.states() == [DONE] and len(failed) == 3)
        assert world.vendor.count("write") == 1
        if isinstance(error, StoreUnavailable):
            assert world.vendor.count("settle") == 0, "the proof of the write was kept until the store was back"


async def test_an_effect_that_cannot_be_made_ready_is_a_dead_letter_and_can_be_replayed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    async with looping(tmp_path) as world:
        breaking(world, "transcript", ZeroDivisionError("a bug"), 1)
        await world.pipeline.intake.accept(world.message())
        await world.until(lambda: bool(world.store.dead_letters()))
        (letter,) = world.store.dead_letters()
        assert letter.reason == "It could not be made ready to send (ZeroDivisionError): this is a fault of Baton."
        assert world.vendor.count("write") == 0
        world.store.replay_dead_letter(letter.id, "anna", world.clock.now())
        world.pipeline.ring()
        await world.until(all_done(world, 1))


async def test_a_resumed_pause_goes_on_when_it_is_rung(tmp_path: Path) -> None:
    async with looping(tmp_path) as world:
        world.store.pause("all", "anna", "", world.clock.now())
        await world.pipeline.intake.accept(world.message())
        await world.until(lambda: world.states() == [PENDING])
        await world.pass_time(60, step=5)
        assert world.vendor.calls == []
        world.store.resume("all", "anna", world.clock.now())
        world.pipeline.ring()
        await world.until(all_done(world, 1))


async def test_one_vendor_that_hangs_holds_up_no_other_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # They hang until they are told otherwise, however long a busy machine takes.
    monkeypatch.setattr("tests.pipeline.world.PATIENCE", 600.0)
    async with looping(tmp_path) as world:
        world.vendor.plan("write", *["hang before"] * 4)
        for number in range(4):
            await world.pipeline.intake.accept(world.message(thread=f"t{number}"))
        await world.until(lambda: world.vendor.at_work == 4)
        assert len(world.vendor.calls) == 4
        await world.pipeline.intake.accept(world.message("help", thread="other"))
        await world.until(lambda: world.states(EffectKind.NOTIFY) == [DONE])
        assert world.vendor.at_work == 4, "so many calls to one connection at a time, and no more"
        assert world.states(EffectKind.HANDOFF).count(PENDING) == 1
        world.vendor.broken_off.set()
        await world.until(lambda: world.states(EffectKind.HANDOFF) == [DONE] * 5, step=1)


# --- the end ---------------------------------------------------------------------------------------------------------
async def test_the_end_waits_for_the_calls_in_work_and_records_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.pipeline.world.PATIENCE", 5.0)
    async with looping(tmp_path) as world:
        world.vendor.open.clear()
        await world.pipeline.intake.accept(world.message())
        await world.until(lambda: world.vendor.at_work == 1)
        async with asyncio.TaskGroup() as group:
            stopping = group.create_task(world.pipeline.stop(grace=15.0))
            await world.pass_time(5)
            assert not stopping.done()
            world.vendor.open.set()
            await world.until(stopping.done, step=0.05)
        assert world.states() == [DONE]
        with pytest.raises(StoreUnavailable):
            await world.pipeline.intake.accept(world.message())


async def test_a_call_that_outlasts_the_end_is_unknown_and_settled_by_the_next_gateway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.pipeline.world.PATIENCE", 30.0)
    async with looping(tmp_path) as world:
        world.vendor.plan("write", "hang after")
        await world.pipeline.intake.accept(world.message())
        await world.until(lambda: bool(world.vendor.written))
        async with asyncio.TaskGroup() as group:
            stopping = group.create_task(world.pipeline.stop(grace=3.0))
            await world.until(stopping.done, step=0.1)
        assert world.states() == [UNKNOWN]
        written, tickets, now = world.vendor.written, world.vendor.tickets, world.clock.now()
    async with stepping(tmp_path) as again:
        again.vendor.written, again.vendor.tickets = written, tickets
        again.clock.advance((now - again.clock.now()) / 1_000_000 + 60)
        await again.rest()
        assert again.states() == [DONE]
        assert [what for what, _, _ in again.vendor.calls] == ["settle"]


async def test_the_end_does_not_wait_for_a_store_that_stays_away(tmp_path: Path) -> None:
    """SIGTERM during an outage of the database: what could not be recorded is settled by the next gateway."""
    async with looping(tmp_path) as world:
        right = world.store.finish
        breaking(world, "finish", StoreUnavailable("The server is away."), 1_000_000)
        await world.pipeline.intake.accept(world.message())
        await world.until(lambda: bool(world.vendor.written))
        async with asyncio.TaskGroup() as group:
            stopping = group.create_task(world.pipeline.stop(grace=15.0))
            await world.until(lambda: stopping.done() and world.ended())
        assert world.states() == [SENDING]
        written, tickets, now = world.vendor.written, world.vendor.tickets, world.clock.now()
        world.store.finish = right  # type: ignore[method-assign]
    async with stepping(tmp_path) as again:
        again.vendor.written, again.vendor.tickets = written, tickets
        again.clock.advance((now - again.clock.now()) / 1_000_000)
        await again.rest()
        assert again.states() == [DONE]
        assert [what for what, _, _ in again.vendor.calls] == ["settle"]


async def test_the_end_is_safe_twice_and_claims_no_more(tmp_path: Path) -> None:
    async with looping(tmp_path) as world:
        await world.pipeline.stop()
        await world.pipeline.stop()
        world.say()
        await world.pass_time(10)
        assert world.vendor.calls == []
        assert world.store.accounts().deliveries_pending + world.store.accounts().activities_pending <= 1


async def test_another_process_goes_on_where_one_was_stopped_at_any_step(tmp_path: Path) -> None:
    """Ten deliveries; a new gateway over the same store after each virtual instant of work."""
    async with stepping(tmp_path) as world:
        for number in range(10):
            world.say("help" if number % 2 else "hello", thread=f"t{number % 5}")
        written, tickets = world.vendor.written, world.vendor.tickets
        now = world.clock.now()
    for _ in range(12):
        async with stepping(tmp_path) as world:
            world.vendor.written, world.vendor.tickets = written, tickets
            world.clock.advance((now - world.clock.now()) / 1_000_000)
            await world.step()
            now = world.clock.now()
    async with stepping(tmp_path) as world:
        world.vendor.written, world.vendor.tickets = written, tickets
        world.clock.advance((now - world.clock.now()) / 1_000_000)
        await world.rest()
        assert set(world.states()) == {DONE}
        assert len(tickets) == 5


# --- reload ----------------------------------------------------------------------------------------------------------
async def test_a_new_policy_decides_what_comes_next_and_open_episodes_keep_theirs(tmp_path: Path) -> None:
    async with looping(tmp_path) as world:
        await world.pipeline.intake.accept(world.message("help"))
        await world.until(all_done(world, 3))
        world.policy = world.policy.replace('help = ["help"]', 'help = ["rescue"]').replace(
            "queue:desk/Last", "queue:desk/End"
        )
        direction = world.direction()
        world.store.save_policy(direction.policy.digest, direction.policy.source, world.clock.now())
        world.pipeline.swap(direction)
        await world.pipeline.intake.accept(world.message("help", thread="other"))
        await world.until(all_done(world, 4))
        await world.until(lambda: len(world.states(EffectKind.NOTIFY)) == 2, step=20)
        update = next(view.effect for view in world.effects(EffectKind.UPDATE))
        assert update.destination == "Last", "the episode ends as it began: under the policy that opened it"


async def test_a_helpdesk_that_is_renamed_keeps_its_cases_and_their_tickets(tmp_path: Path) -> None:
    """What comes after goes onto the same ticket; a case that was never escalated by then is escalated under the new name."""
    async with looping(tmp_path) as world:
        await world.pipeline.intake.accept(world.message())
        await world.until(all_done(world, 1))
        world.modes["helpdesk"] = world.modes.pop("desk")
        world.policy = world.policy.replace('"desk"', '"helpdesk"').replace("queue:desk/", "queue:helpdesk/")
        world.store.register({"line": None, "helpdesk": "desk"})
        direction = world.direction()
        world.store.save_policy(direction.policy.digest, direction.policy.source, world.clock.now())
        world.pipeline.swap(direction)
        await world.supervisor.change(world.configs())
        await world.pipeline.intake.accept(world.message("and one thing more"))
        await world.until(all_done(world, 2))
        await world.pipeline.intake.accept(world.message("help"))
        await world.until(lambda: len(world.effects()) == 5 and set(world.states()) == {DONE})
        assert len(world.vendor.tickets) == 1
        assert failures(world) == []


async def test_a_mode_changed_while_running_holds_from_the_next_call_on(tmp_path: Path) -> None:
    async with looping(tmp_path) as world:
        await world.pipeline.intake.accept(world.message())
        await world.until(all_done(world, 1))
        await world.set_mode(Mode.OBSERVE)
        await world.pipeline.intake.accept(world.message())
        await world.until(lambda: world.states() == [DONE, EffectState.OBSERVED])
        assert world.vendor.count("write") == 1


def failures(world: World) -> Sequence[str]:
    return [letter.reason for letter in world.store.dead_letters()]


async def test_a_connection_that_comes_back_finds_what_waited_for_it(tmp_path: Path) -> None:
    async with looping(tmp_path) as world:
        desk = world.supervisor.connections["desk"]
        desk.refused(str(TemporaryFailure("The token was withdrawn.")))
        await world.pipeline.intake.accept(world.message())
        await world.until(lambda: world.states() == [PENDING])
        assert world.vendor.calls == []
        await world.until(all_done(world, 1), step=2)
        assert failures(world) == []


# --- working hours ---------------------------------------------------------------------------------------------------
async def test_a_night_between_two_gateways_moves_no_deadline(tmp_path: Path) -> None:
    """Opened on a Thursday evening; the next gateway finds the deadlines and tells people on Friday morning, once."""
    hours = "\n".join(f'{day} = ["09:00-17:00"]' for day in ("mon", "tue", "wed", "thu", "fri"))
    policy = POLICY.replace("[ladder.second]\n", '[ladder.second]\ncalendar = "office"\n')
    policy += f'[calendar.office]\ntz = "Europe/London"\n{hours}\n'
    evening = 17 * 3600 + 1800
    async with stepping(tmp_path, policy=policy) as world:
        begun = world.clock.now()
        world.clock.advance(evening)
        world.say("help")
        await world.rest(until=world.clock.now() + 60_000_000)
        assert world.states(EffectKind.NOTIFY) == []
        assert world.states(EffectKind.HANDOFF) == [DONE]
        written, tickets = world.vendor.written, world.vendor.tickets
    morning = begun + (24 + 9) * 3600 * 1_000_000
    async with stepping(tmp_path, policy=policy) as world:
        world.vendor.written, world.vendor.tickets = written, tickets
        world.clock.advance(evening + 3600)
        (history,) = world.histories()
        assert sorted(history.timers.values()) == [morning, morning + 15 * 60_000_000]
        await world.rest(until=morning + 60_000_000)
        assert [view.effect.destination for view in world.effects(EffectKind.NOTIFY)] == ["#second"]
        await world.rest()
        told = [(view.effect.destination, view.effect.due_at) for view in world.effects(EffectKind.NOTIFY)]
        assert [where for where, _ in told] == ["#second", "#last"]
        assert world.clock.now() < morning + 20 * 60_000_000
        assert set(world.states()) == {DONE}


async def test_a_case_that_is_sent_on_by_button_moves_its_ticket_and_tells_the_next(tmp_path: Path) -> None:
    step = '[[ladder.second.step]]\ntarget = "queue:desk/Third"\nnotify = ["line:#third"]\nack_within = "1h"\n'
    async with stepping(tmp_path, policy=POLICY + step) as world:
        world.say("help")
        await world.rest(until=world.clock.now() + 60_000_000)
        (notice,) = [view.effect for view in world.effects(EffectKind.NOTIFY)]
        world.store.journal([world.entry(world.press("escalate_further", notice.id), lane="agents")])
        await world.rest(until=world.clock.now() + 60_000_000)
        assert [view.effect.destination for view in world.effects(EffectKind.UPDATE)] == ["Third"]
        assert [view.effect.destination for view in world.effects(EffectKind.NOTIFY)] == ["#second", "#third"]
        (history,) = [found for found in world.histories() if found.effects]
        assert len(history.timers) == 1


async def test_who_was_not_told_yet_is_not_told_once_the_case_is_resolved(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        world.say("help")
        world.decide()
        await world.dispatch()
        world.store.pause("all", "anna", "", world.clock.now())
        world.decide()
        await world.dispatch()
        assert world.states(EffectKind.NOTIFY) == [PENDING]
        solved = {"id": "s1", "thread": "t", "ticket": "T1", "status": "solved"}
        world.store.journal([world.entry(json.dumps(solved).encode(), lane="t")])
        world.decide()
        world.store.resume("all", "anna", world.clock.now())
        await world.rest()
        assert world.states(EffectKind.NOTIFY) == [EffectState.CANCELLED]
        assert world.states(EffectKind.REPLY) == [DONE], "the customer was promised an answer and is told so"
        assert [history.timers for history in world.histories() if history.effects] == [{}]


BOSS: Final = """
[[rule]]
id = "boss"
type = "hierarchical"
when.all = ["sender.role == 'customer'", "message.wants_manager"]
do = "escalate"
ladder = "managers"
set = { reason = "Because of the boss." }
"""
MANAGERS_LADDER: Final = """
[ladder.managers]
final = { target = "queue:desk/Last", notify = ["line:#last"] }
[[ladder.managers.step]]
target = "queue:desk/Managers"
notify = ["line:#managers"]
ack_within = "10m"
"""
MANAGERS: Final = (
    POLICY.replace('type = "hierarchical"\n', "")
    .replace('\n[[rule]]\nid = "keep"', BOSS + '\n[[rule]]\nid = "keep"')
    .replace("\n[ladder.second]", MANAGERS_LADDER + "\n[ladder.second]")
)


async def test_once_a_case_moved_to_the_managers_tier_1_is_told_no_more_and_the_ticket_has_both_reasons(
    tmp_path: Path,
) -> None:
    async with stepping(tmp_path, policy=MANAGERS) as world:
        world.say("help")
        world.decide()
        await world.dispatch()
        world.store.pause("all", "anna", "", world.clock.now())
        world.decide()
        await world.dispatch()
        world.say("let me speak to a manager")
        world.decide()
        world.store.resume("all", "anna", world.clock.now())
        await world.rest(until=world.clock.now() + 60_000_000)
        told = {view.effect.destination: view.state for view in world.effects(EffectKind.NOTIFY)}
        assert told == {"#second": EffectState.CANCELLED, "#managers": DONE}
        updates = [view for view in world.effects(EffectKind.UPDATE) if view.effect.rule == "boss"]
        assert [(view.effect.destination, view.state) for view in updates] == [("", DONE), ("Managers", DONE)]
        assert "Because of the boss." in updates[0].effect.text
        (history,) = [found for found in world.histories() if found.effects]
        (episode,) = history.episodes
        assert (episode.ladder, episode.reasons) == ("managers", ("help", "boss"))
        assert [name.rpartition(":")[2] for name in history.timers] == ["1"]
