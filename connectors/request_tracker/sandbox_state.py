"""What a stand-in for Request Tracker holds: users, queues, groups, tickets with their transactions and attachments.

Behaviour was taken from RT 5.0.3 as Debian ships it; `tests/connectors/request_tracker` runs the same tests against both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

#: The user that the connector works as, and its number.
OWN_USER: Final = "baton"
OWN_NUMBER: Final = 43
ORGANIZATION: Final = "rt.test"
#: What every lifecycle of RT's own allows.
STATUSES: Final = ("new", "open", "stalled", "resolved", "rejected", "deleted")
#: Custom fields of tickets, by number: name, and whether it takes several values.
FIELDS: Final[dict[int, tuple[str, bool]]] = {
    2: ("baton_external_id", False),
    3: ("baton_tags", True),
    4: ("Product", False),
}
QUEUES: Final[dict[int, str]] = {1: "General", 3: "Escalations", 4: "Billing"}
#: A queue that the connector's user may not see.
HIDDEN: Final = "Secret"

_CUSTOM_FIELD: Final = re.compile(r"^'CF\.\{([^}]+)\}' = '((?:[^'\\]|\\.)*)'$")
_LINK: Final = re.compile(r"^RefersTo = '((?:[^'\\]|\\.)*)'$")
_TRANSACTIONS: Final = re.compile(
    r"^ObjectType = 'RT::Ticket' AND \((ObjectId = \d+(?: OR ObjectId = \d+)*)\) AND \((Type = '\w+'(?: OR Type = '\w+')*)\)$"
)
_QUEUE: Final = re.compile(r"^Queue = (\d+)$")


class Refusal(Exception):
    """RT says no; the status and body say how."""

    def __init__(self, status: int, message: str) -> None:
        """Keep both."""
        super().__init__(message)
        self.status = status
        self.body = {"message": message}


@dataclass(slots=True, kw_only=True)
class SandboxUser:
    """One user."""

    id: int
    name: str
    real_name: str = ""
    email: str = ""
    privileged: bool = False
    disabled: bool = False


@dataclass(slots=True, kw_only=True)
class SandboxAttachment:
    """One part of a message."""

    id: int
    transaction: int
    content_type: str
    headers: str
    content: bytes
    filename: str = ""


@dataclass(slots=True, kw_only=True)
class SandboxTransaction:
    """One thing that happened on a ticket."""

    id: int
    ticket: int
    type: str
    creator: str
    created: int
    field: str = ""
    old: str = ""
    new: str = ""


@dataclass(slots=True, kw_only=True)
class SandboxTicket:
    """One ticket."""

    id: int
    queue: int
    subject: str
    created: int
    updated: int
    status: str = "new"
    owner: str = "Nobody"
    priority: int = 0
    requestors: list[str] = field(default_factory=list[str])
    custom: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    links: list[str] = field(default_factory=list[str])


class Desk:
    """One RT's data, and what its API does with it."""

    def __init__(self, now: Callable[[], int]) -> None:
        """Begin with the users, groups and queues that the connector's page and some agents make."""
        self.now = now
        self._next = 50
        #: The number before the first ticket's.
        self._before = 0
        self.users: dict[str, SandboxUser] = {}
        for user in (
            SandboxUser(id=1, name="RT_System", real_name="The RT System itself"),
            SandboxUser(id=6, name="Nobody", real_name="Nobody in particular"),
            SandboxUser(id=28, name="anna", real_name="Anna Agent", email="anna@rt.test", privileged=True),
            SandboxUser(id=OWN_NUMBER, name=OWN_USER, real_name="Baton", privileged=True),
        ):
            self.users[user.name.lower()] = user
        self.groups: dict[int, tuple[str, list[str]]] = {27: ("Second line", ["anna"]), 42: ("Baton", [OWN_USER])}
        self.tickets: dict[int, SandboxTicket] = {}
        self.transactions: dict[int, SandboxTransaction] = {}
        self.attachments: dict[int, SandboxAttachment] = {}
        #: False: the connector's user lacks ShowTicketComments.
        self.shows_comments = True

    def begin_at(self, number: int) -> None:
        """Give numbers above one from now on."""
        self._next = self._before = number

    def number(self) -> int:
        """Return a number that was never given."""
        self._next += 1
        return self._next

    # --- looking -----------------------------------------------------------------------------------------------------
    def user(self, name: str, *, real_name: str = "", privileged: bool = False) -> SandboxUser:
        """Return the user of a name or address; RT makes one for an address that it meets."""
        found = self.users.get(name.lower()) or next(
            (each for each in self.users.values() if each.email and each.email.lower() == name.lower()), None
        )
        if found is None:
            email = name if "@" in name else ""
            found = SandboxUser(id=self.number(), name=name, real_name=real_name, email=email, privileged=privileged)
            self.users[name.lower()] = found
        return found

    def queue(self, name: str) -> int:
        """Return the number of a queue. Raises Refusal."""
        if name == HIDDEN:
            raise Refusal(403, "Forbidden")
        found = next((number for number, each in QUEUES.items() if name.lower() in {each.lower(), str(number)}), None)
        if found is None:
            raise Refusal(404, "Not Found")
        return found

    def ticket(self, number: int) -> SandboxTicket:
        """Return a ticket. Raises Refusal."""
        if number not in self.tickets:
            raise Refusal(404, "Not Found")
        return self.tickets[number]

    def search(self, query: str) -> list[SandboxTicket]:
        """Return what a TicketSQL query finds, as far as the connector asks. Raises Refusal for any other."""
        there = [ticket for ticket in self.tickets.values() if ticket.status != "deleted"]
        if query == "id > 0":
            return there
        if found := _CUSTOM_FIELD.match(query):
            value = re.sub(r"\\(.)", r"\1", found[2])
            return [ticket for ticket in there if value in ticket.custom.get(found[1], [])]
        if found := _LINK.match(query):
            return [ticket for ticket in there if re.sub(r"\\(.)", r"\1", found[1]) in ticket.links]
        if found := _QUEUE.match(query):
            return [ticket for ticket in there if ticket.queue == int(found[1])]
        raise Refusal(400, "the stand-in does not know this query")

    def history(self, ticket: int) -> list[SandboxTransaction]:
        """Return a ticket's transactions, oldest first."""
        return [each for each in self.transactions.values() if each.ticket == ticket]

    def happened(self, query: str) -> list[SandboxTransaction]:
        """Return what a TransactionSQL query finds, as far as the connector asks, oldest first. Raises Refusal."""
        shape = _TRANSACTIONS.match(query)
        if shape is None:
            raise Refusal(400, "the stand-in does not know this query")
        tickets = {int(number) for number in re.findall(r"ObjectId = (\d+)", shape[1])}
        types = set(re.findall(r"Type = '(\w+)'", shape[2]))
        return [each for each in self.transactions.values() if each.ticket in tickets and each.type in types]

    def parts(self, transactions: Sequence[int]) -> list[SandboxAttachment]:
        """Return the parts of messages."""
        return [each for each in self.attachments.values() if each.transaction in transactions]

    # --- doing -------------------------------------------------------------------------------------------------------
    def record(
        self, ticket: SandboxTicket, kind: str, by: str, *, field: str = "", old: str = "", new: str = ""
    ) -> SandboxTransaction:
        """Write a transaction."""
        made = SandboxTransaction(
            id=self.number(), ticket=ticket.id, type=kind, creator=by, created=self.now(), field=field, old=old, new=new
        )
        self.transactions[made.id] = made
        ticket.updated = self.now()
        return made

    def attach(
        self,
        transaction: SandboxTransaction,
        content_type: str,
        content: bytes,
        *,
        filename: str = "",
        interface: str = "REST",
    ) -> None:
        """Write one part of a message; RT keeps the parameters of its Content-Type among its headers."""
        headers = f"Content-Type: {content_type}\nContent-Length: {len(content)}"
        if not filename:
            headers = f"X-RT-Interface: {interface}\n{headers}"
        made = SandboxAttachment(
            id=self.number(),
            transaction=transaction.id,
            content_type=content_type.partition(";")[0].strip(),
            headers=headers,
            content=content,
            filename=filename,
        )
        self.attachments[made.id] = made

    def create(self, given: Mapping[str, Any], by: str) -> SandboxTicket:
        """Make a ticket. Raises Refusal. A custom field that the queue has not is left out without a word, as RT does."""
        name = str(given.get("Queue", ""))
        try:
            queue = self.queue(name)
        except Refusal:
            raise Refusal(403, f"No permission to create tickets in the queue '{name}'") from None
        status = str(given.get("Status") or "new")
        if status not in {"new", "open", "resolved"}:
            raise Refusal(400, "New tickets can not have this status in this queue.")
        ticket = SandboxTicket(
            id=max(self.tickets, default=self._before) + 1,
            queue=queue,
            subject=str(given.get("Subject", "")),
            created=self.now(),
            updated=self.now(),
            status=status,
            priority=int(given.get("Priority") or 0),
            requestors=[self.user(str(each)).name for each in given.get("Requestor") or []],
        )
        self.tickets[ticket.id] = ticket
        if given.get("Owner"):
            ticket.owner = self._owner(str(given["Owner"])) or "Nobody"
        for key, value in (given.get("CustomFields") or {}).items():
            if key in {each for each, _ in FIELDS.values()}:
                ticket.custom[key] = [str(each) for each in (value if isinstance(value, list) else [value])]
        if given.get("RefersTo"):
            ticket.links.append(str(given["RefersTo"]))
        made = self.record(ticket, "Create", by)
        if given.get("Content"):
            self.attach(made, str(given.get("ContentType") or "text/plain"), str(given["Content"]).encode())
        return ticket

    def update(self, ticket: SandboxTicket, given: Mapping[str, Any], by: str) -> list[SandboxTransaction]:
        """Change a ticket as far as RT takes it; what it does not take it says in words only."""
        made: list[SandboxTransaction] = []
        if given.get("Subject") and given["Subject"] != ticket.subject:
            old, ticket.subject = ticket.subject, str(given["Subject"])
            made.append(self.record(ticket, "Set", by, field="Subject", old=old, new=ticket.subject))
        owner = self._owner(str(given["Owner"])) if given.get("Owner") else None
        if owner is not None and owner != ticket.owner:
            before, after = str(self.user(ticket.owner).id), str(self.user(owner).id)
            ticket.owner = owner
            made.append(self.record(ticket, "Set", by, field="Owner", old=before, new=after))
            made.append(self.record(ticket, "SetWatcher", by, field="Owner", old=before, new=after))
        if "Priority" in given and str(given["Priority"]) != str(ticket.priority):
            old, ticket.priority = str(ticket.priority), int(given["Priority"])
            made.append(self.record(ticket, "Set", by, field="Priority", old=old, new=str(ticket.priority)))
        if "Queue" in given:
            made += self._move(ticket, str(given["Queue"]), by)
        if given.get("Status") in STATUSES and given["Status"] != ticket.status:
            old, ticket.status = ticket.status, str(given["Status"])
            made.append(self.record(ticket, "Status", by, field="Status", old=old, new=ticket.status))
        for key, value in (given.get("CustomFields") or {}).items():
            number = next((each for each, (name, _) in FIELDS.items() if name == key), None)
            values = [str(each) for each in (value if isinstance(value, list) else [value])]
            if number is not None and values != ticket.custom.get(key):
                for each in values:
                    if each not in ticket.custom.get(key, []):
                        made.append(self.record(ticket, "CustomField", by, field=str(number), new=each))
                ticket.custom[key] = values
        return made

    def _move(self, ticket: SandboxTicket, name: str, by: str) -> list[SandboxTransaction]:
        try:
            queue = self.queue(name)
        except Refusal:
            return []
        old, ticket.queue = ticket.queue, queue
        return [self.record(ticket, "Set", by, field="Queue", old=str(old), new=str(queue))] if old != queue else []

    def _owner(self, name: str) -> str | None:
        user = self.users.get(name.lower())
        return user.name if user is not None and (user.privileged or user.name == "Nobody") else None


def iso(at: int) -> str:
    """Return an instant as REST2 writes it: UTC, whole seconds."""
    return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
