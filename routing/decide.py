"""The core: `decide(snapshot, activity, now)` says what follows from one activity of a case.

Own activities (echoes of what we wrote) and those of bots never trigger rules; a ticket that a machine ends is ended
all the same. Rules are looked at when a customer writes or presses a button, and when a person creates or changes a ticket in
the helpdesk; and, those that ask for it alone, when a clock of an SLA reaches its at-risk point or its end.
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
    EffectKind,
    Role,
    TicketChange,
    count_in,
)
from gateway.model.life import takes, takes_further
from routing import incident_end, incidents, ladder, lookup, outranking, owners, sensitivity, severity, sla, suspending
from routing.acting import act_on, escalate_now, follow
from routing.draft import OVER, Draft
from routing.matching import matching_rules
from routing.rising import rise
from routing.risk import points
from routing.signals.authority import Deed
from routing.signals.reading import REMEMBERING, remember
from routing.snapshot import Snapshot
from routing.states import news

_NOTED: Final = frozenset({ActivityKind.DELIVERY_REPORT, ActivityKind.CONSENT})
_PEOPLE: Final = frozenset({Role.CUSTOMER, Role.AGENT})


def decide(snapshot: Snapshot, activity: Activity, now: int) -> Decision:
    """Return everything that follows from an activity. Pure: equal input gives equal bytes."""
    return drafted(snapshot, activity, now).decision()


def drafted(snapshot: Snapshot, activity: Activity, now: int) -> Draft:
    """Return the decision with what it was made from."""
    draft = Draft(snapshot, activity, now, count_in(snapshot.case, activity, snapshot.thread))
    needed = REMEMBERING if snapshot.policy.risk is not None else REMEMBERING & snapshot.policy.reads
    if needed:
        draft.case = remember(draft.case, draft.signals, activity, needed)
    sensitivity.look(draft)
    suspending.call_off(draft)
    if activity.kind is ActivityKind.TIMER:
        _timer_fired(draft)
    elif activity.kind is ActivityKind.OUTCOME:
        _outcome_came(draft)
    elif activity.kind in _NOTED:
        _noted(draft)
    elif activity.kind is ActivityKind.INCIDENT:
        incidents.told(draft)
    elif activity.own:
        draft.say("own", "Baton did this itself: no rule looks at it.")
        news(draft)
    elif activity.kind is ActivityKind.HANDOFF_REQUEST:
        _rules(draft)
        rise(draft)
        follow(draft)
    elif activity.sender is None or activity.sender.role not in _PEOPLE:
        _machine_acted(draft)
    else:
        _person_acted(draft, activity.sender.role)
    # A ticket that was solved just now ends what waited for that as well.
    suspending.call_off(draft)
    if sla.concerns(draft):
        sla.settle(draft)
    points.settle(draft)
    return draft


def _noted(draft: Draft) -> None:
    """Say what was only taken note of."""
    if draft.activity.kind is ActivityKind.DELIVERY_REPORT:
        draft.say("report", "The vendor says how far a message of ours came.")
    else:
        wants = draft.activity.consent
        draft.say("consent", "The customer wants messages again." if wants else "The customer wants no messages.")


def _timer_fired(draft: Draft) -> None:
    """Go on where a ladder waited, or let those rules look that ask for clocks of SLAs."""
    if suspending.is_timer(draft.activity.name):
        if (waited := suspending.due(draft)) is not None:
            escalate_now(draft, *waited)
            rise(draft)
    elif draft.activity.name == incident_end.QUIET:
        incident_end.quiet(draft)
    elif not sla.is_timer(draft.activity.name):
        ladder.timer_fired(draft)
    elif sla.reached(draft):
        _rules(draft)
        rise(draft)
        if draft.result == "none":
            draft.say("sla", sla.told(draft))


def _outcome_came(draft: Draft) -> None:
    """Go on with what an effect came to; what a look-up found lets the rules look again at what waited for it."""
    outcome = draft.activity.outcome
    if outcome is not None and outcome.effect_kind == EffectKind.LOOKUP.value:
        lookup.answered(draft, outcome, _rules)
        rise(draft)
    else:
        ladder.outcome_came(draft)
        if outcome is not None:
            incidents.outcome_came(draft, outcome)


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
        draft.back = True
    _rules(draft)
    rise(draft)
    if role is Role.CUSTOMER:
        _customer_acted(draft)


def _customer_acted(draft: Draft) -> None:
    """Give the case to another where whoever has it is away, and tell the tickets what the customer said."""
    activity = draft.activity
    owners.customer_wrote(draft)
    if activity.kind in {ActivityKind.MESSAGE, ActivityKind.BUTTON} or _calls_for(activity):
        follow(draft)


def _calls_for(activity: Activity) -> bool:
    """Tell whether a caller just left the number that they want to be called at: whoever calls back must have it."""
    return activity.call is not None and activity.call.change is CallChange.CALLBACK


def _status_changed(draft: Draft) -> bool:
    """Take a ticket's end or its reopening over; True when there is nothing more to look at."""
    ticket = draft.activity.ticket
    if ticket is None or ticket.status is None or draft.activity.kind is not ActivityKind.TICKET:
        return False
    changed = news(draft)
    if ticket.status in OVER:
        if changed is None and draft.case.status is CaseStatus.OPEN:
            # Its customer is back, and the ticket is not open again yet.
            return False
        if draft.case.status is CaseStatus.OPEN:
            draft.move_case(CaseStatus.RESOLVED)
        ladder.close(draft)
        draft.say("resolved", f"The ticket was set to {ticket.status.value} in the helpdesk: the case is resolved.")
        incident_end.resolved(draft)
        return True
    if changed is not None and draft.case.status is CaseStatus.RESOLVED:
        draft.move_case(CaseStatus.OPEN)
    return False


def _rules(draft: Draft, done: frozenset[str] = frozenset()) -> None:
    """Find the rules that match, and do what they say, but for those that are done already or that an incident holds back."""
    if draft.case.stands_for_incident:
        draft.say("incident", "The case stands for an incident: no rule looks at it.")
        return
    if draft.about is draft.activity:
        incidents.look(draft)
    if draft.snapshot.policy.slas and draft.activity.kind is not ActivityKind.TIMER:
        sla.look(draft)
        if draft.about is not draft.activity:
            sla.recall(draft)
    if draft.about is not draft.activity:
        sensitivity.look(draft)
    severity.look(draft)
    draft.looked_at = draft.case
    rules, steps, draft.skipped = matching_rules(draft)
    draft.steps += steps
    deed = draft.signals.deed if "authority.amount" in draft.snapshot.policy.reads else Deed()
    if deed.action is not None and deed.amount is None:
        draft.remarks.append(f"The amount of {deed.action} is not known: {deed.said.doubt}.")
    for rule in outranking.ordered(draft, [each for each in rules if each.id not in done], incidents.inhibits):
        if not incidents.holds_back(draft, rule):
            act_on(draft, rule)
    if draft.snapshot.policy.customer is not None and draft.about is draft.activity:
        lookup.ask(draft, rules)
