"""Incidents: customers with one matter are counted together, and their cases grouped under one parent.

What spans cases is the store's: it counts what `watch` names, and hands a decision what it counted (`Snapshot.bursts`).
A decision says what is to happen to an incident (`Decision.incidents`): the store keeps it, and tells the other cases by an
activity of their own (`ActivityKind.INCIDENT`). The parent is a case like any other: its ladder, its ticket and end are a case's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gateway.model import (
    Activity,
    ActivityKind,
    Burst,
    CaseStatus,
    EffectKind,
    EpisodeState,
    IncidentChange,
    IncidentFacts,
    Membership,
    Mode,
    OpenIncident,
    Outcome,
    Sighting,
    Timer,
    altered,
    count_in,
    effect_id,
)
from gateway.model.activity import BATON_NAME
from gateway.model.life import is_customers
from routing import acting, ladder
from routing.draft import Draft
from routing.fingerprints import fingerprint_of
from routing.incident_end import QUIET, close, counted, ends_with_it, note
from routing.policy import Act, Incident, Rule
from routing.shown import duration_of
from routing.signals.reading import REMEMBERING, remember
from routing.snapshot import Snapshot

#: After an incident's id: that its customer was told that it is over.
_OVER: Final = ":over"


# --- what the store is to count --------------------------------------------------------------------------------------
def watch(snapshot: Snapshot, activity: Activity, now: int) -> tuple[Sighting, ...]:
    """Return the incidents that an activity counts for: what the store needs before it is decided. Pure.

    Only what a customer does counts, and nothing that a machine wrote.
    """
    policy = snapshot.policy
    if not policy.incidents:
        return ()
    if activity.kind is ActivityKind.INCIDENT:
        return _asked_for(snapshot, activity)
    machine = activity.mail is not None and activity.mail.auto_generated is not None
    if policy.match_incidents is None or machine or not is_customers(activity) or snapshot.case.stands_for_incident:
        return ()
    draft = Draft(snapshot, activity, now, count_in(snapshot.case, activity, snapshot.thread))
    case = remember(draft.case, draft.signals, activity, REMEMBERING & policy.reads)
    asked = (case, activity, now, policy.book, draft.signals.tokens, draft.signals)
    every = tuple(policy.incidents.values())
    found: list[Sighting] = []
    for index in policy.match_incidents(*asked):
        mark = fingerprint_of(every[index].fingerprint, *asked)
        if mark is not None:
            found.append(Sighting(name=every[index].id, fingerprint=mark, window=every[index].window))
    return tuple(found)


def _asked_for(snapshot: Snapshot, activity: Activity) -> tuple[Sighting, ...]:
    facts, incident = activity.incident, _meant(snapshot, activity)
    if facts is None or incident is None or facts.change not in {IncidentChange.OPENED, IncidentChange.JOINED}:
        return ()
    number = facts.id if facts.change is IncidentChange.JOINED else ""
    return (Sighting(name=incident.id, fingerprint=facts.fingerprint, window=incident.window, counts=False, id=number),)


def _meant(snapshot: Snapshot, activity: Activity) -> Incident | None:
    """Return the incident of the policy that an activity is about: by its name, or by the connection that tells."""
    facts, every = activity.incident, snapshot.policy.incidents
    if facts is not None and facts.name:
        return every.get(facts.name)
    return next((each for each in every.values() if activity.connection in each.opened_by), None)


# --- a customer's case -----------------------------------------------------------------------------------------------
def look(draft: Draft) -> None:
    """Let the case join the incident that is open for it, or open the one that it is a customer too many for."""
    if draft.snapshot.bursts:
        counted(draft, {burst.name for burst in draft.snapshot.bursts})
    for burst in draft.snapshot.bursts:
        incident = draft.snapshot.policy.incidents.get(burst.name)
        if incident is None or draft.signals.incident is not None:
            continue
        if incident.observed:
            _rehearse(draft, incident, burst)
            continue
        if burst.open is not None:
            _join(draft, incident, burst.open)
        elif burst.customers >= incident.threshold:
            _join(draft, incident, _open(draft, incident, burst))


def _rehearse(draft: Draft, incident: Incident, burst: Burst) -> None:
    """Say, once a case, what an incident in observe mode would do. To the case and to rules it is not there."""
    name = incident.rule.id
    if burst.customers < incident.threshold or name in draft.case.rehearsed:
        return
    draft.change_case(rehearsed=(*draft.case.rehearsed, name))
    held = ", ".join(sorted(incident.inhibit))
    draft.remarks.append(
        f"Incident {incident.title} would be open, by {burst.customers} customers within {duration_of(incident.window)}, and the"
        f" case belong to it{f' (held back: {held})' if held else ''}: its mode is observe, so nothing is done."
    )


def _open(draft: Draft, incident: Incident, burst: Burst) -> OpenIncident:
    within = duration_of(incident.window)
    made = OpenIncident(
        id=draft.new_id("incident", len(draft.incidents)),
        name=incident.id,
        title=f"{incident.title}: {burst.fingerprint}" if burst.fingerprint else incident.title,
        fingerprint=burst.fingerprint,
        customers=burst.customers,
        last_at=draft.activity.received_at,
    )
    draft.incidents.append(
        IncidentFacts(
            change=IncidentChange.OPENED,
            id=made.id,
            name=made.name,
            title=made.title,
            fingerprint=made.fingerprint,
            customers=made.customers,
            window=incident.window,
            by="rules",
            reason=f"{burst.customers} customers within {within}",
        )
    )
    return made


def _join(draft: Draft, incident: Incident, opened: OpenIncident) -> None:
    """Make the case one of an incident: its own ladder ends where that is held back, and its customer is told once."""
    member = _enter(draft, opened)
    draft.signals.incident = member
    draft.grouped = f"The case belongs to {member.words}, case {member.id}."
    episode = draft.episode
    if episode is not None and episode.state is EpisodeState.OPEN and set(episode.reasons) <= incident.inhibit:
        ladder.close(draft)
        draft.grouped += f" Its own escalation by {', '.join(episode.reasons)} ends: the incident holds it back."
    note(draft, f"Part of {member.words}, case {member.id}.")
    if not opened.told:
        _tell_customer(draft, incident, member)


def _enter(draft: Draft, opened: OpenIncident) -> Membership:
    """Let the case belong to an open incident, and have that counted."""
    member = Membership(id=opened.id, name=opened.name, title=opened.title, ticket=opened.ticket, url=opened.url)
    draft.change_case(incident=member)
    draft.incidents.append(IncidentFacts(change=IncidentChange.JOINED, id=opened.id, name=opened.name))
    return member


def _tell_customer(draft: Draft, incident: Incident, member: Membership) -> None:
    """Send the incident's reply to the case's customer, who was not told in another case of theirs.

    Two cases of one address that join at once make one reply all the same: its id is the incident's and that address's.
    """
    if member.id not in draft.case.broadcasts:
        _send(draft, incident, incident.reply, member.id)


def _tell_that_it_is_over(draft: Draft, member: Membership) -> None:
    """Tell the case's customer that an incident is over, once, if this case is the one in which they were told that it began."""
    incident = draft.snapshot.policy.incidents.get(member.name)
    mark = f"{member.id}{_OVER}"
    if incident is not None and member.id in draft.case.broadcasts and mark not in draft.case.broadcasts:
        _send(draft, incident, incident.reply_when_over, mark)


