"""A decision in the making: the case as it becomes, and the effects with their ids and modes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.model import (
    Activity,
    Case,
    CaseStatus,
    Decision,
    Effect,
    EffectKind,
    Episode,
    IncidentFacts,
    Mode,
    Priority,
    SlaMetric,
    SlaOutcome,
    TicketLink,
    TicketStatus,
    Timer,
    Trace,
    TraceStep,
    altered,
    effect_id,
    move,
)
from gateway.model.keeping import Suspended
from gateway.model.life import is_customers
from routing.guarding import guarded, placed
from routing.policy import Policy, Rule
from routing.signals.customer import NOBODY, Customer
from routing.signals.reading import Signals
from routing.snapshot import Snapshot

#: States in which nobody works on a ticket any more.
OVER: Final = frozenset({TicketStatus.SOLVED, TicketStatus.CLOSED})
_WRITES: Final = frozenset({EffectKind.HANDOFF, EffectKind.UPDATE})
_RANK: Final = {Mode.OBSERVE: 0, Mode.NOTES: 1, Mode.LIVE: 2}

#: Effects by which people learn of a customer whom they may not know.
_TOLD: Final = frozenset({EffectKind.HANDOFF, EffectKind.NOTIFY})


def customer_of(snapshot: Snapshot, now: int) -> Customer:
    """Return what is known of a case's customer, as far as the policy asks."""
    rules = snapshot.policy.customer
    return NOBODY if rules is None else Customer(rules, snapshot.profile, now)


def stricter(*modes: Mode) -> Mode:
    """Return the mode that allows least."""
    return min(modes, key=_RANK.__getitem__)


