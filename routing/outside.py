"""What is so outside of a case in memory: what is known of its customer, and who of the agents is there and has how much to do.

In the gateway a look-up asks for the one, and rosters and a count over all cases tell the other. Here both are as somebody says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.model import (
    Activity,
    Burst,
    Case,
    Channel,
    Episode,
    EpisodeState,
    IncidentChange,
    IncidentFacts,
    OpenIncident,
    Profile,
    Risk,
    Sighting,
)
from routing.grouping import Seat
from routing.people import UNKNOWN, Load, Presence, Staff


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What is so when a case begins, and stays so."""

    #: What is known of the customer, by the names of a profile; None when the channel proves nothing that they could be known by.
    customer: Mapping[str, object] | None = None
    #: Agent → whether they can take work; of who is not named nothing is told.
    roster: Mapping[str, bool] = field(default_factory=dict[str, bool])
    #: Agent → open cases of others that they have, by channel.
    open: Mapping[str, Mapping[Channel, int]] = field(default_factory=dict[str, Mapping[Channel, int]])
    #: What a model says of the case's risk; None when nobody was asked.
    risk: Risk | None = None
    #: What it said at single activities, by connection and dedupe key: that goes before.
    risks: Mapping[tuple[str, str], Risk] = field(default_factory=dict[tuple[str, str], Risk])
    #: Incident → how many other customers counted for it within its window; None for one that is open.
    incidents: Mapping[str, int | None] = field(default_factory=dict[str, int | None])
    #: Where the case takes part in incidents with others; None when it is alone, and `incidents` says what there is.
    seat: Seat | None = None


class Surroundings:
    """The outside, with what the case itself changes of it."""

    def __init__(self, outside: Outside) -> None:
        """Begin as somebody says that it is."""
        self._outside = outside
        self._last: dict[str, int] = {}
        self._read_at: int | None = None
        self._opened = {
            name: OpenIncident(id=f"incident-{name}", name=name, title=name)
            for name, count in outside.incidents.items()
            if count is None
        }

    @property
    def askable(self) -> bool:
        """Return whether anybody could know the customer."""
        return self._outside.customer is not None

    @property
    def profile(self) -> Profile | None:
        """Return what a look-up found, None before."""
        found = self._outside.customer
        return None if found is None or self._read_at is None else Profile(values=found, read_at=self._read_at)

    def risk(self, activity: Activity) -> Risk | None:
        """Return what a model says of the case's risk at an activity."""
        return self._outside.risks.get((activity.connection, activity.dedupe), self._outside.risk)

    def looked_up(self, now: int) -> None:
        """Note that what is known of the customer was read."""
        self._read_at = now

    def heed(self, episode: Episode) -> None:
        """Note who alone was given the case, and when."""
        if len(episode.assigned) == 1:
            self._last[episode.assigned[0]] = episode.assigned_at or 0

    def staff(self, episode: Episode | None, now: int) -> Staff:
        """Return who is there, and who has how much to do, the case itself counted in."""
        open_ = {name: dict(cases) for name, cases in self._outside.open.items()}
        if episode is not None and episode.state is not EpisodeState.CLOSED and len(episode.assigned) == 1:
            own = open_.setdefault(episode.assigned[0], {})
            if episode.channel is not None:
                own[episode.channel] = own.get(episode.channel, 0) + 1
        names = sorted({*open_, *self._last})
        if not names and not self._outside.roster:
            return UNKNOWN
        return Staff(
            loads={name: Load(open=open_.get(name, {}), last_at=self._last.get(name)) for name in names},
            presence={
                name: Presence(available=available, read_at=now) for name, available in self._outside.roster.items()
            },
        )

    # --- incidents ---------------------------------------------------------------------------------------------------
    def bursts(self, sightings: Iterable[Sighting], activity: Activity) -> tuple[Burst, ...]:
        """Return what is counted for the sightings of an activity, the case's own customer included."""
        if self._outside.seat is not None:
            return self._outside.seat.count(sightings, activity)
        return tuple(
            Burst(
                name=each.name,
                fingerprint=each.fingerprint,
                customers=(self._outside.incidents.get(each.name) or 0) + 1 if each.counts else 0,
                open=self._opened.get(each.name),
            )
            for each in sightings
        )

    def incident_of(self, case: Case | None) -> OpenIncident | None:
        """Return the open incident that a case is the parent of."""
        if self._outside.seat is not None:
            return self._outside.seat.of_parent(case)
        member = case.incident if case is not None else None
        found = self._opened.get(member.name) if member is not None else None
        return found if found is not None and case is not None and found.id == case.id else None

    def heed_incidents(self, steps: Sequence[IncidentFacts], activity: Activity, now: int) -> None:
        """Note which incidents were opened and closed."""
        if self._outside.seat is not None:
            self._outside.seat.take_over(steps, activity)
        for step in steps:
            if step.change is IncidentChange.OPENED:
                self._opened[step.name] = OpenIncident(id=step.id, name=step.name, title=step.title, last_at=now)
            elif step.change is IncidentChange.CLOSED:
                self._opened.pop(step.name, None)
