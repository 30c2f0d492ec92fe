"""Threads, and the cases and ticket links that come with them: found by key, made where they are missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from gateway.model import Activity, ActivityKind, Case, Channel, Party, Role, TicketLink, uuid7
from gateway.store import codec
from gateway.store.engine import Row, Transaction
from gateway.store.names import BATON, Names

EXTERNAL_PREFIX: Final = "baton:"
_THREAD: Final = (
    *(("id", "text"), ("connection_id", "bigint"), ("key", "text"), ("channel", "text"), ("case_id", "text")),
    *(("home_case_id", "text"), ("created_at", "bigint")),
)
_UNLESS_THERE: Final = "ON CONFLICT (connection_id, key) DO NOTHING"
_CASE: Final = (
    *(("id", "text"), ("root_id", "text"), ("merged_into", "text"), ("contact_id", "text"), ("created_at", "bigint")),
    *(("seq", "bigint"), ("doc", "text")),
)
_IDENTIFIER: Final = (
    *(("connection_id", "bigint"), ("kind", "text"), ("value", "text"), ("contact_id", "text")),
    *(("evidence", "text"), ("name", "text")),
)
TICKET: Final = (("connection_id", "bigint"), ("ticket_id", "text"), ("case_id", "text"), ("doc", "text"))


_CONTACT: Final = (("id", "text"), ("created_at", "bigint"))


def _customer(activity: Activity) -> Party | None:
    """Return the customer who did it, None when it was somebody else."""
    return activity.sender if activity.sender is not None and activity.sender.role is Role.CUSTOMER else None


class Threads:
    """The threads of one `save_parsed`."""

    def __init__(
        self,
        t: Transaction,
        names: Names,
        entropy: Callable[[int], bytes],
        threads: dict[tuple[int, str], str],
        made: dict[tuple[int, str], str],
        now: int,
    ) -> None:
        """Work in a transaction; what is found or made goes into `made`, and `threads` is what earlier ones knew."""
        self.t = t
        self.names = names
        self.entropy = entropy
        self.threads = threads
        self.made = made
        self.now = now

    def resolve(self, wanted: list[tuple[int, Activity]]) -> list[str]:
        """Return the thread of each activity; make the threads, cases and ticket links that are missing."""
        found: list[str | None] = [None] * len(wanted)
        lacking: dict[tuple[int, str], int] = {}
        for number, (connection_id, activity) in enumerate(wanted):
            if activity.kind is ActivityKind.BUTTON and activity.reference:
                found[number] = self._by_button(connection_id, activity)
            if found[number] is None:
                key = (connection_id, activity.thread)
                known = self.threads.get(key) or self.made.get(key)
                if known is None:
                    lacking.setdefault(key, number)
                found[number] = known
        if lacking:
            self._find_or_make(wanted, lacking)
        return [
            thread or self.made[connection_id, activity.thread]
            for thread, (connection_id, activity) in zip(found, wanted, strict=True)
        ]

    def _by_button(self, connection_id: int, activity: Activity) -> str | None:
        case_id = self._case_of_effect(connection_id, activity.reference or "")
        return None if case_id is None else internal_thread(self.t, self.entropy, case_id, self.now)

    def _case_of_effect(self, connection_id: int, effect_id: str) -> str | None:
        rows = self.t.rows(
            "SELECT c.root_id FROM effects e JOIN cases c ON c.id = e.case_id WHERE e.id = ? AND e.connection_id = ?",
            *(effect_id, connection_id),
        )
        return rows[0][0] if rows else None

    def _case_of_reference(self, connection_id: int, reference: str | None) -> str | None:
        """Return the case that a reference proves; None when it proves nothing."""
        if not reference:
            return None
        if not reference.startswith(EXTERNAL_PREFIX):
            return self._case_of_effect(connection_id, reference)
        rows = self.t.rows(
            "SELECT c.root_id FROM cases c WHERE c.id = ? AND EXISTS (SELECT 1 FROM effects e WHERE e.case_id = c.id"
            " AND e.connection_id = ? AND e.kind = 'handoff')",
            *(reference.removeprefix(EXTERNAL_PREFIX), connection_id),
        )
        return rows[0][0] if rows else None

    def _find_or_make(self, wanted: list[tuple[int, Activity]], lacking: dict[tuple[int, str], int]) -> None:
        keys = sorted(lacking)
        self._look_up(keys)
        missing = [key for key in keys if key not in self.made]
        rows: list[Row] = []
        proven: dict[tuple[int, str], str] = {}
        for key in missing:
            connection_id, activity = wanted[lacking[key]]
            case_id = self._case_of_reference(connection_id, activity.reference)
            if case_id is not None:
                proven[key] = case_id
            case_id = case_id or uuid7(self.now, self.entropy(10))
            channel = activity.channel.value if activity.channel else None
            thread_id = uuid7(self.now, self.entropy(10))
            rows.append((thread_id, connection_id, key[1], channel, case_id, case_id, self.now))
        made = {
            (row[0], row[1]): (row[2], row[3])
            for row in self.t.insert(
                "threads", _THREAD, rows, conflict=_UNLESS_THERE, returning="connection_id, key, id, case_id"
            )
        }
        self._make_cases([(wanted[lacking[key]], case) for key, (_, case) in made.items() if key not in proven])
        self._link_tickets([(wanted[lacking[key]], case, key in proven) for key, (_, case) in made.items()])
        self.made.update({key: thread for key, (thread, _) in made.items()})
        # Another replica made the others at the same moment; its transaction has ended, or this one would still wait.
        self._look_up([key for key in missing if key not in self.made])

    def _look_up(self, keys: Sequence[tuple[int, str]]) -> None:
        if keys:
            rows = self.t.rows(
                "SELECT connection_id, key, id FROM threads WHERE connection_id IN (??bigint) AND key IN (??text)",
                *(sorted({key[0] for key in keys}), sorted({key[1] for key in keys})),
            )
            self.made.update({(row[0], row[1]): row[2] for row in rows})

    def _make_cases(self, made: Sequence[tuple[tuple[int, Activity], str]]) -> None:
        contacts = self._contacts([(connection_id, party) for (connection_id, a), _ in made if (party := _customer(a))])
        rows: list[Row] = []
        for (connection_id, activity), case_id in made:
            case = Case(
                id=case_id,
                channel=activity.channel,
                connection=self.names.name(connection_id),
                opened_at=activity.occurred_at,
                last_activity_at=activity.occurred_at,
            )
            customer = _customer(activity)
            contact = contacts[connection_id, customer.kind, customer.value] if customer else None
            rows.append((case_id, case_id, None, contact, self.now, 0, codec.encode(case)))
        self.t.insert("cases", _CASE, rows)

    def _contacts(self, customers: Sequence[tuple[int, Party]]) -> dict[tuple[int, str, str], str]:
        """Return the contact of each identifier; make those that are new. In one order, so that nobody deadlocks."""
        latest = {(connection_id, party.kind, party.value): party for connection_id, party in customers}
        fresh = {key: uuid7(self.now, self.entropy(10)) for key in sorted(latest)}
        rows = self.t.insert(
            "identifiers",
            _IDENTIFIER,
            [(*key, fresh[key], latest[key].evidence.value, latest[key].name) for key in fresh],
            conflict="ON CONFLICT (connection_id, kind, value) DO UPDATE SET name = excluded.name",
            returning="connection_id, kind, value, contact_id",
        )
        found = {(row[0], row[1], row[2]): str(row[3]) for row in rows}
        made: list[Row] = [(contact, self.now) for key, contact in found.items() if contact == fresh[key]]
        self.t.insert("contacts", _CONTACT, made)
        return found

    def _link_tickets(self, made: Iterable[tuple[tuple[int, Activity], str, bool]]) -> None:
        rows: list[Row] = []
        for (connection_id, activity), case_id, proven in made:
            if activity.ticket is not None and activity.channel is Channel.HELPDESK:
                link = TicketLink(
                    connection=self.names.name(connection_id),
                    ticket_id=activity.ticket.id,
                    adopted=not proven,
                    url=activity.ticket.url or "",
                    status=activity.ticket.status,
                )
                rows.append((connection_id, link.ticket_id, case_id, codec.encode(link)))
        self.t.insert("tickets", TICKET, rows, conflict="ON CONFLICT (connection_id, ticket_id) DO NOTHING")


def bind_thread(
    t: Transaction, entropy: Callable[[int], bytes], connection_id: int, key: str, case_id: str, now: int
) -> str:
    """Return the thread of that key; make it, bound to the case's root, when there is none."""
    home = t.rows("SELECT root_id FROM cases WHERE id = ?", case_id)[0][0]
    made = t.insert(
        "threads",
        _THREAD,
        [(uuid7(now, entropy(10)), connection_id, key, None, home, case_id, now)],
        conflict=_UNLESS_THERE,
        returning="id",
    )
    if made:
        return str(made[0][0])
    return str(t.rows("SELECT id FROM threads WHERE connection_id = ? AND key = ?", connection_id, key)[0][0])


def internal_thread(t: Transaction, entropy: Callable[[int], bytes], case_id: str, now: int) -> str:
    """Return the thread on which Baton itself speaks in a case."""
    return bind_thread(t, entropy, BATON, case_id, case_id, now)
