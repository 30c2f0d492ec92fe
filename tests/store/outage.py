"""A desk at which customers write of an outage, in a real store: each has a case of their own, whose ticket is its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.model import Activity, Decision, Effect, EffectKind, ForeignId, Party, Receipt, Role
from gateway.store import Store
from gateway.store.ports import CaseHistory, IncidentView
from routing.policy import ConnectionFacts, Policy
from tests.routing.stored import Stored
from tests.routing.values import MINUTE, NOW, connections, message, policy

#: Customers who must come within ten minutes.
THRESHOLD: Final = 3
WINDOW: Final = 10 * MINUTE
POLICY: Final = policy(
    """
[phrases]
outage = ["down", "outage"]
angry = ["angry"]

[[incident]]
id = "outage"
title = "Service outage"
when.all = ["message.phrases contains 'outage'"]
fingerprint = "case.connection"
window = "10m"
threshold = 3
ladder = "major"
priority = "P1"
tags = ["outage"]
inhibit = ["broken"]
reply = "We know of it, {{customer.name}}."
resolve_after = "2h"

[[rule]]
id = "angry"
when.all = ["message.phrases contains 'angry'"]
do = "escalate"
ladder = "second"

[[rule]]
id = "broken"
when.all = ["message.phrases contains 'outage'"]
do = "escalate"
ladder = "second"
set.tags = ["broken"]

[[rule]]
id = "rest"
catch_all = true
do = "mirror"
target = "desk"

[ladder.second]
final = { target = "queue:desk/End", notify = ["chat:#leads"] }
[[ladder.second.step]]
target = "queue:desk/Second line"
notify = ["chat:#second"]
ack_within = "30m"

[ladder.major]
final = { target = "queue:desk/End", notify = ["chat:#leads"] }
[[ladder.major.step]]
target = "queue:desk/Major incidents"
notify = ["chat:#major"]
ack_within = "15m"
"""
)


def says(customer: str, text: str = "It is down", *, at: int = NOW, number: int = 0, thread: str = "") -> Activity:
    """Return what a customer writes, at an instant."""
    return message(
        text,
        sender=Party(kind="slack_user", value=customer, name=customer.title(), role=Role.CUSTOMER),
        thread=thread or f"C1/{customer}",
        dedupe=f"{customer}-{thread}-{number}-{at}",
        message_id=f"{customer}-{thread}-{number}-{at}",
        occurred_at=at,
        received_at=at,
    )


class Outage(Stored):
    """The desk."""

    def __init__(
        self, store: Store, rules: Policy = POLICY, facts: Mapping[str, ConnectionFacts] | None = None
    ) -> None:
        """Take an empty store."""
        super().__init__(store, rules, connections() if facts is None else facts)

    def incidents(self) -> Sequence[IncidentView]:
        """Return the incidents, the oldest first."""
        return tuple(reversed(self.store.incidents()))

    def case_of(self, customer: str) -> CaseHistory:
        """Return the newest case of a customer."""
        for case in self.store.cases(1000):
            if case.customer is not None and case.customer.value == customer:
                found = self.store.history(case.id)
                assert found is not None
                return found
        raise AssertionError(customer)

    def parent(self) -> CaseHistory:
        """Return the parent of the newest incident."""
        found = self.store.history(self.store.incidents()[0].id)
        assert found is not None
        return found

    def decisions_of(self, case_id: str) -> list[Decision]:
        """Return what was decided of a case, in order."""
        return [decision for _, decision in self.decisions if decision.case.id == case_id]

    def _receipt(self, effect: Effect) -> Receipt:
        ids = (ForeignId(kind=effect.kind.value, id=effect.id),)
        if effect.kind not in {EffectKind.HANDOFF, EffectKind.UPDATE}:
            return Receipt(ids=ids)
        number = f"T-{effect.case_id}"
        return Receipt(ids=ids, ticket_id=number, url=f"https://desk.example/{number}", thread=number)


def replies(history: CaseHistory) -> list[str]:
    """Return what a case's customer was told."""
    return [each.effect.text for each in history.effects if each.effect.kind is EffectKind.REPLY]


def notes(history: CaseHistory) -> list[str]:
    """Return what was written into a case's ticket for agents."""
    return [each.effect.text for each in history.effects if each.effect.kind is EffectKind.UPDATE and each.effect.text]
