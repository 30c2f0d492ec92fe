"""The clocks of SLAs against a brute-force counter of minutes: random lives of cases, over zones with every kind of oddity."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from gateway.model import SlaMetric
from routing.calendar import Calendar
from tests.prove.proof import Figures, Proof, Size
from tests.routing.test_calendar import MINUTE, ODD, SECOND, WEEKS, Counter
from tests.routing.test_sla_clocks import DAY, Heard, Oracle, baton_hears, script, under

#: Lives within one window of time: counting the window's minutes costs as much as some hundred of them.
_LIVES: Final = 500
_NAMES: Final = dict(zip(SlaMetric, ("first response", "next response", "resolution"), strict=True))
#: From when the windows are that are not around something odd.
_SOME_DAY: Final = date(2012, 1, 1)


def _windows(count: int, chance: random.Random) -> Iterator[tuple[Counter, Calendar, int]]:
    """Yield windows of time, each with a calendar, its counter, and how many lives are to be lived in it."""
    places = [(zone, week) for zone in ODD for week in WEEKS]
    each = -(-count // len(places))
    for zone, week in places:
        middle, left = date.fromisoformat(ODD[zone][0]), each
        while left > 0:
            closed = frozenset(middle + timedelta(days=chance.randrange(-15, 15)) for _ in range(3))
            calendar = Calendar(name="c", zone=ZoneInfo(zone), week=WEEKS[week], closed=closed)
            yield Counter(WEEKS[week], closed, zone, str(middle)), calendar, min(left, _LIVES)
            left -= _LIVES
            middle = _SOME_DAY + timedelta(days=chance.randrange(9000))


def _apart(ours: list[Heard], theirs: list[Heard]) -> int | None:
    """Return how far apart the same marks are, microseconds; None when they are not the same marks."""
    if sorted(each[:2] for each in ours) != sorted(each[:2] for each in theirs):
        return None
    pairs = zip(sorted(ours), sorted(theirs), strict=True)
    return max((abs(mine[2] - other[2]) for mine, other in pairs), default=0)


def clocks(size: Size, _directory: Path) -> Figures:
    """Live cases, and count the marks that their clocks reach."""
    count = size.pick(480, 2_000, 100_000)
    chance = random.Random(4)
    figures = Figures(unit="case")
    wrong: list[str] = []
    lived = heard = amounts = paused = 0
    furthest = 0
    for counter, calendar, lives in _windows(count, chance):
        for _ in range(lives):
            lived += 1
            targets = {m: chance.randrange(2, chance.choice((60, 600, 2400)) * 60) * SECOND for m in SlaMetric}
            risks = {metric: chance.randrange(1, target) for metric, target in targets.items()}
            steps = script(chance, counter.begin + chance.randrange(15, 25) * DAY)
            last = counter.begin + 39 * DAY
            wanted = {(_NAMES[m], "breached"): targets[m] for m in SlaMetric}
            wanted |= {(_NAMES[m], "at_risk"): risks[m] for m in SlaMetric}
            run = baton_hears(under(calendar, targets, risks), steps, last)
            theirs = Oracle(steps).hears(counter, wanted, last)
            apart = _apart(run.heard, theirs)
            if apart is None or apart > SECOND:
                wrong.append(f"{calendar.described()}: {steps}: {run.heard} and not {theirs}")
            furthest = max(furthest, apart or 0)
            heard += len(run.heard)
            paused += any(step.what == "status" for step in steps)
            amounts += _amounts(counter, calendar, chance, wrong)
    figures.tries = lived
    figures.at_least("random cases", lived, count)
    figures.tell("zones", len(ODD))
    figures.at_least("cases whose ticket changed its state", paused, lived // 4)
    figures.at_least("marks that were reached", heard, lived)
    figures.at_least("spans and deadlines besides", amounts, lived)
    figures.none_of("differences of more than 1 s", wrong)
    figures.tell("largest difference, microseconds", furthest)
    return figures


def _amounts(counter: Counter, calendar: Calendar, chance: random.Random, wrong: list[str]) -> int:
    """Compare a span and a deadline that no case has."""
    at = counter.begin + chance.randrange(30 * 1440 * MINUTE)
    later, amount = at + chance.randrange(9 * 1440 * MINUTE), chance.randrange(1, 2400 * MINUTE)
    if abs(calendar.between(at, later) - (counter.gone(later) - counter.gone(at))) > SECOND:
        wrong.append(f"{calendar.described()}: between {at} and {later}")
    reached = counter.reached(at, amount)
    if reached is not None and abs(calendar.add(at, amount) - reached) > SECOND:
        wrong.append(f"{calendar.described()}: {amount} from {at}")
    return 2


PROOF: Final = Proof(
    name="sla_clock",
    promise="The clocks of an SLA reach each mark once and when a counter of minutes says so that reads the clock on the wall of each"
    " minute: over 12 zones with odd hours, holidays, several intervals a day, nights, and tickets that wait (SG-7).",
    limits="Both read the same database of zones: an error in it is seen by neither.",
    run=clocks,
)
