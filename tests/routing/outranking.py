"""A case on a ladder, and rules that would have it on another."""

from __future__ import annotations

from typing import Any, Final

from gateway.model import (
    Decision,
    Episode,
    altered,
)
from routing.policy import Policy
from routing.snapshot import Snapshot
from tests.routing.values import (
    CATCH_ALL,
    LADDER,
    LINK,
    MINUTE,
    NOW,
    message,
    play,
    policy,
    pressed,
    snapshot,
)


def rule(name: str, word: str, ladder: str, more: str = "", **sets: str) -> str:
    """Return a rule that escalates on a word, and continues."""
    values = ", ".join(f'{key} = "{value}"' for key, value in ({"reason": f"Because of {name}."} | sets).items())
    return f"""
[[rule]]
id = "{name}"
do = "escalate"
continue = true
ladder = "{ladder}"
when.all = ["message.text contains '{word}'"]
set = {{ {values} }}
{more}
"""


BOSS_TYPE: Final = 'type = "hierarchical"'
HELP: Final = rule("help", "person", "second", 'reply = "Your reference is #{{ticket.id}}."', priority="P3")
URGENT: Final = rule("urgent", "urgent", "third", priority="P1", group="Fire")
BOSS: Final = rule("boss", "manager", "managers", BOSS_TYPE, priority="P4")
LADDERS: Final = (
    LADDER
    + """
[ladder.third]
final = { target = "queue:desk/End", notify = ["chat:#leads"] }
[[ladder.third.step]]
target = "queue:desk/Third line"
notify = ["chat:#third"]
ack_within = "5m"
[ladder.managers]
repeat = 1
final = { target = "queue:desk/Directors", notify = ["chat:#directors"] }
[[ladder.managers.step]]
target = "queue:desk/Managers"
notify = ["chat:#managers"]
ack_within = "10m"
"""
)
POLICY: Final = policy(HELP + URGENT + BOSS + CATCH_ALL + LADDERS)
PERSON: Final = message("a person, please", dedupe="e1")
MANAGER: Final = message("get me a manager", dedupe="e2", received_at=NOW + MINUTE)
HURRY: Final = message("this is urgent", dedupe="e3", received_at=NOW + 2 * MINUTE)
TAKEN: Final = pressed("acknowledge", "n1", reference="n1", thread="C-agents/9", dedupe="a1")
ALL_AT_ONCE: Final = message("a person, a manager, this is urgent", dedupe="e1")


def begun(rules: Policy = POLICY, *, stands: bool = True, **changes: Any) -> Snapshot:
    """Return a case that the rule `help` escalated, by default with its ticket."""
    start, _ = play(snapshot(rules, **changes), PERSON)
    return altered(start, tickets=(LINK,)) if stands else start


def of(decision: Decision) -> Episode:
    assert decision.episode is not None
    return decision.episode


def written(decision: Decision) -> list[tuple[str, str, str]]:
    return [(each.kind.value, each.connection, each.destination) for each in decision.effects]
