"""Incidents over cases in memory: sightings are counted, cases grouped and told, as the store does where activities are applied.

`gateway.store.incidents.Grouping` says what each of this means; that both answer alike is proven by a test on random sightings.
Here a case has one person, whoever speaks in it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.model import (
    Activity,
    ActivityKind,
    Burst,
    Case,
    IncidentChange,
    IncidentFacts,
    OpenIncident,
    Sighting,
    altered,
)
from gateway.model.activity import BATON_NAME
from gateway.model.incident import spreads


@dataclass(slots=True, kw_only=True)
class Group:
    """An incident, with the cases that belong to it in their order; True for each that is a customer's."""

    known: OpenIncident
    opened_at: int
    closed_at: int | None = None
    cases: dict[str, bool] = field(default_factory=dict[str, bool])


class Grouping:
    """What happens to incidents while several cases are gone through."""

    def __init__(self, people: Mapping[str, str], cases: Callable[[str], Case | None]) -> None:
        """Begin with none; `people` are the persons of cases as far as they are known, `cases` gives a case as it is by now."""
        #: When it is.
        self.now = 0
        #: What cases are to be told, in order.
        self.waiting: deque[tuple[str, Activity]] = deque()
        #: All incidents, in the order in which they were opened.
        self.groups: dict[str, Group] = {}
        self._people = people
        self._cases = cases
        self._seen: dict[tuple[str, str], dict[str, int]] = {}
        self._said: set[str] = set()

    def _person(self, case_id: str) -> str:
        return self._people.get(case_id, case_id)

    def customers(self, incident_id: str) -> int:
        """Return the distinct customers whose cases belong to an incident."""
        return len({self._person(case) for case, counts in self.groups[incident_id].cases.items() if counts})

    # --- before a decision -------------------------------------------------------------------------------------------
    def of_parent(self, case: Case | None) -> OpenIncident | None:
        """Return the open incident that a case is the parent of."""
        if case is None or case.incident is None or not case.stands_for_incident or not case.incident.open:
            return None
        group = self.groups.get(case.id)
        return self._opened(group) if group is not None and group.closed_at is None else None

    def count(self, sightings: Iterable[Sighting], case_id: str, at: int) -> tuple[Burst, ...]:
        """Keep that something counts for incidents, and return what counts with it."""
        return tuple(self._burst(each, case_id, at) for each in sightings)

    def _burst(self, sighting: Sighting, case_id: str, at: int) -> Burst:
        name, mark = sighting.name, sighting.fingerprint
        if sighting.counts:
            seen = self._seen.setdefault((name, mark), {})
            seen[case_id] = max(at, seen.get(case_id, at))
        group, opened = self._open_for(sighting), None
        if group is not None:
            opened = altered(self._opened(group), told=self._told(group.known.id, case_id))
            if sighting.counts:
                group.known = altered(group.known, last_at=max(at, group.known.last_at))
        customers = self._count(name, mark, sighting.window, at) if sighting.counts else 0
        return Burst(name=name, fingerprint=mark, customers=customers, open=opened)

    def _open_for(self, sighting: Sighting) -> Group | None:
        every = [group for group in self.groups.values() if group.closed_at is None]
        if sighting.id:
            return next((group for group in every if group.known.id == sighting.id), None)
        mark = sighting.fingerprint
        found = [
            group
            for group in every
            if group.known.name == sighting.name
            and (group.known.fingerprint in {mark, ""} or not (sighting.counts or mark))
        ]
        return max(
            found, key=lambda group: (group.known.fingerprint == mark, group.opened_at, group.known.id), default=None
        )

    def _count(self, name: str, mark: str, window: int, at: int) -> int:
        """Return the distinct customers within the window that ends with the newest sighting that is known."""
        seen = self._seen[name, mark]
        since = self._since(name, mark, max(at, *seen.values()) - window)
        return len({self._person(case) for case, instant in seen.items() if instant > since})

    def _since(self, name: str, mark: str, begin: int) -> int:
        """Return from when on sightings count: from an instant on, and not before an incident ended that they belonged to."""
        over = (
            group.closed_at
            for group in self.groups.values()
            if group.closed_at is not None and group.known.name == name and group.known.fingerprint in {mark, ""}
        )
        return max((begin, *over))

    def _opened(self, group: Group) -> OpenIncident:
        return altered(group.known, customers=self.customers(group.known.id))

    def _told(self, incident_id: str, case_id: str) -> bool:
        person = self._person(case_id)
        members = [case for case in self.groups[incident_id].cases if self._person(case) == person]
        held = (self._cases(each) for each in (case_id, *members))
        return any(case is not None and incident_id in case.broadcasts for case in held)

    # --- after a decision --------------------------------------------------------------------------------------------
    def take_over(self, steps: Sequence[IncidentFacts], case_id: str, activity: Activity) -> None:
        """Do what a decision on a case wants done to incidents."""
        for step in steps:
            match step.change:
                case IncidentChange.OPENED:
                    self._open(step, case_id, activity.received_at)
                case IncidentChange.JOINED:
                    self._join(step, case_id, activity)
                case IncidentChange.WRITTEN:
                    group = self.groups[step.id]
                    group.known = altered(group.known, ticket=step.ticket, url=step.url)
                    self._tell_members(step)
                case IncidentChange.CLOSED:
                    group = self.groups[step.id]
                    group.closed_at = self.now if group.closed_at is None else group.closed_at
                    self._tell_members(step)
                case IncidentChange.SPREAD:
                    pass

    def _open(self, step: IncidentFacts, case_id: str, at: int) -> None:
        group = self.groups.get(step.id)
        if group is None:
            made = OpenIncident(id=step.id, name=step.name, title=step.title, fingerprint=step.fingerprint, last_at=at)
            self.groups[step.id] = Group(known=made, opened_at=self.now)
        else:
            # An alert that fires again opens its own incident again.
            group.known, group.closed_at = altered(group.known, title=step.title, last_at=at), None
        if step.id != case_id:
            self._tell(step.id, step, f"incident:{step.id}:opened")
        alike = [
            (case, instant)
            for (name, mark), seen in self._seen.items()
            if name == step.name and (mark == step.fingerprint or not step.fingerprint)
            for case, instant in seen.items()
        ]
        since = self._since(step.name, step.fingerprint, at - step.window)
        for other in sorted({case for case, instant in alike if instant > since} - {case_id}):
            facts = IncidentFacts(change=IncidentChange.JOINED, id=step.id, name=step.name, title=step.title)
            self._tell(other, facts, f"incident:{step.id}:joined:{other}:{self.now}")

    def _join(self, step: IncidentFacts, case_id: str, activity: Activity) -> None:
        group, facts = self.groups[step.id], activity.incident
        group.cases.setdefault(case_id, facts is None or facts.change is not IncidentChange.OPENED)
        known = group.known
        if group.closed_at is not None:
            told = IncidentFacts(change=IncidentChange.CLOSED, id=step.id, name=known.name, title=known.title)
            self._tell(case_id, told, f"incident:{step.id}:closed:{case_id}:{self.now}")
            return
        if known.ticket:
            told = IncidentFacts(
                change=IncidentChange.WRITTEN, id=step.id, title=known.title, ticket=known.ticket, url=known.url
            )
            self._tell(case_id, told, f"incident:{step.id}:written:{case_id}")
        count = self.customers(step.id)
        if spreads(count):
            told = IncidentFacts(change=IncidentChange.SPREAD, id=step.id, name=step.name, customers=count)
            self._tell(step.id, told, f"incident:{step.id}:spread:{count}")

    def _tell_members(self, step: IncidentFacts) -> None:
        for member in sorted(self.groups[step.id].cases):
            self._tell(member, step, f"incident:{step.id}:{step.change.value}:{member}:{self.now}")

    def _tell(self, case_id: str, facts: IncidentFacts, dedupe: str) -> None:
        """Let a case know what happened to an incident, once for each `dedupe`."""
        if dedupe in self._said:
            return
        self._said.add(dedupe)
        activity = Activity(
            kind=ActivityKind.INCIDENT,
            connection=BATON_NAME,
            thread=case_id,
            dedupe=dedupe,
            occurred_at=self.now,
            received_at=self.now,
            incident=facts,
        )
        self.waiting.append((case_id, activity))


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """The incidents as one case takes part in them."""

    grouping: Grouping
    case_id: str

    def count(self, sightings: Iterable[Sighting], activity: Activity) -> tuple[Burst, ...]:
        """Return what counts with an activity of the case."""
        return self.grouping.count(sightings, self.case_id, activity.received_at)

    def of_parent(self, case: Case | None) -> OpenIncident | None:
        """Return the open incident that the case is the parent of."""
        return self.grouping.of_parent(case)

    def take_over(self, steps: Sequence[IncidentFacts], activity: Activity) -> None:
        """Do what a decision on the case wants done to incidents."""
        self.grouping.take_over(steps, self.case_id, activity)
