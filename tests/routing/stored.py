"""A real store, driven step by step as the pipeline drives it, by a vendor to whom everything lands at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from gateway.model import Activity, Decision, Effect, EffectKind, ForeignId, Receipt
from gateway.store import Store
from gateway.store.ports import CaseHistory, CaseView, Destination, EffectResult, Verdict
from routing.decide import decide
from routing.policy import ConnectionFacts, Policy
from routing.snapshot import Snapshot
from routing.world import TICKET_ID
from tests.store.acts import bring

#: Between what comes and what comes of it no time passes.
_LOT: Final = 50


class Stored:
    """One store with a policy, and the connections that it knows."""

    def __init__(self, store: Store, policy: Policy, connections: Mapping[str, ConnectionFacts]) -> None:
        self.store = store
        self.policy = policy
        self.connections = connections
        #: Everything that was decided, in order, with its activity.
        self.decisions: list[tuple[Activity, Decision]] = []
        store.register(dict.fromkeys(connections))
        store.save_policy(policy.digest, policy.source, 0)

    def take(self, activity: Activity) -> None:
        """Bring something in at its instant, and let all land that comes of it."""
        bring(self.store, activity, now=activity.received_at)
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
            applied = self.store.apply(64, now, lambda view, activity: self._decide(view, activity, now)).applied
            destinations = [Destination(connection=name, free=10) for name in self.connections]
            claims = self.store.claim(destinations, now)
            if not applied and not claims:
                return
            emitted = [effect.id for _, decision in self.decisions for effect in decision.effects]
            for claim in sorted(claims, key=lambda each: emitted.index(each.effects[0].id)):
                ids = tuple(effect.id for effect in claim.effects)
                done = EffectResult(
                    connection=claim.connection,
                    effect_ids=ids,
                    attempt=claim.attempt,
                    verdict=Verdict.DONE,
                    receipt=self._receipt(claim.effects[0]),
                )
                self.store.finish([done], now)
        raise AssertionError("it never comes to rest")

    def _receipt(self, effect: Effect) -> Receipt:
        ids = (ForeignId(kind=effect.kind.value, id=effect.id),)
        if effect.kind not in {EffectKind.HANDOFF, EffectKind.UPDATE}:
            return Receipt(ids=ids)
        url = f"https://{effect.connection}.example/{TICKET_ID}"
        return Receipt(ids=ids, ticket_id=TICKET_ID, url=url, thread=TICKET_ID)

    def _decide(self, view: CaseView, activity: Activity, now: int) -> Decision:
        snapshot = Snapshot(
            policy=self.policy,
            episode_policy=None,
            case=view.case,
            episode=view.episode,
            tickets=view.tickets,
            thread=view.thread,
            connections=self.connections,
        )
        decision = decide(snapshot, activity, now)
        self.decisions.append((activity, decision))
        return decision


def at(activity: Activity, instant: int, number: int) -> Activity:
    """Return an activity with its instants, and with ids of its own."""
    made = replace(activity, dedupe=f"d{number}", occurred_at=instant, received_at=instant)
    return replace(made, message_id=f"m{number}" if activity.message_id else "")
