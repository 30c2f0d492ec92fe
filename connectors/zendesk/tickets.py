"""Handoffs → what is written into Zendesk: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.sdk import Handoff, Mode, Party, PermanentFailure, Priority, note_text, proven_address, sla_due

#: Longest comment that Zendesk takes, characters (developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments).
LONGEST: Final = 65_000
#: Tag on every ticket that Baton writes to.
TAG: Final = "baton"
#: Names in an audit's metadata.
KEY: Final = "baton_key"
ENTRIES: Final = "baton_entries"

_SOLVED: Final = "solved"

PRIORITIES: Final[dict[Priority, str]] = {
    Priority.P1: "urgent",
    Priority.P2: "high",
    Priority.P3: "normal",
    Priority.P4: "low",
}


def new_ticket(handoff: Handoff, group_id: int | None, due_field: int | None = None) -> dict[str, Any]:
    """Return the fields of a new ticket. Its first comment is internal: Zendesk would mail a public one to the requester.

    `due_field` is the one that tells when the SLA is due, None for none.
    """
    ticket: dict[str, Any] = {
        "subject": handoff.subject[:150] or "(no subject)",
        "comment": {"body": note_text(handoff, LONGEST), "public": False},
        "external_id": handoff.external_id,
        "tags": [TAG, *(tag for tag in handoff.tags if tag != TAG)],
        "metadata": metadata(handoff),
        **_settings(handoff, group_id, due_field),
    }
    requester = _requester(handoff.requester)
    if requester:
        ticket.update(requester)
    return ticket


def update(handoff: Handoff, group_id: int | None, status: str, due_field: int | None = None) -> dict[str, Any]:
    """Return the fields of an update of a ticket in a state: an internal note, and what rules set unless the mode forbids it.

    When its customer is back, a solved ticket is open again: an internal note does not do that by itself.
    """
    ticket: dict[str, Any] = {
        "comment": {"body": note_text(handoff, LONGEST), "public": False},
        "metadata": metadata(handoff),
    }
    if handoff.mode is Mode.LIVE:
        ticket["additional_tags"] = [TAG, *(tag for tag in handoff.tags if tag != TAG)]
        ticket.update(_settings(handoff, group_id, due_field))
        if handoff.reopen and status == _SOLVED:
            ticket["status"] = "open"
    return ticket


def metadata(handoff: Handoff) -> dict[str, str]:
    """Return what stands in the audit: by it the write is found again."""
    entries = " ".join(entry.key for entry in handoff.entries if entry.key)
    return {KEY: handoff.key, **({ENTRIES: entries} if entries else {})}


def _settings(handoff: Handoff, group_id: int | None, due_field: int | None) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if handoff.priority is not None:
        made["priority"] = PRIORITIES[handoff.priority]
    if group_id is not None:
        made["group_id"] = group_id
    if handoff.assignee is not None:
        made.update(_assignee(handoff.assignee))
    fields = {_field_id(name): value for name, value in handoff.fields.items()}
    due = sla_due(handoff)
    if due_field is not None and due is not None:
        fields[due_field] = due
    if fields:
        made["custom_fields"] = [{"id": number, "value": value} for number, value in fields.items()]
    return made


def _assignee(assignee: str) -> dict[str, Any]:
    """Return who has the ticket; nobody for an empty text. Zendesk takes an agent's number, or their address."""
    if "@" in assignee:
        return {"assignee_email": assignee}
    if assignee and not (assignee.isascii() and assignee.isdigit()):
        raise PermanentFailure(
            f"Zendesk has no agent {assignee!r}: an agent's id is their number, or their e-mail address. Mend it in the policy."
        )
    return {"assignee_id": int(assignee) if assignee else None}


def _field_id(name: str) -> int:
    if not name.isdigit():
        raise PermanentFailure(
            f"The rule sets the field {name!r}; Zendesk wants the field's number: copy it from Admin Center, Tickets, Fields."
        )
    return int(name)


def _requester(party: Party | None) -> Mapping[str, Any]:
    """Return who the ticket is for: without it Zendesk takes our own user, and mails agents' answers to us.

    Somebody without a proven address is a user with a name only: nothing is mailed to them, nor to an address that they typed.
    """
    if party is None:
        return {}
    if party.kind == "zendesk_user" and party.value.isdigit():
        return {"requester_id": int(party.value)}
    address = proven_address(party)
    if address:
        return {"requester": {"name": party.name or address, "email": address}}
    return {"requester": {"name": party.name or party.value}}
