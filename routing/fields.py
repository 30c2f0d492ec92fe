"""The fields that conditions may name: one table, from which checks, generated code and documentation come.

To add a field: give it a line here. What it reads must stand in the case or the activity.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from gateway.model import (
    ActivityKind,
    CallChange,
    CaseStatus,
    Channel,
    Priority,
    Role,
    SlaMark,
    SlaMetric,
    TicketChange,
    TicketStatus,
)
from routing.field import Field, Kind
from routing.fields_of_precautions import PRECAUTIONS

__all__ = ["FIELDS", "Field", "Kind"]


def _words(enumeration: type[Enum]) -> frozenset[str]:
    return frozenset(str(member.value) for member in enumeration)


_KINDS: Final = frozenset(
    kind.value
    for kind in (
        *(ActivityKind.MESSAGE, ActivityKind.BUTTON, ActivityKind.TICKET, ActivityKind.CALL),
        *(ActivityKind.HANDOFF_REQUEST, ActivityKind.SATISFACTION),
    )
)

FIELDS: Final[dict[str, Field]] = {
    "activity.kind": Field(
        kind=Kind.WORD,
        source="activity.kind",
        words=_KINDS,
        about="what happened: a message, a pressed button, a ticket, a call, a bot's wish for a person, a judgement",
    ),
    "channel": Field(
        kind=Kind.WORD,
        source="activity.channel",
        words=_words(Channel),
        nullable=True,
        about="the channel it came over",
    ),
    "connection": Field(kind=Kind.WORD, source="activity.connection", about="the connection it came over, by its name"),
    "message.text": Field(
        kind=Kind.TEXT, source="text", about="the new text of the message; `contains` looks for whole words"
    ),
    "message.phrases": Field(
        kind=Kind.SET,
        source="signals.phrases(book, text)",
        about="names of the lists in `[phrases]` of which a phrase occurs that is not denied",
    ),
    "message.length": Field(kind=Kind.NUMBER, source="len(activity.reply_text)", about="characters of the new text"),
    "message.attachments": Field(kind=Kind.NUMBER, source="len(activity.attachments)", about="files that came along"),
    "message.wants_person": Field(
        kind=Kind.FLAG,
        source="signals.wants_person",
        lazy=True,
        about="a person is asked for, by words, button, digit or command; a manager is a person",
    ),
    "message.wants_manager": Field(
        kind=Kind.FLAG, source="signals.wants_manager", lazy=True, about="a manager or supervisor is asked for"
    ),
    "message.distress": Field(
        kind=Kind.FLAG, source="signals.distress", lazy=True, about="the writer may be in danger, by their words"
    ),
    "message.solved": Field(
        kind=Kind.FLAG,
        source="signals.solved",
        lazy=True,
        about="the writer says that their matter is solved, by words, button or a good judgement",
    ),
    "message.sentiment": Field(
        kind=Kind.NUMBER,
        source="signals.sentiment",
        nullable=True,
        lazy=True,
        about="how the writer feels, from -1 to 1; missing when no scorer has the language, or it failed",
    ),
    "message.language": Field(
        kind=Kind.WORD,
        source="(activity.language or None)",
        nullable=True,
        about="the text's language, by its two letters (ISO 639-1)",
    ),
    "sender.role": Field(
        kind=Kind.WORD,
        source="(activity.sender.role if activity.sender is not None else None)",
        words=_words(Role),
        nullable=True,
        about="who did it",
    ),
    "button.action": Field(
        kind=Kind.WORD,
        source="(activity.button.action if activity.button is not None else None)",
        nullable=True,
        about="the action of the button that was pressed",
    ),
    "button.value": Field(
        kind=Kind.WORD,
        source="(activity.button.value if activity.button is not None else None)",
        nullable=True,
        about="the value that the button carried",
    ),
    "call.change": Field(
        kind=Kind.WORD,
        source="(activity.call.change if activity.call is not None else None)",
        words=_words(CallChange),
        nullable=True,
        about="what happened in the telephone call; its words are a message, its voicemail a message with a file",
    ),
    "ticket.change": Field(
        kind=Kind.WORD,
        source="(activity.ticket.change if activity.ticket is not None else None)",
        words=_words(TicketChange),
        nullable=True,
        about="what happened to the ticket in the helpdesk",
    ),
    "ticket.status": Field(
        kind=Kind.WORD,
        source="(activity.ticket.status if activity.ticket is not None else None)",
        words=_words(TicketStatus),
        nullable=True,
        about="the ticket's state",
    ),
    "ticket.priority": Field(
        kind=Kind.WORD,
        source="(activity.ticket.priority if activity.ticket is not None else None)",
        nullable=True,
        about="the ticket's priority, in the helpdesk's word",
    ),
    "ticket.group": Field(
        kind=Kind.WORD,
        source="(activity.ticket.group if activity.ticket is not None else None)",
        nullable=True,
        about="the ticket's group, in the helpdesk's word",
    ),
    "ticket.via": Field(
        kind=Kind.WORD,
        source="(activity.ticket.via if activity.ticket is not None else None)",
        nullable=True,
        about="over what the ticket came to the helpdesk, in its word: email, web, chat …",
    ),
    "ticket.tags": Field(
        kind=Kind.SET,
        source="((activity.ticket.tags or ()) if activity.ticket is not None else ())",
        about="the ticket's tags",
    ),
    "bot.confidence": Field(
        kind=Kind.NUMBER,
        source="(activity.bot.confidence if activity.bot is not None else None)",
        nullable=True,
        about="how sure a chatbot was, from 0 to 1, as it says itself",
    ),
    "bot.intent": Field(
        kind=Kind.WORD,
        source="((activity.bot.intent or None) if activity.bot is not None else None)",
        nullable=True,
        about="what a chatbot understood, in its word",
    ),
    "actor.agent": Field(
        kind=Kind.WORD,
        source="signals.actor_name",
        nullable=True,
        lazy=True,
        about="the agent who did it, by their name in `[agent.NAME]`; missing when it is none of them",
    ),
    "actor.skills": Field(
        kind=Kind.SET,
        source="signals.actor_skills",
        lazy=True,
        about="what the agent who did it knows, at the level that the skill needs at least",
    ),
    "actor.lacks_skill": Field(
        kind=Kind.FLAG,
        source="signals.actor_lacks_skill",
        lazy=True,
        about="an agent did it who does not know enough of `needed.skill`",
    ),
    "needed.skill": Field(
        kind=Kind.WORD,
        source="signals.needed_skill",
        nullable=True,
        lazy=True,
        about="the `[skill.NAME]` that a chatbot's topic or a tag of the ticket asks for",
    ),
    "authority.action": Field(
        kind=Kind.WORD,
        source="signals.deed.action",
        nullable=True,
        lazy=True,
        about="the `[authority.NAME]` whose field was changed, or collected by a chatbot",
    ),
    "authority.amount": Field(
        kind=Kind.NUMBER,
        source="signals.deed.amount",
        nullable=True,
        lazy=True,
        about="its amount, without its sign; missing when it cannot be read for sure",
    ),
    "authority.limit": Field(
        kind=Kind.NUMBER,
        source="signals.deed.limit",
        nullable=True,
        lazy=True,
        about="up to what amount the agent who did it may do so, 0 for not at all; missing when it is no agent of the policy",
    ),
    "customer.vip": Field(
        kind=Kind.FLAG,
        source="signals.customer.vip",
        nullable=True,
        lazy=True,
        about="the customer's tier or a tag of theirs is one of `[customer] vip`",
    ),
    "customer.tier": Field(
        kind=Kind.WORD,
        source="signals.customer.tier",
        nullable=True,
        lazy=True,
        folded=True,
        about="the customer's tier, in the word of the system that knows them, whatever its case",
    ),
    "customer.value": Field(
        kind=Kind.NUMBER,
        source="signals.customer.value",
        nullable=True,
        lazy=True,
        about="what the customer is worth, in the unit of the system that knows them",
    ),
    "customer.organization": Field(
        kind=Kind.WORD,
        source="signals.customer.organization",
        nullable=True,
        lazy=True,
        about="the customer's organization, by its name",
    ),
    "customer.language": Field(
        kind=Kind.WORD,
        source="signals.customer.language",
        nullable=True,
        lazy=True,
        about="the customer's own language, by its two letters (ISO 639-1)",
    ),
    "customer.tags": Field(
        kind=Kind.SET, source="signals.customer.tags", lazy=True, about="the customer's tags in that system"
    ),
    "customer.profile_age": Field(
        kind=Kind.DURATION,
        source="signals.customer.profile_age",
        nullable=True,
        lazy=True,
        about="how long ago what is known of the customer was read",
    ),
    "customer.profile_stale": Field(
        kind=Kind.FLAG,
        source="signals.customer.profile_stale",
        nullable=True,
        lazy=True,
        about="it was read longer ago than `[customer] fresh_for`: it counts, and is being asked for anew",
    ),
    "case.channel": Field(
        kind=Kind.WORD,
        source="case.channel",
        words=_words(Channel),
        nullable=True,
        about="the channel the case began on",
    ),
    "case.connection": Field(kind=Kind.WORD, source="case.connection", about="the connection the case began on"),
    "case.status": Field(kind=Kind.WORD, source="case.status", words=_words(CaseStatus), about="where the case stands"),
    "case.priority": Field(
        kind=Kind.WORD,
        source="case.priority",
        words=_words(Priority),
        nullable=True,
        about="the priority rules gave it",
    ),
    **PRECAUTIONS,
    "case.tags": Field(kind=Kind.SET, source="case.tags", about="the tags rules gave it"),
    "case.customer_messages": Field(
        kind=Kind.NUMBER, source="case.customer_messages", about="messages of the customer so far, this one included"
    ),
    "case.agent_messages": Field(
        kind=Kind.NUMBER, source="case.agent_messages", about="public messages of agents so far"
    ),
    "case.sentiment": Field(
        kind=Kind.NUMBER,
        source="case.sentiment",
        nullable=True,
        about="weighted mean of how the customer's messages felt, from -1 to 1, the newest counting 0.4",
    ),
    "case.repeated_question": Field(
        kind=Kind.NUMBER,
        source="case.repeated_question",
        about="how many of the customer's last messages before it ask the same as the newest",
    ),
    "case.bot_turns": Field(kind=Kind.NUMBER, source="case.bot_turns", about="messages of bots so far"),
    "case.bot_fallbacks": Field(
        kind=Kind.NUMBER, source="case.bot_fallbacks", about="times so far that a bot did not understand"
    ),
    "case.reopened": Field(
        kind=Kind.NUMBER, source="case.reopened", about="times it was taken up again after it had been resolved"
    ),
    "case.age": Field(
        kind=Kind.DURATION, source="(now - case.opened_at)", about="time since the first activity of the case"
    ),
    "sla.id": Field(
        kind=Kind.WORD,
        source="signals.sla.id",
        nullable=True,
        lazy=True,
        about="the SLA that applies to the case, by its id",
    ),
    "sla.event": Field(
        kind=Kind.WORD,
        source="signals.sla.event",
        words=_words(SlaMark),
        nullable=True,
        lazy=True,
        about="what the clock of `sla.metric` has reached just now; missing unless that is why rules are looked at",
    ),
    "sla.metric": Field(
        kind=Kind.WORD,
        source="signals.sla.metric",
        words=_words(SlaMetric),
        nullable=True,
        lazy=True,
        about="the clock that `sla.event` is about",
    ),
    "sla.first_left": Field(
        kind=Kind.DURATION,
        source="signals.sla.first_left",
        nullable=True,
        lazy=True,
        about="time left to the first response, negative once it is missed, in the SLA's working hours",
    ),
    "sla.next_left": Field(
        kind=Kind.DURATION,
        source="signals.sla.next_left",
        nullable=True,
        lazy=True,
        about="time left to the next response, as with the first",
    ),
    "sla.resolution_left": Field(
        kind=Kind.DURATION,
        source="signals.sla.resolution_left",
        nullable=True,
        lazy=True,
        about="time left to the end of the case, as with the first",
    ),
    "sla.at_risk": Field(
        kind=Kind.SET,
        source="signals.sla.at_risk",
        words=_words(SlaMetric),
        lazy=True,
        about="the metrics whose target is at risk or missed, and still owed",
    ),
    "sla.breached": Field(
        kind=Kind.SET,
        source="signals.sla.breached",
        words=_words(SlaMetric),
        lazy=True,
        about="the metrics whose target is missed, and still owed",
    ),
    "risk.score": Field(
        kind=Kind.NUMBER,
        source="signals.risk.score",
        nullable=True,
        lazy=True,
        about="how likely the case is to be escalated yet, from 0 to 1, by closed cases; missing until there are enough of them",
    ),
    "burst.customers": Field(
        kind=Kind.NUMBER, source="signals.burst_customers", lazy=True, about="customers who count for an `[[incident]]`"
    ),
    "incident.open": Field(
        kind=Kind.FLAG, source="signals.grouped", lazy=True, about="the case is in an open incident"
    ),
    "incident.id": Field(kind=Kind.WORD, source="signals.incident_id", nullable=True, lazy=True, about="its id here"),
}
