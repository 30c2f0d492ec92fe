"""The values that all rooms of Baton speak about.

Standard library only: no I/O, no clock, nothing of ours from outside this package. Every value is frozen; a change is a
new value. Instants are UTC in integer microseconds since 1970-01-01 and their names end in ``_at``.
"""

from gateway.model.activity import Activity, ActivityKind, ButtonChoice, Outcome, TicketFacts
from gateway.model.case import Case, CaseStatus, Contact, Episode, EpisodeState, Thread, TicketLink
from gateway.model.decision import Decision, Effect, EffectKind, Timer, Trace, TraceStep
from gateway.model.events import (
    Attachment,
    ButtonPressed,
    ChannelEvent,
    ChatMessage,
    MessageAction,
    TextMessage,
    TicketChange,
    TicketChanged,
    TicketStatus,
)
from gateway.model.handoff import Button, Entry, ForeignId, Handoff, Notice, Packet, Priority, Receipt, Reply
from gateway.model.ids import effect_id, uuid7
from gateway.model.party import Audience, Channel, Evidence, Mode, Party, Role

__all__ = [
    "Activity",
    "ActivityKind",
    "Attachment",
    "Audience",
    "Button",
    "ButtonChoice",
    "ButtonPressed",
    "Case",
    "CaseStatus",
    "Channel",
    "ChannelEvent",
    "ChatMessage",
    "Contact",
    "Decision",
    "Effect",
    "EffectKind",
    "Entry",
    "Episode",
    "EpisodeState",
    "Evidence",
    "ForeignId",
    "Handoff",
    "MessageAction",
    "Mode",
    "Notice",
    "Outcome",
    "Packet",
    "Party",
    "Priority",
    "Receipt",
    "Reply",
    "Role",
    "TextMessage",
    "Thread",
    "TicketChange",
    "TicketChanged",
    "TicketFacts",
    "TicketLink",
    "TicketStatus",
    "Timer",
    "Trace",
    "TraceStep",
    "effect_id",
    "uuid7",
]
