"""Handoffs → what is written into Request Tracker: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from connectors.request_tracker.settings import RequestTrackerSettings
from gateway.sdk import File, Handoff, Mode, Party, TicketStatus, note_text, proven_address, sla_due

#: Longest note, characters. RT takes $MaxAttachmentSize bytes (10 MB as shipped); nobody reads more than this.
LONGEST: Final = 65_000
#: Parameter of a message's Content-Type that carries our key. RT keeps it with the message, in one write, shows it to nobody and
#: leaves it out of the mails that it sends.
KEY: Final = "x-baton-key"
#: RT's own fields that a rule may set besides custom fields; REST2 knows them by these names.
OWN_FIELDS: Final = frozenset({"Status", "Owner", "Subject"})
#: The user who has what nobody has.
NOBODY: Final = "Nobody"
#: States in which nobody works on a ticket any more.
_OVER: Final = frozenset({TicketStatus.SOLVED, TicketStatus.CLOSED})
#: Longest subject that RT's database takes, characters (Tickets.Subject).
_SUBJECT: Final = 200
#: Most files that one message carries.
MOST_FILES: Final = 20


def new_ticket(handoff: Handoff, settings: RequestTrackerSettings, queue: str) -> dict[str, Any]:
    """Return a new ticket. It has no message: that would be public, and RT would mail it; the note follows as a comment."""
    ticket: dict[str, Any] = {"Queue": queue, "Subject": one_line(handoff.subject)[:_SUBJECT] or "(no subject)"}
    fields: dict[str, Any] = {name: value for name, value in handoff.fields.items() if name not in OWN_FIELDS}
    fields |= _due(handoff, settings)
    ticket |= {name: value for name, value in handoff.fields.items() if name in OWN_FIELDS}
    if handoff.assignee:
        ticket["Owner"] = handoff.assignee
    if settings.external_id_field:
        fields[settings.external_id_field] = handoff.external_id
    else:
        ticket["RefersTo"] = link(handoff.external_id)
    if settings.tags_field and handoff.tags:
        fields[settings.tags_field] = list(handoff.tags)
    if handoff.priority is not None and handoff.priority in settings.priorities:
        ticket["Priority"] = str(settings.priorities[handoff.priority])
    requestor = _requestor(handoff.requester)
    if requestor:
        ticket["Requestor"] = [requestor]
    if fields:
        ticket["CustomFields"] = fields
    return ticket


def changes(
    handoff: Handoff, settings: RequestTrackerSettings, ticket: Mapping[str, Any], queue_id: str | None
) -> dict[str, Any]:
    """Return what must be set on a ticket that is known: what rules want and the ticket has not yet."""
    if handoff.mode is not Mode.LIVE:
        return {}
    own: dict[str, str] = {name: value for name, value in handoff.fields.items() if name in OWN_FIELDS}
    if handoff.reopen and settings.statuses.get(str(ticket.get("Status"))) in _OVER:
        # A comment does not open a ticket again, as a requestor's mail does.
        own.setdefault("Status", _open(settings))
    if queue_id is not None:
        own["Queue"] = queue_id
    if handoff.assignee is not None:
        own["Owner"] = handoff.assignee or NOBODY
    if handoff.priority is not None and handoff.priority in settings.priorities:
        own["Priority"] = str(settings.priorities[handoff.priority])
    wanted: dict[str, Any] = {name: value for name, value in own.items() if not _same(ticket.get(name), value)}
    fields: dict[str, Any] = {
        name: value
        for name, value in {**handoff.fields, **_due(handoff, settings)}.items()
        if name not in OWN_FIELDS and custom_values(ticket, name) != [value]
    }
    if settings.tags_field and handoff.tags:
        there = custom_values(ticket, settings.tags_field)
        missing = [tag for tag in handoff.tags if tag not in there]
        if missing:
            fields[settings.tags_field] = [*there, *missing]
    if fields:
        wanted["CustomFields"] = fields
    return wanted


def _due(handoff: Handoff, settings: RequestTrackerSettings) -> dict[str, str]:
    """Return the field that says when the SLA is due. A sign stands for never, since RT drops an empty value."""
    due = sla_due(handoff)
    return {settings.sla_due_field: due or "-"} if settings.sla_due_field and due is not None else {}


def _open(settings: RequestTrackerSettings) -> str:
    """Return RT's word for a ticket in work: `open`, unless its lifecycles call that otherwise."""
    words = [word for word, status in settings.statuses.items() if status is TicketStatus.OPEN]
    return "open" if "open" in words or not words else words[0]


