"""Both CRMs asked in one way: which tickets there are, and what stands on each."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from gateway.model import Priority

if TYPE_CHECKING:
    from gateway.demo.vendors import Crm, Helpdesk

_TAG: Final = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What stands on a ticket."""

    #: Everything that can be read there.
    words: str
    #: Our word for its priority, None when it has none.
    priority: Priority | None
    group: str
    tags: frozenset[str]
    #: The bytes of its files.
    files: tuple[bytes, ...]
    #: True when something that Baton wrote there could be read by the customer.
    public: bool
    #: The external id that it carries, empty for none.
    external_id: str
    #: The address that it is for, empty for none: there go the agents' public answers.
    requester: str


class Tickets(Protocol):
    """One CRM."""

    def all(self) -> Mapping[str, Ticket]:
        """Return all tickets, by their id."""
        ...

    def notes(self, key: str) -> int:
        """Return how many notes carry one of Baton's keys."""
        ...


class DeskTickets:
    """The helpdesk, whose comments are public or internal."""

    _priorities: Final = {
        "urgent": Priority.P1,
        "high": Priority.P2,
        "normal": Priority.P3,
        "low": Priority.P4,
    }

    def __init__(self, desk: Helpdesk) -> None:
        """Take the helpdesk."""
        self._desk = desk

    def all(self) -> Mapping[str, Ticket]:
        """Return all tickets, by their id."""
        return {str(number): self._shown(ticket) for number, ticket in self._desk.account.tickets.items()}

    def _shown(self, ticket: Any) -> Ticket:
        account = self._desk.account
        ours = [each for each in ticket.comments if each["author_id"] == account.own_user]
        files = [account.files[file["id"]] for each in ticket.comments for file in each["attachments"]]
        return Ticket(
            words="\n".join([ticket.subject, *(str(each["body"]) for each in ticket.comments)]),
            priority=self._priorities.get(ticket.priority or ""),
            group=account.groups.get(ticket.group_id or 0, ""),
            tags=frozenset(ticket.tags),
            files=tuple(files),
            public=any(each["public"] for each in ours),
            external_id=ticket.external_id or "",
            requester=account.users[ticket.requester_id]["email"] or "",
        )

    def notes(self, key: str) -> int:
        """Return how many notes carry one of Baton's keys."""
        return self._desk.notes_with_key(key)


class CrmTickets:
    """The CRM, whose notes are HTML and always internal; a conversation with the customer would be a message."""

    _priorities: Final = {
        "URGENT": Priority.P1,
        "HIGH": Priority.P2,
        "MEDIUM": Priority.P3,
        "LOW": Priority.P4,
    }

    def __init__(self, crm: Crm) -> None:
        """Take the CRM."""
        self._crm = crm

    def all(self) -> Mapping[str, Ticket]:
        """Return all tickets, by their id."""
        return {number: self._shown(record) for number, record in self._crm.portal.records["tickets"].items()}

    def _shown(self, record: Any) -> Ticket:
        portal, has = self._crm.portal, record.properties
        notes = [portal.records["notes"][each].properties for each in portal.linked("tickets", record.id, "notes")]
        contacts = [
            portal.records["contacts"][each].properties for each in portal.linked("tickets", record.id, "contacts")
        ]
        # One file may hang on several notes: it was uploaded once.
        named = dict.fromkeys(id_ for note in notes for id_ in note.get("hs_attachment_ids", "").split(";") if id_)
        words = [has.get("subject", ""), has.get("content", ""), *(_plain(note["hs_note_body"]) for note in notes)]
        return Ticket(
            words="\n".join(words),
            priority=self._priorities.get(has.get("hs_ticket_priority", "")),
            group=has.get("support_group", ""),
            tags=frozenset(each for each in has.get("support_tags", "").split(";") if each),
            files=tuple(portal.files[number]["content"] for number in named),
            public=bool(portal.messages),
            external_id=has.get("baton_external_id", ""),
            requester=",".join(str(each.get("email", "")) for each in contacts),
        )

    def notes(self, key: str) -> int:
        """Return how many notes carry one of Baton's keys."""
        return self._crm.notes_with_key(key)


def _plain(body: str) -> str:
    return html.unescape(_TAG.sub("", body.replace("<br>", "\n").replace("</p>", "\n"))).replace("\xa0", " ")
