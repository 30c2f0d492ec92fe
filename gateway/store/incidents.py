"""Incidents over cases: sightings counted by distinct customers, which cases belong to what, and who is told.

Everything here happens in the transaction that applies an activity, or in an operator's, and in turns (one lock for all
incidents): two processes that count at once would each miss the other's customer. A person is the contacts that are linked then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

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
    uuid7,
)
from gateway.model.activity import BATON_NAME
from gateway.model.incident import spreads
from gateway.store import codec
from gateway.store.auditing import Auditing
from gateway.store.bindings import CASE, contact_of
from gateway.store.engine import Engine, Row, Transaction
from gateway.store.inbound import append_internal
from gateway.store.trees import root_of

_TURNS: Final = ("incidents",)
_OPEN: Final = "SELECT id, name, title, fingerprint, last_at, ticket, url FROM incidents WHERE closed_at IS NULL"
#: Sightings are kept for so long beyond their window: what came late may still count with them. Microseconds.
_KEPT: Final = 86_400_000_000
#: A person, of a row that names a contact and a case: by the contacts that are linked, else by the case.
_PERSON: Final = "coalesce((SELECT k.root_id FROM contacts k WHERE k.id = s.contact_id), c.root_id)"


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentView:
    """An incident for operators."""

    #: Its parent case.
    id: str
    #: Which incident of the policy.
    name: str
    title: str
    fingerprint: str
    #: Who opened it: ``rules``, a connection, or a person.
    opened_by: str
    #: UTC microseconds; `closed_at` None while it is open.
    opened_at: int
    last_at: int
    closed_at: int | None
    #: Its ticket, empty while there is none.
    ticket: str
    url: str
    #: Cases that belong to it, and their distinct customers.
    cases: int
    customers: int


class Incidents:
    """Incidents, for those who ask and for operators."""

    def __init__(self, engine: Engine, auditing: Auditing, entropy: Callable[[int], bytes]) -> None:
        """Work on an engine."""
        self._engine = engine
        self._auditing = auditing
        self._entropy = entropy

    def incidents(self, limit: int = 100) -> Sequence[IncidentView]:
        """Return incidents, the newest first; see `Store.incidents`."""

        def work(t: Transaction) -> list[IncidentView]:
            rows = t.rows(
                "SELECT id, name, title, fingerprint, opened_by, opened_at, last_at, closed_at, ticket, url FROM incidents"
                " ORDER BY opened_at DESC, id DESC LIMIT ?",
                limit,
            )
            return [_viewed(t, row) for row in rows]

        return self._engine.read(work)

    def open_incident(self, facts: IncidentFacts, now: int) -> str:
        """Ask for an incident to be opened; see `Store.open_incident`."""

        def work(t: Transaction) -> str:
            self._engine.take_turns(t, _TURNS)
            there = t.rows(
                f"{_OPEN} AND name = ? AND fingerprint = ? ORDER BY opened_at DESC LIMIT 1",
                *(facts.name, facts.fingerprint),
            )
            if there:
                raise ValueError(f"Incident {there[0][2]} is open already: its parent is case {there[0][0]}.")
            case_id = uuid7(now, self._entropy(10))
            make_parent(t, case_id, now)
            tell(t, self._entropy, case_id, facts, f"incident:{case_id}:asked", now)
            self._auditing.append(t, facts.by, "incident.ask", case_id, {"name": facts.name}, now)
            self._engine.notify(t)
            return case_id

        return self._engine.write(work)

    def close_incident(self, incident_id: str, actor: str, reason: str, now: int) -> None:
        """Have an incident closed; see `Store.close_incident`."""

        def work(t: Transaction) -> None:
            self._engine.take_turns(t, _TURNS)
            rows = t.rows("SELECT name, title, closed_at FROM incidents WHERE id = ?", incident_id)
            if not rows:
                raise ValueError(
                    f"There is no incident {incident_id}: `baton incidents list` shows those that there are."
                )
            if rows[0][2] is not None:
                raise ValueError(f"Incident {rows[0][1]} is over already.")
            facts = IncidentFacts(
                change=IncidentChange.CLOSED, id=incident_id, name=rows[0][0], by=actor, reason=reason
            )
            tell(t, self._entropy, incident_id, facts, f"incident:{incident_id}:asked:{now}", now)
            self._engine.notify(t)

        self._engine.write(work)


class Grouping:
    """What one batch of decisions does to incidents."""

    def __init__(
        self,
        t: Transaction,
        engine: Engine,
        entropy: Callable[[int], bytes],
        now: int,
        cases: Callable[[str], Case | None],
    ) -> None:
        """Work within a transaction; `cases` gives those that it has in hand, which are newer than what is stored."""
        self._t = t
        self._engine = engine
        self._entropy = entropy
        self._now = now
        self._cases = cases
        self._auditing = Auditing(engine)
        #: How many were opened and closed.
        self.changed: dict[str, int] = {}

    def take_turns(self) -> None:
        """Wait for nobody else to count, until this transaction ends."""
        self._engine.take_turns(self._t, _TURNS)

    # --- before a decision -------------------------------------------------------------------------------------------
    def of_parent(self, case: Case) -> OpenIncident | None:
        """Return the open incident that a case is the parent of."""
        if case.incident is None or not case.stands_for_incident or not case.incident.open:
            return None
        rows = self._t.rows(f"{_OPEN} AND id = ?", case.id)
        return self._opened(rows[0]) if rows else None

    def count(
        self, sightings: Sequence[Sighting], case_id: str, thread_id: str, activity: Activity
    ) -> tuple[Burst, ...]:
        """Keep that an activity counts for incidents, and return what counts with it."""
        if not sightings:
            return ()
        self.take_turns()
        return tuple(self._burst(each, case_id, thread_id, activity.received_at) for each in sightings)

    def _burst(self, sighting: Sighting, case_id: str, thread_id: str, at: int) -> Burst:
        name, mark = sighting.name, sighting.fingerprint
        contact = self._contact(case_id, thread_id, own=not sighting.counts)
        if sighting.counts:
            self._t.run(
                "INSERT INTO sightings (name, fingerprint, case_id, contact_id, seen_at) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (name, fingerprint, case_id, contact_id) DO UPDATE SET seen_at ="
                " CASE WHEN excluded.seen_at > sightings.seen_at THEN excluded.seen_at ELSE sightings.seen_at END",
                *(name, mark, case_id, contact, at),
            )
            self._t.run(
                "DELETE FROM sightings WHERE name = ? AND seen_at < ?", name, self._now - sighting.window - _KEPT
            )
        rows = self._open_for(sighting)
        if rows and sighting.counts:
            self._t.run("UPDATE incidents SET last_at = ? WHERE id = ? AND last_at < ?", at, rows[0][0], at)
        return Burst(
            name=name,
            fingerprint=mark,
            customers=self._customers(name, mark, sighting.window, at) if sighting.counts else 0,
            open=altered(self._opened(rows[0]), told=self._told(rows[0][0], case_id, contact)) if rows else None,
        )

    def _open_for(self, sighting: Sighting) -> Sequence[Row]:
        name, mark = sighting.name, sighting.fingerprint
        if sighting.id:
            return self._t.rows(f"{_OPEN} AND id = ?", sighting.id)
        either = "fingerprint IN (??text)" if sighting.counts or mark else "(1 = 1 OR fingerprint IN (??text))"
        return self._t.rows(
            f"{_OPEN} AND name = ? AND {either} ORDER BY CASE WHEN fingerprint = ? THEN 0 ELSE 1 END, opened_at DESC, id DESC"
            " LIMIT 1",
            *(name, [mark, ""], mark),
        )

    def _contact(self, case_id: str, thread_id: str, *, own: bool) -> str:
        """Return who speaks on a thread, or, where that is Baton itself, whose case it is; empty for nobody known."""
        if own:
            return str((self._t.rows("SELECT contact_id FROM cases WHERE id = ?", case_id) or [("",)])[0][0] or "")
        return contact_of(self._t, thread_id) or ""

    def _told(self, incident_id: str, case_id: str, contact: str) -> bool:
        """Tell whether a case's customer heard of an incident, in whatever case and by whatever contact of theirs."""
        held = self._cases(case_id)
        if held is not None and incident_id in held.broadcasts:
            return True
        rows = self._t.rows(
            f"SELECT c.id, c.doc FROM incident_cases s JOIN cases c ON c.id = s.case_id WHERE s.incident_id = ? AND {_PERSON} ="
            " coalesce((SELECT p.root_id FROM contacts p WHERE p.id = ?), ?)",
            *(incident_id, contact, case_id),
        )
        return any(incident_id in (self._cases(row[0]) or codec.case_from(row[1])).broadcasts for row in rows)

    def _customers(self, name: str, mark: str, window: int, at: int) -> int:
        """Return the distinct customers within the window that ends with the newest sighting that is known.

        Other processes apply what came later, or earlier: the order of applying must not change what is counted. What belonged to
        an incident that is over does not count for the next.
        """
        latest = self._t.rows("SELECT max(seen_at) FROM sightings WHERE name = ? AND fingerprint = ?", name, mark)
        end = max(at, latest[0][0] or at)
        rows = self._t.rows(
            f"SELECT count(DISTINCT {_PERSON}) FROM sightings s JOIN cases c ON c.id = s.case_id"
            " WHERE s.name = ? AND s.fingerprint = ? AND s.seen_at > ?",
            *(name, mark, self._since(name, mark, end - window)),
        )
        return int(rows[0][0])

    def _since(self, name: str, mark: str, begin: int) -> int:
        """Return from when on sightings count: from an instant on, and not before an incident ended that they belonged to."""
        rows = self._t.rows(
            "SELECT max(closed_at) FROM incidents WHERE name = ? AND fingerprint IN (??text)", name, [mark, ""]
        )
        return max(begin, rows[0][0] or begin)

    def _opened(self, row: Row) -> OpenIncident:
        return OpenIncident(
            id=row[0],
            name=row[1],
            title=row[2],
            fingerprint=row[3],
            last_at=row[4],
            ticket=row[5],
            url=row[6],
            customers=_customers_of(self._t, row[0]),
        )

    # --- after a decision --------------------------------------------------------------------------------------------
    def take_over(self, steps: Sequence[IncidentFacts], case_id: str, thread_id: str, activity: Activity) -> None:
        """Do what a decision on a case wants done to incidents."""
        if steps:
            self.take_turns()
        for step in steps:
            match step.change:
                case IncidentChange.OPENED:
                    self._open(step, case_id, activity)
                case IncidentChange.JOINED:
                    self._join(step, case_id, thread_id, activity)
                case IncidentChange.WRITTEN:
                    self._t.run("UPDATE incidents SET ticket = ?, url = ? WHERE id = ?", step.ticket, step.url, step.id)
                    self._tell_members(step)
                case IncidentChange.CLOSED:
                    self._close(step)
                case IncidentChange.SPREAD:
                    pass

    def _open(self, step: IncidentFacts, case_id: str, activity: Activity) -> None:
        self._t.run(
            # An alert that fires again opens its own incident again: the case and the ticket are there.
            "INSERT INTO incidents (id, name, fingerprint, title, opened_by, opened_at, last_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET closed_at = NULL, title = excluded.title, last_at = excluded.last_at",
            *(step.id, step.name, step.fingerprint, step.title, step.by, self._now, activity.received_at),
        )
        detail = {"name": step.name, "fingerprint": step.fingerprint, "reason": step.reason}
        self._auditing.append(self._t, step.by, "incident.open", step.id, detail, self._now)
        self.changed["opened"] = self.changed.get("opened", 0) + 1
        if step.id != case_id:
            make_parent(self._t, step.id, self._now)
            tell(self._t, self._entropy, step.id, step, f"incident:{step.id}:opened", self._now)
        self._gather(step, case_id, activity.received_at)

    def _gather(self, step: IncidentFacts, case_id: str, at: int) -> None:
        """Tell the cases that counted for an incident before it was opened."""
        alike = "s.fingerprint IN (??text)" if step.fingerprint else "(1 = 1 OR s.fingerprint IN (??text))"
        rows = self._t.rows(
            "SELECT DISTINCT c.root_id FROM sightings s JOIN cases c ON c.id = s.case_id"
            f" WHERE s.name = ? AND {alike} AND s.seen_at > ? ORDER BY c.root_id",
            *(step.name, [step.fingerprint], self._since(step.name, step.fingerprint, at - step.window)),
        )
        for (other,) in rows:
            if other != case_id:
                facts = IncidentFacts(change=IncidentChange.JOINED, id=step.id, name=step.name, title=step.title)
                tell(self._t, self._entropy, other, facts, f"incident:{step.id}:joined:{other}:{self._now}", self._now)

    def _join(self, step: IncidentFacts, case_id: str, thread_id: str, activity: Activity) -> None:
        contact = self._contact(case_id, thread_id, own=activity.connection == BATON_NAME)
        self._t.run(
            # An alert's case belongs to it as well, and is no customer's.
            "INSERT INTO incident_cases (incident_id, case_id, contact_id, customers, joined_at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (incident_id, case_id) DO NOTHING",
            *(step.id, case_id, contact, int(not _opens(activity)), self._now),
        )
        rows = self._t.rows("SELECT name, title, closed_at, ticket, url FROM incidents WHERE id = ?", step.id)
        if rows and rows[0][2] is not None:
            # It was closed while the case was on its way into it.
            facts = IncidentFacts(change=IncidentChange.CLOSED, id=step.id, name=rows[0][0], title=rows[0][1])
            tell(self._t, self._entropy, case_id, facts, f"incident:{step.id}:closed:{case_id}:{self._now}", self._now)
            return
        if rows and rows[0][3]:
            facts = IncidentFacts(
                change=IncidentChange.WRITTEN, id=step.id, title=rows[0][1], ticket=rows[0][3], url=rows[0][4]
            )
            tell(self._t, self._entropy, case_id, facts, f"incident:{step.id}:written:{case_id}", self._now)
        count = _customers_of(self._t, step.id)
        if spreads(count):
            facts = IncidentFacts(change=IncidentChange.SPREAD, id=step.id, name=step.name, customers=count)
            tell(self._t, self._entropy, step.id, facts, f"incident:{step.id}:spread:{count}", self._now)

    def _close(self, step: IncidentFacts) -> None:
        self._t.run("UPDATE incidents SET closed_at = ? WHERE id = ? AND closed_at IS NULL", self._now, step.id)
        self._auditing.append(self._t, step.by, "incident.close", step.id, {"reason": step.reason}, self._now)
        self.changed["closed"] = self.changed.get("closed", 0) + 1
        self._tell_members(step)

    def _tell_members(self, step: IncidentFacts) -> None:
        """Tell the cases that belong to an incident, wherever they are merged by now."""
        for (member,) in self._t.rows(
            "SELECT DISTINCT c.root_id FROM incident_cases i JOIN cases c ON c.id = i.case_id WHERE i.incident_id = ?"
            " ORDER BY c.root_id",
            step.id,
        ):
            dedupe = f"incident:{step.id}:{step.change.value}:{member}:{self._now}"
            tell(self._t, self._entropy, member, step, dedupe, self._now)


