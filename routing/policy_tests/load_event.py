"""What happens in a policy test → the activity that it is, as a normalizer would leave it, still without ids and instants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from gateway.model import (
    Activity,
    ActivityKind,
    Attachment,
    Audience,
    BotFacts,
    ButtonChoice,
    CallChange,
    CallFacts,
    Channel,
    IncidentChange,
    IncidentFacts,
    Party,
    Role,
    Satisfaction,
    TicketChange,
    TicketFacts,
    TicketStatus,
    altered,
)
from gateway.model.activity import BATON_NAME
from gateway.toml import did_you_mean
from routing.people import Agent
from routing.policy_tests.typed import read_fields, read_value
from routing.reader import Path, Reader
from routing.world import TICKET_ID

#: Fields of an activity that the events' own keys, or the test itself, give.
_HIDDEN: Final = frozenset(
    {"kind", "connection", "thread", "dedupe", "occurred_at", "received_at", "outcome", "incident", "name", "reference"}
)
_KINDS: Final = {
    "message": ActivityKind.MESSAGE,
    "edit": ActivityKind.EDIT,
    "deletion": ActivityKind.DELETION,
    "button": ActivityKind.BUTTON,
    "ticket": ActivityKind.TICKET,
    "handoff_request": ActivityKind.HANDOFF_REQUEST,
    "call": ActivityKind.CALL,
    "satisfaction": ActivityKind.SATISFACTION,
    "consent": ActivityKind.CONSENT,
}
_TEXTS: Final = frozenset({"message", "edit", "handoff_request"})
_ROLES: Final = {"ticket": Role.AGENT, "handoff_request": Role.BOT}
#: Keys that belong to some events only.
_ONLY: Final[Mapping[str, frozenset[str]]] = {
    "value": frozenset({"button"}),
    "digits": frozenset({"call"}),
    "fallback": frozenset({"message"}),
    "fields": frozenset({"ticket", "handoff_request"}),
    **{key: frozenset({"ticket"}) for key in ("status", "tags", "group", "priority", "via")},
}


def read_activity(
    reader: Reader, path: Path, table: Mapping[str, Any], kind: str, actor: Agent | None = None
) -> Activity | None:
    """Read an event that is something that happens outside; None, with its mistakes noted, when it cannot be.

    `actor` is the agent of the policy who does it, None for somebody whom it does not name.
    """
    before = len(reader.problems)
    for key, kinds in _ONLY.items():
        if key in table and kind not in kinds:
            reader.note((*path, key), f"{key} belongs to {' or '.join(sorted(kinds))}, not to {kind}")
    usual = Role.AGENT if actor is not None else _ROLES.get(kind, Role.CUSTOMER)
    role = Role(reader.word(path, table, "role", [each.value for each in Role]) or usual.value)
    if actor is not None and role is not Role.AGENT:
        reader.note(
            (*path, "role"), f"{actor.name} is an agent, and no {role.value}: remove role, or actor", value=True
        )
    connection = _connection(reader, path, table, kind, role)
    facts = reader.connections.get(connection)
    desk = facts is not None and facts.channel is Channel.HELPDESK
    thread = reader.string(path, table, "thread")
    text = reader.string(path, table, kind) if kind in _TEXTS else ""
    internal = table.get("internal", kind == "handoff_request")
    if not isinstance(internal, bool):
        reader.note((*path, "internal"), "internal must be true or false", value=True)
    activity = Activity(
        kind=_KINDS[kind],
        connection=connection,
        thread=thread or (TICKET_ID if desk else f"{connection}-1"),
        dedupe="",
        occurred_at=0,
        received_at=0,
        channel=facts.channel if facts is not None else None,
        sender=Party(
            kind="policy_test",
            value=_id(reader, path, actor, connection) or role.value,
            name=reader.string(path, table, "name"),
            role=role,
        ),
        audience=Audience.INTERNAL if internal else Audience.PUBLIC,
        subject=reader.string(path, table, "subject"),
        text=text,
        reply_text=text,
        language=reader.string(path, table, "language"),
        attachments=_attachments(reader, path, table),
        bot=_bot(reader, path, table, kind),
        **_facts(reader, path, table, kind, ticket_id=(thread or TICKET_ID) if desk else ""),
    )
    more = read_fields(
        reader, (*path, "activity"), table.get("activity", {}), Activity, what="an activity", hidden=_HIDDEN
    )
    if len(reader.problems) > before:
        return None
    # A text that is given anew is new as a whole, unless the test says what of it is.
    return altered(activity, **more)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def _connection(reader: Reader, path: Path, table: Mapping[str, Any], kind: str, role: Role) -> str:
    name = reader.string(path, table, "connection")
    known = reader.connections
    if name and name not in known:
        hint = did_you_mean(name, known, f"there are {', '.join(known) or 'none'}")
        reader.note((*path, "connection"), f"there is no connection {name}: {hint}", value=True)
    if name:
        return name
    desks = [each.name for each in known.values() if each.channel is Channel.HELPDESK]
    others = [each.name for each in known.values() if each.channel is not Channel.HELPDESK]
    phones = [each.name for each in known.values() if each.channel is Channel.PHONE]
    wanted = desks if kind == "ticket" or role is Role.AGENT else phones if kind == "call" else others
    found = next(iter(wanted or others or desks), "")
    if not found:
        reader.note(path, "plugins.toml has no connection that is switched on: nothing can happen")
    return found


def _id(reader: Reader, path: Path, actor: Agent | None, connection: str) -> str:
    """Return by what an agent is known on a connection, empty for nobody."""
    if actor is None or connection not in reader.connections:
        return ""
    ids = actor.ids.get(connection, ())
    if not ids:
        reader.note((*path, "actor"), f"{actor.name} has no id on {connection}: name another connection", value=True)
    return next(iter(ids), "")


def _changed(reader: Reader, path: Path, table: Mapping[str, Any]) -> dict[str, str]:
    fields = reader.table((*path, "fields"), table.get("fields", {}), "fields")
    return {name: reader.string((*path, "fields"), fields, name) for name in fields}


def _bot(reader: Reader, path: Path, table: Mapping[str, Any], kind: str) -> BotFacts | None:
    if kind == "handoff_request" and "fields" in table:
        return BotFacts(fields=_changed(reader, path, table))
    return BotFacts(fallback=True) if table.get("fallback") is True else None


def _attachments(reader: Reader, path: Path, table: Mapping[str, Any]) -> tuple[Attachment, ...]:
    count = table.get("attachments", 0)
    if type(count) is not int or count < 0:
        reader.note((*path, "attachments"), "attachments must be a whole number from 0 on", value=True)
        return ()
    return tuple(Attachment(id=f"file-{number}") for number in range(1, count + 1))


def _facts(reader: Reader, path: Path, table: Mapping[str, Any], kind: str, *, ticket_id: str) -> dict[str, Any]:
    """Return what only activities of a kind have; those of a helpdesk are of a ticket."""
    makers: dict[str, Callable[[], dict[str, Any]]] = {
        "button": lambda: {
            "button": ButtonChoice(
                action=reader.string(path, table, "button"), value=reader.string(path, table, "value")
            )
        },
        "ticket": lambda: {"ticket": _ticket(reader, path, table, ticket_id or TICKET_ID)},
        "call": lambda: {
            "call": CallFacts(
                id="call-1",
                change=_worded(reader, path, table, "call", CallChange),
                digits=reader.string(path, table, "digits"),
            )
        },
        "satisfaction": lambda: {
            "satisfaction": Satisfaction(score=_number(reader, (*path, "satisfaction"), table["satisfaction"]))
        },
        "consent": lambda: {"consent": read_value(reader, (*path, "consent"), table["consent"], bool)},
        "deletion": lambda: _deleted(reader, path, table),
        "message": lambda: {"ticket": TicketFacts(id=ticket_id, change=TicketChange.COMMENTED)} if ticket_id else {},
    }
    return makers.get(kind, dict)()


def _ticket(reader: Reader, path: Path, table: Mapping[str, Any], ticket_id: str) -> TicketFacts:
    status = reader.word(path, table, "status", [each.value for each in TicketStatus])
    return TicketFacts(
        id=ticket_id,
        change=_worded(reader, path, table, "ticket", TicketChange),
        status=TicketStatus(status) if status else None,
        priority=reader.string(path, table, "priority") or None,
        group=reader.string(path, table, "group") or None,
        tags=reader.strings((*path, "tags"), table["tags"], "tags") if "tags" in table else None,
        via=reader.string(path, table, "via") or None,
        fields=_changed(reader, path, table),
    )


def _worded(reader: Reader, path: Path, table: Mapping[str, Any], key: str, enumeration: Any) -> Any:
    words = [str(each.value) for each in enumeration]
    return enumeration(reader.word(path, table, key, words) or words[0])


def _number(reader: Reader, path: Path, value: object) -> float:
    made = read_value(reader, path, value, float)
    return made if isinstance(made, float) else 0.0


def _deleted(reader: Reader, path: Path, table: Mapping[str, Any]) -> dict[str, Any]:
    if table["deletion"] is not True:
        reader.note((*path, "deletion"), "deletion must be true: leave it out where nothing is deleted", value=True)
    return {}


def of_incident(kind: str, name: str) -> Activity:
    """Return what Baton appends to a case when an incident is opened, whose parent it is, or closed."""
    opened = kind == "incident"
    return Activity(
        kind=ActivityKind.INCIDENT,
        connection=BATON_NAME,
        thread="incident",
        dedupe="",
        occurred_at=0,
        received_at=0,
        incident=IncidentFacts(
            change=IncidentChange.OPENED if opened else IncidentChange.CLOSED,
            name=name,
            by="a policy test",
        ),
    )