def _send(draft: Draft, incident: Incident, text: str, mark: str) -> None:
    if not ladder.reply(draft, replace(incident.rule, reply=text), None):
        return
    party = draft.case.customer
    who = draft.case.id if party is None else f"{draft.case.last_connection}:{party.kind}:{party.value}"
    number = effect_id(who, f"incident:{mark}", EffectKind.REPLY.value, 0)
    draft.effects[-1] = altered(draft.effects[-1], id=number)
    draft.change_case(broadcasts=(*draft.case.broadcasts, mark))


def inhibits(draft: Draft, rule: Rule) -> bool:
    """Tell whether an incident keeps a rule from escalating the case."""
    member = draft.signals.incident
    incident = draft.snapshot.policy.incidents.get(member.name) if member is not None else None
    if incident is None or rule.id not in incident.inhibit or incident.observed or rule.mode is Mode.OBSERVE:
        return False
    return rule.act is Act.ESCALATE


def holds_back(draft: Draft, rule: Rule) -> bool:
    """Tell whether an incident keeps a rule from escalating the case, and say so. What the rule sets holds all the same."""
    member = draft.signals.incident
    if member is None or not inhibits(draft, rule):
        return False
    acting.mark(draft, rule)
    draft.steps = tuple(
        altered(step, held_back=f"{member.words}, case {member.id}") if step.rule == rule.id else step
        for step in draft.steps
    )
    if draft.result == "none":
        draft.say("held_back", f"Rule {rule.id} matched: {member.words} is open, which holds its escalation back.")
    return True