def make_parent(t: Transaction, case_id: str, now: int) -> None:
    """Make the case that stands for an incident, if it is not there."""
    case = Case(id=case_id, connection=BATON_NAME, opened_at=now, last_activity_at=now)
    row = (case_id, case_id, None, now, 0, codec.encode(case))
    t.insert("cases", CASE, [row], conflict="ON CONFLICT (id) DO NOTHING")


def tell(
    t: Transaction, entropy: Callable[[int], bytes], case_id: str, facts: IncidentFacts, dedupe: str, now: int
) -> None:
    """Append what happened to an incident to a case; `dedupe` keeps it from being said twice."""
    activity = Activity(
        kind=ActivityKind.INCIDENT,
        connection=BATON_NAME,
        thread=case_id,
        dedupe=dedupe,
        occurred_at=now,
        received_at=now,
        incident=facts,
    )
    append_internal(t, entropy, root_of(t, "cases", case_id), activity, now)


def _customers_of(t: Transaction, incident_id: str) -> int:
    rows = t.rows(
        f"SELECT count(DISTINCT {_PERSON}) FROM incident_cases s JOIN cases c ON c.id = s.case_id"
        " WHERE s.incident_id = ? AND s.customers = 1",
        incident_id,
    )
    return int(rows[0][0])


def _opens(activity: Activity) -> bool:
    """Tell whether somebody asks for an incident: a person, or a system that watches."""
    return activity.incident is not None and activity.incident.change is IncidentChange.OPENED


def _viewed(t: Transaction, row: Row) -> IncidentView:
    cases = t.rows("SELECT count(*) FROM incident_cases WHERE incident_id = ?", row[0])[0][0]
    return IncidentView(
        id=row[0],
        name=row[1],
        title=row[2],
        fingerprint=row[3],
        opened_by=row[4],
        opened_at=row[5],
        last_at=row[6],
        closed_at=row[7],
        ticket=row[8],
        url=row[9],
        cases=cases,
        customers=_customers_of(t, row[0]),
    )
