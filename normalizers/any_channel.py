"""What happens on any channel: reports about messages of ours, wishes for a person, judgements, consent."""

from __future__ import annotations

from gateway.model import (
    Activity,
    ActivityKind,
    Audience,
    Channel,
    ConsentChanged,
    DeliveryFacts,
    DeliveryReport,
    HandoffRequested,
    Satisfaction,
    SatisfactionGiven,
)
from normalizers.text import clean, one_line


def report(event: DeliveryReport, *, connection: str, channel: Channel, received_at: int) -> Activity:
    """Return the activity of a report about a message of ours."""
    return Activity(
        kind=ActivityKind.DELIVERY_REPORT,
        connection=connection,
        thread=event.thread,
        dedupe=event.dedupe,
        occurred_at=event.occurred_at,
        received_at=received_at,
        channel=channel,
        sender=event.sender,
        recipients=event.recipients,
        message_id=event.message_id,
        report=DeliveryFacts(
            state=event.state, code=event.code, permanent=event.permanent, reason=one_line(event.reason)
        ),
        own=event.own,
        reference=event.reference,
        extras=event.extras,
    )


def handoff_request(event: HandoffRequested, *, connection: str, channel: Channel, received_at: int) -> Activity:
    """Return the activity of a bot's wish for a person."""
    return Activity(
        kind=ActivityKind.HANDOFF_REQUEST,
        connection=connection,
        thread=event.thread,
        dedupe=event.dedupe,
        occurred_at=event.occurred_at,
        received_at=received_at,
        channel=channel,
        sender=event.sender,
        recipients=event.recipients,
        audience=Audience.INTERNAL,
        text=clean(event.reason),
        bot=event.bot,
        own=event.own,
        reference=event.reference,
        extras={**event.extras, **({"skill": event.skill} if event.skill else {})},
    )


def satisfaction(event: SatisfactionGiven, *, connection: str, channel: Channel, received_at: int) -> Activity:
    """Return the activity of a judgement. Raises ValueError when the score is not between 0 and 1."""
    if not 0 <= event.score <= 1:
        raise ValueError("A judgement's score must be between 0 and 1: its connector made it wrongly.")
    return Activity(
        kind=ActivityKind.SATISFACTION,
        connection=connection,
        thread=event.thread,
        dedupe=event.dedupe,
        occurred_at=event.occurred_at,
        received_at=received_at,
        channel=channel,
        sender=event.sender,
        recipients=event.recipients,
        audience=Audience.INTERNAL,
        text=clean(event.text),
        satisfaction=Satisfaction(score=event.score, word=one_line(event.word)),
        own=event.own,
        reference=event.reference,
        extras=event.extras,
    )


def consent(event: ConsentChanged, *, connection: str, channel: Channel, received_at: int) -> Activity:
    """Return the activity of a STOP or START."""
    return Activity(
        kind=ActivityKind.CONSENT,
        connection=connection,
        thread=event.thread,
        dedupe=event.dedupe,
        occurred_at=event.occurred_at,
        received_at=received_at,
        channel=channel,
        sender=event.sender,
        recipients=event.recipients,
        audience=Audience.PUBLIC,
        text=clean(event.text),
        consent=event.granted,
        own=event.own,
        reference=event.reference,
        extras=event.extras,
    )
