"""A desk with agents, managers and a duty team, and what happens there."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from gateway.model import (
    Activity,
    ActivityKind,
    Channel,
    Decision,
    Party,
    Role,
    TicketChange,
    TicketFacts,
    altered,
)
from routing.snapshot import Snapshot
from tests.routing.values import (
    CATCH_ALL,
    LINK,
    case,
    play,
    policy,
    snapshot,
    timer,
)

POLICY: Final = """
[calendar.office]
tz = "Europe/Berlin"
mon = ["09:00-17:00"]
tue = ["09:00-17:00"]
wed = ["09:00-17:00"]
thu = ["09:00-17:00"]
fri = ["09:00-17:00"]

[authority.refund]
fields = { desk = "4711", chat = "refund" }

[agent.bob]
ids = { desk = "7", chat = "B9" }
manager = "carla"
authority = { refund = 500 }
[agent.carla]
ids = { desk = ["8", "carla"] }
notify = ["chat:@carla"]
manager = "dora"
authority = { refund = 2000 }
calendar = "office"
[agent.dora]
ids = { desk = "9" }
notify = ["chat:@dora"]
authority = { refund = inf }
[agent.anna]
ids = { desk = "10", chat = "U10" }
notify = ["chat:@anna"]
[agent.adam]
ids = { desk = "11" }
notify = ["chat:@adam"]
[team.duty]
members = ["anna", "adam"]

[[rule]]
id = "refund-above-limit"
type = "hierarchical"
do = "escalate"
ladder = "managers"
when.all = ["authority.action == 'refund'", "authority.amount > authority.limit"]
set = { priority = "P2", reason = "The refund is above the agent's limit." }

[ladder.managers]
final = { target = "queue:desk/End", notify = ["chat:#leads"] }
[[ladder.managers.step]]
target = "manager_of:actor"
in = "desk/Managers"
ack_within = "15m"
[[ladder.managers.step]]
target = "team:duty"
ack_within = "15m"
"""
RULES: Final = policy(POLICY + CATCH_ALL)


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()) * 1_000_000


WORKING: Final = at("2026-03-03T10:00")  # a Tuesday
EVENING: Final = at("2026-03-06T18:30")  # a Friday


def agent(number: str) -> Party:
    return Party(kind="zendesk_user", value=number, name="Bob", role=Role.AGENT)


def refund(amount: str, *, by: str = "7", now: int = WORKING, field: str = "4711") -> Activity:
    facts = TicketFacts(id="55", change=TicketChange.FIELDS, fields={field: amount})
    return Activity(
        kind=ActivityKind.TICKET,
        connection="desk",
        channel=Channel.HELPDESK,
        thread="55",
        dedupe=f"f-{amount}",
        occurred_at=now,
        received_at=now,
        sender=agent(by),
        ticket=facts,
    )


def start(rules: Any = RULES, **changes: Any) -> Snapshot:
    """Return a case that came by mail and stands in the helpdesk as a ticket that Baton adopted."""
    link = altered(LINK, adopted=True)
    return snapshot(rules, case=case(channel=Channel.EMAIL), tickets=(link,), **changes)


def told(decision: Decision) -> list[tuple[str, str, str | None]]:
    return [(effect.kind.value, effect.destination, effect.assignee) for effect in decision.effects]


def late(decision: Decision, before: Snapshot, minutes: int) -> tuple[Snapshot, Decision]:
    """Let the deadline pass by which somebody must have taken it."""
    episode = decision.episode
    assert episode is not None
    assert episode.acknowledge_by is not None
    passed = altered(timer(f"ack:{episode.id}:{episode.epoch}"), received_at=episode.acknowledge_by)
    passed = altered(passed, dedupe=f"t{minutes}")
    where, (made,) = play(before, passed)
    return where, made


def assigned(made: Decision) -> tuple[str, ...]:
    assert made.episode is not None
    return made.episode.assigned
