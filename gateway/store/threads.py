"""Threads, and the cases and ticket links that come with them: found by key or by proof, made where they are missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from gateway.model import Activity, ActivityKind, Case, Channel, Party, TicketLink, altered, uuid7
from gateway.store import codec
from gateway.store.bindings import THREAD, UNLESS_THERE, internal_thread
from gateway.store.case_rules import PHONE, CaseRules
from gateway.store.contacts import Contacts, Key, Known, key_of
from gateway.store.customers import customer_of, owner_of
from gateway.store.engine import Engine, Row, Transaction
from gateway.store.joining import open_case
from gateway.store.ledger import case_of_effect
from gateway.store.mail_threads import MailThreads, Place
from gateway.store.names import Names
from gateway.store.reports import NOWHERE, Reports
from gateway.store.told import case_told

EXTERNAL_PREFIX: Final = "baton:"
_CASE: Final = (
    *(("id", "text"), ("root_id", "text"), ("merged_into", "text"), ("contact_id", "text"), ("created_at", "bigint")),
    *(("seq", "bigint"), ("doc", "text")),
)
TICKET: Final = (("connection_id", "bigint"), ("ticket_id", "text"), ("case_id", "text"), ("doc", "text"))
#: Channels that are reached by numbers, which change hands.
_NUMBERED: Final = frozenset({Channel.PHONE, Channel.MESSAGING})

#: The case that a thread began, while it is nobody's …
_NOBODYS: Final = "contact_id IS NULL AND id = (SELECT home_case_id FROM threads WHERE id = ?)"
#: … and the same of a ticket's, unless a conversation began the case: whoever writes in the ticket of a handoff may be anybody.
_OWN_TICKET: Final = (
    f"SELECT 1 FROM cases WHERE {_NOBODYS} AND NOT EXISTS (SELECT 1 FROM threads o WHERE o.case_id = cases.root_id"
    " AND o.home_case_id = cases.id AND o.channel IS NOT NULL AND o.channel <> 'helpdesk')"
)

#: A thread that is wanted: its connection, and an activity that came over it.
Wanted: TypeAlias = tuple[int, Activity]


@dataclass(slots=True, kw_only=True)
class ThreadCache:
    """Threads that are known, so that most activities need no question to the store."""

    #: Thread by connection and key.
    threads: dict[tuple[int, str], str] = field(default_factory=dict[tuple[int, str], str])
    #: Threads on which no customer has spoken yet, and tickets whose case is nobody's yet: a bot or an agent began.
    anonymous: set[str] = field(default_factory=set[str])
    #: Customers of helpdesks whose address is kept: their connection, who they are, and the address.
    addresses: set[tuple[int, str, str, str]] = field(default_factory=set[tuple[int, str, str, str]])

    def take(self, made: ThreadCache, limit: int) -> None:
        """Take over what a transaction found and made, once it is committed."""
        if len(self.threads) > limit:
            self.threads.clear()
            self.anonymous.clear()
        if len(self.addresses) > limit:
            self.addresses.clear()
        self.threads.update(made.threads)
        self.anonymous -= set(made.threads.values()) - made.anonymous
        self.anonymous |= made.anonymous
        self.addresses |= made.addresses


class Threads:
    """The threads of one `save_parsed`."""

    def __init__(
        self,
        t: Transaction,
        engine: Engine,
        names: Names,
        entropy: Callable[[int], bytes],
        known: ThreadCache,
        made: ThreadCache,
        rules: CaseRules,
        now: int,
    ) -> None:
        """Work in a transaction; what is found or made goes into `made`, and `known` is what earlier ones knew."""
        self.t = t
        self.names = names
        self.entropy = entropy
        self.known = known
        self.made = made
        self.rules = rules
        self.now = now
        self.contacts = Contacts(t, engine, entropy, rules, now)
        self.mails = MailThreads(t, rules)
        self.reports = Reports(t, engine)
        #: Key of the thread that an activity was bound to, by its number among those wanted, where it came with another.
        self.bound: dict[int, str] = {}

    def resolve(self, wanted: list[Wanted]) -> list[str]:
        """Return the thread of each activity, `NOWHERE` for a report about nothing known; make what is missing."""
        found: list[str | None] = [None] * len(wanted)
        lacking: dict[tuple[int, str], int] = {}
        for number, (connection_id, activity) in enumerate(wanted):
            found[number] = self._by_what_it_is_about(number, connection_id, activity)
            if found[number] is None:
                key = (connection_id, activity.thread)
                known = self.known.threads.get(key) or self.made.threads.get(key)
                if known is None:
                    lacking.setdefault(key, number)
                found[number] = known
        if lacking:
            self._find_or_make(wanted, lacking)
        resolved = [
            self.made.threads[connection_id, activity.thread] if thread is None else thread
            for thread, (connection_id, activity) in zip(found, wanted, strict=True)
        ]
        self._introduce(wanted, resolved)
        self._hear(wanted, resolved, set(lacking))
        return resolved

    def learn(self, told: Iterable[Wanted]) -> None:
        """Keep the addresses of helpdesks' customers, whatever else becomes of what told them.

        A helpdesk's webhooks bring numbers of users, and only a poll their addresses, with events that were known long before.
        """
        fresh: dict[tuple[int, str, str, str], tuple[int, Party]] = {}
        for connection_id, activity in told:
            if activity.channel is not Channel.HELPDESK:
                continue
            for party in (customer_of(activity), owner_of(activity)):
                if party is not None and party.email:
                    fresh[connection_id, party.kind, party.value, party.email] = (connection_id, party)
        for key in self.known.addresses & fresh.keys():
            del fresh[key]
        if fresh:
            self.contacts.of(list(fresh.values()))
            self.made.addresses |= fresh.keys()

    # --- by proof ----------------------------------------------------------------------------------------------------
    def _by_what_it_is_about(self, number: int, connection_id: int, activity: Activity) -> str | None:
        """Return the thread that an activity belongs on whatever its key says, `NOWHERE` for none; None when the key says it."""
        told = case_told(self.t, connection_id, activity)
        if told is not None:
            return internal_thread(self.t, self.entropy, told, self.now) if told else NOWHERE
        if activity.mail is not None:
            thread, key = self._by_mail(connection_id, activity)
            if key != activity.thread:
                self.bound[number] = key
            return thread
        if activity.kind is ActivityKind.DELIVERY_REPORT:
            return self._by_report(connection_id, activity)
        return None

    def _by_report(self, connection_id: int, activity: Activity) -> str:
        case_id = self.reports.case_of(connection_id, activity)
        if case_id is not None:
            return internal_thread(self.t, self.entropy, case_id, self.now)
        key = (connection_id, activity.thread)
        if key not in self.known.threads and key not in self.made.threads:
            self._look_up([key])
        return self.known.threads.get(key) or self.made.threads.get(key) or NOWHERE

    def _by_mail(self, connection_id: int, activity: Activity) -> tuple[str, str]:
        """Return the thread of a mail, and its key. One by one, since a mail may answer the one before it."""
        place = self.mails.find(connection_id, activity)
        if place.thread is None:
            thread, key, began = self._own_thread(connection_id, activity, place)
        else:
            thread, began = place.thread, False
            key = str(self.t.rows("SELECT key FROM threads WHERE id = ?", thread)[0][0])
        self.mails.remember(connection_id, activity, thread, began=began)
        return thread, key

    def _own_thread(self, connection_id: int, activity: Activity, place: Place) -> tuple[str, str, bool]:
        """Return the thread of a mail that continues none, its key, and whether it is new.

        A thread of the same key is not taken for it unless its sender takes part: a Message-ID can be copied.
        """
        rows = self.t.rows("SELECT id FROM threads WHERE connection_id = ? AND key = ?", connection_id, activity.thread)
        if rows and self.mails.takes_part(rows[0][0], activity, own=True):
            return str(rows[0][0]), activity.thread, False
        key = activity.thread if not rows else f"{activity.thread}#{codec.key_hash(activity.dedupe)[:12]}"
        apart = altered(activity, thread=key, reference=None)
        self._find_or_make([(connection_id, apart)], {(connection_id, key): 0}, case=place.case)
        return self.made.threads[connection_id, key], key, True

    def _case_of_reference(self, connection_id: int, reference: str | None) -> str | None:
        """Return the case that a reference proves; None when it proves nothing."""
        if not reference:
            return None
        if not reference.startswith(EXTERNAL_PREFIX):
            return case_of_effect(self.t, connection_id, reference)
        rows = self.t.rows(
            "SELECT c.root_id FROM cases c WHERE c.id = ? AND EXISTS (SELECT 1 FROM effects e WHERE e.case_id = c.id"
            " AND e.connection_id = ? AND e.kind = 'handoff')",
            *(reference.removeprefix(EXTERNAL_PREFIX), connection_id),
        )
        return rows[0][0] if rows else None

    # --- by key ------------------------------------------------------------------------------------------------------
    def _find_or_make(self, wanted: list[Wanted], lacking: dict[tuple[int, str], int], case: str | None = None) -> None:
        keys = sorted(lacking)
        self._look_up(keys)
        missing = [key for key in keys if key not in self.made.threads]
        begun = {key: wanted[lacking[key]] for key in missing}
        people = self.contacts.of(
            [(connection_id, party) for connection_id, activity in begun.values() if (party := owner_of(activity))]
        )
        proven: dict[tuple[int, str], str] = {}
        for key, (connection_id, activity) in begun.items():
            case_id = case or self._case_of_reference(connection_id, activity.reference)
            if case_id is not None:
                proven[key] = case_id
        joining = self._joining(begun, people, proven)
        self._make({key: each for key, each in begun.items() if key not in joining}, people, proven)
        for key, person in joining.items():
            connection_id, activity = begun[key]
            found = open_case(self.t, self.rules, person, connection_id, activity.channel, self.now)
            self._make({key: begun[key]}, people, {} if found is None else {key: found})
        # Another replica made the others at the same moment; its transaction has ended, or this one would still wait.
        self._look_up([key for key in missing if key not in self.made.threads])

    def _joining(
        self,
        begun: Mapping[tuple[int, str], Wanted],
        people: Mapping[Key, Known],
        proven: Mapping[tuple[int, str], str],
    ) -> dict[tuple[int, str], str]:
        """Return the threads that may join an open case, each with the person whose it is: those of people known elsewhere."""
        if self.rules.join_within is None:
            return {}
        known = {
            key: people[key_of(connection_id, party)]
            for key, (connection_id, activity) in begun.items()
            if key not in proven and activity.channel is not Channel.HELPDESK and (party := customer_of(activity))
        }
        able = {key: each for key, each in known.items() if each.proven and (each.crossing or not each.fresh)}
        linked = self.contacts.linked([each.contact for each in able.values()])
        return {
            key: linked.get(each.contact, each.contact)
            for key, each in able.items()
            if each.contact in linked or each.crossing is not None
        }

    def _make(
        self,
        begun: Mapping[tuple[int, str], Wanted],
        people: Mapping[Key, Known],
        proven: Mapping[tuple[int, str], str],
    ) -> None:
        """Make threads, each in the case that is proven for it or in a case of its own."""
        rows: list[Row] = []
        for key, (connection_id, activity) in begun.items():
            case_id = proven.get(key) or uuid7(self.now, self.entropy(10))
            channel = activity.channel.value if activity.channel else None
            thread_id = uuid7(self.now, self.entropy(10))
            speaker = self._speaker(connection_id, activity, people)
            rows.append((thread_id, connection_id, key[1], channel, case_id, case_id, self.now, speaker))
        made = {
            (row[0], row[1]): (row[2], row[3])
            for row in self.t.insert(
                "threads", THREAD, rows, conflict=UNLESS_THERE, returning="connection_id, key, id, case_id"
            )
        }
        self._make_cases([(begun[key], case) for key, (_, case) in made.items() if key not in proven], people)
        self._link_tickets([(begun[key], case, key in proven) for key, (_, case) in made.items()])
        self.made.threads.update({key: thread for key, (thread, _) in made.items()})
        # A ticket of a case from elsewhere is no matter of its own: it says nothing of whose the case is.
        self.made.anonymous |= {
            thread
            for key, (thread, _) in made.items()
            if owner_of(begun[key][1]) is None and not (begun[key][1].channel is Channel.HELPDESK and key in proven)
        }

    @staticmethod
    def _speaker(connection_id: int, activity: Activity, people: Mapping[Key, Known]) -> str | None:
        """Return the contact who speaks on a thread; a ticket is no conversation of one person."""
        customer = customer_of(activity)
        if customer is None or activity.channel is Channel.HELPDESK:
            return None
        return people[key_of(connection_id, customer)].contact

    def _look_up(self, keys: Sequence[tuple[int, str]]) -> None:
        if keys:
            rows = self.t.rows(
                "SELECT t.connection_id, t.key, t.id, CASE WHEN t.channel = 'helpdesk' THEN k.contact_id ELSE t.contact_id END"
                " FROM threads t LEFT JOIN cases k ON k.id = t.home_case_id WHERE t.connection_id IN (??bigint)"
                " AND t.key IN (??text)",
                *(sorted({key[0] for key in keys}), sorted({key[1] for key in keys})),
            )
            self.made.threads.update({(row[0], row[1]): row[2] for row in rows})
            self.made.anonymous |= {row[2] for row in rows if row[3] is None}

    def _make_cases(self, made: Sequence[tuple[Wanted, str]], people: Mapping[Key, Known]) -> None:
        rows: list[Row] = []
        for (connection_id, activity), case_id in made:
            owner = owner_of(activity)
            contact = people[key_of(connection_id, owner)].contact if owner else None
            case = Case(
                id=case_id,
                channel=activity.channel,
                connection=self.names.name(connection_id),
                opened_at=activity.occurred_at,
                last_activity_at=activity.occurred_at,
            )
            rows.append((case_id, case_id, None, contact, self.now, 0, codec.encode(case)))
        self.t.insert("cases", _CASE, rows)

    def _link_tickets(self, made: Iterable[tuple[Wanted, str, bool]]) -> None:
        rows: list[Row] = []
        for (connection_id, activity), case_id, proven in made:
            if activity.ticket is not None and activity.channel is Channel.HELPDESK:
                link = TicketLink(
                    connection=self.names.name(connection_id),
                    ticket_id=activity.ticket.id,
                    adopted=not proven,
                    url=activity.ticket.url or "",
                    status=activity.ticket.status,
                    status_at=None if activity.ticket.status is None else activity.occurred_at,
                )
                rows.append((connection_id, link.ticket_id, case_id, codec.encode(link)))
        self.t.insert("tickets", TICKET, rows, conflict="ON CONFLICT (connection_id, ticket_id) DO NOTHING")

    # --- who speaks --------------------------------------------------------------------------------------------------
    def _introduce(self, wanted: Sequence[Wanted], resolved: Sequence[str]) -> None:
        """Say who speaks on threads that a bot or an agent began, once a customer speaks there.

        A ticket is no conversation of one person: only the case that it began becomes somebody's, its requester's.
        """
        if not self.known.anonymous and not self.made.anonymous:
            return
        for (connection_id, activity), thread in zip(wanted, resolved, strict=True):
            if thread not in self.made.anonymous and thread not in self.known.anonymous:
                continue
            owner = owner_of(activity)
            if owner is None:
                continue
            ticket = activity.channel is Channel.HELPDESK
            if not ticket or self.t.rows(_OWN_TICKET, thread):
                self._own(
                    thread, self.contacts.of([(connection_id, owner)])[key_of(connection_id, owner)].contact, ticket
                )
            self.made.anonymous.discard(thread)
            self.made.threads.setdefault((connection_id, activity.thread), thread)

    def _own(self, thread: str, contact: str, ticket: bool) -> None:  # noqa: FBT001 (said once, above)
        # The case first, as applying does: two that take rows in different orders wait for each other.
        self.t.run(f"UPDATE cases SET contact_id = ? WHERE {_NOBODYS}", contact, thread)
        if not ticket:
            self.t.run("UPDATE threads SET contact_id = ? WHERE contact_id IS NULL AND id = ?", contact, thread)

    def _hear(self, wanted: Sequence[Wanted], resolved: Sequence[str], new: set[tuple[int, str]]) -> None:
        """Note that numbers are alive; on the thread of a number that changed hands, begin a case of its new owner."""
        heard: dict[tuple[int, str], tuple[int, Activity, Party]] = {}
        for (connection_id, activity), thread in zip(wanted, resolved, strict=True):
            if activity.channel not in _NUMBERED or (connection_id, activity.thread) in new or thread == NOWHERE:
                continue
            customer = customer_of(activity)
            if customer is None or (connection_id, thread) in heard:
                continue
            name = self.rules.crossing(customer.kind, customer.value)
            if name is not None and name.startswith(f"{PHONE}:"):
                heard[connection_id, thread] = (connection_id, activity, customer)
        if not heard:
            return
        people = self.contacts.of([(connection_id, customer) for connection_id, _, customer in heard.values()])
        for (_, thread), (connection_id, activity, customer) in heard.items():
            known = people[key_of(connection_id, customer)]
            if not known.reused:
                continue
            case_id = uuid7(self.now, self.entropy(10))
            self._make_cases([((connection_id, activity), case_id)], people)
            self.t.run(
                "UPDATE threads SET case_id = ?, home_case_id = ?, contact_id = ? WHERE id = ?",
                *(case_id, case_id, known.contact, thread),
            )
