"""Several cases gone through once more together, so that their customers are counted anew for incidents.

What was recorded of incidents is left out: which cases belong to which, and when one opens, is what the policy that is
tried makes of it. What somebody did stays: who opened or closed one by hand, an alert, what became of the parent's ticket. Where
the rules opened an incident then, the one that is open for the same messages now takes what was done to its parent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from typing import TypeAlias

from gateway.model import Activity, Case, IncidentChange, Risk
from routing.grouping import Group, Grouping, Seat
from routing.incident_end import QUIET
from routing.outside import Outside
from routing.policy import ConnectionFacts, Policy
from routing.replay import Course, Story, from_outside
from routing.world import World

#: When something happened, in what order, in which case, and what.
_Event: TypeAlias = tuple[int, int, str, Activity]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is stored of one case."""

    case_id: str
    #: Its activities in its order, each with its number among those of all cases.
    activities: tuple[tuple[int, Activity], ...]
    #: Whose it is, the same for all cases of a person; empty when that is not known.
    person: str = ""
    #: What a model said of its risk, by connection and dedupe key.
    risks: Mapping[tuple[str, str], Risk] = field(default_factory=dict[tuple[str, str], Risk])


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouped:
    """An incident as a policy makes it."""

    #: Its parent case.
    id: str
    #: Which incident of the policy.
    name: str
    title: str
    fingerprint: str
    #: UTC microseconds; `closed_at` None while it is open.
    opened_at: int
    closed_at: int | None
    #: Distinct customers whose cases belong to it, and these in order.
    customers: int
    cases: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """What a policy makes of several cases."""

    #: Of each case that was given, by its id.
    stories: Mapping[str, Story]
    #: Incidents, the oldest first.
    incidents: tuple[Grouped, ...]
    #: Cases that stand for one.
    parents: frozenset[str]


def together(
    kept: Sequence[Kept], policy: Policy, connections: Mapping[str, ConnectionFacts], *, until: int
) -> Together:
    """Return what a policy makes of cases, up to an instant."""
    return _Desk(kept, policy, connections).told(until)


class _Desk:
    def __init__(self, kept: Sequence[Kept], policy: Policy, connections: Mapping[str, ConnectionFacts]) -> None:
        self._policy = policy
        self._connections = connections
        self._kept = {each.case_id: each for each in kept}
        self._courses: dict[str, Course] = {}
        self._grouping = Grouping({each.case_id: each.person for each in kept if each.person}, self._case)
        #: Parents that the rules made then, and for which messages: name and fingerprint.
        self._then = {each.case_id: found for each in kept if (found := _opened_by_rules(each)) is not None}

    def told(self, until: int) -> Together:
        for at, _, case_id, activity in merge(*map(_events, self._kept.values()), key=lambda each: each[:2]):
            self._close_what_is_quiet(at)
            where = self._place(case_id)
            if where is not None:
                self._take(where, activity, at)
        self._close_what_is_quiet(until)
        return Together(
            stories={name: self._story(name, until) for name in self._kept},
            incidents=tuple(self._grouped(group) for group in self._grouping.groups.values()),
            parents=frozenset(self._grouping.groups),
        )

    def _case(self, case_id: str) -> Case | None:
        course = self._courses.get(case_id)
        return course.world.case if course is not None else None

    def _place(self, case_id: str) -> str | None:
        """Return the case in which something happens now that happened in one then; None when there is none like it."""
        known = self._then.get(case_id)
        if known is None or case_id in self._courses:
            return case_id
        alike = (
            group.known.id
            for group in self._grouping.groups.values()
            if group.closed_at is None and (group.known.name, group.known.fingerprint) == known
        )
        return next(alike, None)

    def _take(self, case_id: str, activity: Activity, at: int) -> None:
        """Let something happen in a case, and then what others are to be told of incidents."""
        self._grouping.now = at
        self._course(case_id, at).take(activity)
        self._tell()

    def _tell(self) -> None:
        while self._grouping.waiting:
            case_id, activity = self._grouping.waiting.popleft()
            self._course(case_id, activity.received_at).take(activity)

    def _course(self, case_id: str, at: int) -> Course:
        if case_id not in self._courses:
            kept = self._kept.get(case_id)
            outside = Outside(
                risks=kept.risks if kept is not None else {}, seat=Seat(grouping=self._grouping, case_id=case_id)
            )
            world = World(self._policy, self._connections, at=at, case_id=case_id, outside=outside)
            self._courses[case_id] = Course(world)
        return self._courses[case_id]

    def _close_what_is_quiet(self, until: int) -> None:
        """Let the incidents that nobody writes of any more end at their instants, and tell their cases."""
        while (due := min(self._quiet(), default=None)) is not None and due[0] <= until:
            at, parent = due
            self._grouping.now = at
            self._courses[parent].pass_time(at)
            self._tell()

    def _quiet(self) -> Iterator[tuple[int, str]]:
        for parent, group in self._grouping.groups.items():
            due = self._courses[parent].world.timers.get(QUIET) if parent in self._courses else None
            if due is not None and group.closed_at is None:
                yield due, parent

    def _story(self, case_id: str, until: int) -> Story:
        course = self._courses.get(case_id)
        return course.story(until) if course is not None else Story(rules=())

    def _grouped(self, group: Group) -> Grouped:
        known = group.known
        return Grouped(
            id=known.id,
            name=known.name,
            title=known.title,
            fingerprint=known.fingerprint,
            opened_at=group.opened_at,
            closed_at=group.closed_at,
            customers=self._grouping.customers(known.id),
            cases=tuple(group.cases),
        )


def _events(kept: Kept) -> Iterator[_Event]:
    """Yield what happened in a case and was somebody's doing, at instants that never go back."""
    at = 0
    for number, activity in kept.activities:
        if _done_by_somebody(activity, kept.case_id):
            at = max(at, activity.received_at)
            yield at, number, kept.case_id, activity


def _done_by_somebody(activity: Activity, case_id: str) -> bool:
    facts = activity.incident
    if facts is None or from_outside(activity):
        return from_outside(activity)
    # Baton's own word, asked for by hand: to open one whose parent is this very case, or to close this one.
    opens = facts.change is IncidentChange.OPENED and not facts.id
    return opens or (facts.change is IncidentChange.CLOSED and facts.id == case_id)


def _opened_by_rules(kept: Kept) -> tuple[str, str] | None:
    """Return for which messages the rules opened the incident that a case stands for: by name and fingerprint."""
    for _, activity in kept.activities:
        told = activity.incident
        if told is not None and told.change is IncidentChange.OPENED and told.id == kept.case_id:
            return told.name, told.fingerprint
    return None
