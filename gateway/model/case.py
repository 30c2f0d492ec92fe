"""The case model: a case holds threads; at most one episode of it is open; its tickets stand in the helpdesks."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct

from gateway.model.events import TicketStatus
from gateway.model.handoff import Priority
from gateway.model.incident import Membership
from gateway.model.keeping import NOT_PRIVATE, Private, Suspended
from gateway.model.party import Channel, Mode, Party
from gateway.model.risk import RiskPoint
from gateway.model.sla import SlaClocks
from gateway.model.waiting import NOBODY, Waiting

#: In place of connection and id of an agent, where there is none.
NO_AGENT: Final = ("", "")


class CaseStatus(StrEnum):
    """The life of a case. Legal moves: open ⇄ resolved, and any → merged ⇄ (undone) what it was before.

    A merged case's document keeps what it was before: `MERGED` is only shown, never stored. See `gateway.model.life`.
    """

    OPEN = "open"
    RESOLVED = "resolved"
    MERGED = "merged"


class EpisodeState(StrEnum):
    """The life of an episode: open → acknowledged → closed, or open → closed."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class Contact(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A person, by the identifiers that we have of them."""

    #: Row id.
    id: str
    #: The identifiers, each with its evidence.
    parties: tuple[Party, ...] = ()


class Thread(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One conversation on one channel."""

    #: Row id.
    id: str
    #: The connection it is held over; ``baton`` for a case's internal thread.
    connection: str
    #: Its key within the connection.
    key: str
    #: The kind of channel; None for a case's internal thread.
    channel: Channel | None = None
    #: True when somebody else speaks here than the one whose case it is, since cases were merged: no answer of the case
    #: may go here, and nothing that is said here becomes the case's subject or customer.
    stranger: bool = False
    #: True while who speaks here wants no messages (STOP): no reply goes here, whatever case it is of, until a START.
    silenced: bool = False


class TicketLink(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A case's ticket in a helpdesk. One external ticket belongs to one case."""

    #: The helpdesk's connection.
    connection: str
    #: The helpdesk's id of the ticket.
    ticket_id: str
    #: True when the ticket was there before the case: Baton adopted it.
    adopted: bool
    #: The ticket's page for agents, empty when unknown.
    url: str = ""
    #: The last state the helpdesk told; None when it told none yet.
    status: TicketStatus | None = None
    #: When it got that state by the helpdesk's clock, UTC microseconds; None when that is not known.
    status_at: int | None = None


class Episode(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One escalation of a case, from the rule that demanded it to its end."""

    #: Row id; an effect id of the case and the activity that opened it, so that it is made once.
    id: str
    #: The case.
    case_id: str
    #: The rule that opened it.
    rule: str
    #: Rules that demanded it, the opening one first.
    reasons: tuple[str, ...]
    #: The ladder that it climbs.
    ladder: str
    #: The step it stands on, counted from 0; the number of steps when it reached `final`.
    step: int
    #: Hash of the policy it runs under until it ends.
    policy: str
    #: Where it stands.
    state: EpisodeState
    #: When it opened, UTC microseconds.
    opened_at: int
    #: How far its handoff was allowed to go when it opened. In observe, the whole episode stays a rehearsal.
    mode: Mode = Mode.LIVE
    #: When a person took it, None while nobody did.
    acknowledged_at: int | None = None
    #: When it ended, None while it runs.
    closed_at: int | None = None
    #: How often it moved to another step: part of its deadlines' names, so that none is mistaken for an earlier one.
    epoch: int = 0
    #: How often its ladder began anew.
    round: int = 0
    #: By when somebody must have taken it, UTC microseconds; None at the ladder's end.
    acknowledge_by: int | None = None
    #: The step it goes to when nobody took it by then; None for the next one.
    onward: int | None = None
    #: True while its step's people are not told, since their working hours have not begun.
    hushed: bool = False
    #: When those who took it are reminded to answer the customer, None when never.
    answer_by: int | None = None
    #: Until when it stays taken without an answer to the customer, None for ever.
    held_until: int | None = None
    #: When an agent first answered the customer after it opened, None while nobody did.
    answered_at: int | None = None
    #: True while the ticket carries the tag that sent it on: the tag counts once.
    tagged: bool = False
    #: Notices by whose button it was sent on: each counts once, so that two who press it at once move it one step.
    sent_on_by: tuple[str, ...] = ()
    #: The agent who sent it to its present step, by their name in the policy; empty when nobody did whom the policy names.
    sent_further_by: str = ""
    #: The channel that its case began on.
    channel: Channel | None = None
    #: The agent whose doing opened it, or with whom the customer spoke whose words did, by their name in the policy; empty when
    #: it is no agent of the policy.
    actor: str = ""
    #: The action that was above their limit or not, and its amount; empty and None when it was about none.
    action: str = ""
    amount: float | None = None
    #: Agents whom its present step asks, by their name in the policy; empty on a step that names a group.
    assigned: tuple[str, ...] = ()
    #: When they were asked, UTC microseconds; None while nobody is.
    assigned_at: int | None = None
    #: Agents who were asked on earlier steps, in order, each once.
    asked: tuple[str, ...] = ()
    #: When the last of them was, UTC microseconds; None while nobody was.
    asked_at: int | None = None
    #: How far the skills that its present step wants were given up: so many of its relaxations hold.
    relaxed: int = 0
    #: When the next of them holds, UTC microseconds; None while somebody is asked, or nothing is given up.
    relax_at: int | None = None
    #: Steps that it was passed over at so far, counted from 0, each with the reason why; the same one stands once.
    passed_over: tuple[tuple[int, str], ...] = ()
    #: Who acknowledged on its present step, where it wants several: by their name in the policy, or connection and id.
    acked_by: tuple[str, ...] = ()
    #: When it is looked whether the one who has it is there, UTC microseconds; None when the customer did not write since.
    owner_look_at: int | None = None
    #: The team for whose room it waits on its present step, empty for none; and since when, UTC microseconds.
    waits_for: str = ""
    line_since: int | None = None
    #: The rule by which it climbs since one outranked the rule that opened it; empty while none did.
    climbs_by: str = ""
    #: The priority that the rule by which it climbs asked for itself, None for none.
    asked_priority: Priority | None = None
    #: The ladder that it began on, empty while it is on that one.
    began_on: str = ""

    @property
    def leading(self) -> str:
        """Return the rule by which it climbs."""
        return self.climbs_by or self.rule


class Unanswered(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Something that rules looked at before the answer of a look-up was there: they look again when it is."""

    #: The activity: its connection and its dedupe key.
    activity: tuple[str, str]
    #: The rules that matched then. None of them acts on it a second time.
    rules: tuple[str, ...] = ()


class Lookup(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The last look-up of a case's customer. A case has at most one out at a connection."""

    #: The effect.
    effect_id: str
    #: The connection that is asked.
    connection: str
    #: What waits for the answer, oldest first; the newest ones, when it is long in coming.
    waiting: tuple[Unanswered, ...] = ()
    #: When it came to nothing, UTC microseconds; None while it is out. For a while nobody is asked again.
    failed_at: int | None = None


class Case(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One matter of one customer, over however many threads."""

    #: Row id.
    id: str
    #: Where it stands.
    status: CaseStatus = CaseStatus.OPEN
    #: What it is about: the ticket's subject or the first words of the first message.
    subject: str = ""
    #: The kind of channel it began on.
    channel: Channel | None = None
    #: The connection it began on.
    connection: str = ""
    #: Who it is for.
    customer: Party | None = None
    #: How urgent it is; None until a rule says.
    priority: Priority | None = None
    #: How much it harms, and how soon: `low`, `medium`, `high`; empty until a rule or a field of the ticket says.
    impact: str = ""
    urgency: str = ""
    #: What the policy's matrix makes of both; None while it makes nothing of them.
    severity: Priority | None = None
    #: Tags that rules set.
    tags: tuple[str, ...] = ()
    #: When the first activity happened, UTC microseconds.
    opened_at: int = 0
    #: When the last activity happened, UTC microseconds.
    last_activity_at: int = 0
    #: Messages of the customer so far.
    customer_messages: int = 0
    #: Public messages of agents so far.
    agent_messages: int = 0
    #: Messages of bots to the customer since `spent_at`.
    bot_turns: int = 0
    #: Times a bot did not understand since `spent_at`.
    bot_fallbacks: int = 0
    #: Times it was taken up again after it had been resolved, since `spent_at`.
    reopened: int = 0
    #: Weighted mean of how the customer's messages since `spent_at` felt, -1 to 1; None when unknown or not asked for.
    sentiment: float | None = None
    #: Fingerprints of the customer's last messages since `spent_at`, oldest first; none when not asked for.
    asked: tuple[str, ...] = ()
    #: How many of those before it ask the same as the customer's last message.
    repeated_question: int = 0
    #: Activities that Baton had by then, UTC microseconds, are spent as evidence: an episode opened on them, or ended.
    spent_at: int = 0
    #: Connection and key of the thread on which the customer spoke last: where a reply goes.
    last_connection: str = ""
    last_thread: str = ""
    #: Connection and id of the agent who last answered in public; empty while none did.
    last_agent: tuple[str, str] = NO_AGENT
    #: Connection and id of whom its ticket was assigned to last, also when nobody has it by now; empty while nobody did.
    last_assignee: tuple[str, str] = NO_AGENT
    #: When they got it, as far as the helpdesk told, UTC microseconds.
    assignee_since: int = 0
    #: Connections that hold or are being sent a handoff of this case.
    targets: tuple[str, ...] = ()
    #: Connections that would have been sent one, had their mode allowed it.
    observed: tuple[str, ...] = ()
    #: Rules in observe mode that matched: what each would have done is written down once.
    rehearsed: tuple[str, ...] = ()
    #: Who waits for whom, and since when.
    waiting: Waiting = NOBODY
    #: The SLA that applies, with its clocks; None when none ever did.
    sla: SlaClocks | None = None
    #: Rules that answered the customer without escalating: each does so once a case.
    answered_by: tuple[str, ...] = ()
    #: When it was resolved, UTC microseconds; None while it is open.
    resolved_at: int | None = None
    #: The case that it takes up again, when its customer came back too late to reopen that one; empty for all others.
    follows: str = ""
    #: The incident that it belongs to, or belonged to last; its own id stands in it when it is the parent of one.
    incident: Membership | None = None
    #: Incidents whose reply its customer was sent, by their ids, and, with `:over` after it, the one at its end: each once.
    broadcasts: tuple[str, ...] = ()
    #: How many messages of the customer there were when the newest of those came that count for an incident one after the other;
    #: 0 while none did. Where it is not `customer_messages`, the customer said more since.
    last_counted: int = 0
    #: The look-up of its customer that is out, or that failed last; None when there is neither.
    lookup: Lookup | None = None
    #: The policy's `[sensitivity.NAME]` that marked it, empty when it is not sensitive. It stays until a person lifts it.
    sensitive: str = ""
    #: Where it is kept then.
    private: Private = NOT_PRIVATE
    #: Escalations that wait for it to solve itself.
    suspended: tuple[Suspended, ...] = ()
    #: The moment of its life that the risk is learned from once it is over; None when there was none, or nothing is learned.
    risk: RiskPoint | None = None
    #: Activities applied so far; the order of everything that happened to the case.
    seq: int = 0

    @property
    def stands_for_incident(self) -> bool:
        """Return whether it is the parent case of an incident, open or over: rules are for customers' cases."""
        return self.incident is not None and self.incident.id == self.id
