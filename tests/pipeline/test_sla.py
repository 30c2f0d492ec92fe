"""SG-7, PO-8: SLAs through the real pipeline: the store keeps their deadlines, and each is reached once, over restarts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from gateway.cli.cases import _show as show
from gateway.model import ActivityKind, CaseStatus, EffectKind, SlaMetric, SlaOutcome
from gateway.sdk import sla_due
from gateway.sdk.note import note_text
from gateway.store.engine import Row, Transaction
from gateway.store.ports import CaseHistory
from gateway.store.sqlstore import SqlStore
from tests.pipeline.world import POLICY, World, stepping

SECOND: Final = 1_000_000
HOUR: Final = 3600 * SECOND
LATE: Final = """
[[rule]]
id = "late"
type = "automated"
do = "escalate"
ladder = "second"
when.all = ["sla.event == 'breached'", "sla.metric == 'first'"]
set = { priority = "P2", reason = "Nobody answered in time." }

[[rule]]
id = "keep"
"""
SLA: Final = """
[[sla]]
id = "standard"
first = "1h"
resolution = "1d"
pause = ["pending"]
"""
RULES: Final = POLICY.replace('[[rule]]\nid = "keep"\n', LATE) + SLA


def fired(history: CaseHistory) -> list[tuple[str, int]]:
    """Return the deadlines that were reached: metric and mark, and when they were due."""
    activities = [applied.activity for applied in history.activities]
    timers = [each for each in activities if each.kind is ActivityKind.TIMER and each.name.startswith("sla:")]
    return [(":".join(each.name.split(":")[2:4]), each.occurred_at) for each in timers]


def only(world: World) -> CaseHistory:
    (history,) = world.histories()
    return history


async def test_at_the_instant_of_the_breach_there_is_a_ticket_with_the_whole_conversation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The automated escalation of the article: a missed SLA opens a ticket that includes the transcript."""
    policy = RULES.replace("when.all = [\"channel == 'chat'\"]", "when.all = [\"channel == 'email'\"]")
    async with stepping(tmp_path, policy=policy) as world:
        begun = world.clock.now()
        world.say("where is my parcel?")
        world.say("nobody there?")
        await world.rest(until=begun + HOUR - SECOND)
        assert not world.effects(EffectKind.HANDOFF)
        await world.rest(until=begun + HOUR + SECOND)
        (handoff,) = [each for each in world.vendor.handoffs if each.packet is not None]
        assert handoff.packet is not None
        assert [line.text for line in handoff.packet.transcript] == ["where is my parcel?", "nobody there?"]
        note = note_text(handoff, 65_000)
        assert "Escalated by Baton: Nobody answered in time." in note
        assert "SLA standard, first response: missed, was due " in note
        assert "SLA standard, resolution: due " in note
        assert " UTC, 22 h 59 min of 24 h left\n" in note, "the world is a microsecond past the hour"
        clock = handoff.sla.pressing() if handoff.sla is not None else None
        assert clock is not None
        assert (clock.metric, clock.due_at) == (SlaMetric.FIRST, begun + HOUR)
        assert sla_due(handoff) == f"{datetime.fromtimestamp((begun + HOUR) // SECOND, UTC):%Y-%m-%dT%H:%M:%SZ}"
        (notice,) = world.vendor.notices
        assert dict(notice.facts)["SLA standard, first response"].startswith("missed, was due ")
        show(only(world))
        assert "  SLA standard, first response: missed, was due " in capsys.readouterr().out
        (episode,) = only(world).episodes
        assert 0 <= episode.opened_at - begun - HOUR <= 1, "the world moves its clock a microsecond past what is due"
        assert fired(only(world)) == [("first:at_risk", begun + HOUR * 3 // 4), ("first:breached", begun + HOUR)]


async def test_deadlines_are_reached_once_over_restarts(tmp_path: Path) -> None:
    async with stepping(tmp_path, policy=RULES) as world:
        begun = world.clock.now()
        world.say("hello")
        await world.rest(until=begun + SECOND)
    written = world.vendor.written
    for hours in (1.5, 1.6, 30, 31):
        async with stepping(tmp_path, policy=RULES) as world:
            world.vendor.written = written
            world.clock.advance(hours * 3600)
            await world.rest(until=world.clock.now() + SECOND)
            last = only(world)
    assert sorted(fired(last)) == [
        ("first:at_risk", begun + HOUR * 3 // 4),
        ("first:breached", begun + HOUR),
        ("resolution:at_risk", begun + 18 * HOUR),
        ("resolution:breached", begun + 24 * HOUR),
    ]
    assert [episode.rule for episode in last.episodes] == ["late"]
    assert len([view for view in last.effects if view.effect.kind is EffectKind.HANDOFF]) == 2, "kept, then escalated"


async def test_targets_are_counted_once_by_the_store_and_for_prometheus(tmp_path: Path) -> None:
    """SLA compliance: targets met of targets due, a metric each; the time in which a clock stood counts for nothing."""
    async with stepping(tmp_path, policy=RULES) as world:
        begun = world.clock.now()
        world.say("hello", thread="late")
        world.say("hello", thread="early")
        await world.rest(until=begun + SECOND)
        world.say("Good morning!", who="bert", role="agent", thread="early")
        await world.rest(until=begun + 2 * HOUR)
        world.say("Good evening!", who="bert", role="agent", thread="late")
        await world.rest(until=begun + 25 * HOUR)
        wanted = {
            (SlaMetric.FIRST, SlaOutcome.MET): 1,
            (SlaMetric.FIRST, SlaOutcome.MISSED): 1,
            (SlaMetric.RESOLUTION, SlaOutcome.MISSED): 2,
        }
        assert world.store.sla_targets() == wanted
        exposed = world.meters.expose().decode()
        for (metric, outcome), number in wanted.items():
            assert f'baton_sla_targets_total{{metric="{metric.value}",outcome="{outcome.value}"}} {number}.0' in exposed


async def test_a_kill_between_firing_and_deciding_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    async with stepping(tmp_path, policy=RULES) as world:
        world.say("hello")
        world.decide()
        world.clock.advance(5400)
        assert world.pipeline.timers._turn()[0] == 2
    async with stepping(tmp_path, policy=RULES) as world:
        world.clock.advance(5401)
        await world.rest(until=world.clock.now() + SECOND)
        assert [name for name, _ in fired(only(world))] == ["first:at_risk", "first:breached"]
        assert [episode.rule for episode in only(world).episodes] == ["late"]


async def test_who_answers_in_time_hears_nothing(tmp_path: Path) -> None:
    async with stepping(tmp_path, policy=RULES) as world:
        begun = world.clock.now()
        world.say("hello")
        await world.rest(until=begun + SECOND)
        world.clock.advance(600)
        world.say("Good morning!", who="bert", role="agent")
        await world.rest(until=begun + 2 * HOUR)
        assert fired(only(world)) == []
        assert not only(world).episodes
        assert {name.split(":")[2] for name in only(world).timers} == {"resolution"}


async def test_a_ticket_that_waits_stops_the_clock_and_its_end_drops_every_deadline(tmp_path: Path) -> None:
    async with stepping(tmp_path, policy=RULES) as world:
        begun = world.clock.now()
        world.say("hello")
        await world.rest(until=begun + SECOND)
        ticket = only(world).tickets[0].ticket_id

        async def becomes(status: str) -> None:
            body = f'{{"id": "s-{status}", "thread": "t", "ticket": "{ticket}", "status": "{status}"}}'
            world.store.journal([world.entry(body.encode(), lane="t")])
            await world.rest(until=world.clock.now() + SECOND)

        world.clock.advance(1800)
        await becomes("pending")
        assert only(world).timers == {}
        world.clock.advance(86_400)
        await becomes("open")
        dues = {":".join(name.split(":")[2:4]): due for name, due in only(world).timers.items()}
        assert abs(dues["first:breached"] - begun - 25 * HOUR) < 5 * SECOND
        await becomes("solved")
        assert only(world).timers == {}
        assert only(world).case.status is CaseStatus.RESOLVED
        await world.rest()
        assert fired(only(world)) == []


async def test_a_tick_costs_what_is_due_and_not_what_is_open(tmp_path: Path) -> None:
    """Due timers are found by their index: a million of clocks that are not due are not looked at."""
    async with stepping(tmp_path, policy=RULES) as world:
        store = world.store
        assert isinstance(store, SqlStore)
        far = world.clock.now() + 1000 * HOUR

        def fill(t: Transaction) -> None:
            t.insert(
                "timers",
                (("case_id", "text"), ("name", "text"), ("due_at", "bigint")),
                [(f"c{number}", "sla:x", far + number) for number in range(20_000)],
            )

        def plan(t: Transaction) -> list[Row]:
            sql = "SELECT case_id, name, due_at FROM timers WHERE due_at <= ? ORDER BY due_at LIMIT ?"
            return t.rows(f"EXPLAIN QUERY PLAN {sql}", world.clock.now(), 64)

        store._engine.write(fill)
        assert [str(row[-1]) for row in store._engine.read(plan)] == [
            "SEARCH timers USING INDEX timers_due (due_at<?)",
        ]
        assert store.fire(world.clock.now(), 64) == 0

        def clear(t: Transaction) -> None:
            t.run("DELETE FROM timers")

        store._engine.write(clear)


@pytest.mark.parametrize("mark", ["at_risk", "breached"])
async def test_a_mirrored_case_is_not_written_anew_by_a_clock(tmp_path: Path, mark: str) -> None:
    """The rule that keeps every chat, and the catch-all, are not looked at when a clock reaches a mark."""
    async with stepping(tmp_path, policy=POLICY + SLA) as world:
        begun = world.clock.now()
        world.say("hello")
        await world.rest(until=begun + 2 * HOUR)
        assert mark in str(fired(only(world)))
        traces = [applied.trace or {} for applied in only(world).activities]
        assert [trace["result"] for trace in traces if trace["result"] not in {"mirror", "outcome"}] == ["sla", "sla"]
        assert len(world.effects()) == 1
