"""A real store, driven step by step as the pipeline drives it, by a vendor to whom everything lands at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.model import Activity, Decision, Effect, EffectKind, ForeignId, Profile, Receipt, altered
from gateway.pipeline.census import Census
from gateway.pipeline.policies import Direction, Policies
from gateway.store import Store
from gateway.store.case_rules import CaseRules
from gateway.store.ports import CaseHistory, CaseView, Destination, EffectResult, ParsedDelivery, Verdict
from routing.decide import decide
from routing.people import UNKNOWN, Presence
from routing.policy import ConnectionFacts, Policy
from routing.world import TICKET_ID
from tests.store.acts import entry

#: Between what comes and what comes of it no time passes.
_LOT: Final = 50
#: A customer with a verified e-mail address is one who can be asked about.
_RULES: Final = CaseRules(canonical=lambda kind, value: (kind, value) if kind == "email" else None)


class Stored:
    """One store with a policy, and the connections that it knows."""

    def __init__(
        self,
        store: Store,
        policy: Policy,
        connections: Mapping[str, ConnectionFacts],
        *,
        customer: Mapping[str, object] | None = None,
        roster: Mapping[str, bool] | None = None,
    ) -> None:
        """Take a new store; `customer` is what a look-up finds, `roster` who of the agents can take work."""
        self.store = store
        self.customer = customer or {}
        self.roster = roster or {}
        self.census = Census(store)
        self.policy = policy
        self.connections = connections
        #: Everything that was decided, in order, with its activity.
        self.decisions: list[tuple[Activity, Decision]] = []
        #: The ticket of each case.
        self._tickets: dict[str, str] = {}
        self._policies = Policies(store, Direction(policy=policy, connections=connections))
        store.register(dict.fromkeys(connections))
        store.save_policy(policy.digest, policy.source, 0)

    def take(self, activity: Activity) -> None:
        """Bring something in at its instant, and let all land that comes of it."""
        (number,) = self.store.journal([entry(connection=activity.connection)])
        parsed = ParsedDelivery(id=number, lane="l", activities=((0, activity),))
        self.store.save_parsed([parsed], activity.received_at, _RULES)
        self._settle(activity.received_at)

    def pass_time(self, until: int) -> None:
        """Let time pass, and what falls due happen at its instant."""
        while (due := self.store.next_due()) is not None and due <= until:
            self.store.fire(due, 1)
            self._settle(due)

    def history(self) -> CaseHistory:
        """Return the newest case with everything that happened to it."""
        found = self.store.history(self.store.cases(1)[0].id)
        assert found is not None
        return found

    def _settle(self, now: int) -> None:
        for _ in range(_LOT):
            profiles = self.policy.customer.connection if self.policy.customer is not None else None
            self.census.look(now)
            self.census.presence = {
                name: Presence(available=available, read_at=now) for name, available in self.roster.items()
            }
            applied = self.store.apply(
                64,
                now,
                lambda view, activity: self._decide(view, activity, now),
                profiles=profiles,
                watch=self._policies.watch(self._policies.direction, now),
            ).applied
            destinations = [Destination(connection=name, free=10) for name in self.connections]
            claims = self.store.claim(destinations, now)
            if not applied and not claims:
                return
            emitted = [
                effect.id
                for _, decision in self.decisions
                for effect in sorted(decision.effects, key=lambda each: each.kind is EffectKind.LOOKUP)
            ]
            for claim in sorted(claims, key=lambda each: emitted.index(each.effects[0].id)):
                ids = tuple(effect.id for effect in claim.effects)
                done = EffectResult(
                    connection=claim.connection,
                    effect_ids=ids,
                    attempt=claim.attempt,
                    verdict=Verdict.DONE,
                    receipt=self._receipt(claim.effects[0]),
                    learned=(claim.asked, Profile(values=self.customer, read_at=now)) if claim.asked else None,
                )
                self.store.finish([done], now)
        raise AssertionError("it never comes to rest")

    def _receipt(self, effect: Effect) -> Receipt:
        ids = (ForeignId(kind=effect.kind.value, id=effect.id),)
        if effect.kind not in {EffectKind.HANDOFF, EffectKind.UPDATE}:
            return Receipt(ids=ids)
        # The first case has the ticket that the tales name; each other one has its own.
        number = self._tickets.setdefault(effect.case_id, str(int(TICKET_ID) + len(self._tickets)))
        return Receipt(ids=ids, ticket_id=number, url=f"https://{effect.connection}.example/{number}", thread=number)

    def _decide(self, view: CaseView, activity: Activity, now: int) -> Decision:
        staff = self.census.staff if self.policy.people.agents else UNKNOWN
        decision = decide(self._policies.snapshot(view, self._policies.direction, staff), activity, now)
        self.census.heed(view.episode, decision)
        self.decisions.append((activity, decision))
        return decision


def at(activity: Activity, instant: int, number: int) -> Activity:
    """Return an activity with its instants, and with ids of its own."""
    made = altered(activity, dedupe=f"d{number}", occurred_at=instant, received_at=instant)
    return altered(made, message_id=f"m{number}" if activity.message_id else "")