def not_taken(wanted: Mapping[str, Any], ticket: Mapping[str, Any]) -> list[str]:
    """Return the names of what was to be set and is not: RT answers 200 whatever became of each field."""
    missed = [
        name for name, value in wanted.items() if name != "CustomFields" and not _same(ticket.get(name), str(value))
    ]
    for name, value in (wanted.get("CustomFields") or {}).items():
        there = custom_values(ticket, name)
        if not all(each in there for each in (value if isinstance(value, list) else [value])):  # pyright: ignore[reportUnknownVariableType]
            missed.append(name)
    return missed


def message(handoff: Handoff, settings: RequestTrackerSettings) -> dict[str, Any]:
    """Return the note as a comment."""
    text = note_text(handoff, LONGEST)
    if handoff.tags and not settings.tags_field and handoff.mode is Mode.LIVE:
        text += f"\n\nTags (Request Tracker has no field for them here): {', '.join(handoff.tags)}"
    return body(text, handoff.key)


def body(text: str, key: str) -> dict[str, Any]:
    """Return a message with our key."""
    return {"Content": text, "ContentType": f'text/plain; {KEY}="{key}"'}


def file_name(file: File) -> str:
    """Return a name that may stand within quotes in a header."""
    return one_line(file.name).replace('"', "'").replace("\\", "_") or "file"


def key_mark(key: str) -> str:
    """Return what stands in a message's headers when it carries our key."""
    return f'{KEY}="{key}"'


def link(external_id: str) -> str:
    """Return the address by which a ticket refers to our case, where there is no custom field."""
    return external_id if ":" in external_id else f"baton:{external_id}"


def marker_query(settings: RequestTrackerSettings, external_id: str) -> str:
    """Return the TicketSQL that finds the ticket of a case."""
    if settings.external_id_field:
        return f"'CF.{{{settings.external_id_field}}}' = '{_quoted(external_id)}'"
    return f"RefersTo = '{_quoted(link(external_id))}'"


def marked(settings: RequestTrackerSettings, ticket: Mapping[str, Any], external_id: str) -> bool:
    """Tell whether a ticket carries the case's id."""
    if settings.external_id_field:
        return external_id in custom_values(ticket, settings.external_id_field)
    return any(each.get("_url") == link(external_id) for each in ticket.get("_hyperlinks") or [])


def custom_values(ticket: Mapping[str, Any], name: str) -> list[str]:
    """Return the values of a ticket's custom field."""
    for field in ticket.get("CustomFields") or []:
        if field.get("name") == name or str(field.get("id")) == name:
            return [str(value) for value in field.get("values") or []]
    return []


def one_line(text: str) -> str:
    """Return text without line breaks."""
    return " ".join(text.split())


def _requestor(party: Party | None) -> str:
    """Return who the ticket is for, as RT finds or makes a user. Somebody without a proven address stays a name in the note."""
    if party is not None and party.kind == "rt_user":
        return party.value
    return proven_address(party)


def id_of(value: Any) -> str:
    """Return the id of what RT shows as a reference, or as it stands; empty for nothing."""
    return str(value.get("id", "")) if isinstance(value, Mapping) else str(value or "")  # pyright: ignore[reportUnknownArgumentType]


def _same(there: Any, wanted: str) -> bool:
    return id_of(there).lower() == wanted.lower()


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
