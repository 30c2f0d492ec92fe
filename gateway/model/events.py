"""Channel events: what a source says happened, in our words but still of one channel.

The union is closed: a new kind of event is a change of the model, so that every normalizer answers for it.
A connector makes `thread`, `dedupe` and `reference`; nobody else reads meaning into them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from gateway.model.party import Audience, Party


class MessageAction(StrEnum):
    """What happened to a message."""

    POSTED = "posted"
    EDITED = "edited"
    DELETED = "deleted"


class TicketChange(StrEnum):
    """What happened to a ticket in the helpdesk."""

    CREATED = "created"
    COMMENTED = "commented"
    STATUS = "status"
    ASSIGNED = "assigned"
    PRIORITY = "priority"
    TAGS = "tags"
    FIELDS = "fields"
    MERGED = "merged"
    DELETED = "deleted"


class TicketStatus(StrEnum):
    """The states of a ticket, as far as Baton tells them apart."""

    NEW = "new"
    OPEN = "open"
    PENDING = "pending"
    ON_HOLD = "on_hold"
    SOLVED = "solved"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that came with a message; the bytes stay at the vendor until they are fetched."""

    #: The vendor's id of the file.
    id: str
    #: The file's name as the sender gave it.
    name: str = ""
    #: The media type that the vendor states.
    media_type: str = ""
    #: Size in bytes, None when the vendor does not say.
    size: int | None = None
    #: Where the bytes can be fetched with the connection's credentials, empty when nowhere.
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    """What all channel events share."""

    #: Key of the thread within the connection; made by the connector, stable for the thread's life.
    thread: str
    #: Key that is equal for every redelivery of this very event, and for no other event of the connection.
    dedupe: str
    #: When it happened by the vendor's clock, UTC microseconds.
    occurred_at: int
    #: Who did it.
    sender: Party
    #: Something that we once handed to the vendor and now get back (an effect id on a button, a case's external id on a
    #: ticket); None when there is none. The pipeline checks it against its own records before it trusts it.
    reference: str | None = None
    #: True when this connection's own account did it: an echo of ours, never a trigger.
    own: bool = False
    #: Vendor fields that have no word of ours yet, as JSON values.
    extras: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage(_Event):
    """A message in a chat was posted, edited or deleted."""

    #: The vendor's id of the message; edits and deletions name the message they change.
    message_id: str
    #: What happened to it.
    action: MessageAction = MessageAction.POSTED
    #: The text as a person reads it; empty on deletion.
    text: str = ""
    #: Files that came along.
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMessage(_Event):
    """A short message over a telephone network or a messenger (SMS, WhatsApp …)."""

    #: The vendor's id of the message.
    message_id: str
    #: The text as a person reads it.
    text: str = ""
    #: Media that came along.
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonPressed(_Event):
    """Somebody pressed a button that we or the channel's set-up offered."""

    #: The button's action name: ``talk_to_agent``, ``acknowledge`` …
    action: str
    #: The value that the button carried.
    value: str = ""
    #: What the button said.
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketChanged(_Event):
    """A ticket in a helpdesk was created or changed there, by people or by the helpdesk's own rules."""

    #: The helpdesk's id of the ticket.
    ticket_id: str
    #: What happened.
    change: TicketChange
    #: The ticket's subject, empty when the event does not say.
    subject: str = ""
    #: The state after the change, None when the event does not say.
    status: TicketStatus | None = None
    #: The helpdesk's own word for the priority, empty when not said.
    priority: str = ""
    #: Group or team by the helpdesk's id or name, empty when not said.
    group: str = ""
    #: The assignee's id, empty when nobody or not said.
    assignee: str = ""
    #: Tags after the change, None when the event does not say.
    tags: tuple[str, ...] | None = None
    #: Over what channel the ticket came to the helpdesk, in its own word: ``email``, ``web``, ``chat`` …
    via: str = ""
    #: Id of the comment that this event brings, empty when it brings none.
    comment_id: str = ""
    #: Text of that comment, or of the ticket's description on creation.
    text: str = ""
    #: Who may read the comment.
    audience: Audience = Audience.INTERNAL
    #: Files that came along.
    attachments: tuple[Attachment, ...] = ()
    #: The ticket's page for agents, empty when unknown.
    url: str = ""
    #: Who the ticket is for, when that is somebody else than the sender.
    requester: Party | None = None


ChannelEvent: TypeAlias = ChatMessage | TextMessage | ButtonPressed | TicketChanged
