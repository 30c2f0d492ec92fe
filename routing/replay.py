"""What a policy would have made of cases as they are stored: each is gone through once more, and two policies are compared.

Only what came from outside is taken from the store. Deadlines and outcomes are those of the policy that is tried: what it writes
lands at once. So both sides of a comparison are made in the same way, and neither is what really happened to the day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from gateway.model import (
    Activity,
    ActivityKind,
    Audience,
    Case,
    Effect,
    EffectKind,
    Mode,
    Role,
    SlaMark,
    TicketStatus,
)
from gateway.model.activity import BATON_NAME
from gateway.model.life import speaks, takes, takes_further
from routing.outside import Outside
from routing.policy import ConnectionFacts, Policy
from routing.sla import is_timer
from routing.world import World

#: What Baton itself appends: of another policy it would be something else.
INTERNAL: Final = frozenset({ActivityKind.TIMER, ActivityKind.OUTCOME})
_OVER: Final = frozenset({TicketStatus.SOLVED, TicketStatus.CLOSED})
_MICRO: Final = 1_000_000
#: Where metric and mark stand in the name of an SLA's deadline.
_METRIC, _MARK = 2, 3
#: A judgement below this is a bad one.
_BAD: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What one policy makes of a case."""

    #: Rules that matched at each activity from outside, in order.
    rules: tuple[tuple[str, ...], ...]
    #: The rule that escalated it first, empty when none did.
    rule: str = ""
    #: When, UTC microseconds.
    at: int = 0
    #: The newest escalation's ladder, and the steps that it reached.
    ladder: str = ""
    path: tuple[str, ...] = ()
    #: The case's priority in the end, empty for none.
    priority: str = ""
    #: The incident that it belongs to, or belonged to last, by its title; empty for none.
    incident: str = ""
    #: How many notices agents get, and how many replies the customer.
    notices: int = 0
    replies: int = 0

    @property
    def escalated(self) -> bool:
        """Return whether the case is escalated at all."""
        return bool(self.rule)

    def as_stored(self) -> Story:
        """Return the part of it that the store keeps of what was decided."""
        return replace(self, at=0, path=(), notices=0, replies=0)


