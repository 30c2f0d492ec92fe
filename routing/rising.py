"""A case that becomes more urgent while nobody has it: it goes up at once to the step that is meant for one so urgent.

By what it became so does not matter: a rule, whatever else that does, an SLA that is at risk, a field of the ticket. It is
looked at once everything is done that follows from an activity, so that it moves once.
"""

from __future__ import annotations

from gateway.model import EpisodeState
from routing import climbing
from routing.draft import Draft
from routing.resolving import entry


def rise(draft: Draft) -> None:
    """Move the open episode to the step that its case comes straight to by now, when that is a later one."""
    episode = draft.episode
    if episode is None or episode.state is not EpisodeState.OPEN:
        return
    rule, climbs = draft.policy.by_id.get(episode.leading), draft.policy.ladders.get(episode.ladder)
    if rule is None or climbs is None:
        return
    straight = entry(climbs, draft.case)
    if episode.step >= straight:
        return
    result, sentence = draft.result, draft.sentence
    waits = climbing.on_its_way(draft, climbs.stage(straight).target.connection)
    why = draft.raised or f"The case is {draft.case.priority} by now"
    climbing.move_to(
        draft, rule, climbs, straight, why, "more urgent now", priority=draft.case.priority, told_later=waits
    )
    if draft.landed:
        # That it was escalated is what came of the activity: where it went from there stands beside it.
        draft.remarks.append(draft.sentence)
        draft.say(result, sentence)
    elif result == "joined":
        draft.remarks.append(sentence)
