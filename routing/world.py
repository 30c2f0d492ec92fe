"""A case in memory: it is decided on as in the gateway, what is written lands at once, and deadlines happen at their instants.

What the pipeline and the store do around `decide` is done here in small: timers are set and dropped, a handoff that landed
binds its ticket, and every outcome comes back as an activity of the case. Policy tests play in it, and what is stored of a
case is gone through in it once more. What is known outside, of the customer and of agents, is as somebody says (`Outside`). It
does not know of threads that were merged with another person's, nor that whoever comes back too late begins a new case.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Final

from gateway.model import (
    Activity,
    ActivityKind,
    ButtonChoice,
    Case,
    Decision,
    Effect,
    EffectKind,
    Episode,
    EpisodeState,
    ForeignId,
    IncidentChange,
    Mode,
    Outcome,
    Party,
    Receipt,
    Role,
    Thread,
    TicketLink,
    Trace,
    altered,
)
from gateway.model.activity import BATON_NAME
from routing.decide import decide
from routing.happened import Happened, Step, Ticket, together
from routing.incidents import watch
from routing.muting import told_by
from routing.outside import Outside, Surroundings
from routing.people import UNKNOWN
from routing.policy import ConnectionFacts, Policy
from routing.snapshot import Snapshot

#: Id of the ticket that is made in a helpdesk here.
TICKET_ID: Final = "1001"
_CASE_ID: Final = "00000000-0000-7000-8000-000000000001"
#: Deadlines that may happen while time passes once; a ladder has far fewer.
_MOST_TIMERS: Final = 10_000
#: The result of a decision on what a look-up found, when nothing follows from it.
_NO_NEWS: Final = "looked_up"


class World:
    """One case, from the first event to the last."""

    def __init__(
        self,
        policy: Policy,
        connections: Mapping[str, ConnectionFacts],
        *,
        at: int,
        given: Mapping[str, object] | None = None,
        down: frozenset[str] = frozenset(),
        case_id: str = _CASE_ID,
        outside: Outside | None = None,
    ) -> None:
        """Begin at an instant (UTC microseconds), with fields of the case that are so already, and connections that are down."""
        self.policy = policy
        #: Policies of other hashes, under which an escalation may have begun.
        self.older: dict[str, Policy] = {}
        self.now = at
        self.case: Case | None = None
        #: The newest escalation, closed or not.
        self.episode: Episode | None = None
        #: Steps that it reached.
        self.path: list[Step] = []
        #: What the tickets look like, by connection.
        self.desks: dict[str, Ticket] = {}
        self.timers: dict[str, int] = {}
        #: What was said of each mute that held a notice, by the timer of its end.
        self.muted: dict[str, str] = {}
        #: Rules that matched, and steps that were reached, as (ladder, index).
        self.matched: set[str] = set()
        self.reached: set[tuple[str, int]] = set()
        self._connections = connections
        self._given = dict(given or {})
        self._down = down
        self._case_id = case_id
        self._around = Surroundings(outside or Outside())
        #: What a look-up may be about, by connection and dedupe key.
        self._heard: dict[tuple[str, str], Activity] = {}
        self._links: dict[str, TicketLink] = {}
        self._notice: Effect | None = None
        self._made = 0

    # --- what a test does --------------------------------------------------------------------------------------------
    def happen(self, activity: Activity) -> Happened:
        """Let something happen now: later than everything before, at the same instant or not."""
        self._made += 1
        facts, case = activity.incident, self.case
        if facts is not None and not facts.id and facts.change is IncidentChange.CLOSED and case and case.incident:
            activity = altered(activity, incident=altered(facts, id=case.incident.id))
        happened = self.take(
            altered(
                activity,
                dedupe=f"event-{self._made}",
                message_id=activity.message_id or f"message-{self._made}",
                occurred_at=self.now,
                received_at=self.now,
            )
        )
        if self.case is not None and self.case.spent_at >= self.now:
            # Only what is newer than an escalation is evidence for another, and the next event may have the same instant.
            self.case = altered(self.case, spent_at=self.now - 1)
        return happened

    def take(self, activity: Activity) -> Happened:
        """Let something happen that has its ids and instants already, and everything that comes of it."""
        self.now = max(self.now, activity.received_at)
        self._adopt(activity)
        return self._settle(activity)

    def recall(self, activity: Activity, counted: Trace | None = None) -> tuple[Snapshot, Decision]:
        """Let something happen of which all that came of it is known as well: nothing lands and no deadline happens by itself.

        `counted` has what was counted for incidents then.
        """
        self.now = activity.received_at
        self._adopt(activity)
        outcome = activity.outcome
        if outcome is not None and outcome.landed and outcome.receipt is not None and outcome.receipt.ticket_id:
            ticket, url = outcome.receipt.ticket_id, outcome.receipt.url
            link = TicketLink(connection=outcome.connection, ticket_id=ticket, adopted=False, url=url)
            self._links.setdefault(outcome.connection, link)
        snapshot = self._snapshot(activity)
        if counted is not None:
            snapshot = altered(snapshot, bursts=counted.bursts, incident=counted.incident)
        return snapshot, self._decide(activity, snapshot)

    @property
    def told_over(self) -> str | None:
        """Return the connection of the newest notice, None when nobody was told."""
        return self._notice.connection if self._notice is not None else None

    def press(self, action: str, name: str, actor: str = "") -> Happened:
        """Press a button of the newest notice, as an agent does on a channel that takes everybody for a customer.

        `actor` is the name of the policy's agent who does, empty for somebody whom it does not name. Where nobody was told there
        is no button, and nothing happens.
        """
        notice = self._notice
        if notice is None:
            return together(())
        number = self.policy.people.id_on(notice.connection, actor)
        return self.happen(
            Activity(
                kind=ActivityKind.BUTTON,
                connection=notice.connection,
                thread=f"notice-{notice.destination}",
                dedupe="",
                occurred_at=0,
                received_at=0,
                channel=self._connections[notice.connection].channel,
                sender=Party(
                    kind="policy_test", value=number or name or "agent", name=name or actor, role=Role.CUSTOMER
                ),
                button=ButtonChoice(action=action),
                reference=notice.id,
            )
        )

    def pass_time(self, until: int, within: int = 0) -> Happened:
        """Let time pass up to an instant, and what falls due happen, also what does so `within` microseconds after it."""
        made: list[Happened] = []
        for _ in range(_MOST_TIMERS):
            due = min(self._deadlines(), key=lambda each: (each[1], each[0]), default=None)
            if due is None or due[1] > until + within:
                break
            name, at = due
            self.timers.pop(name)
            self.now = max(self.now, at)
            timer = self._internal(ActivityKind.TIMER, f"timer:{self._case_id}:{name}:{at}", name=name)
            made.append(self._settle(timer))
        self.now = max(self.now, until)
        return together(made)

    # --- around the decision -----------------------------------------------------------------------------------------
    def _settle(self, activity: Activity) -> Happened:
        """Decide on an activity, and then on every outcome that comes of it."""
        waiting = deque([activity])
        decisions: list[Decision] = []
        rules: list[str] = []
        effects: list[Effect] = []
        while waiting:
            next_one = waiting.popleft()
            if self.policy.customer is not None:
                self._heard[next_one.connection, next_one.dedupe] = next_one
            decision = self._decide(next_one, self._snapshot(next_one))
            effects += decision.effects
            self.muted |= told_by(decision)
            # An answer is last: it keeps nothing waiting, and what is written into one ticket goes there together.
            landing = sorted(decision.effects, key=lambda each: each.kind is EffectKind.LOOKUP)
            waiting += [self._outcome(effect) for effect in landing if self._lands(effect)]
            if decisions and (not _looked_up(next_one) or decision.trace.result == _NO_NEWS):
                continue
            decisions.append(decision)
            matched = [step.rule for step in decision.trace.steps]
            rules += [rule for rule in matched if len(decisions) == 1 or rule not in rules]
        return Happened(decisions=tuple(decisions), rules=tuple(rules), effects=tuple(effects))

    def _snapshot(self, activity: Activity) -> Snapshot:
        running = self.episode if self.episode is not None and self.episode.state is not EpisodeState.CLOSED else None
        older = self.older.get(running.policy) if running is not None else None
        snapshot = Snapshot(
            policy=self.policy,
            episode_policy=older if older is not self.policy else None,
            case=self.case or self._begun(activity),
            episode=running,
            tickets=tuple(self._links.values()),
            thread=Thread(
                id=f"{activity.connection}/{activity.thread}",
                connection=activity.connection,
                key=activity.thread,
                channel=activity.channel,
            ),
            connections=self._connections,
            staff=self._around.staff(running, self.now) if self.policy.people.agents else UNKNOWN,
            risk=self._around.risk(activity),
            **(self._of_customer(activity) if self.policy.customer is not None else {}),
        )
        if not self.policy.incidents:
            return snapshot
        bursts = self._around.bursts(watch(snapshot, activity, self.now), activity)
        return altered(snapshot, bursts=bursts, incident=self._around.incident_of(self.case))

    def _of_customer(self, activity: Activity) -> dict[str, Any]:
        """Return what a decision may know of the customer, and what waited for it when the activity brings it."""
        lookup = self.case.lookup if self.case is not None and _looked_up(activity) else None
        keys = [each.activity for each in lookup.waiting] if lookup is not None else []
        return {
            "profile": self._around.profile,
            "askable": self._around.askable,
            "waiting": tuple(self._heard[key] for key in keys if key in self._heard),
        }

    def _decide(self, activity: Activity, snapshot: Snapshot) -> Decision:
        decision = decide(snapshot, activity, self.now)
        self.case = decision.case
        self.matched |= {step.rule for step in decision.trace.steps}
        self.matched |= {self.policy.incidents[step.name].rule.id for step in decision.incidents if step.name}
        self._around.heed_incidents(decision.incidents, activity, self.now)
        # What a helpdesk told of a ticket is known from then on, as in the store.
        self._links |= {link.connection: link for link in decision.tickets}
        self.timers |= {timer.name: timer.due_at for timer in decision.timers}
        for name in decision.cancelled:
            self.timers.pop(name, None)
        if decision.episode is not None:
            self._follow(decision.episode)
        return decision

    def _begun(self, activity: Activity) -> Case:
        """Return the case as its first activity finds it."""
        begun = Case(
            id=self._case_id,
            channel=activity.channel,
            connection=activity.connection,
            opened_at=activity.occurred_at,
            last_activity_at=activity.occurred_at,
        )
        return altered(begun, **self._given)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]

    def _follow(self, episode: Episode) -> None:
        """Note which steps an escalation reached."""
        before = self.episode
        if before is None or before.id != episode.id:
            self.path = []
        if before is None or (before.id, before.epoch) != (episode.id, episode.epoch):
            ladder = self.older.get(episode.policy, self.policy).ladders.get(episode.ladder)
            end = ladder is not None and ladder.at_end(episode.step)
            name = "final" if end else str(episode.step + 1)
            if episode.began_on not in {"", episode.ladder}:
                name = f"{episode.ladder}/{name}"
            self.path.append(Step(name=name, after=self.now - episode.opened_at))
            self.reached.add((episode.ladder, episode.step))
        self.episode = episode
        self._around.heed(episode)

    # --- what happens by itself --------------------------------------------------------------------------------------
    def _deadlines(self) -> Iterable[tuple[str, int]]:
        """Return the deadlines that happen here at their instants."""
        return self.timers.items()

    def _lands(self, effect: Effect) -> bool:
        """Tell whether an effect lands here at once."""
        return effect.mode is not Mode.OBSERVE

    # --- outside -----------------------------------------------------------------------------------------------------
    def _adopt(self, activity: Activity) -> None:
        """Bind a ticket that was there before the case, as the store does."""
        ticket = activity.ticket
        if ticket is not None and activity.connection not in self._links:
            self._links[activity.connection] = TicketLink(
                connection=activity.connection, ticket_id=ticket.id, adopted=True, url=ticket.url or ""
            )

    def _outcome(self, effect: Effect) -> Activity:
        """Let an effect land, or be given up, and return what comes back."""
        landed = effect.connection not in self._down
        receipt = Receipt(ids=(ForeignId(kind=effect.kind.value, id=effect.id),)) if landed else None
        if landed and effect.kind is EffectKind.NOTIFY:
            self._notice = effect
        if landed and effect.kind in {EffectKind.HANDOFF, EffectKind.UPDATE}:
            receipt = self._written(effect)
        if landed and effect.kind is EffectKind.LOOKUP:
            self._around.looked_up(self.now)
        outcome = Outcome(
            effect_id=effect.id,
            effect_kind=effect.kind.value,
            connection=effect.connection,
            rule=effect.rule,
            episode_id=effect.episode_id,
            landed=landed,
            receipt=receipt,
            reason="" if landed else "The policy test says that the connection is down.",
        )
        return self._internal(ActivityKind.OUTCOME, f"outcome:{effect.id}:1", outcome=outcome)

    def _written(self, effect: Effect) -> Receipt:
        """Write into a ticket: in mode notes only notes, so that it stays where it is."""
        link = self._links.setdefault(
            effect.connection,
            TicketLink(
                connection=effect.connection,
                ticket_id=TICKET_ID,
                adopted=False,
                url=f"https://{effect.connection}.example/{TICKET_ID}",
            ),
        )
        if effect.mode is Mode.LIVE:
            ticket = self.desks.setdefault(effect.connection, Ticket())
            ticket.group = effect.destination or ticket.group
            ticket.fields.update(effect.fields)
        return Receipt(ids=(ForeignId(kind="ticket", id=link.ticket_id),), ticket_id=link.ticket_id, url=link.url)

    def _internal(self, kind: ActivityKind, dedupe: str, *, name: str = "", outcome: Outcome | None = None) -> Activity:
        """Return what Baton itself appends to the case now."""
        return Activity(
            kind=kind,
            connection=BATON_NAME,
            thread=self._case_id,
            dedupe=dedupe,
            occurred_at=self.now,
            received_at=self.now,
            name=name,
            outcome=outcome,
        )


def _looked_up(activity: Activity) -> bool:
    """Tell whether an activity says what a look-up found."""
    return activity.outcome is not None and activity.outcome.effect_kind == EffectKind.LOOKUP.value
