"""The policy as values: what `escalation.toml` says, checked and compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from gateway.model import Channel, Mode, Priority, SlaMetric, TicketStatus
from routing.calendar import Calendar
from routing.compiling import Condition, Matcher, fields_of
from routing.fingerprints import Part
from routing.people import NOBODY, Asked, People
from routing.phrases import PhraseBook, PhraseList
from routing.precautions import Mute, Sensitivity
from routing.risk.rules import RiskRules
from routing.severity_values import Severity
from routing.signals.customer import CustomerRules
from routing.signals.sentiment import Scorer
from routing.skipping import SkipIf

#: What fields begin with that stand on evidence.
_SIGNALS: Final = frozenset({"message", "authority", "actor", "needed", "customer", "risk", "burst", "incident"})


#: After how long a case that waits for room goes before more urgent ones, unless its step says otherwise, microseconds.
MAX_WAIT: Final = 30 * 60 * 1_000_000


class Act(StrEnum):
    """What a rule does when it matches."""

    ESCALATE = "escalate"
    MIRROR = "mirror"
    NONE = "none"


class EscalationType(StrEnum):
    """The four types of escalation."""

    FUNCTIONAL = "functional"
    HIERARCHICAL = "hierarchical"
    AUTOMATED = "automated"
    PRIORITY = "priority"


class Hours(StrEnum):
    """Whether a step knows working hours."""

    IGNORE = "ignore"
    RESPECT = "respect"


class Outside(StrEnum):
    """What a step that respects working hours does outside of them. In the file, redirect is followed by a step."""

    PAUSE = "pause"
    CONTINUE = "continue"
    REDIRECT = "redirect"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionFacts:
    """What routing knows of a connection."""

    #: Its name in `plugins.toml`.
    name: str
    #: The kind of channel it is switched on for.
    channel: Channel
    #: How far it may go.
    mode: Mode
    #: What it can do: ``handoff``, ``reply``, ``notify``, ``profile``.
    roles: frozenset[str]
    #: What its settings lack for notices, and what to set: each the end of a sentence.
    notices_lack: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where something goes: a connection, and a place within it."""

    connection: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a matching rule sets."""

    priority: Priority | None = None
    group: str = ""
    tags: tuple[str, ...] = ()
    fields: Mapping[str, str]
    reason: str = ""
    #: Levels of `routing.severity_values`, empty to say nothing.
    impact: str = ""
    urgency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule."""

    id: str
    type: EscalationType | None
    act: Act
    all: tuple[Condition, ...]
    any: tuple[Condition, ...]
    catch_all: bool
    goes_on: bool
    mode: Mode
    set: Settings
    #: Connection to mirror into; empty unless `act` is mirror.
    target: str
    #: Ladder to climb; empty unless `act` is escalate.
    ladder: str
    #: Text to the customer: once the handoff stands, where it escalates, and else when it matches. Empty for none.
    reply: str
    #: The signals that its conditions ask for, which the account of a decision gives evidence of.
    signals: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Find the signals once: every decision needs them."""
        read = fields_of((*self.all, *self.any))
        asked = sorted(name for name in read if name.partition(".")[0] in _SIGNALS)
        object.__setattr__(self, "signals", tuple(asked))

    #: Action and label of the buttons under the reply.
    buttons: tuple[tuple[str, str], ...] = ()
    #: Microseconds for which the escalation waits for the case to solve itself; None to escalate at once.
    suspend: int | None = None
    #: What agents should do in such a case: an address, empty for that of the ladder.
    playbook: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a notice says, with places for values."""

    #: One line.
    title: str
    #: Further lines, empty for none.
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where a ladder's step or its end goes, and who is told."""

    target: Address
    notify: tuple[Address, ...]
    #: Microseconds within which somebody must have taken it; None at the end of the ladder.
    ack_within: int | None
    #: Microseconds after which those who took it are reminded to answer the customer; None for never.
    reply_within: int | None = None
    #: Microseconds for which it stays taken without an answer to the customer; None for ever.
    ack_ttl: int | None = None
    #: The working hours that its times are counted in; None when time is time.
    calendar: Calendar | None = None
    #: The step that stands in outside of working hours, as an index, the number of steps for the end; None to wait.
    redirect: int | None = None
    #: Whom it asks, when its target is people; `target` is where the ticket stands meanwhile. None for a group alone.
    asks: Asked | None = None
    #: Title and further lines of its notices, as templates; None for Baton's own words.
    message: Message | None = None
    #: When it is passed over; None for never.
    skip_if: SkipIf | None = None
    #: A case that is at least so urgent comes straight to it, past the steps before it; None for no case.
    min_priority: Priority | None = None
    #: How many people must acknowledge before the case counts as taken; and whether members of its team alone may.
    min_acks: int = 1
    acks_of_team: bool = False
    #: True when the case is given to another who is there, once its customer writes while the one who has it is away.
    reassigns: bool = False
    #: True when a case waits for room in its team; and after how long it goes before more urgent ones, microseconds.
    waits_for_room: bool = False
    max_wait: int = MAX_WAIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Who is told in what order until somebody takes the case."""

    id: str
    steps: tuple[Stage, ...]
    final: Stage
    #: How often the steps are gone through anew before the end.
    repeat: int = 0
    #: What agents should do with its cases: an address, empty for none.
    playbook: str = ""

    def stage(self, number: int) -> Stage:
        """Return a step by its index; the end for every index past the last."""
        return self.final if self.at_end(number) else self.steps[number]

    def at_end(self, number: int) -> bool:
        """Tell whether an index is past the last step."""
        return number >= len(self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sla:
    """By when the customer must have an answer, and the case its end."""

    id: str
    all: tuple[Condition, ...]
    any: tuple[Condition, ...]
    #: Microseconds of the calendar's time for each metric that has a target.
    targets: Mapping[SlaMetric, int]
    #: Microseconds after which each of them is at risk.
    risks: Mapping[SlaMetric, int]
    #: The working hours that its times are counted in; None when time is time.
    calendar: Calendar | None
    #: States of the ticket in which its clocks stand.
    pause: frozenset[TicketStatus]
    #: Hash of everything that deadlines follow from: the conditions are no part of it.
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One matter of many customers: which messages count for it, and what holds while it is open."""

    id: str
    #: Its name for people.
    title: str
    all: tuple[Condition, ...]
    any: tuple[Condition, ...]
    #: What is the same about messages that count together: fields and words, one after the other; none for all of them.
    fingerprint: tuple[Part, ...]
    #: Microseconds within which the customers must come.
    window: int
    #: So many distinct customers open it.
    threshold: int
    #: Rules that do not escalate a case that belongs to it.
    inhibit: frozenset[str]
    #: Connections that open and close it.
    opened_by: frozenset[str]
    #: Microseconds after its last message after which it closes by itself; None for never.
    resolve_after: int | None
    #: What each of its customers is told, empty for nothing.
    reply: str
    #: What those who were told that are told once it is over, empty for nothing.
    reply_when_over: str
    #: Whether the cases that belong to it are resolved with it, unless there is something besides.
    resolve_cases: bool
    #: How its parent case is escalated; no rule of the policy's list.
    rule: Rule

    @property
    def observed(self) -> bool:
        """Return whether it is only tried: its customers are counted, and nothing is done."""
        return self.rule.mode is Mode.OBSERVE


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Policy:
    """A whole policy, by the hash of its text."""

    digest: str
    source: str
    rules: tuple[Rule, ...]
    by_id: Mapping[str, Rule]
    ladders: Mapping[str, Ladder]
    calendars: Mapping[str, Calendar]
    phrases: Mapping[str, PhraseList]
    book: PhraseBook
    match: Matcher
    #: True when a condition looks into the text, so that it must be made canonical.
    reads_text: bool
    #: The fields that conditions read.
    reads: frozenset[str]
    #: Scorers of sentiment by language, which the policy brings.
    lexicons: Mapping[str, Scorer]
    #: SLAs in their order of precedence.
    slas: tuple[Sla, ...] = ()
    #: Says which of them applies: a list with its index, or an empty one.
    match_sla: Matcher | None = None
    #: The rules that a deadline of an SLA lets look, by their index: those that read a field of it.
    clock_rules: tuple[int, ...] = ()
    #: Says which of those match, by their place among them.
    match_clock_rules: Matcher | None = None
    #: Agents, teams, skills and actions.
    people: People = NOBODY
    #: Where what conditions ask of the customer comes from; None when they ask nothing.
    customer: CustomerRules | None = None
    #: What impact and urgency make of a case; None when nothing.
    severity: Severity | None = None
    #: What is sensitive, the first that marks a case first.
    sensitivities: tuple[Sensitivity, ...] = ()
    #: Says which of them mark a case: all that do, by their index.
    match_sensitive: Matcher | None = None
    #: Notices that are held for a time.
    mutes: tuple[Mute, ...] = ()
    #: When the predicted risk is spoken of, and learned; None when it is not.
    risk: RiskRules | None = None
    #: Incidents by their id, and what says which of them an activity counts for, by their place.
    incidents: Mapping[str, Incident] = field(default_factory=dict[str, Incident])
    match_incidents: Matcher | None = None

    def playbook(self, rule_id: str) -> str:
        """Return what agents should do in a case of a rule, as an address; empty when the policy names none."""
        rule = self.by_id.get(rule_id)
        if rule is None or rule.playbook:
            return "" if rule is None else rule.playbook
        ladder = self.ladders.get(rule.ladder)
        return "" if ladder is None else ladder.playbook

    @property
    def escalating(self) -> tuple[Rule, ...]:
        """Return the rules, and after them those of incidents, which are no rules of the list: whatever climbs a ladder."""
        return (*self.rules, *(each.rule for each in self.incidents.values()))
