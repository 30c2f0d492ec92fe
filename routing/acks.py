"""Steps that want several people to acknowledge: each counts once, and the step's deadline goes on until there are enough."""

from __future__ import annotations

from gateway.model import Party
from routing.climbing import people_of
from routing.draft import Draft
from routing.policy import Stage


def name_of(draft: Draft, connection: str, party: Party | None) -> str:
    """Return who somebody is: their name in the policy, or else what they are on the connection."""
    if party is None:
        return "somebody"
    agent = people_of(draft).who(connection, party)
    return agent.name if agent is not None else f"{connection}:{party.value}"


def count(draft: Draft, stage: Stage, who: str) -> str:
    """Count whoever did the activity among those who acknowledged; `who` is how they are called.

    Returns why the case is not taken by it, a sentence; empty when it is.
    """
    episode = draft.episode
    if stage.min_acks <= 1 or episode is None:
        return ""
    name = name_of(draft, draft.activity.connection, draft.activity.sender)
    if stage.acks_of_team and name not in _members(draft, stage):
        return f"{who} is not of the team that is asked: this does not count."
    have = len(episode.acked_by)
    if name in episode.acked_by:
        return f"{who} acknowledged already: {have} of {stage.min_acks}."
    draft.change_episode(acked_by=(*episode.acked_by, name))
    return "" if have + 1 >= stage.min_acks else f"{who} acknowledged: {have + 1} of {stage.min_acks}."


def owner(draft: Draft) -> str:
    """Return the agent who has the case now that there are enough: the first of them whom the policy names; empty for none."""
    acked = draft.episode.acked_by if draft.episode is not None else ()
    agents = people_of(draft).agents
    return next((name for name in acked if name in agents), "")


def _members(draft: Draft, stage: Stage) -> frozenset[str]:
    """Return the members of a step's team, and of those that stand in for it."""
    teams = people_of(draft).teams
    name = stage.asks.name if stage.asks is not None else ""
    found: set[str] = set()
    while name in teams:
        found.update(teams[name].members)
        name = teams[name].fallback
    return frozenset(found)
