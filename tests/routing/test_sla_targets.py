"""SLA compliance: of each target it is told once what came of it; and what people are told is left of it (SG-7)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from gateway.model import (
    Activity,
    Decision,
    EffectKind,
    SlaClock,
    SlaClocks,
    SlaMark,
    SlaMetric,
    SlaOutcome,
    TicketChange,
    TicketStatus,
    altered,
)
from routing.calendar import Calendar
from routing.decide import decide
from routing.policy import Policy
from tests.routing.days import Desk, at
from tests.routing.slas import TUESDAY, rules
from tests.routing.test_calendar import ODD, WEEKS
from tests.routing.test_calendar import Counter as Minutes
from tests.routing.test_sla_clocks import DAY, Oracle, Run, Step, script, under
from tests.routing.values import MINUTE, answer, case, message, snapshot, ticket

#: Random lives for each zone and week.
LIVES: Final = 12
HOUR: Final = 60 * MINUTE
MET, MISSED = SlaOutcome.MET, SlaOutcome.MISSED
NAMES: Final[dict[str, SlaMetric]] = dict(
    zip(("first response", "next response", "resolution"), SlaMetric, strict=True)
)


@dataclass
class Counting(Run):
    """A run that adds up what decisions tell of targets."""

    told: list[tuple[SlaMetric, SlaOutcome]] = field(default_factory=list)

    def act(self, at: int, what: Activity) -> None:
        self.told += decide(self.now, what, at).targets
        super().act(at, what)


def counted(under_: Policy, steps: list[Step], last: int) -> Counting:
    run = Counting(snapshot(under_, case=case(opened_at=steps[0].at, last_activity_at=steps[0].at)))
    for number, step in enumerate(steps):
        run.until(step.at)
        run.act(step.at, step.activity(number))
    run.until(last)
    return run


@pytest.mark.parametrize("zone", ODD)
def test_each_answer_and_each_wait_is_met_or_missed_as_a_counter_of_minutes_says(zone: str) -> None:
    """Of `first` and `next`, since what becomes of a reopened case is a second target of nobody."""
    random = Random(zone)
    middle = date.fromisoformat(ODD[zone][0])
    for name in ("office", "always"):
        counter = Minutes(WEEKS[name], frozenset(), zone, str(middle))
        calendar = Calendar(name="c", zone=ZoneInfo(zone), week=WEEKS[name])
        for _ in range(LIVES):
            targets = {m: random.randrange(2, random.choice((60, 600)) * 60) * (MINUTE // 60) for m in SlaMetric}
            steps = script(random, counter.begin + random.randrange(15, 25) * DAY)
            last = counter.begin + 39 * DAY
            amounts = {(said, verb): targets[m] for said, m in NAMES.items() for verb in ("breached", "at_risk")}
            run = counted(under(calendar, targets, dict(targets)), steps, last)
            oracle = Oracle(steps)
            late = Counter(NAMES[said] for said, verb, _ in oracle.hears(counter, amounts, last) if verb == "breached")
            ended = Counter(NAMES[said] for said, _, end in oracle.clocks if end is not None)
            open_late = Counter(
                NAMES[said]
                for said, begin, end in oracle.clocks
                if end is None
                for heard in oracle.hears(counter, amounts, last)
                if heard[:2] == (said, "breached") and heard[2] > begin
            )
            told = Counter(run.told)
            for metric in (SlaMetric.FIRST, SlaMetric.NEXT):
                assert told[metric, MISSED] == late[metric], steps
                assert told[metric, MET] == ended[metric] - (late[metric] - min(open_late[metric], 1)), steps
            kept = run.now.case.sla
            assert kept is not None
            assert {(m, o): n for m, o, n in kept.counts} == told, "the case keeps what was told"


def life(*steps: tuple[str, Activity]) -> tuple[Desk, list[tuple[SlaMetric, SlaOutcome]]]:
    told: list[tuple[SlaMetric, SlaOutcome]] = []

    class Told(Desk):
        def _decide(self, moment: int, what: Activity) -> Decision:
            made = super()._decide(moment, what)
            told.extend(made.targets)
            return made

    desk = Told(rules())
    for clock, what in steps:
        desk.act(at(TUESDAY, clock), what)
    return desk, told


def test_what_came_first_of_a_target_stays_whatever_follows() -> None:
    """A case that is solved in time and reopened is no second target."""
    solved, again = ticket(TicketChange.STATUS, TicketStatus.SOLVED), ticket(TicketChange.STATUS, TicketStatus.OPEN)
    _, told = life(
        ("09:00", message("hi")), ("09:30", answer("Hello")), ("10:00", solved), ("11:00", again), ("12:00", solved)
    )
    assert told == [(SlaMetric.FIRST, MET), (SlaMetric.RESOLUTION, MET)]


def test_a_target_that_is_missed_is_told_at_its_instant_and_not_again_with_the_answer() -> None:
    desk, told = life(("09:00", message("hi")))
    desk.until(at(TUESDAY, "09:59"))
    assert told == []
    desk.until(at(TUESDAY, "10:00"))
    assert told == [(SlaMetric.FIRST, MISSED)]
    desk.act(at(TUESDAY, "10:30"), answer("Sorry"))
    assert told == [(SlaMetric.FIRST, MISSED)]


# --- what people are told --------------------------------------------------------------------------------------------
def test_a_handoff_says_of_each_clock_what_is_left_in_the_hours_of_its_calendar() -> None:
    desk = Desk(rules())
    made = desk.act(at(TUESDAY, "16:30"), message("hi"))
    (handoff,) = [each for each in made.effects if each.kind is EffectKind.HANDOFF]
    assert handoff.sla is not None
    first, resolution = handoff.sla.clocks
    assert (first.left, resolution.left) == (HOUR, 8 * HOUR)
    assert dict(handoff.sla.lines())["SLA standard, first response"].endswith("1 h of 1 h left (office)")
    made = desk.act(at("2026-12-02", "09:20"), message("anybody?"))
    told = [each.sla for each in made.effects if each.sla is not None]
    assert told
    assert [clock.left for clock in told[-1].clocks] == [10 * MINUTE, 7 * HOUR + 10 * MINUTE]
    pressing = told[-1].pressing()
    assert pressing is not None
    assert (pressing.metric, pressing.due_at) == (SlaMetric.FIRST, at("2026-12-02", "09:30"))
    made = desk.act(at("2026-12-02", "10:30"), message("anybody??"))
    late = [each.sla for each in made.effects if each.sla is not None][-1].pressing()
    assert late is not None
    assert late.left == -HOUR
    assert late.reached(SlaMark.BREACHED, at("2026-12-02", "10:30"))


def test_nothing_presses_while_the_clocks_stand() -> None:
    values = {"metric": SlaMetric.FIRST, "began_at": 0, "target": HOUR, "used": 0, "resumed_at": 0, "risk_at": None}
    running = SlaClock(**values, due_at=HOUR)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    stands = altered(running, metric=SlaMetric.NEXT, resumed_at=None, due_at=None)
    over = altered(running, metric=SlaMetric.RESOLUTION, ended_at=5, due_at=1)
    clocks = SlaClocks(id="a", digest="", calendar="", read_at=0, epoch=1, clocks=(running, stands, over))
    assert clocks.pressing() == running
    assert altered(clocks, clocks=(stands, over)).pressing() is None
