"""Mutes: notices that the policy holds for a time, and what is told when that is over.

A mute holds notices and nothing else: the case is escalated, its ticket stands in the queue and its deadlines run. What it held
is told when it ends, as long as the case still waits on that step: for somebody who takes it, or, where the notice reminded those
who took it, for the customer's answer.
"""

from __future__ import annotations

from typing import Final

from gateway.model import Decision, Episode, EpisodeState, Timer
from routing.draft import Draft
from routing.policy import Address, Rule
from routing.precautions import Mute
from routing.shown import instant_of

_PREFIX: Final = "unmute:"
_REMINDER: Final = "reply:"
_TOLD: Final = "Mute "


def timer_name(episode: Episode) -> str:
    """Return the name of the moment at which a mute ends that held a notice of the present step.

    What is told while nobody has the case asks somebody to take it, and what is told afterwards reminds whoever did: the first
    is no matter any more once it is taken, so the two have names of their own.
    """
    reminds = _REMINDER if episode.state is EpisodeState.ACKNOWLEDGED else ""
    return f"{_PREFIX}{reminds}{episode.id}:{episode.epoch}"


def told_by(decision: Decision) -> dict[str, str]:
    """Return what a decision says of the mute that held a notice, by the timer of the mute's end; empty when none did."""
    told = " ".join(note for note in decision.trace.notes if note.startswith(_TOLD))
    return {timer.name: told for timer in decision.timers if timer.name.startswith(_PREFIX)}


def held(draft: Draft, rule: Rule, addresses: tuple[Address, ...]) -> bool:
    """Tell whether a mute holds notices of a rule; it is written down, and what it held is told when it ends.

    The policy in force decides, and not the one that the episode began under: who mutes means now.
    """
    mute = _holding(draft, rule)
    if mute is None or draft.episode is None or not addresses:
        return False
    places = ", ".join(f"{each.connection}:{each.place}" for each in addresses)
    told = f"{_TOLD}{mute.id} of {mute.author} ({mute.reason}) holds the notice to {places} until {instant_of(mute.until)}."
    draft.notes.append(told)
    draft.timers.append(Timer(name=timer_name(draft.episode), due_at=mute.until))
    return True


def over(name: str, episode: Episode) -> bool:
    """Tell whether a timer says that a mute ended which held what an episode waits for: to be taken, or to be answered."""
    waits = episode.state is EpisodeState.OPEN or (
        episode.state is EpisodeState.ACKNOWLEDGED and episode.answered_at is None
    )
    return waits and name == timer_name(episode)


def _holding(draft: Draft, rule: Rule) -> Mute | None:
    policy = draft.snapshot.policy
    for mute in policy.mutes:
        if draft.now >= mute.until or (mute.rules and rule.id not in mute.rules):
            continue
        # A mute reads fields of the case alone: there is no text to look into.
        if mute.match(draft.case, draft.about, draft.now, policy.book, " ", draft.signals):
            return mute
    return None
