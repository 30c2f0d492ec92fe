"""A policy with SLAs, and a desk whose clocks are looked at: for tests of what rules hear of them."""

from __future__ import annotations

from typing import Final

from gateway.model import (
    Decision,
    SlaClock,
    SlaMark,
)
from routing.policy import Policy
from routing.sla import timer_name
from tests.routing.days import RULES, Desk
from tests.routing.values import (
    CASE_ID,
    CATCH_ALL,
    LADDER,
    policy,
    timer,
)

TUESDAY: Final = "2026-12-01"
STANDARD: Final = """
[[sla]]
id = "standard"
first = "1h"
next = "2h"
resolution = "8h"
calendar = "office"
pause = ["pending", "on_hold"]
"""
ON_BREACH: Final = """
[[rule]]
id = "late"
type = "automated"
do = "escalate"
ladder = "second"
when.all = ["sla.event == 'breached'", "sla.metric in ['first', 'next']"]
set = { priority = "P2", reason = "Nobody answered the customer in time." }
[[rule]]
id = "risk"
do = "none"
when.all = ["sla.event == 'at_risk'"]
set = { tags = ["at-risk"] }
"""
KEEP: Final = """
[[rule]]
id = "keep"
do = "mirror"
target = "desk"
when.all = ["not (channel == 'email')"]
"""


def rules(sla: str = STANDARD, more: str = ON_BREACH, last: str = KEEP) -> Policy:
    help_rule, ladder = RULES.replace('ladder = "up"', 'ladder = "second"'), LADDER
    return policy(help_rule + more + last + CATCH_ALL + ladder + sla)


def clocks(desk: Desk) -> dict[str, SlaClock]:
    assert desk.now.case.sla is not None
    return {clock.metric.value: clock for clock in desk.now.case.sla.clocks}


def due(desk: Desk, metric: str = "first") -> int | None:
    return clocks(desk)[metric].due_at


def sla_deadlines(desk: Desk) -> set[int]:
    return {when for name, when in desk.deadlines.items() if name.startswith("sla:")}


def seen_of(desk: Desk, moment: int) -> list[str]:
    return [f"{when} {what}" for when, what in desk.until(moment)]


URGENT: Final = """
[[sla]]
id = "urgent"
when.any = ["case.priority in ['P1', 'P2']", "case.tags contains 'vip'"]
first = "20m"
calendar = "office"
"""


def fired(desk: Desk, mark: SlaMark, metric: str = "first", moment: int | None = None) -> Decision:
    """Let the timer of a clock's mark fire that stands in the case now."""
    clock = clocks(desk)[metric]
    name = timer_name(CASE_ID, clock, mark)
    when = clock.reaches(mark) if moment is None else moment
    assert when is not None
    desk.deadlines.pop(name, None)
    return desk._decide(when, timer(name))
