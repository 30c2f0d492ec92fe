"""The agent who has a case is away, and its customer writes: on a step with `absent_owner = "reassign"` another gets it.

It is looked at when the customer writes, and not before: who is away for a minute keeps what nobody waits for. Outside of the
step's hours everybody is away, so that it is looked at again when they begin.
"""

from __future__ import annotations

from typing import Final

from gateway.model import Episode, EpisodeState, Timer, speaks
from routing.climbing import look_name, matter, move_to
from routing.draft import Draft
from routing.policy import Ladder, Rule
from routing.resolving import away_because

_TITLE: Final = "whoever had it is away"


def customer_wrote(draft: Draft) -> None:
    """Give the case to another, when the customer wrote and the one who has it is away."""
    episode, before = draft.episode, draft.snapshot.episode
    if episode is None or before is None or (episode.id, episode.epoch) != (before.id, before.epoch):
        # It came to its step with this very activity: whoever has it was there.
        return
    rule, climbs = draft.policy.by_id.get(episode.leading), draft.policy.ladders.get(episode.ladder)
    if rule is None or climbs is None or not speaks(draft.activity):
        return
    stage = climbs.stage(episode.step)
    if not stage.reassigns or len(episode.assigned) != 1 or episode.state is EpisodeState.CLOSED:
        return
    if stage.calendar is None or stage.calendar.is_open(draft.now):
        _reassign(draft, rule, climbs, episode)
    elif episode.owner_look_at is None:
        at = stage.calendar.next_open(draft.now)
        draft.change_episode(owner_look_at=at)
        draft.timers.append(Timer(name=look_name(episode), due_at=at))


def hours_began(draft: Draft, rule: Rule, climbs: Ladder, episode: Episode) -> None:
    """Look whether the one who has the case is there, now that the hours of its step begin; the customer wrote before."""
    draft.change_episode(owner_look_at=None)
    answered = draft.case.waiting.unanswered_at is None
    if answered or not _reassign(draft, rule, climbs, episode):
        draft.say("timer", "Whoever has the case is there, or has answered.")


def _reassign(draft: Draft, rule: Rule, climbs: Ladder, episode: Episode) -> bool:
    owner = matter(draft, episode).people.agents.get(episode.assigned[0]) if episode.assigned else None
    away = away_because(owner, matter(draft, episode), draft.now) if owner is not None else ""
    if owner is None or not away:
        return False
    move_to(draft, rule, climbs, episode.step, f"The customer wrote, and {owner.name} is {away}", _TITLE)
    return True
