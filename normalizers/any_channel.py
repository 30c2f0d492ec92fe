"""What happens on any channel: reports about messages of ours, wishes for a person, judgements, consent."""

from __future__ import annotations

from gateway.model import (
    Activity,
    ActivityKind,
    Audience,
    ConsentChanged,
    DeliveryFacts,
    DeliveryReport,
    HandoffRequested,
    IncidentChange,
    IncidentFacts,
    IncidentReported,
    Satisfaction,
    SatisfactionGiven,
    altered,
)
from normalizers.text import clean, one_line


def report(event: DeliveryReport, shared: Activity) -> Activity:
    """Return the activity of a report about a message of ours."""
    return altered(
        shared,
        kind=ActivityKind.DELIVERY_REPORT,
        message_id=event.message_id,
        report=DeliveryFacts(
            state=event.state, code=event.code, permanent=event.permanent, reason=one_line(event.reason)
        ),
    )


def handoff_request(event: HandoffRequested, shared: Activity) -> Activity:
    """Return the activity of a bot's wish for a person."""
    return altered(
        shared,
        kind=ActivityKind.HANDOFF_REQUEST,
        audience=Audience.INTERNAL,
        text=clean(event.reason),
        bot=event.bot,
        extras={**event.extras, **({"skill": event.skill} if event.skill else {})},
    )


def satisfaction(event: SatisfactionGiven, shared: Activity) -> Activity:
    """Return the activity of a judgement. Raises ValueError when the score is not between 0 and 1."""
    if not 0 <= event.score <= 1:
        raise ValueError("A judgement's score must be between 0 and 1: its connector made it wrongly.")
    return altered(
        shared,
        kind=ActivityKind.SATISFACTION,
        audience=Audience.INTERNAL,
        text=clean(event.text),
        satisfaction=Satisfaction(score=event.score, word=one_line(event.word)),
    )


def consent(event: ConsentChanged, shared: Activity) -> Activity:
    """Return the activity of a STOP or START."""
    return altered(
        shared,
        kind=ActivityKind.CONSENT,
        audience=Audience.PUBLIC,
        text=clean(event.text),
        consent=event.granted,
    )


def incident(event: IncidentReported, shared: Activity) -> Activity:
    """Return the activity of an incident that begins or is over, as another system says."""
    return altered(
        shared,
        kind=ActivityKind.INCIDENT,
        audience=Audience.INTERNAL,
        incident=IncidentFacts(
            change=IncidentChange.CLOSED if event.over else IncidentChange.OPENED,
            title=one_line(event.title),
            fingerprint=one_line(event.fingerprint),
            url=event.url,
            by=shared.connection,
        ),
    )
