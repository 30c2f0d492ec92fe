"""Text that crosses from one vendor to another: redacted on the way, whole where it came from."""

from __future__ import annotations

from collections.abc import Collection

from gateway.model import Entry, Handoff, Notice, Packet, Reply, altered
from normalizers.redaction import Secret, redact


def crossed(what: Handoff | Reply | Notice, secrets: Collection[Secret]) -> Handoff | Reply | Notice:
    """Return what goes out without the secrets that customers wrote. A reply is ours, and goes back to who wrote."""
    if not secrets or isinstance(what, Reply):
        return what
    if isinstance(what, Notice):
        return altered(
            what,
            title=redact(what.title, secrets),
            text=redact(what.text, secrets),
            facts=tuple((label, redact(value, secrets)) for label, value in what.facts),
        )
    return altered(
        what,
        subject=redact(what.subject, secrets),
        packet=_packet(what.packet, secrets) if what.packet is not None else None,
        entries=_entries(what.entries, secrets),
    )


def _packet(packet: Packet, secrets: Collection[Secret]) -> Packet:
    return altered(
        packet,
        subject=redact(packet.subject, secrets),
        evidence=tuple(redact(each, secrets) for each in packet.evidence),
        transcript=_entries(packet.transcript, secrets),
        profile=tuple((label, redact(value, secrets)) for label, value in packet.profile),
    )


def _entries(entries: tuple[Entry, ...], secrets: Collection[Secret]) -> tuple[Entry, ...]:
    return tuple(altered(entry, text=redact(entry.text, secrets)) for entry in entries)
