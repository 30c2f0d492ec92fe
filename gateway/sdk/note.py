"""The note that a handoff leaves for agents, in plain text: the same words in every helpdesk."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from gateway.model import Entry, File, Handoff, Packet, Party, Role

_ROLES: Final[dict[Role, str]] = {
    Role.CUSTOMER: "customer",
    Role.AGENT: "agent",
    Role.BOT: "bot",
    Role.SYSTEM: "Baton",
}


def note_text(handoff: Handoff, longest: int) -> str:
    """Return the internal note of a handoff in plain text: the packet, or the messages since the last write.

    A target renders it in its own way where it has one (HTML, blocks). What is longer than `longest` characters is cut in
    its middle, visibly: its head says why, its end what was said last.
    """
    parts: list[str] = []
    if handoff.packet is not None:
        parts.append(_packet(handoff.packet, handoff))
    if handoff.entries:
        parts.append("\n".join(_line(entry) for entry in handoff.entries))
    return _cut("\n\n".join(parts) or "Baton has nothing to add.", longest)


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
    facts += packet.sla.lines() if packet.sla is not None else ()
    facts += packet.profile
    facts += [("Playbook", packet.playbook)] if packet.playbook else ()
    facts.append(("Case", packet.case_id))
    lines += [f"{label}: {value}" for label, value in facts]
    if packet.evidence:
        lines += ["", "Why:", *(f"> {excerpt}" for excerpt in packet.evidence)]
    if packet.transcript and not handoff.adopted:
        lines += ["", "Conversation:" if packet.complete else "Conversation (its end):"]
        lines += [_line(entry) for entry in packet.transcript]
    if packet.episode_id:
        lines += ["", "To take the case: answer here in public, or press Acknowledge on the notice."]
    return "\n".join(lines)


def _line(entry: Entry) -> str:
    """Return one line of a conversation."""
    over = f", {entry.channel.value}" if entry.channel is not None else ""
    internal = " (internal)" if entry.audience.value == "internal" and entry.channel is not None else ""
    files = "".join(f"\n    {_file(each)}" for each in entry.files)
    text = entry.text.replace("\n", "\n    ")
    return f"{_clock(entry.occurred_at)} {_name(entry.author)} ({_ROLES[entry.author.role]}{over}){internal}: {text}{files}"


def _file(file: File) -> str:
    if file.sha256:
        return f"[file: {file.name}]"
    return f"[file {file.note or 'not carried'}: {file.name}]"


def _name(party: Party) -> str:
    return party.name or party.email or party.value


def _clock(at: int) -> str:
    return datetime.fromtimestamp(at / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    keep = longest // 2 - 100
    return f"{text[:keep]}\n\n[{len(text) - 2 * keep} characters left out: too long for one note]\n\n{text[-keep:]}"
