"""Incidents: one matter of many customers. The case that stands for it is its parent, and gives it its id."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct

#: From so many customers on an incident's parent is told of them, at each doubling.
_MANY: Final = 8


class IncidentChange(StrEnum):
    """What happened to an incident."""

    OPENED = "opened"
    #: A case belongs to it from now on.
    JOINED = "joined"
    #: It has as many customers as `customers` says.
    SPREAD = "spread"
    #: Its ticket stands in the helpdesk.
    WRITTEN = "written"
    CLOSED = "closed"


class IncidentFacts(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Something that happened to an incident, as an activity brings it or a decision wants it."""

    #: What happened.
    change: IncidentChange
    #: The incident, by its parent case; empty for one that is only asked for, by a person or from outside.
    id: str = ""
    #: Which incident of the policy, by its id there; empty when the connection says.
    name: str = ""
    #: What it is about, one line; empty for the policy's own title.
    title: str = ""
    #: What is the same about its messages; empty for all that count.
    fingerprint: str = ""
    #: Distinct customers in it.
    customers: int = 0
    #: How far back messages of customers belong to it when it opens, microseconds.
    window: int = 0
    #: Its ticket and that one's page; or, from outside, where people can see what it is about.
    ticket: str = ""
    url: str = ""
    #: Who opened or closed it, and why, in a few words.
    by: str = ""
    reason: str = ""


class OpenIncident(Struct, frozen=True, kw_only=True, gc=False):
    """An incident that is open, as the store knows it."""

    #: Its parent case.
    id: str
    #: Which incident of the policy.
    name: str
    title: str
    #: What is the same about its messages; empty for all that count.
    fingerprint: str = ""
    #: Distinct customers in it.
    customers: int = 0
    #: When the last message came that belongs to it, UTC microseconds.
    last_at: int = 0
    #: Its ticket, empty while there is none, and that one's page.
    ticket: str = ""
    url: str = ""
    #: True when the case's customer heard of it already, in whatever case of theirs.
    told: bool = False


class Sighting(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """An activity that counts for an incident of the policy: what the store is to count it under."""

    #: Which incident.
    name: str
    #: What is the same about all that are counted together.
    fingerprint: str
    #: How far back to count, microseconds.
    window: int
    #: False for somebody who opens it, and for a case that is told of it: that is no customer who writes.
    counts: bool = True
    #: The incident that is asked for, by its parent case; empty for whichever is open.
    id: str = ""


class Burst(Struct, frozen=True, kw_only=True, gc=False):
    """What the store counted for a sighting, that one included."""

    name: str
    fingerprint: str
    #: Distinct customers within the window.
    customers: int
    #: The incident that is open for it, None when none is.
    open: OpenIncident | None = None


class Membership(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What a case knows of the incident that it belongs to, or is the parent of."""

    #: The incident, by its parent case.
    id: str
    #: Which incident of the policy.
    name: str
    title: str
    #: False once it is closed.
    open: bool = True
    #: Its ticket, empty while there is none, and that one's page.
    ticket: str = ""
    url: str = ""

    @property
    def words(self) -> str:
        """Return it for people: by its title and its ticket."""
        return f"incident {self.title}" + (f" (ticket {self.ticket} {self.url}".rstrip() + ")" if self.ticket else "")


def spreads(customers: int) -> bool:
    """Tell whether an incident that has so many customers by now is news for its parent."""
    return customers >= _MANY and customers & (customers - 1) == 0
