"""How an incident ends: with its parent case, or once no message came for it as long as the policy says."""

from __future__ import annotations

from typing import Final

from gateway.model import CaseStatus, EffectKind, EpisodeState, IncidentChange, IncidentFacts, Timer, altered
from routing import ladder
from routing.draft import Draft
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
            by=draft.activity.incident.by if draft.activity.incident is not None else "rules",
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