# --- what is told of an incident -------------------------------------------------------------------------------------
def told(draft: Draft) -> None:
    """Go on with what happened to an incident."""
    facts = draft.activity.incident
    if facts is None:
        return
    parent = draft.case.stands_for_incident
    match facts.change:
        case IncidentChange.OPENED:
            _opened(draft, facts)
        case IncidentChange.JOINED if facts.id not in {"", draft.case.id}:
            _joined(draft, facts)
        case IncidentChange.SPREAD if parent:
            draft.say("incident", f"The incident has {facts.customers} customers by now.")
            note(draft, f"{facts.customers} customers belong to it by now.")
        case IncidentChange.WRITTEN if not parent:
            _written(draft, facts)
        case IncidentChange.CLOSED if parent:
            close(draft, f"closed by {facts.by}" + (f": {facts.reason}" if facts.reason else ""))
        case IncidentChange.CLOSED:
            _over(draft, facts)
        case _:
            draft.say("incident", "This is no news for the case.")


def _opened(draft: Draft, facts: IncidentFacts) -> None:
    """Make the case the parent of an incident, and escalate it as that."""
    incident = _meant(draft.snapshot, draft.activity)
    if incident is None:
        draft.say(
            "incident", f"No [[incident]] of the policy is {facts.name or f'opened by {draft.activity.connection}'}."
        )
        return
    if incident.observed:
        draft.say("observed", f"Incident {incident.title} would be opened: its mode is observe, so nothing is done.")
        return
    if draft.case.incident is not None and draft.case.incident.open:
        draft.say("incident", f"The case belongs to {draft.case.incident.words} already.")
        return
    there = next((burst.open for burst in draft.snapshot.bursts if burst.open is not None), None)
    if there is not None and there.id != draft.case.id:
        member = _enter(draft, there)
        draft.say("incident", f"{member.words[0].upper()}{member.words[1:]} is open already, case {member.id}.")
        return
    title = " ".join(facts.title.split()) or incident.title
    member = Membership(id=draft.case.id, name=incident.id, title=title)
    if draft.case.status is CaseStatus.RESOLVED:
        # An alert that fires again: its case, and its ticket, are taken up again.
        draft.move_case(CaseStatus.OPEN)
        draft.back = True
    draft.change_case(incident=member, subject=f"Incident: {title}")
    if not facts.id:
        # Asked for by a person or from outside: the store does not know of it yet.
        draft.incidents.append(
            IncidentFacts(
                change=IncidentChange.OPENED,
                id=draft.case.id,
                name=incident.id,
                title=title,
                fingerprint=facts.fingerprint,
                window=incident.window,
                by=facts.by,
                reason=facts.reason,
            )
        )
    draft.looked_at = draft.case
    acting.act_on(draft, incident.rule)
    draft.grouped = f"It is the parent case of incident {title}, opened by {facts.by or 'somebody'}."
    if incident.resolve_after is not None:
        draft.timers.append(Timer(name=QUIET, due_at=draft.now + incident.resolve_after))


