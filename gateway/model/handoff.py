"""What goes out: a handoff into a helpdesk, a reply to a customer, a notice to agents; and the proof of arrival."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from gateway.model.party import Audience, Channel, Mode, Party
from gateway.model.sla import SlaClocks


class Priority(StrEnum):
    """Urgency of a case, P1 first."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"


class ForeignId(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Something of ours, by the name the vendor gave it: what the ledger keeps."""

    #: What it is: ``ticket``, ``comment``, ``message`` …
    kind: str
    #: The vendor's id.
    id: str


class Receipt(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The proof that a write landed at the vendor."""

    #: The vendor's ids of what was written; the first is the main one.
    ids: tuple[ForeignId, ...]
    #: The ticket it stands on, empty when there is none.
    ticket_id: str = ""
    #: Where a person can see it, empty when nowhere.
    url: str = ""
    #: Key of the thread within the connection on which answers will come, empty when unknown.
    thread: str = ""


class File(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A file on its way from one system to another. What is not carried says why, so that a person sees it."""

    #: The file's name, one line.
    name: str
    #: Its media type, empty when unknown.
    media_type: str = ""
    #: Size in bytes, None when unknown.
    size: int | None = None
    #: SHA-256 of the bytes, by which `Host.blob` gives them; empty when they are not carried.
    sha256: str = ""
    #: Why the bytes are not carried, a few words; empty when they are.
    note: str = ""


class Button(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A button offered with a reply or a notice."""

    #: Action name that comes back: see `ButtonPressed.action`.
    action: str
    #: What it says.
    label: str


class Entry(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One line of a case's transcript."""

    #: When it happened, UTC microseconds.
    occurred_at: int
    #: Who said it.
    author: Party
    #: Over what channel; None when Baton itself speaks.
    channel: Channel | None
    #: Who may read it.
    audience: Audience
    #: The text.
    text: str
    #: Key that a target writes beside the entry, so that it is written once: the effect's id.
    key: str = ""
    #: Files that came along.
    files: tuple[File, ...] = ()
    #: Buttons that were offered with it, in a history for the one who speaks.
    buttons: tuple[Button, ...] = ()


class Packet(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The whole context of a case at the moment of a handoff, before a target renders it."""

    #: Version of this shape.
    version: int
    #: The case.
    case_id: str
    #: The episode, None for a mirrored case.
    episode_id: str | None
    #: Hash of the policy that decided.
    policy: str
    #: What the case is about.
    subject: str
    #: Who it is for.
    customer: Party | None
    #: How urgent it is.
    priority: Priority | None
    #: The rule that demanded it and a sentence that says why.
    rule: str
    reason: str
    #: Excerpts that fired the rule, newest last.
    evidence: tuple[str, ...]
    #: The transcript, oldest first.
    transcript: tuple[Entry, ...]
    #: False when the transcript was cut at its beginning.
    complete: bool
    #: The ladder, and by when somebody must have taken it (UTC microseconds); empty and None for a mirrored case.
    ladder: str = ""
    acknowledge_by: int | None = None
    #: The SLA with its clocks as they were then: metric, target, due time, breached or not; None when none applied.
    sla: SlaClocks | None = None
    #: What was known of the customer when it was decided, label and value: tier, organization, how old that is.
    profile: tuple[tuple[str, str], ...] = ()
    #: What agents should do in such a case: an address, empty for none.
    playbook: str = ""


class Handoff(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A case to be written into a helpdesk: a new ticket, or an update of one that is known.

    Idempotent on `key`: the same key twice leaves one ticket, and each note once.
    """

    #: Idempotency key, ``[0-9a-f-]``.
    key: str
    #: The case.
    case_id: str
    #: What the ticket carries as its external id: one per case and connection.
    external_id: str
    #: How far the target may go: in `notes` only internal notes are written.
    mode: Mode
    #: The ticket to update; None for a new one.
    ticket_id: str | None = None
    #: True when the ticket was there before the case.
    adopted: bool = False
    #: Subject of a new ticket.
    subject: str = ""
    #: Who a new ticket is for.
    requester: Party | None = None
    #: The context to render as an internal note; None for a plain update.
    packet: Packet | None = None
    #: Further messages of the case since the last write, oldest first; each is written once.
    entries: tuple[Entry, ...] = ()
    #: Priority to set, None to leave it.
    priority: Priority | None = None
    #: Group or queue to set by the helpdesk's name or id, empty to leave it.
    group: str = ""
    #: Tags to add.
    tags: tuple[str, ...] = ()
    #: Fields to set, by the helpdesk's name or id.
    fields: Mapping[str, str] = field(default_factory=dict[str, str])
    #: Who to assign the ticket to, by the id that the roster gives; empty to take it from whoever has it, None to leave it.
    assignee: str | None = None
    #: The SLA's clocks as they were then; None when none applied. A target with a field for it keeps there when the next is due.
    sla: SlaClocks | None = None
    #: True when the customer is back: in `live`, a known ticket that was solved is opened again; one in work stays as it is.
    reopen: bool = False


class Reply(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A text to the customer, on the thread where they are. The destination is frozen when it is written."""

    #: Idempotency key, ``[0-9a-f-]``; handed back as `reference` by what refers to this reply.
    key: str
    #: The case.
    case_id: str
    #: Key of the thread within the connection.
    thread: str
    #: The text.
    text: str
    #: Buttons to offer.
    buttons: tuple[Button, ...] = ()
    #: Subject of the conversation, for channels that have one.
    subject: str = ""
    #: The vendor's id of the customer's last message on the thread, empty when unknown: what a mail answers.
    in_reply_to: str = ""
    #: When the customer last wrote on the thread, UTC microseconds; None when never. Some channels are open only so long.
    last_message_at: int | None = None
    #: Files to send along.
    files: tuple[File, ...] = ()
    #: When it was written, UTC microseconds; None when unknown. Nothing that is older at the vendor can be this reply.
    written_at: int | None = None


class Notice(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A text to agents: somebody must look at a case."""

    #: Idempotency key, ``[0-9a-f-]``; handed back as `reference` when one of its buttons is pressed.
    key: str
    #: The case.
    case_id: str
    #: Where to: the vendor's name of a channel, queue or person.
    destination: str
    #: One line.
    title: str
    #: Some lines more.
    text: str = ""
    #: Label and value pairs to show as a table.
    facts: tuple[tuple[str, str], ...] = ()
    #: The ticket's page, empty when there is none yet.
    url: str = ""
    #: Buttons to offer.
    buttons: tuple[Button, ...] = ()
    #: When it was written, UTC microseconds; None when unknown. Nothing that is older at the vendor can be this notice.
    written_at: int | None = None
