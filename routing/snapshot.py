"""All that a decision may know."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from gateway.model import Activity, Burst, Case, Episode, OpenIncident, Profile, Risk, Thread, TicketLink
from routing.people import UNKNOWN, Staff
from routing.policy import ConnectionFacts, Policy

__all__ = ["ConnectionFacts", "Snapshot"]


class Snapshot(Struct, frozen=True, kw_only=True, gc=False):
    """A case at one moment, and the policy that holds."""

    #: The policy in force.
    policy: Policy
    #: The policy that the open episode began under; None when it is the one in force or there is no episode.
    episode_policy: Policy | None
    #: The case before the activity.
    case: Case
    #: Its open episode, None when there is none.
    episode: Episode | None
    #: Its tickets.
    tickets: tuple[TicketLink, ...]
    #: The thread of the activity.
    thread: Thread
    #: The connections, by name.
    connections: Mapping[str, ConnectionFacts]
    #: Connection and key of the case's threads on which somebody else than its customer speaks.
    strangers: frozenset[tuple[str, str]] = frozenset()
    #: What is known of the policy's agents: how much they have to do, and whether they are there.
    staff: Staff = UNKNOWN
    #: What is known of the case's customer, None when nothing is, or when the policy does not ask.
    profile: Profile | None = None
    #: True when something of the customer is proven that the policy's connection could know them by.
    askable: bool = False
    #: What waits for the look-up whose outcome the activity is.
    waiting: tuple[Activity, ...] = ()
    #: Connection and key of the case's threads on which no messages are wanted (STOP).
    silenced: frozenset[tuple[str, str]] = frozenset()
    #: What a model says of the case's risk as the activity leaves it; None when the policy has none, or nobody asked.
    risk: Risk | None = None
    #: What that stands on, which the case may be learned from; empty when nothing is learned.
    features: tuple[str, ...] = ()
    #: What was counted for the incidents that the activity counts for.
    bursts: tuple[Burst, ...] = ()
    #: The open incident that the case is the parent of, None for none.
    incident: OpenIncident | None = None
