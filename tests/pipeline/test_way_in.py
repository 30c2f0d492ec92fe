"""Parsing, applying and time: a poison delivery costs only itself, and a deadline is reached exactly once."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.model import ActivityKind, EffectKind
from gateway.store.ports import EffectState
from normalizers import normalize as right_normalize
from routing.decide import decide as right_decide
from tests.pipeline.world import POLICY, World, stepping

NORMALIZE = "gateway.pipeline.parsing.normalize"
DECIDE = "gateway.pipeline.applying.decide"
SECOND = 1_000_000
QUARTER = 15 * 60


def texts(world: World) -> list[str]:
    """Return the messages that were applied, in order."""
    return [
        applied.activity.text
        for history in world.histories()
        for applied in history.activities
        if applied.activity.kind is ActivityKind.MESSAGE
    ]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff not json", "It is not JSON."),
        (b"bug", "The connector's parser failed (ZeroDivisionError in parse, line "),
        (b'{"thread": "t"}', "The connector's parser failed (KeyError in parse, line "),
        (b"[]", "The connector's parser failed (AttributeError in parse, line "),
        (b'{"id": "m", "thread": "t", "text": "x", "times": 11}', "The delivery brings more than 10 events."),
    ],
)
async def test_a_poison_delivery_is_a_dead_letter_with_its_bytes_and_its_lane_goes_on(
    tmp_path: Path, body: bytes, reason: str
) -> None:
    async with stepping(tmp_path) as world:
        world.say("before", thread="t")
        world.store.journal([world.entry(body, lane="t")])
        world.say("after", thread="t")
        world.decide()
        assert texts(world) == ["before", "after"]
        (letter,) = world.store.dead_letters()
        assert (letter.kind, letter.connection) == ("delivery", "line")
        assert letter.reason.startswith(reason)
        assert "not json" not in letter.reason
        detail = world.store.dead_letter(letter.id)
        assert detail is not None
        assert detail.delivery is not None
        assert detail.delivery.delivery.body == body
        assert world.store.accounts().deliveries_dead == 1


async def test_one_event_that_cannot_be_normalized_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def normalize(event: object, **more: object) -> object:
        if getattr(event, "dedupe", "").endswith("/1"):
            raise ZeroDivisionError
        return right_normalize(event, **more)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(NORMALIZE, normalize)
    async with stepping(tmp_path) as world:
        world.say("three", times=3)
        world.decide()
        assert texts(world) == ["three", "three"]
        (letter,) = world.store.dead_letters()
        assert letter.kind == "event"
        assert letter.reason.startswith("Normalizing failed (ZeroDivisionError in normalize, line ")
        assert world.store.accounts().events_dead == 1
        monkeypatch.setattr(NORMALIZE, right_normalize)
        assert world.store.replay_dead_letter(letter.id, "anna", world.clock.now())
        world.decide()
        assert texts(world) == ["three"] * 3, "what was known stays, only what was missed is added"


async def test_a_bug_in_deciding_costs_one_activity_and_can_be_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decide(snapshot: object, activity: object, now: int) -> object:
        if getattr(activity, "text", "") == "poison":
            raise RecursionError
        return right_decide(snapshot, activity, now)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(DECIDE, decide)
    async with stepping(tmp_path) as world:
        for text in ("one", "poison", "two"):
            world.say(text)
        await world.rest()
        assert texts(world) == ["one", "two"]
        (letter,) = world.store.dead_letters()
        assert letter.kind == "activity"
        assert "RecursionError" in letter.reason
        monkeypatch.setattr(DECIDE, right_decide)
        assert world.store.replay_dead_letter(letter.id, "anna", world.clock.now())
        await world.rest()
        assert sorted(texts(world)) == ["one", "poison", "two"]
        assert set(world.states()) == {EffectState.DONE}


async def test_deliveries_of_a_connection_that_is_not_there_wait_for_it(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        configs = world.configs()
        await world.supervisor.change([config for config in configs if config.name != "line"])
        world.say("early")
        world.decide()
        assert world.store.accounts().deliveries_pending == 1
        await world.supervisor.change(configs)
        world.decide()
        assert texts(world) == ["early"]


async def test_a_redelivery_adds_nothing(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        once = world.message("help")
        for _ in range(3):
            world.store.journal([once])
            await world.rest(until=world.clock.now() + 60 * SECOND)
        accounts = world.store.accounts()
        assert (accounts.events, accounts.events_duplicate) == (3, 2)
        assert len(world.effects(EffectKind.HANDOFF)) == 1
        assert len(world.effects(EffectKind.REPLY)) == 1


# --- time ------------------------------------------------------------------------------------------------------------
async def test_a_deadline_is_reached_exactly_once_and_not_before(tmp_path: Path) -> None:
    async with stepping(tmp_path) as world:
        world.say("help")
        begun = world.clock.now()
        await world.rest(until=begun + (QUARTER - 1) * SECOND)
        (history,) = world.histories()
        (due,) = history.timers.values()
        assert due == begun + QUARTER * SECOND
        assert world.pipeline.timers._turn() == (0, 0)
        world.clock.advance((due - world.clock.now()) / SECOND)
        assert world.pipeline.timers._turn()[0] == 1
        assert world.pipeline.timers._turn()[0] == 0
        await world.rest()
        fired = [
            applied.activity
            for history in world.histories()
            for applied in history.activities
            if applied.activity.kind is ActivityKind.TIMER
        ]
        assert [activity.occurred_at for activity in fired] == [due]
        assert len(world.effects(EffectKind.NOTIFY)) == 2, "the step's notice and the last one's"
        assert set(world.states()) == {EffectState.DONE}


async def test_deadlines_that_passed_while_nobody_looked_are_all_reached_once(tmp_path: Path) -> None:
    """More than one transaction of them: the gateway was down for a day."""
    async with stepping(tmp_path) as world:
        for number in range(150):
            world.say("help", thread=f"t{number}")
        world.decide()
        world.clock.advance(86_400)
        counts: list[int] = []
        while (count := world.pipeline.timers._turn()[0]) > 0:
            counts.append(count)
        assert sum(counts) == 150
        assert len(counts) == 3
        world.decide()
        fired = [
            applied.activity.thread
            for history in world.histories()
            for applied in history.activities
            if applied.activity.kind is ActivityKind.TIMER
        ]
        assert len(fired) == len(set(fired)) == 150


async def test_a_deadline_that_was_met_is_not_reached(tmp_path: Path) -> None:
    policy = POLICY.replace('ack_within = "15m"', 'ack_within = "1h"')
    async with stepping(tmp_path, policy=policy) as world:
        world.say("help")
        begun = world.clock.now()
        await world.rest(until=begun + 60 * SECOND)
        (case,) = world.store.cases()
        (history,) = world.histories()
        assert len(history.timers) == 1
        (notice,) = [view.effect for view in world.effects(EffectKind.NOTIFY)]
        world.store.journal([world.entry(world.press("acknowledge", notice.id), lane="agents")])
        await world.rest()
        (history,) = [found for found in world.histories() if found.case.id == case.id]
        assert history.timers == {}
        assert [episode.acknowledged_at is not None for episode in history.episodes] == [True]
        assert len(world.effects(EffectKind.NOTIFY)) == 1


async def test_a_lease_that_ran_out_is_an_unknown_outcome_and_is_settled(tmp_path: Path) -> None:
    """As after a kill: somebody claimed it, perhaps wrote it, and is no more."""
    async with stepping(tmp_path) as world:
        world.say()
        world.decide()
        (claim,) = await world.pipeline.dispatch._claim()
        world.vendor.written[claim.effects[0].id] += 1
        world.vendor.tickets[f"baton:{claim.case.id}"] = "T1"
        assert world.states() == [EffectState.SENDING]
        assert world.pipeline.timers._turn() == (0, 0), "not while its lease holds"
        world.clock.advance(60)
        assert world.pipeline.timers._turn() == (0, 1)
        assert world.states() == [EffectState.UNKNOWN]
        await world.rest()
        assert world.states() == [EffectState.DONE]
        assert [what for what, _, _ in world.vendor.calls] == ["settle"]
