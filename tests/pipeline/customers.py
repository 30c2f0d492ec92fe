"""Customers of whom a desk knows something, and a policy that asks for it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final

from gateway.store.ports import CaseHistory
from tests.pipeline.world import World, stepping

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND

POLICY: Final = """
[customer]
profile_from = "desk"
vip = ["Gold", "enterprise"]

[phrases]
help = ["help"]

[[rule]]
id = "vip"
type = "priority"
when.all = ["sender.role == 'customer'", "customer.vip"]
do = "escalate"
ladder = "second"
set = { priority = "P1", tags = ["vip"], reason = "A VIP writes." }
reply = "We are on it. #{{ticket.id}}"

[[rule]]
id = "help"
type = "functional"
when.all = ["sender.role == 'customer'", "message.phrases contains 'help'"]
do = "escalate"
ladder = "second"
set = { priority = "P3", reason = "The customer asks for help." }

[[rule]]
id = "rest"
catch_all = true
do = "none"

[ladder.second]
final = { target = "queue:desk/Last", notify = ["line:#last"] }
[[ladder.second.step]]
target = "queue:desk/Second"
notify = ["line:#second"]
ack_within = "15m"
"""
ANN: Final[dict[str, str]] = {"kind": "email", "value": "ann@example.com", "evidence": "verified"}
GOLD: Final[dict[str, object]] = {
    "tier": "gold",
    "organization": "Acme GmbH",
    "value": 125_000,
    "tags": ["beta"],
    "locale": "de-AT",
}
BOB: Final[dict[str, str]] = {"kind": "email", "value": "bob@example.com", "evidence": "verified"}


def world_of(directory: Path, where: dict[str, str] | None = None, **more: Any) -> AbstractAsyncContextManager[World]:
    """Return a world whose policy asks."""
    return stepping(directory, **({"policy": POLICY} | (where or {}) | more))


def story(history: CaseHistory) -> list[tuple[str, str]]:
    """Return what happened in a case and what came of it."""
    return [(each.activity.kind.value, str((each.trace or {})["result"])) for each in history.activities]


def only(world: World) -> CaseHistory:
    (history,) = world.histories()
    return history


def of(world: World, thread: str) -> CaseHistory:
    """Return the case of a thread."""
    return next(each for each in world.histories() if thread in {held.key for held in each.threads})