class Change(StrEnum):
    """How what a candidate makes of a case differs."""

    SAME = "same"
    #: Only the candidate escalates it.
    ADDED = "added"
    #: The candidate does not escalate it any more.
    REMOVED = "removed"
    #: Both escalate it, or neither, and something else differs.
    OTHERWISE = "otherwise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What people did, whatever a policy said of the case."""

    #: True when an agent answered the customer in public, or took the case, or sent it on.
    agent_acted: bool = False
    #: True when the customer judged badly, or came back after it was resolved, or a target of the SLA was missed.
    went_wrong: bool = False
    #: True when the case was resolved in the end.
    over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One case under both policies."""

    case_id: str
    before: Story
    after: Story
    evidence: Evidence

    @property
    def change(self) -> Change:
        """Return how the two differ."""
        if self.before == self.after:
            return Change.SAME
        if self.before.escalated == self.after.escalated:
            return Change.OTHERWISE
        return Change.ADDED if self.after.escalated else Change.REMOVED

    def _instants(self) -> tuple[str, str]:
        """Return when both escalate it, by the second; nothing when only one does."""
        both = self.before.escalated and self.after.escalated
        return (str(self.before.at // _MICRO), str(self.after.at // _MICRO)) if both else ("", "")

    def differences(self) -> tuple[tuple[str, str, str], ...]:
        """Return what differs: its name, and how it was and would be."""
        named = (
            ("escalated by", self.before.rule or "nobody", self.after.rule or "nobody"),
            ("escalated at", *self._instants()),
            ("rules", _in_line(self.before.rules), _in_line(self.after.rules)),
            ("ladder", self.before.ladder or "none", self.after.ladder or "none"),
            ("path", " ".join(self.before.path) or "none", " ".join(self.after.path) or "none"),
            ("priority", self.before.priority or "none", self.after.priority or "none"),
            ("incident", self.before.incident or "none", self.after.incident or "none"),
            ("notices", str(self.before.notices), str(self.after.notices)),
            ("replies", str(self.before.replies), str(self.after.replies)),
        )
        return tuple(each for each in named if each[1] != each[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """How often a policy escalated too much or too little, judged by what people did."""

    #: Cases, and those that it escalated.
    cases: int
    escalated: int
    #: Escalated, and it is over without any agent having done anything.
    over: int
    #: Not escalated, and the customer judged badly or came back, or a target of the SLA was missed.
    under: int
    #: Neither is known yet: the case is open, and nobody did anything, or nothing went wrong.
    unknown: int


def from_outside(activity: Activity) -> bool:
    """Tell whether an activity came from outside: nothing that Baton appended, news of incidents among it."""
    return activity.kind not in INTERNAL and (
        activity.kind is not ActivityKind.INCIDENT or activity.connection != BATON_NAME
    )


class Course:
    """A case as it is gone through once more."""

    def __init__(self, world: World) -> None:
        """Begin with nothing that happened."""
        self.world = world
        self._rules: list[tuple[str, ...]] = []
        self._rule = ""
        self._at = 0
        self._notices = 0
        self._replies = 0

    def pass_time(self, until: int) -> None:
        """Let time pass up to an instant."""
        self._count(self.world.pass_time(until).effects)

    def take(self, activity: Activity) -> None:
        """Let something happen at its instant."""
        self.pass_time(activity.received_at)
        happened = self.world.take(activity)
        if from_outside(activity):
            self._rules.append(tuple(step.rule for step in happened.decisions[0].trace.steps))
        self._count(happened.effects)

    def story(self, until: int) -> Story:
        """Return what became of the case up to an instant."""
        self.pass_time(max(until, self.world.now))
        case, episode = self.world.case, self.world.episode
        return Story(
            rules=tuple(self._rules),
            rule=self._rule,
            at=self._at,
            ladder=episode.ladder if episode is not None else "",
            path=tuple(step.name for step in self.world.path),
            priority=case.priority.value if case is not None and case.priority is not None else "",
            incident=incident_of(case),
            notices=self._notices,
            replies=self._replies,
        )

    def _count(self, effects: Iterable[Effect]) -> None:
        kinds = [effect.kind for effect in effects if effect.mode is not Mode.OBSERVE]
        self._notices += kinds.count(EffectKind.NOTIFY)
        self._replies += kinds.count(EffectKind.REPLY)
        episode = self.world.episode
        if episode is not None and not self._rule:
            self._rule, self._at = episode.rule, episode.opened_at


def incident_of(case: Case | None) -> str:
    """Return the title of the incident that a case belongs to, or belonged to last; empty for none."""
    return case.incident.title if case is not None and case.incident is not None else ""


def story(
    activities: Iterable[Activity],
    policy: Policy,
    connections: Mapping[str, ConnectionFacts],
    *,
    case_id: str,
    until: int,
    outside: Outside | None = None,
) -> Story:
    """Return what a policy makes of a case, up to an instant, with what was so outside of it. The case is alone in it."""
    course: Course | None = None
    for activity in filter(from_outside, activities):
        if course is None:
            course = Course(World(policy, connections, at=activity.received_at, case_id=case_id, outside=outside))
        course.take(activity)
    return course.story(until) if course is not None else Story(rules=())


def needed(did: Evidence, *, escalated: bool) -> bool | None:
    """Tell whether a case had to be escalated, in hindsight; None while that is not known.

    Of one that was escalated: an agent acted, or it went wrong all the same, as where everybody neglected it.
    """
    if did.went_wrong or (escalated and did.agent_acted):
        return True
    return False if did.over else None


def evidence(activities: Iterable[Activity]) -> Evidence:
    """Return what people did, by what is stored of a case. Deadlines of its SLA that were missed then are told as well."""
    acted = wrong = resolved = False
    for activity in activities:
        role = activity.sender.role if activity.sender is not None else None
        answered = role is Role.AGENT and activity.kind is ActivityKind.MESSAGE and activity.audience is Audience.PUBLIC
        acted = acted or (answered and not activity.own) or takes(activity) or takes_further(activity)
        status = activity.ticket.status if activity.ticket is not None else None
        spoke = speaks(activity)
        wrong = wrong or (resolved and spoke and activity.kind is ActivityKind.MESSAGE)
        resolved = (resolved or status in _OVER) and not spoke
        judged = activity.satisfaction
        mark = mark_of(activity)
        wrong = wrong or (judged is not None and judged.score < _BAD) or (mark is not None and mark[1])
    return Evidence(agent_acted=acted, went_wrong=wrong, over=resolved)


def mark_of(activity: Activity) -> tuple[str, bool] | None:
    """Return the metric of an SLA's deadline that passed, and whether its target was missed by that; None for all else."""
    parts = activity.name.split(":")
    if activity.kind is not ActivityKind.TIMER or not is_timer(activity.name) or len(parts) <= _MARK:
        return None
    return parts[_METRIC], parts[_MARK] == SlaMark.BREACHED


def judge(stories: Sequence[tuple[Story, Evidence]]) -> Judgement:
    """Count where a policy escalated too much or too little."""
    told = [(each.escalated, needed(did, escalated=each.escalated)) for each, did in stories]
    return Judgement(
        cases=len(stories),
        escalated=sum(escalated for escalated, _ in told),
        over=told.count((True, False)),
        under=told.count((False, True)),
        unknown=sum(was is None for _, was in told),
    )


def _in_line(rules: tuple[tuple[str, ...], ...]) -> str:
    return ", ".join("+".join(each) or "-" for each in rules) or "none"
