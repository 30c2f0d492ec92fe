"""Activities: one normalized thing appended to a case, whatever channel it came over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.model.events import Attachment, TicketChange, TicketStatus
from gateway.model.handoff import Receipt
from gateway.model.party import Audience, Channel, Party


class ActivityKind(StrEnum):
    """What kind of thing was appended. The second group is internal: Baton itself appends it."""

    MESSAGE = "message"
    EDIT = "edit"
    DELETION = "deletion"
    BUTTON = "button"
    TICKET = "ticket"

    TIMER = "timer"
    OUTCOME = "outcome"


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonChoice:
    """Which button was pressed."""

    #: The button's action name.
    action: str
    #: The value it carried.
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketFacts:
    """What a helpdesk said of a ticket; a field it did not mention is None."""

    #: The helpdesk's id of the ticket.
    id: str
    #: What happened to it.
    change: TicketChange
    #: The state after the change.
    status: TicketStatus | None = None
    #: The helpdesk's own word for the priority.
    priority: str | None = None
    #: Group or team.
    group: str | None = None
    #: The assignee's id.
    assignee: str | None = None
    #: Tags after the change.
    tags: tuple[str, ...] | None = None
    #: Over what channel the ticket came, in the helpdesk's word.
    via: str | None = None
    #: The ticket's page for agents.
    url: str | None = None
    #: Id of the comment that came along.
    comment_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an effect: it comes back as an activity of its case."""

    #: The effect.
    effect_id: str
    #: Its kind, by `EffectKind`'s word.
    effect_kind: str
    #: The connection it went to.
    connection: str
    #: The rule that wanted it, empty for an update that followed from an earlier handoff.
    rule: str
    #: The episode it belongs to, None for a mirrored case.
    episode_id: str | None
    #: True when the outside has it, False when it was given up.
    landed: bool
    #: True when an operator discarded it after it was given up: nothing waits for it any more.
    discarded: bool = False
    #: The proof, when it landed.
    receipt: Receipt | None = None
    #: Why it was given up, a sentence without bodies or secrets.
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One normalized thing that happened to a case."""

    #: What kind of thing.
    kind: ActivityKind
    #: The connection it came over; ``baton`` for internal activities.
    connection: str
    #: Key of its thread within the connection.
    thread: str
    #: Dedupe key within the connection.
    dedupe: str
    #: When it happened by the vendor's clock, UTC microseconds.
    occurred_at: int
    #: When Baton had it, UTC microseconds.
    received_at: int
    #: The kind of channel; None for internal activities.
    channel: Channel | None = None
    #: Who did it; None for internal activities.
    sender: Party | None = None
    #: Who may read the text.
    audience: Audience = Audience.INTERNAL
    #: The subject, where the channel has one.
    subject: str = ""
    #: The whole text.
    text: str = ""
    #: The part of the text that is new: without quotes and signature; what signals look at.
    reply_text: str = ""
    #: The vendor's id of the message it brings or changes, empty when none.
    message_id: str = ""
    #: Files that came along.
    attachments: tuple[Attachment, ...] = ()
    #: The button, for `BUTTON`.
    button: ButtonChoice | None = None
    #: The ticket's facts, for `TICKET` and for messages that came through a ticket.
    ticket: TicketFacts | None = None
    #: What became of an effect, for `OUTCOME`.
    outcome: Outcome | None = None
    #: Name of the timer, for `TIMER`.
    name: str = ""
    #: True when the connection's own account did it.
    own: bool = False
    #: What we handed out and got back; see `ChannelEvent`.
    reference: str | None = None
    #: Vendor fields without a word of ours, as JSON values.
    extras: Mapping[str, object] = field(default_factory=dict[str, object])
