"""How an incident ends, with its parent case or once no message came for it for long enough, and which cases end with it."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Final

from gateway.model import CaseStatus, EffectKind, EpisodeState, IncidentChange, IncidentFacts, Timer, altered
from routing import ladder
from routing.draft import Draft
from routing.policy import Incident
from routing.shown import duration_of

#: Name of the deadline at which an incident closes that no message came for.
QUIET: Final = "incident:quiet"


def note(draft: Draft, text: str) -> None:
    """Write a note into the tickets that the case has."""
    for connection in draft.case.targets:
        draft.emit(EffectKind.UPDATE, connection, draft.mode(connection, None), text=text)


def quiet(draft: Draft) -> None:
    """Close an incident that no message came for as long as the policy says; else look again then."""
    member, there = draft.case.incident, draft.snapshot.incident
    incident = draft.snapshot.policy.incidents.get(member.name) if member is not None else None
    if member is None or incident is None or there is None or incident.resolve_after is None or not member.open:
        draft.say("timer", "A deadline passed that nobody waits for any more.")
        return
    due = there.last_at + incident.resolve_after
    if due > draft.now:
        draft.timers.append(Timer(name=QUIET, due_at=due))
        draft.say("incident", "Messages still come for the incident.")
        return
    close(draft, f"no message came for it in {duration_of(incident.resolve_after)}")


def resolved(draft: Draft) -> None:
    """Close the incident with its parent case."""
    if draft.case.stands_for_incident and draft.case.status is CaseStatus.RESOLVED:
        close(draft, "its parent case is resolved")


def close(draft: Draft, why: str) -> None:
    """Close the incident that the case is the parent of, and tell its cases."""
    member = draft.case.incident
    if member is None or not member.open:
        draft.say("incident", "The incident is over already.")
        return
    draft.change_case(incident=altered(member, open=False))
    draft.signals.incident = None
    draft.incidents.append(
        IncidentFacts(
            change=IncidentChange.CLOSED,
            id=member.id,
            name=member.name,
            title=member.title,
            # Never empty: by that a case knows that it is told of the end itself.
            by=(draft.activity.incident.by if draft.activity.incident is not None else "") or "rules",
            reason=why,
        )
    )
    draft.cancelled.append(QUIET)
    if draft.episode is not None and draft.episode.state is not EpisodeState.CLOSED:
        ladder.close(draft)
    if draft.case.status is CaseStatus.OPEN:
        draft.move_case(CaseStatus.RESOLVED)
        note(draft, f"The incident is over: {why}.")
    draft.say("incident", f"Incident {member.title} is over: {why}.")


# --- a case that belongs to it ---------------------------------------------------------------------------------------
def ends_with_it(draft: Draft, incident: Incident | None, facts: IncidentFacts) -> str | None:
    """Return in some words what of its own keeps a case open when its incident ends; empty when it ends with it.

    None where the policy does not ask for that, or where the incident was over before the case came to belong to it: then nobody
    is named who ended it, and what the customer said has no answer yet.
    """
    if incident is None or incident.observed or not incident.resolve_cases or not facts.by:
        return None
    return next(_of_its_own(draft, incident), "")


def _of_its_own(draft: Draft, incident: Incident) -> Iterator[str]:
    case, episode = draft.case, draft.episode
    if episode is not None and episode.state is not EpisodeState.CLOSED:
        yield f"it is escalated by {', '.join(episode.reasons)}"
    waits = sorted({each.rule for each in case.suspended} - incident.inhibit)
    if waits:
        yield f"an escalation by {', '.join(waits)} waits"
    if case.sensitive:
        yield "it is sensitive"
    if case.lookup is not None and case.lookup.waiting:
        yield "rules wait for what is known of its customer"
    if case.last_counted != case.customer_messages:
        yield "its customer said more than what counts for the incident"


def counted(draft: Draft, names: Container[str]) -> None:
    """Keep that the customer's newest message counts for incidents, if nothing else came since the first of them that did."""
    member, said = draft.signals.incident, draft.case.customer_messages
    if (member is None or member.name in names) and draft.case.last_counted in {0, said - 1}:
        draft.change_case(last_counted=said)
