"""PO-2: what lints hold for certain of activities is so of every channel event, whoever sends it, as rules see it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from gateway.model import (
    ActivityKind,
    Attachment,
    Audience,
    BotFacts,
    ButtonPressed,
    CallChange,
    Channel,
    ChatMessage,
    ConsentChanged,
    DeliveryReport,
    DeliveryState,
    HandoffRequested,
    InboundEmail,
    IncidentReported,
    Party,
    PhoneCall,
    Role,
    SatisfactionGiven,
    TextMessage,
    TicketChange,
    TicketChanged,
    TicketStatus,
)
from normalizers import normalize
from routing.compiling import field_reader
from routing.decide import drafted
from routing.draft import Draft
from routing.expression import Compare
from routing.fields import FIELDS, Kind
from routing.lint.carrying import LOOKED_AT, kinds_of
from routing.lint.logic import Literal
from tests.routing.values import CATCH_ALL, MINUTE, NOW, after, message, policy, snapshot, timer

#: Every word of it is one of a list of phrases, a sign of distress, or a wish.
TEXT: Final = "I want to kill myself, let me talk to a manager, I was charged twice and it works now"
PEOPLE: Final = """
[phrases]
money = ["charged twice"]
[skill.billing]
[authority.refund]
fields = { desk = "4711" }
[agent.grace]
ids = { desk = "7" }
skills = { billing = 2 }
[[sla]]
id = "usual"
first = "1h"
[[rule]]
id = "late"
do = "none"
when.all = ["sla.event == 'breached'"]
"""
KNOWN: Final = policy(PEOPLE + CATCH_ALL)
FILE: Final = (Attachment(id="f1"),)
FACTS: Final = BotFacts(confidence=0.4, fallback=True, intent="refund", fields={"4711": "900"})
TICKET: Final = {
    "ticket_id": "55",
    "priority": "high",
    "group": "Billing",
    "tags": ("billing",),
    "via": "web",
    "attachments": FILE,
    "fields": {"4711": "900"},
}
#: All that a channel event can say, once with words and once without.
EVENTS: Final[tuple[tuple[type, dict[str, Any]], ...]] = (
    (ChatMessage, {"message_id": "m", "text": TEXT, "attachments": FILE, "bot": FACTS}),
    (TextMessage, {"message_id": "m", "text": TEXT, "attachments": FILE, "action": "talk_to_manager"}),
    (InboundEmail, {"message_id": "<m@x>", "text": TEXT, "subject": TEXT, "attachments": FILE}),
    *(
        (PhoneCall, {"call_id": "c", "change": change, "text": text, "digits": "0", "attachments": FILE})
        for change in CallChange
        for text in ("", TEXT)
    ),
    (ButtonPressed, {"action": "talk_to_manager", "value": "it_works", "label": TEXT}),
    (ButtonPressed, {"action": "solved", "label": TEXT}),
    (HandoffRequested, {"reason": TEXT, "skill": "billing", "bot": FACTS}),
    (SatisfactionGiven, {"score": 1.0, "text": TEXT}),
    (ConsentChanged, {"granted": True, "text": TEXT}),
    (DeliveryReport, {"message_id": "m", "state": DeliveryState.FAILED, "reason": TEXT}),
    (IncidentReported, {"title": TEXT}),
    *(
        (TicketChanged, {"change": change, "text": text, "audience": audience, "status": TicketStatus.OPEN, **TICKET})
        for change in TicketChange
        for text in ("", TEXT)
        for audience in Audience
    ),
)


def literal(field: str, value: object) -> Literal:
    """Return a comparison that holds for a value of a field."""
    if FIELDS[field].kind in {Kind.SET, Kind.TEXT}:
        word = str(value) if isinstance(value, str) else str(next(iter(value)))  # type: ignore[call-overload]
        return Literal(Compare(field=field, operator="contains", value=word), True)
    return Literal(Compare(field=field, operator="==", value=value), True)  # type: ignore[arg-type]


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("number", range(len(EVENTS)))
def test_nothing_that_a_rule_can_see_is_taken_for_impossible(number: int, role: Role) -> None:
    of, given = EVENTS[number]
    sender = Party(kind="somebody", value="7", role=role)
    event = of(thread="t", dedupe="d", occurred_at=NOW, sender=sender, **given)
    for channel in Channel:
        made = normalize(event, connection="desk", channel=channel, received_at=NOW, languages=("en", "de"))
        seen = drafted(snapshot(KNOWN), made, NOW)
        # A rule that takes everything matched: so rules look at it.
        if seen.steps:
            assert made.kind in LOOKED_AT
            for field, value in said(seen):
                assert made.kind in kinds_of(literal(field, value)), (made.kind, field, value)


def test_when_a_clock_of_an_sla_is_reached_nothing_happened_but_that() -> None:
    begun = drafted(snapshot(KNOWN), message(), NOW)
    hour = 60 * MINUTE
    (name,) = [each.name for each in begun.decision().timers if each.due_at == NOW + hour]
    seen = drafted(after(snapshot(KNOWN), begun.decision()), timer(name), NOW + hour)
    assert [each.rule for each in seen.steps] == ["late"]
    told = dict(said(seen))
    assert told.keys() >= {"sla.event", "sla.metric", "activity.kind", "connection"}
    for field, value in told.items():
        # The word itself is none that a condition may name.
        assert field == "activity.kind" or ActivityKind.TIMER in kinds_of(literal(field, value)), (field, value)


def said(seen: Draft) -> Iterator[tuple[str, Any]]:
    """Yield the fields of what happened that say something, each with its value."""
    for field, facts in FIELDS.items():
        if not field.startswith(("case.", "customer.", "burst.", "incident.", "risk.")):
            about = (seen.case, seen.about, NOW, KNOWN.book, seen.signals.tokens.strip(), seen.signals)
            value: Any = field_reader(field)(*about)
            # An empty set, no and zero are what a field says that is not there; a share of zero says something.
            if value or (facts.nullable and value is not None):
                yield field, value
