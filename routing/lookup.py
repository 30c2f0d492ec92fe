"""Look-ups: what a decision needs from outside is asked for, and the rules look again when the answer is there.

The first decision is made at once, with what is known. A look-up asks for a profile that is missing or stale; its outcome is
an activity of the case, on which the rules look again at everything that they looked at without the answer. What a rule did
at its first look it does not do again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from gateway.model import CaseStatus, EffectKind, EpisodeState, Lookup, Mode, Outcome, Unanswered, altered
from routing.draft import Draft
from routing.policy import Rule

#: Looks that wait for one answer at most, the newest.
MOST_WAITING: Final = 20
#: Microseconds for which nobody is asked again after a look-up came to nothing.
AGAIN: Final = 300_000_000


def ask(draft: Draft, rules: Sequence[Rule]) -> None:
    """Ask for the customer's profile when it is missing or stale, and note a look that was made without it.

    `rules` are those that matched. While a look-up is out no other is made.
    """
    snapshot = draft.snapshot
    wants = snapshot.policy.customer
    if wants is None or not draft.signals.customer.wanted or wants.connection not in snapshot.connections:
        return
    out = draft.case.lookup if is_out(draft.case.lookup, wants.connection) else None
    if out is None:
        if not snapshot.askable or _failed_lately(draft.case.lookup, wants.connection, draft.now):
            return
        # It only reads: the mode of the connection does not matter.
        effect = draft.emit(EffectKind.LOOKUP, wants.connection, Mode.LIVE)
        out = Lookup(effect_id=effect.id, connection=wants.connection)
    looked = Unanswered(
        activity=(draft.activity.connection, draft.activity.dedupe), rules=tuple(rule.id for rule in rules)
    )
    draft.change_case(lookup=altered(out, waiting=(*out.waiting, looked)[-MOST_WAITING:]))


def is_out(lookup: Lookup | None, connection: str) -> bool:
    """Tell whether a look-up is on its way to a connection."""
    return lookup is not None and lookup.failed_at is None and lookup.connection == connection


def _failed_lately(lookup: Lookup | None, connection: str, now: int) -> bool:
    if lookup is None or lookup.failed_at is None or lookup.connection != connection:
        return False
    return now - lookup.failed_at < AGAIN


def answered(draft: Draft, outcome: Outcome, look: Callable[[Draft, frozenset[str]], None]) -> None:
    """Let the rules look again at what waited for the answer; `look` does, past the rules that acted already."""
    lookup = draft.case.lookup
    if lookup is None or lookup.effect_id != outcome.effect_id:
        draft.say(
            "looked_up", f"{outcome.connection} was asked about the customer, and nothing waits for that any more."
        )
        return
    if not outcome.landed:
        draft.change_case(lookup=altered(lookup, waiting=(), failed_at=draft.now))
        draft.say("looked_up", f"{outcome.connection} could not say anything about the customer.")
        return
    wants = draft.snapshot.policy.customer
    known = draft.snapshot.profile is not None or wants is None or wants.connection != lookup.connection
    if not known and draft.snapshot.askable:
        # Who is one person has changed since they were asked about: it was the answer about somebody else.
        effect = draft.emit(EffectKind.LOOKUP, lookup.connection, Mode.LIVE)
        draft.change_case(lookup=altered(lookup, effect_id=effect.id))
        draft.say("looked_up", f"{outcome.connection} is asked again: the customer is another person by now.")
        return
    draft.change_case(lookup=None)
    there = {(each.connection, each.dedupe): each for each in draft.snapshot.waiting}
    for each in lookup.waiting if draft.case.status is CaseStatus.OPEN else ():
        activity = there.get(each.activity)
        if activity is None or (_over(draft) and activity.received_at <= draft.case.spent_at):
            # Erased since; or spent: an episode opened on it, and has ended.
            continue
        draft.look_at(activity)
        look(draft, frozenset(each.rules))
    if draft.result == "none":
        draft.say("looked_up", f"{outcome.connection} answered about the customer: nothing more follows from it.")


def _over(draft: Draft) -> bool:
    return draft.episode is None or draft.episode.state is EpisodeState.CLOSED
