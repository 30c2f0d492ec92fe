"""Handoffs → what is written into Zendesk: pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from gateway.sdk import Entry, Handoff, Mode, Packet, Party, PermanentFailure, Priority, Role

#: Longest comment that Zendesk takes, characters (developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments).
LONGEST: Final = 65_000
#: Tag on every ticket that Baton writes to.
TAG: Final = "baton"
#: Names in an audit's metadata.
KEY: Final = "baton_key"
ENTRIES: Final = "baton_entries"

PRIORITIES: Final[dict[Priority, str]] = {
    Priority.P1: "urgent",
    Priority.P2: "high",
    Priority.P3: "normal",
    Priority.P4: "low",
}
_ROLES: Final[dict[Role, str]] = {
    Role.CUSTOMER: "customer",
    Role.AGENT: "agent",
    Role.BOT: "bot",
    Role.SYSTEM: "Baton",
}


def new_ticket(handoff: Handoff, group_id: int | None) -> dict[str, Any]:
    """Return the fields of a new ticket. Its first comment is internal: Zendesk would mail a public one to the requester."""
    ticket: dict[str, Any] = {
        "subject": handoff.subject[:150] or "(no subject)",
        "comment": {"body": note(handoff), "public": False},
        "external_id": handoff.external_id,
        "tags": [TAG, *(tag for tag in handoff.tags if tag != TAG)],
        "metadata": metadata(handoff),
        **_settings(handoff, group_id),
    }
    requester = _requester(handoff.requester)
    if requester:
        ticket.update(requester)
    return ticket


def update(handoff: Handoff, group_id: int | None) -> dict[str, Any]:
    """Return the fields of an update: one internal note, and what rules set unless the mode allows notes only."""
    ticket: dict[str, Any] = {"comment": {"body": note(handoff), "public": False}, "metadata": metadata(handoff)}
    if handoff.mode is Mode.LIVE:
        ticket["additional_tags"] = [TAG, *(tag for tag in handoff.tags if tag != TAG)]
        ticket.update(_settings(handoff, group_id))
    return ticket


def metadata(handoff: Handoff) -> dict[str, str]:
    """Return what stands in the audit: by it the write is found again."""
    entries = " ".join(entry.key for entry in handoff.entries if entry.key)
    return {KEY: handoff.key, **({ENTRIES: entries} if entries else {})}


def _settings(handoff: Handoff, group_id: int | None) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if handoff.priority is not None:
        made["priority"] = PRIORITIES[handoff.priority]
    if group_id is not None:
        made["group_id"] = group_id
    if handoff.fields:
        made["custom_fields"] = [{"id": _field_id(name), "value": value} for name, value in handoff.fields.items()]
    return made


def _field_id(name: str) -> int:
    if not name.isdigit():
        raise PermanentFailure(
            f"The rule sets the field {name!r}; Zendesk wants the field's number: copy it from Admin Center, Tickets, Fields."
        )
    return int(name)


def _requester(party: Party | None) -> Mapping[str, Any]:
    """Return who the ticket is for. Somebody without a Zendesk user or an address stays a name in the note."""
    if party is None:
        return {}
    if party.kind == "zendesk_user" and party.value.isdigit():
        return {"requester_id": int(party.value)}
    if party.email:
        return {"requester": {"name": party.name or party.email, "email": party.email}}
    return {}


# --- the note --------------------------------------------------------------------------------------------------------
def note(handoff: Handoff) -> str:
    """Return the internal note: the packet, or the messages since the last write."""
    parts: list[str] = []
    if handoff.packet is not None:
        parts.append(_packet(handoff.packet, handoff))
    if handoff.entries:
        parts.append("\n".join(line(entry) for entry in handoff.entries))
    return _cut("\n\n".join(parts) or "Baton has nothing to add.")


def _packet(packet: Packet, handoff: Handoff) -> str:
    head = "Escalated by Baton" if packet.episode_id else "Kept here by Baton"
    lines = [f"{head}: {packet.reason}", ""]
    facts = [
        ("Customer", _name(packet.customer) if packet.customer else "unknown"),
        ("Subject", packet.subject or "-"),
        ("Priority", packet.priority.value if packet.priority else "-"),
        ("Rule", packet.rule),
    ]
    if packet.ladder:
        facts.append(("Ladder", packet.ladder))
    if packet.acknowledge_by is not None:
        facts.append(("Answer by", _clock(packet.acknowledge_by)))
    facts.append(("Case", packet.case_id))
    lines += [f"{label}: {value}" for label, value in facts]
    if packet.evidence:
        lines += ["", "Why:", *(f"> {excerpt}" for excerpt in packet.evidence)]
    if packet.transcript and not handoff.adopted:
        lines += ["", "Conversation:" if packet.complete else "Conversation (its end):"]
        lines += [line(entry) for entry in packet.transcript]
    if packet.episode_id:
        lines += ["", "To take the case: answer here in public, or press Acknowledge on the notice."]
    return "\n".join(lines)


def line(entry: Entry) -> str:
    """Return one line of a conversation."""
    over = f", {entry.channel.value}" if entry.channel is not None else ""
    internal = " (internal)" if entry.audience.value == "internal" and entry.channel is not None else ""
    files = "".join(f"\n    [file not carried: {name}]" for name in entry.files)
    text = entry.text.replace("\n", "\n    ")
    return f"{_clock(entry.occurred_at)} {_name(entry.author)} ({_ROLES[entry.author.role]}{over}){internal}: {text}{files}"


def _name(party: Party) -> str:
    return party.name or party.email or party.value


def _clock(at: int) -> str:
    return datetime.fromtimestamp(at / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _cut(text: str) -> str:
    """Cut the middle out of a note that Zendesk would refuse, visibly: its head says why, its end what was said last."""
    if len(text) <= LONGEST:
        return text
    keep = LONGEST // 2 - 100
    return f"{text[:keep]}\n\n[{len(text) - 2 * keep} characters left out: too long for one note]\n\n{text[-keep:]}"