def _joined(draft: Draft, facts: IncidentFacts) -> None:
    """Let a case join that counted for an incident before it was opened."""
    incident = draft.snapshot.policy.incidents.get(facts.name)
    free = draft.signals.incident is None and draft.case.status is CaseStatus.OPEN
    if incident is None or incident.observed or not free:
        draft.say(
            "incident", "An incident was opened that the case counted for: it is over, or belongs to one already."
        )
        return
    known = next((burst.open for burst in draft.snapshot.bursts if burst.open is not None), None)
    opened = OpenIncident(
        id=facts.id,
        name=facts.name,
        title=facts.title,
        ticket=facts.ticket,
        url=facts.url,
        told=known is not None and known.told,
    )
    draft.say("incident", "An incident was opened that the case counted for.")
    _join(draft, incident, opened)


def _written(draft: Draft, facts: IncidentFacts) -> None:
    member = draft.case.incident
    if member is None or member.id != facts.id:
        draft.say("incident", "This is no news for the case.")
        return
    draft.change_case(incident=altered(member, ticket=facts.ticket, url=facts.url))
    draft.say("incident", f"The ticket of incident {member.title} is {facts.ticket}.")
    note(draft, f"The ticket of incident {member.title}: {facts.ticket} {facts.url}".rstrip() + ".")


def _over(draft: Draft, facts: IncidentFacts) -> None:
    """Part a case from an incident that is over; an alert that is over, of several, does not end it."""
    member = draft.case.incident
    if draft.activity.connection != BATON_NAME:
        draft.say("incident", "The alert is over; the incident, if one is open, ends with its parent case.")
    elif member is None or member.id != facts.id or not member.open:
        draft.say("incident", "This is no news for the case.")
    else:
        draft.change_case(incident=altered(member, open=False))
        named = f"{member.words[0].upper()}{member.words[1:]}"
        draft.say("incident", f"{named} is over: rules look at the case as before.")
        if draft.case.status is CaseStatus.OPEN:
            _end(draft, facts, member, named)


def _end(draft: Draft, facts: IncidentFacts, member: Membership, named: str) -> None:
    """Tell an open case's ticket and customer that its incident is over, and resolve the case where the policy wants that."""
    keeps = ends_with_it(draft, draft.snapshot.policy.incidents.get(member.name), facts)
    if keeps:
        draft.say("incident", f"{named} is over. The case stays open: {keeps}.")
    note(draft, f"{named} is over: the case is resolved with it." if keeps == "" else f"{named} is over.")
    _tell_that_it_is_over(draft, member)
    if keeps == "":
        draft.move_case(CaseStatus.RESOLVED)
        draft.say("incident", f"{named} is over: the case is resolved with it.")


# --- the parent ------------------------------------------------------------------------------------------------------
def outcome_came(draft: Draft, outcome: Outcome) -> None:
    """Tell the cases of an incident where its ticket stands, once it does."""
    member = draft.case.incident
    receipt = outcome.receipt
    if member is None or not draft.case.stands_for_incident or not member.open or member.ticket or receipt is None:
        return
    if outcome.effect_kind != EffectKind.HANDOFF.value or not outcome.landed or not receipt.ticket_id:
        return
    draft.change_case(incident=altered(member, ticket=receipt.ticket_id, url=receipt.url))
    draft.incidents.append(
        IncidentFacts(
            change=IncidentChange.WRITTEN,
            id=member.id,
            name=member.name,
            title=member.title,
            ticket=receipt.ticket_id,
            url=receipt.url,
        )
    )
