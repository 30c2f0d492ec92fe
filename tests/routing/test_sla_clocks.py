"""SG-7, I20: clocks of SLAs against a counter of minutes, over zones, clock changes, holidays, waiting and reopening."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from gateway.model import Activity, SlaMark, SlaMetric, TicketChange, TicketStatus, altered
from routing.calendar import Calendar
from routing.clocks import clocks_of
from routing.decide import decide
from routing.policy import Policy, Sla
from routing.snapshot import Snapshot
from tests.routing.test_calendar import CASES, ODD, WEEKS, Counter
from tests.routing.values import CATCH_ALL, MINUTE, after, answer, case, message, policy, snapshot, ticket, timer

DAY: Final = 1440 * MINUTE
PLAIN: Final = policy(
    CATCH_ALL + '[[sla]]\nid = "all"\nfirst = "1h"\nnext = "1h"\nresolution = "1h"\npause = ["pending", "on_hold"]\n'
)
STATUSES: Final = (
    *(TicketStatus.PENDING, TicketStatus.ON_HOLD, TicketStatus.OPEN, TicketStatus.SOLVED, TicketStatus.CLOSED),
    TicketStatus.NEW,
)
#: What was heard: the sentence's subject and verb, and when.
Heard = tuple[str, str, int]


@dataclass(frozen=True)
class Step:
    """Something that happens at an instant."""

    at: int
    what: str
    status: TicketStatus | None = None

    def activity(self, number: int) -> Activity:
        made = {
            "ask": lambda: message("hello"),
            "answer": lambda: answer("On it."),
            "note": lambda: answer("Hm.", audience="internal"),
            "status": lambda: ticket(TicketChange.STATUS, self.status),
        }[self.what]()
        return altered(made, dedupe=f"d{number}", occurred_at=self.at, received_at=self.at)


def under(calendar: Calendar | None, targets: dict[SlaMetric, int], risks: dict[SlaMetric, int]) -> Policy:
    """Return a policy with an SLA that was not written down."""
    (sla,) = PLAIN.slas
    return replace(PLAIN, slas=(replace(sla, calendar=calendar, targets=targets, risks=risks, digest="x"),))


# --- what Baton does -------------------------------------------------------------------------------------------------
@dataclass
class Run:
    """A case under `decide`, whose timers fire when they are due."""

    now: Snapshot
    timers: dict[str, int] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)

    def act(self, at: int, what: Activity) -> None:
        made = decide(self.now, what, at)
        self.now = after(self.now, made)
        self.timers |= {each.name: each.due_at for each in made.timers}
        for name in made.cancelled:
            self.timers.pop(name, None)
        if made.trace.result == "sla":
            subject = made.trace.sentence.removeprefix("The ").partition(" of SLA")[0]
            verb = "breached" if "missed" in made.trace.sentence else "at_risk"
            self.heard.append((subject, verb, at))

    def until(self, at: int) -> None:
        while self.timers and min(self.timers.values()) <= at:
            name = min(self.timers, key=self.timers.__getitem__)
            due = self.timers.pop(name)
            self.act(due, altered(timer(name), occurred_at=due, received_at=due, dedupe=f"{name}:{due}"))


def baton_hears(rules: Policy, steps: list[Step], end: int) -> Run:
    run = Run(snapshot(rules, case=case(opened_at=steps[0].at, last_activity_at=steps[0].at)))
    for number, step in enumerate(steps):
        run.until(step.at)
        run.act(step.at, step.activity(number))
    run.until(end)
    return run


# --- what should be heard, by somebody who counts minutes ------------------------------------------------------------
class Oracle:
    """Knows a case as its people do: who waits for whom, and when the ticket rests."""

    def __init__(self, steps: list[Step]) -> None:
        """Follow what happens."""
        self.moving: list[tuple[int, bool]] = [(steps[0].at, True)]
        #: Name of a clock, when it began, when it ended.
        self.clocks: list[tuple[str, int, int | None]] = [("resolution", steps[0].at, None)]
        asked = answered = waits = told = None
        rests, over = False, False
        for step in steps:
            if step.what == "ask":
                asked = asked or step.at
                waits = waits or step.at
                over = False
                if told is not TicketStatus.ON_HOLD:
                    rests = False
            elif step.what == "answer":
                if waits and answered:
                    self.clocks.append(("next response", waits, step.at))
                answered = answered or (step.at if asked else None)
                waits = None
                rests = rests or (told is TicketStatus.PENDING and not over)
            elif step.status is not None:
                was, over = over, step.status in {TicketStatus.SOLVED, TicketStatus.CLOSED}
                if step.status is not told or was or over:
                    rests = step.status in {TicketStatus.PENDING, TicketStatus.ON_HOLD}
                told = step.status
                if over:
                    if waits and answered:
                        self.clocks.append(("next response", waits, step.at))
                    waits = None
            self.moving.append((step.at, not rests and not over))
        if asked:
            self.clocks.append(("first response", asked, answered))
        if waits and answered:
            self.clocks.append(("next response", waits, None))

    def stretches(self, begin: int, end: int | None, last: int) -> Iterator[tuple[int, int]]:
        """Yield when a clock ran."""
        points = [*self.moving, (last, False)]
        for (since, moves), (until, _) in pairwise(points):
            low, high = max(since, begin), min(until, end if end is not None else last)
            if moves and low < high:
                yield low, high

    def hears(self, counter: Counter, amounts: dict[tuple[str, str], int], last: int) -> list[Heard]:
        found: list[Heard] = []
        for name, begin, end in self.clocks:
            for verb in ("at_risk", "breached"):
                left = amounts[name, verb]
                for low, high in self.stretches(begin, end, last):
                    when = counter.reached(low, left)
                    if when is not None and when < high:
                        found.append((name, verb, when))
                        break
                    left -= counter.gone(high) - counter.gone(low)
        return sorted(found, key=lambda each: each[2])


def script(random: Random, begin: int) -> list[Step]:
    """Return what happens to a case, over some hours or some days."""
    span = random.choice((6 * 60, 2 * 1440, 8 * 1440)) * MINUTE
    times = sorted({begin + random.randrange(span) for _ in range(random.randrange(1, 12))})
    whats = ("ask", "ask", "answer", "note", "status", "status", "status")
    return [
        Step(at, what, random.choice(STATUSES) if what == "status" else None)
        for at in times
        for what in (random.choice(whats),)
    ]


@pytest.mark.parametrize("zone", ODD)
def test_every_mark_is_heard_once_and_when_a_counter_of_minutes_says(zone: str) -> None:
    random = Random(zone)
    middle = date.fromisoformat(ODD[zone][0])
    each = -(-CASES // (len(ODD) * len(WEEKS)))
    heard = 0
    for week in WEEKS.values():
        closed = frozenset(middle + timedelta(days=random.randrange(-15, 15)) for _ in range(3))
        counter = Counter(week, closed, zone, str(middle))
        calendar = Calendar(name="c", zone=ZoneInfo(zone), week=week, closed=closed)
        for _ in range(each):
            targets = {m: random.randrange(2, random.choice((60, 600, 2400)) * 60) * (MINUTE // 60) for m in SlaMetric}
            risks = {metric: random.randrange(1, target) for metric, target in targets.items()}
            steps = script(random, counter.begin + random.randrange(15, 25) * DAY)
            last = counter.begin + 39 * DAY
            names = dict(zip(SlaMetric, ("first response", "next response", "resolution"), strict=True))
            amounts = {(names[m], "breached"): targets[m] for m in SlaMetric}
            amounts |= {(names[m], "at_risk"): risks[m] for m in SlaMetric}
            rules = under(calendar, targets, risks)
            run = baton_hears(rules, steps, last)
            assert run.heard == Oracle(steps).hears(counter, amounts, last), steps
            heard += len(run.heard)
            reads_the_same(run.now, rules.slas[0], last)
    assert heard > each


def reads_the_same(now: Snapshot, sla: Sla, at: int) -> None:
    """Check that the clocks are those that somebody finds who never looked before."""
    kept = now.case.sla
    fresh = clocks_of(now.case, sla, None, at=at, now=at)
    assert kept is not None
    assert fresh is not None
    here = {
        clock.metric: altered(clock, epoch=0, told=(), outcome=None) for clock in kept.clocks if clock.ended_at is None
    }
    there = {clock.metric: altered(clock, epoch=0) for clock in fresh.clocks if clock.ended_at is None}
    assert here == there
    for clock in kept.owed():
        assert {mark for mark in SlaMark if clock.reached(mark, at)} == set(clock.told)
