"""What `decide` answers: the new state, the effects as values, and the trace that explains them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from gateway.model.case import Case, Episode, TicketLink
from gateway.model.handoff import Priority
from gateway.model.incident import Burst, IncidentFacts, OpenIncident
from gateway.model.party import Mode
from gateway.model.risk import Risk
from gateway.model.sla import SlaClocks, SlaMetric, SlaOutcome


class EffectKind(StrEnum):
    """What an effect does to the outside. The order of one case's effects to one destination is kept."""

    #: Write the case into a helpdesk, with its packet.
    HANDOFF = "handoff"
    #: Add further messages or facts to the ticket.
    UPDATE = "update"
    #: Answer the customer on their thread.
    REPLY = "reply"
    #: Tell agents.
    NOTIFY = "notify"
    #: Ask what is known of the customer. It only reads: no mode forbids it, and it keeps no other effect waiting.
    LOOKUP = "lookup"


class Effect(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One thing to do outside, as a row of the outbox. What it needs beyond this is read when it is sent."""

    #: Deterministic id: `effect_id(case, cause, kind, number)`.
    id: str
    #: What to do.
    kind: EffectKind
    #: The case.
    case_id: str
    #: The connection that does it.
    connection: str
    #: How far it may go: the stricter of the connection's and the rule's mode.
    mode: Mode
    #: The activity that caused it: its connection and its dedupe key.
    cause: tuple[str, str] = ("", "")
    #: The rule that wanted it; empty for an update that follows from an earlier handoff.
    rule: str = ""
    #: The episode it belongs to, None for a mirrored case.
    episode_id: str | None = None
    #: Not before this instant, UTC microseconds.
    due_at: int = 0
    #: Where to, within the connection: thread key of a reply, channel of a notice, group of a handoff.
    destination: str = ""
    #: Text of a reply or a notice, rendered.
    text: str = ""
    #: Title of a notice, rendered.
    title: str = ""
    #: Priority to set on the ticket.
    priority: Priority | None = None
    #: Tags to add to the ticket.
    tags: tuple[str, ...] = ()
    #: Fields to set on the ticket.
    fields: Mapping[str, str] = field(default_factory=dict[str, str])
    #: Buttons to offer, action name and label.
    buttons: tuple[tuple[str, str], ...] = ()
    #: By when somebody must have taken the episode, UTC microseconds.
    acknowledge_by: int | None = None
    #: The SLA's clocks as they were then, of whatever tells people; None when there were none.
    sla: SlaClocks | None = None
    #: Who the ticket is assigned to, by the helpdesk's id; empty for nobody, None to leave it as it is.
    assignee: str | None = None
    #: What was known of the customer at the decision, label and value, for a handoff or a notice.
    profile: tuple[tuple[str, str], ...] = ()
    #: True when a ticket that was solved must be open for it: its customer is back.
    reopen: bool = False
    #: Further lines of a notice, rendered.
    details: str = ""
    #: True for a notice of a sensitive case: it tells nothing but that, and which.
    redacted: bool = False
    #: The ladder whose people a notice tells: it is not sent once the case moved to another. Empty for none.
    ladder: str = ""


class Timer(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A durable deadline of a case. Set again under the same name it replaces the earlier one."""

    #: Name within the case: ``ack:<episode>:<step>`` …
    name: str
    #: When it is due, UTC microseconds.
    due_at: int


class TraceStep(Struct, frozen=True, kw_only=True, gc=False):
    """One rule that was looked at."""

    #: The rule.
    rule: str
    #: True when it matched.
    matched: bool
    #: The conditions that decided: source text and the value each had. Ids and numbers, never bodies.
    conditions: tuple[tuple[str, bool], ...] = ()
    #: What the signals stood on that the rule asked for: the field and, in our own words, phrase or score. Never a body.
    evidence: tuple[tuple[str, str], ...] = ()
    #: Why the rule, which matched, did not escalate: the incident that holds it back. Empty when nothing did.
    held_back: str = ""


class Trace(Struct, frozen=True, kw_only=True, gc=False):
    """Why a decision came out as it did."""

    #: Hash of the policy.
    policy: str
    #: What came of it, one word: ``escalate``, ``mirror``, ``follow``, ``none`` …
    result: str
    #: A sentence for people.
    sentence: str
    #: Rules that were looked at, in order, up to and with the one that matched.
    steps: tuple[TraceStep, ...] = ()
    #: How many rules were passed over before the first one listed in `steps`.
    skipped: int = 0
    #: Steps of the ladder that were passed over, counted from 0, each with the reason why.
    skipped_why: tuple[tuple[int, str], ...] = ()
    #: Agents that were thought of for the step, by their name in the policy, each with the reason why not; empty for those
    #: who got it.
    candidates_considered: tuple[tuple[str, str], ...] = ()
    #: Further sentences: how the priority came about, what is sensitive, what waits, which notice was held. Never a body.
    notes: tuple[str, ...] = ()
    #: The predicted risk that the decision was told; None when the policy asks for none.
    risk: Risk | None = None
    #: What was counted for incidents when it was decided.
    bursts: tuple[Burst, ...] = ()
    #: The open incident that the case was the parent of then, None for none.
    incident: OpenIncident | None = None


class Decision(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Everything that follows from one activity. Applying it twice is applying it once."""

    #: The case afterwards.
    case: Case
    #: The episode afterwards, None when there is none open and none was closed now.
    episode: Episode | None
    #: An episode that ends now because `episode` takes its place: it never reached the helpdesk, or an incident ended it.
    replaced: Episode | None = None
    #: What to do outside.
    effects: tuple[Effect, ...] = ()
    #: Deadlines to set.
    timers: tuple[Timer, ...] = ()
    #: Names of deadlines to drop.
    cancelled: tuple[str, ...] = ()
    #: Tickets of the case of which the helpdesk told another state.
    tickets: tuple[TicketLink, ...] = ()
    #: Targets of the SLA of which it is known by now what came of them, each told once.
    targets: tuple[tuple[SlaMetric, SlaOutcome], ...] = ()
    #: What is to happen to incidents, which span cases.
    incidents: tuple[IncidentFacts, ...] = ()
    #: Why.
    trace: Trace