class Draft:
    """What one activity leads to."""

    def __init__(self, snapshot: Snapshot, activity: Activity, now: int, case: Case) -> None:
        """Begin with the case as the activity alone leaves it."""
        self.snapshot = snapshot
        self.activity = activity
        self.now = now
        self.case = case
        #: What the rules look at: the activity, or one that waited for the look-up whose outcome the activity is.
        self.about = activity
        self.signals = Signals(activity, snapshot.policy.lexicons, snapshot.policy.people, customer_of(snapshot, now))
        self.signals.risk = snapshot.risk or self.signals.risk
        self.signals.bursts = snapshot.bursts
        self.signals.incident = case.incident if case.incident is not None and case.incident.open else None
        #: The case as the rules saw it, before they changed it; None when none was asked.
        self.looked_at: Case | None = None
        self.episode = snapshot.episode
        self.replaced: Episode | None = None
        self.effects: list[Effect] = []
        self.timers: list[Timer] = []
        self.cancelled: list[str] = []
        #: Targets of which it is known by now what came of them.
        self.targets: tuple[tuple[SlaMetric, SlaOutcome], ...] = ()
        #: The ticket of the activity, once the helpdesk told another state of it.
        self.told: TicketLink | None = None
        #: True once the customer took a resolved case up again.
        self.back = False
        self.result = "none"
        self.sentence = ""
        #: Sentences beside that one: what a person would expect to happen and does not.
        self.remarks: list[str] = []
        self.steps: tuple[TraceStep, ...] = ()
        self.skipped = 0
        self.skipped_why: tuple[tuple[int, str], ...] = ()
        self.candidates: tuple[tuple[str, str], ...] = ()
        #: The escalation that waited and comes now; None for every other one.
        self.waited: Suspended | None = None
        #: True once a rule brought the case onto its ladder just now: of those that match, the one that outranks the others.
        self.landed = False
        #: What made the case more urgent just now, in some words; empty for nothing.
        self.raised = ""
        #: Further sentences on why, for the trace.
        self.notes: list[str] = []
        #: What is to happen to incidents; and what to say of it besides.
        self.incidents: list[IncidentFacts] = []
        self.grouped = ""
        self.cause = f"{activity.connection}:{activity.dedupe}"

    def look_at(self, activity: Activity) -> None:
        """Let the rules look at an earlier activity; what comes of it is still caused by the one in hand."""
        self.about = activity
        policy, before = self.snapshot.policy, self.signals
        self.signals = Signals(activity, policy.lexicons, policy.people, before.customer)
        self.signals.sla, self.signals.risk, self.signals.incident = before.sla, before.risk, before.incident

    @property
    def policy(self) -> Policy:
        """Return the policy that holds for what the open episode does next."""
        older = self.snapshot.episode_policy
        return self.snapshot.policy if older is None or self.replaced is not None else older

    def say(self, result: str, sentence: str) -> None:
        """Say what came of it."""
        self.result = result
        self.sentence = sentence

    def new_id(self, kind: str, number: int = 0) -> str:
        """Return the deterministic id of something that this activity causes."""
        return effect_id(self.case.id, self.cause, kind, number)

    def ticket(self, connection: str) -> TicketLink | None:
        """Return the case's ticket in a helpdesk."""
        for link in self.snapshot.tickets:
            if link.connection == connection:
                return link
        return None

    def mode(self, connection: str, rule: Rule | None) -> Mode:
        """Return how far an effect of a rule may go over a connection."""
        facts = self.snapshot.connections.get(connection)
        own = facts.mode if facts is not None else Mode.OBSERVE
        return own if rule is None else stricter(own, rule.mode)

    def emit(
        self,
        kind: EffectKind,
        connection: str,
        mode: Mode,
        *,
        rule: str = "",
        destination: str = "",
        title: str = "",
        text: str = "",
        priority: Priority | None = None,
        tags: tuple[str, ...] = (),
        fields: Mapping[str, str] | None = None,
        buttons: tuple[tuple[str, str], ...] = (),
        acknowledge_by: int | None = None,
        assignee: str | None = None,
        details: str = "",
    ) -> Effect:
        """Add an effect; its id follows from the case, the activity, its kind and its number among them."""
        number = len([effect for effect in self.effects if effect.kind is kind])
        effect = Effect(
            id=self.new_id(kind.value, number),
            kind=kind,
            case_id=self.case.id,
            connection=connection,
            mode=mode,
            cause=(self.activity.connection, self.activity.dedupe),
            rule=rule,
            episode_id=self.episode.id if self.episode is not None else None,
            due_at=self.now,
            destination=destination,
            title=title,
            text=text,
            priority=priority,
            tags=tags,
            fields=fields or {},
            buttons=buttons,
            acknowledge_by=acknowledge_by,
            assignee=assignee,
            profile=self.signals.customer.facts() if kind in _TOLD else (),
            reopen=kind in _WRITES and self._reopens(connection),
            details=details,
            ladder=self.episode.ladder if kind is EffectKind.NOTIFY and self.episode is not None else "",
        )
        if self.case.sensitive:
            effect = guarded(self.case, effect)
            self.case = placed(self.case, effect)
        self.effects.append(effect)
        return effect

    def _reopens(self, connection: str) -> bool:
        """Tell whether a ticket that was solved must be open for what the customer did."""
        if self.back:
            return True
        link = self.ticket(connection)
        return link is not None and link.status in OVER and is_customers(self.activity)

    def change_case(self, **changes: object) -> None:
        """Take changes of the case over."""
        self.case = altered(self.case, **changes)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]

    def move_case(self, status: CaseStatus) -> None:
        """Take the case to another state. Raises IllegalMove."""
        self.case = move(self.case, status, self.now)

    def change_episode(self, **changes: object) -> Episode:
        """Take changes of the open episode over."""
        if self.episode is None:
            raise ValueError("there is no open episode")
        self.episode = altered(self.episode, **changes)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        return self.episode

    def decision(self) -> Decision:
        """Return the decision."""
        return Decision(
            case=self.case,
            episode=self.episode,
            replaced=self.replaced,
            effects=tuple(self.effects),
            timers=tuple(self.timers),
            cancelled=tuple(self.cancelled),
            tickets=() if self.told is None else (self.told,),
            targets=self.targets,
            incidents=tuple(self.incidents),
            trace=Trace(
                policy=self.snapshot.policy.digest,
                result=self.result,
                sentence=" ".join(filter(None, (self.sentence, self.grouped, *self.remarks))),
                bursts=self.snapshot.bursts,
                incident=self.snapshot.incident,
                steps=self.steps,
                skipped=self.skipped,
                skipped_why=self.skipped_why,
                candidates_considered=self.candidates,
                notes=tuple(self.notes),
                risk=self.snapshot.risk,
            ),
        )
