"""A desk that works on a case while days and nights pass: for tests of ladders that know working hours."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from gateway.model import Activity, Decision, EffectKind, Mode, Party, Role, altered
from routing.decide import decide
from routing.policy import Policy
from tests.routing.values import (
    CATCH_ALL,
    LINK,
    after,
    case,
    connections,
    message,
    outcome,
    policy,
    pressed,
    snapshot,
    timer,
)

RULES: Final = """
[phrases]
person = ["real person"]
[calendar.office]
tz = "Europe/Berlin"
mon = ["09:00-17:00"]
tue = ["09:00-17:00"]
wed = ["09:00-17:00"]
thu = ["09:00-17:00"]
fri = ["09:00-17:00"]
[calendar.nights]
tz = "Europe/Berlin"
sat = ["22:00-06:00"]
sun = ["22:00-06:00"]
[[rule]]
id = "help"
do = "escalate"
ladder = "up"
when.all = ["message.phrases contains 'person'"]
set = { priority = "P3", reason = "The customer asks for a person." }
"""
FRIDAY: Final = "2026-11-27"
MONDAY: Final = "2026-11-30"
PRESSER: Final = Party(kind="slack_user", value="U9", name="Grace", role=Role.CUSTOMER)


def written(ladder: str, *steps: str) -> Policy:
    """Return a policy whose ladder `up` has these lines and steps of these lines, each with a group `Step N`."""
    lines = ["[ladder.up]", 'final = { target = "queue:desk/End", notify = ["chat:#end"] }', ladder]
    for number, step in enumerate(steps, 1):
        lines += ["[[ladder.up.step]]", f'target = "queue:desk/Step {number}"', f'notify = ["chat:#step{number}"]']
        lines += ['ack_within = "15m"', step]
    return policy(RULES + CATCH_ALL + "\n".join(lines))


def at(day: str, clock: str) -> int:
    """Return a moment in Berlin."""
    return round(datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp() * 1e6)


class Desk:
    """A case, and time: what is handed off stands at once, and deadlines fire when they are due."""

    def __init__(self, rules: Policy, *, desk: Mode = Mode.LIVE) -> None:
        """Begin with a case of nobody."""
        self.now = snapshot(rules, case=case(), connections=connections(desk=desk))
        self.deadlines: dict[str, int] = {}
        self.seen: list[tuple[str, str]] = []
        self.count = 0

    def act(self, moment: int, what: Activity) -> Decision:
        """Let something happen at a moment, after whatever was due until then; what was seen before is forgotten."""
        self.until(moment)
        return self._decide(moment, what)

    def _decide(self, moment: int, what: Activity) -> Decision:
        self.count += 1
        what = altered(what, dedupe=f"d{self.count}", occurred_at=moment, received_at=moment)
        made = decide(self.now, what, moment)
        assert made == decide(self.now, what, moment)
        self.now = after(self.now, made)
        self.deadlines |= {each.name: each.due_at for each in made.timers}
        for name in made.cancelled:
            self.deadlines.pop(name, None)
        clock = datetime.fromtimestamp(moment / 1e6, ZoneInfo("Europe/Berlin")).strftime("%a %H:%M")
        for each in made.effects:
            if each.kind is EffectKind.HANDOFF and each.mode is Mode.LIVE:
                self.now = altered(self.now, tickets=(LINK,))
                self.seen.append((clock, f"ticket in {each.destination}"))
                self._decide(moment, outcome(each.id, made.episode))
            elif each.kind is EffectKind.UPDATE and each.destination:
                self.seen.append((clock, f"ticket to {each.destination}"))
            elif each.kind is EffectKind.NOTIFY:
                self.seen.append((clock, each.destination))
        return made

    def until(self, moment: int) -> list[tuple[str, str]]:
        """Let time pass; return what was seen since the last time that this was asked."""
        while self.deadlines and min(self.deadlines.values()) <= moment:
            name = min(self.deadlines, key=self.deadlines.__getitem__)
            due = self.deadlines.pop(name)
            self._decide(due, timer(name))
        seen, self.seen = self.seen, []
        return seen

    def ask(self, moment: int) -> Decision:
        """Let the customer ask for a person."""
        return self.act(moment, message("a real person please"))

    def press(self, moment: int, action: str, notice: str = "") -> Decision:
        """Let an agent press a button of a notice, of another one each time unless it is named."""
        reference = notice or f"n{self.count}"
        return self.act(moment, pressed(action, reference=reference, sender=PRESSER, thread="C-agents/9"))
