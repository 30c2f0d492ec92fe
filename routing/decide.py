"""The core: `decide(snapshot, activity, now)` says what follows from one activity of a case.

Own activities (echoes of what we wrote) and those of bots never trigger rules; a ticket that a machine ends is ended
all the same. Rules are looked at when a customer writes or presses a button, and when a person creates or changes a ticket in
the helpdesk.
"""

from __future__ import annotations

from typing import Final

from gateway.model import (
    Activity,
    ActivityKind,
    Audience,
    CallChange,
    CaseStatus,
    Decision,
    Role,
    TicketChange,
    TicketStatus,
    count_in,
)
from gateway.model.life import takes, takes_further
from routing import ladder
from routing.acting import act_on, follow
from routing.draft import Draft
from routing.matching import matching_rules
from routing.signals.reading import REMEMBERING, remember
from routing.snapshot import Snapshot

_OVER: Final = frozenset({TicketStatus.SOLVED, TicketStatus.CLOSED})
_PEOPLE: Final = frozenset({Role.CUSTOMER, Role.AGENT})


def decide(snapshot: Snapshot, activity: Activity, now: int) -> Decision:
    """Return everything that follows from an activity. Pure: equal input gives equal bytes."""
    return drafted(snapshot, activity, now).decision()


def drafted(snapshot: Snapshot, activity: Activity, now: int) -> Draft:
    """Return the decision with what it was made from."""
    draft = Draft(snapshot, activity, now, count_in(snapshot.case, activity, snapshot.thread))
    needed = REMEMBERING & snapshot.policy.reads
    if needed:
        draft.case = remember(draft.case, draft.signals, activity, needed)
    if activity.kind is ActivityKind.TIMER:
        ladder.timer_fired(draft)
    elif activity.kind is ActivityKind.OUTCOME:
        ladder.outcome_came(draft)
    elif activity.kind is ActivityKind.DELIVERY_REPORT:
        draft.say("report", "The vendor says how far a message of ours came.")
    elif activity.kind is ActivityKind.CONSENT:
        draft.say(
            "consent", "The customer wants messages again." if activity.consent else "The customer wants no messages."
        )
    elif activity.own:
        draft.say("own", "Baton did this itself: no rule looks at it.")
    elif activity.kind is ActivityKind.HANDOFF_REQUEST:
        _rules(draft)
        follow(draft)
    elif activity.sender is None or activity.sender.role not in _PEOPLE:
        _machine_acted(draft)
    else:
        _person_acted(draft, activity.sender.role)
    return draft


def _machine_acted(draft: Draft) -> None:
    """Let a machine end or reopen a ticket as people do; nothing else that it does counts."""
    ticket = draft.activity.ticket
    if ticket is None or ticket.change is not TicketChange.STATUS or not _status_changed(draft):
        draft.say("machine", "A bot or the system did this: no rule looks at it.")


def _person_acted(draft: Draft, role: Role) -> None:
    activity = draft.activity
    if takes(activity):
        ladder.acknowledged(draft)
        return
    if takes_further(activity):
        ladder.forced(draft)
        return
    if activity.kind in {ActivityKind.EDIT, ActivityKind.DELETION}:
        draft.say("follow", "A message was changed: no rule looks at it, tickets that hold the case learn of it.")
        follow(draft)
        return
    if _status_changed(draft):
        return
    if role is Role.AGENT and ladder.tag_forces(draft):
        ladder.forced(draft)
        return
    if role is Role.AGENT and activity.kind is ActivityKind.MESSAGE:
        if activity.audience is Audience.PUBLIC:
            ladder.agent_answered(draft)
        else:
            draft.say("agent", "An agent wrote an internal note: no rule looks at it.")
        return
    if role is Role.CUSTOMER and draft.case.status is CaseStatus.RESOLVED:
        draft.move_case(CaseStatus.OPEN)
    _rules(draft)
    if role is Role.CUSTOMER and (activity.kind in {ActivityKind.MESSAGE, ActivityKind.BUTTON} or _calls_for(activity)):
        follow(draft)


def _calls_for(activity: Activity) -> bool:
    """Tell whether a caller just left the number that they want to be called at: whoever calls back must have it."""
    return activity.call is not None and activity.call.change is CallChange.CALLBACK


def _status_changed(draft: Draft) -> bool:
    """Take a ticket's end or its reopening over; True when there is nothing more to look at."""
    ticket = draft.activity.ticket
    if ticket is None or ticket.status is None or draft.activity.kind is not ActivityKind.TICKET:
        return False
    if ticket.status in _OVER:
        if draft.case.status is CaseStatus.OPEN:
            draft.move_case(CaseStatus.RESOLVED)
        ladder.close(draft)
        draft.say("resolved", f"The ticket was set to {ticket.status.value} in the helpdesk: the case is resolved.")
        return True
    if draft.case.status is CaseStatus.RESOLVED:
        draft.move_case(CaseStatus.OPEN)
    return False


def _rules(draft: Draft) -> None:
    """Find the rules that match, and do what they say."""
    draft.looked_at = draft.case
    rules, draft.steps, draft.skipped = matching_rules(draft)
    for rule in rules:
        act_on(draft, rule)
