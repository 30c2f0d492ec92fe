"""Who has which open case, over all cases."""

from __future__ import annotations

from gateway.model import Activity, Channel, Decision, EpisodeState, altered
from gateway.store import Store
from gateway.store.ports import Assigned, CaseView
from tests.store.acts import NOW, SECOND, apply_all, bring, message, opening


def test_only_open_cases_that_one_agent_has_are_told(store: Store) -> None:
    who: dict[str, tuple[str, ...]] = {"m1": ("ann",), "m2": ("ann", "ben"), "m3": (), "m4": ('we"ird',), "m5": ("cy",)}

    def giving(view: CaseView, activity: Activity) -> Decision:
        decision = opening(view, activity)
        assert decision.episode is not None
        if activity.dedupe == "end":
            return altered(decision, episode=altered(decision.episode, state=EpisodeState.CLOSED))
        names = who[activity.dedupe]
        given = altered(
            decision.episode, assigned=names, assigned_at=NOW + SECOND if names else None, channel=Channel.CHAT
        )
        return altered(decision, episode=given)

    assert store.assigned() == []
    bring(store, *(message(key, thread=key) for key in who))
    apply_all(store, giving)
    told = sorted(store.assigned(), key=lambda each: each.agent)
    assert told == [Assigned(agent=agent, channel=Channel.CHAT, at=NOW + SECOND) for agent in ("ann", "cy", 'we"ird')]
    bring(store, message("end", thread="m5"))
    apply_all(store, giving)
    assert sorted(each.agent for each in store.assigned()) == ["ann", 'we"ird']
