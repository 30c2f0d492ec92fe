"""A policy that is tried on live traffic and never acts: the course that a case takes under it, beside its real one.

Each activity that the gateway decides on is decided once more, by the candidate, with the same knowledge of everything outside:
customers, agents, connections, tickets. What is the candidate's own is the course: the case as it would be, its escalation, its
deadlines. Two courses of one case stay the same as long as both policies say the same, since what one of them causes is known by
its id: what the gateway really sends comes back as it really does, and a deadline that it really has happens when it really
does. What only the candidate wants lands at once, in memory, and what only it waits for happens at its instant.

So an equal policy makes an equal course, to the last word; and a case that only the candidate would have escalated stays
escalated in its course, and is not escalated anew with every message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from gateway.model import (
    Activity,
    ActivityKind,
    Case,
    Decision,
    Effect,
    EffectKind,
    Episode,
    EpisodeState,
    TicketLink,
    altered,
)
from routing.policy import Policy
from routing.snapshot import Snapshot
from routing.world import World

#: The gateway's own deadlines come a little after their instants. So much later, microseconds, one that only the candidate
#: knows is taken for one that the gateway does not have.
LATE: Final = 60_000_000


class Divergence(StrEnum):
    """How what a candidate makes of a case differs from what is made of it."""

    #: Only the candidate has it escalated.
    WOULD_ESCALATE = "would_escalate"
    #: It is escalated, and the candidate would not have.
    WOULD_NOT = "would_not_escalate"
    #: Both escalate it, on other ladders.
    LADDER = "other_ladder"
    #: Both escalate it on the same ladder, and it stands on another step.
    LEVEL = "other_level"
    #: Its priority is another.
    PRIORITY = "other_priority"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a case stands under a policy."""

    #: The rule that escalated it, empty while it is not escalated.
    rule: str = ""
    #: The ladder, and its step by number from 1, or ``final``; empty while it is not escalated.
    ladder: str = ""
    level: str = ""
    #: Its priority, empty for none.
    priority: str = ""

    @property
    def escalated(self) -> bool:
        """Return whether an escalation of it is open."""
        return bool(self.rule)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What happened to a case before the candidate looked at it."""

    #: Its activities, in order.
    activities: tuple[Activity, ...] = ()
    #: Ids of the effects that the gateway decided on.
    effects: frozenset[str] = frozenset()
    #: Its deadlines as they stand: name → when it is due, UTC microseconds.
    timers: Mapping[str, int] = field(default_factory=dict[str, int])


def standing(case: Case | None, episode: Episode | None, *policies: Policy | None) -> Standing:
    """Return where a case stands; its episode runs under one of some policies."""
    priority = case.priority.value if case is not None and case.priority is not None else ""
    if episode is None or episode.state is EpisodeState.CLOSED:
        return Standing(priority=priority)
    policy = next((each for each in policies if each is not None and each.digest == episode.policy), None)
    ladder = policy.ladders.get(episode.ladder) if policy is not None else None
    at_end = ladder is not None and ladder.at_end(episode.step)
    return Standing(
        rule=episode.rule,
        ladder=episode.ladder,
        level="final" if at_end else str(episode.step + 1),
        priority=priority,
    )


def differences(real: Standing, own: Standing) -> frozenset[Divergence]:
    """Return how two standings of one case differ. Where only one has it escalated, that is all there is to say."""
    if real.escalated != own.escalated:
        return frozenset({Divergence.WOULD_ESCALATE if own.escalated else Divergence.WOULD_NOT})
    found: set[Divergence] = set()
    if real.ladder != own.ladder:
        found.add(Divergence.LADDER)
    elif real.level != own.level:
        found.add(Divergence.LEVEL)
    if real.priority != own.priority:
        found.add(Divergence.PRIORITY)
    return frozenset(found)


class Course(World):
    """One case under a candidate, beside its real course."""

    def __init__(self, policy: Policy, snapshot: Snapshot, past: Past | None = None) -> None:
        """Begin where the case begins, as a snapshot of its first activity has it; or go through its past first."""
        before = past or Past()
        first = before.activities[0].received_at if before.activities else 0
        super().__init__(policy, snapshot.connections, at=first, case_id=snapshot.case.id)
        #: How many activities of the case it has heard.
        self.seq = snapshot.case.seq
        #: Where the case really stands, and how the two differ by now.
        self.real = standing(snapshot.case, snapshot.episode, snapshot.policy, snapshot.episode_policy)
        self.apart: frozenset[Divergence] = frozenset()
        #: What is known outside, as of the last activity; and that activity while it is decided on.
        self._known = snapshot
        self._present: Activity | None = None
        #: Ids of effects that the gateway decided on as well, and those of them whose outcome is still to come.
        self._meant = before.effects
        self._awaited: set[str] = set()
        #: Deadlines that the gateway has as well.
        self._set = dict(before.timers)
        self._were = frozenset(
            (each.name, each.occurred_at) for each in before.activities if each.kind is ActivityKind.TIMER
        )
        if past is None:
            self.case = snapshot.case
        #: True while the past is gone through: tickets stood otherwise then.
        self._earlier = True
        for activity in before.activities:
            self._hear(activity, activity.received_at)
        self._were, self._earlier = frozenset(), False
        # What differed before is no news: it is told where it begins.
        self.apart = differences(self.real, self.standing)

    @property
    def standing(self) -> Standing:
        """Return where the case stands under the candidate."""
        return standing(self.case, self.episode, self.policy)

    def follow(self, snapshot: Snapshot, activity: Activity, decision: Decision, now: int) -> frozenset[Divergence]:
        """Decide on what was really decided on, and return in what the two differ that did not differ before."""
        self._known = snapshot
        self._meant = frozenset(effect.id for effect in decision.effects)
        self._present = activity
        self._hear(activity, now)
        self._present = None
        if activity.kind is ActivityKind.TIMER:
            self._set.pop(activity.name, None)
        self._set.update({timer.name: timer.due_at for timer in decision.timers})
        for name in decision.cancelled:
            self._set.pop(name, None)
        self._forget()
        self.seq = decision.case.seq
        self.real = standing(decision.case, decision.episode, snapshot.policy, snapshot.episode_policy)
        return self._compare()

    def wake(self, now: int) -> frozenset[Divergence]:
        """Let deadlines happen that only the candidate knows, and return in what the two differ that did not differ before."""
        if min((at for _, at in self._deadlines()), default=now) > now - LATE:
            return frozenset()
        self.pass_time(now - LATE)
        return self._compare()

    def _compare(self) -> frozenset[Divergence]:
        apart = differences(self.real, self.standing)
        fresh, self.apart = apart - self.apart, apart
        return fresh

    def _hear(self, activity: Activity, now: int) -> None:
        self.pass_time(now)
        if activity.kind is ActivityKind.TIMER:
            if self.timers.get(activity.name) != activity.occurred_at:
                return
            self.timers.pop(activity.name)
        elif activity.kind is ActivityKind.OUTCOME:
            outcome = activity.outcome
            if outcome is None or outcome.effect_id not in self._awaited:
                return
            self._awaited.discard(outcome.effect_id)
        self.take(activity)

    def _forget(self) -> None:
        """Keep of what was said only what a look-up may still be waited for with."""
        lookup = self.case.lookup if self.case is not None else None
        keys = {each.activity for each in lookup.waiting} if lookup is not None else set[tuple[str, str]]()
        self._heard = {key: each for key, each in self._heard.items() if key in keys}

    # --- what is the gateway's as well -------------------------------------------------------------------------------
    def _deadlines(self) -> Iterable[tuple[str, int]]:
        return [
            (name, at) for name, at in self.timers.items() if self._set.get(name) != at and (name, at) not in self._were
        ]

    def _lands(self, effect: Effect) -> bool:
        if not super()._lands(effect):
            return False
        if effect.id in self._meant:
            self._awaited.add(effect.id)
            return False
        return True

    def _outcome(self, effect: Effect) -> Activity:
        made = super()._outcome(effect)
        if effect.kind is not EffectKind.LOOKUP or made.outcome is None:
            return made
        # Nobody is asked anything for a candidate.
        unasked = altered(
            made.outcome, landed=False, receipt=None, reason="Nobody is asked for a policy that is tried."
        )
        return altered(made, outcome=unasked)

    def _as_then(self, told: tuple[TicketLink, ...]) -> tuple[TicketLink, ...]:
        """Return the case's tickets with the states that were told of them by then, none before the first."""
        states = {(link.connection, link.ticket_id): (link.status, link.status_at) for link in told}
        known = [(link, *states.get((link.connection, link.ticket_id), (None, None))) for link in self._known.tickets]
        return tuple(altered(link, status=status, status_at=at) for link, status, at in known)

    def _snapshot(self, activity: Activity) -> Snapshot:
        made, known = super()._snapshot(activity), self._known
        present = activity is self._present
        tickets = self._as_then(made.tickets) if self._earlier else known.tickets
        real = {link.connection for link in tickets}
        asks = (known.policy.customer, self.policy.customer)
        alike = asks[0] is not None and asks[1] is not None and asks[0].connection == asks[1].connection
        # Whatever is known outside is known to both; the case and its course are the candidate's own.
        return altered(
            known,
            policy=made.policy,
            episode_policy=made.episode_policy,
            case=made.case,
            episode=made.episode,
            tickets=(*tickets, *(link for link in made.tickets if link.connection not in real)),
            thread=known.thread if present else made.thread,
            profile=known.profile if alike else None,
            askable=known.askable and alike,
            waiting=(*made.waiting, *known.waiting) if present else made.waiting,
        )
