"""What outside systems know of people: kept once a person and connection, with its age, in rows that can be erased.

A person is the contacts that are linked. Once others are, or one less, what was known was known of somebody else: it does not
count any more, until the system was asked again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.model import Contact, Evidence, Party, Profile
from gateway.store import codec
from gateway.store.case_rules import EMAIL
from gateway.store.engine import Transaction

#: Identifiers that are proven, and by which the connection could know somebody: its own, and e-mail addresses. Numbers change
#: hands without anybody being told.
_PROVEN: Final = "i.proven = 1 AND (i.connection_id = ? OR substr(i.canonical, 1, 6) = 'email:')"
_PROFILE: Final = (
    *(("contact_id", "text"), ("connection_id", "bigint"), ("members", "text"), ("read_at", "bigint"), ("doc", "text")),
)
_NEWER: Final = (
    "ON CONFLICT (contact_id, connection_id) DO UPDATE SET members = excluded.members, read_at = excluded.read_at,"
    " doc = excluded.doc WHERE excluded.read_at >= profiles.read_at OR excluded.members <> profiles.members"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Somebody about whom a connection is asked."""

    #: The person, with the identifiers that the connection may be asked by: proven ones only.
    contact: Contact
    #: Hash of the contacts that are this person.
    members: str
    #: What is known of them, None when nothing is.
    profile: Profile | None = None


def people_of(t: Transaction, contacts: Sequence[str], connection_id: int) -> Mapping[str, Asked]:
    """Return the person of each of some contacts, as a connection may be asked about them."""
    wanted = sorted(set(contacts))
    if not wanted:
        return {}
    members: defaultdict[str, list[str]] = defaultdict(list)
    for contact, root in t.rows(
        "SELECT m.id, m.root_id FROM contacts m WHERE m.root_id IN"
        " (SELECT c.root_id FROM contacts c WHERE c.id IN (??text)) ORDER BY m.id",
        wanted,
    ):
        members[root].append(contact)
    root_of = {contact: root for root, all_of in members.items() for contact in all_of}
    known: defaultdict[str, dict[tuple[str, str], Party]] = defaultdict(dict)
    for contact, own, kind, value, name, evidence, canonical in t.rows(
        "SELECT i.contact_id, i.connection_id, i.kind, i.value, i.name, i.evidence, i.canonical FROM identifiers i"
        f" WHERE i.contact_id IN (??text) AND {_PROVEN} ORDER BY i.contact_id, i.seen_at DESC",
        *(sorted(root_of), connection_id),
    ):
        party = _party(kind, value, name, evidence, canonical, own=own == connection_id)
        known[root_of[contact]].setdefault((party.kind, party.value), party)
    kept = {
        row[0]: (row[1], codec.profile_from(row[2]))
        for row in t.rows(
            "SELECT contact_id, members, doc FROM profiles WHERE connection_id = ? AND contact_id IN (??text)",
            *(connection_id, sorted(members)),
        )
    }
    people: dict[str, Asked] = {}
    for root, all_of in members.items():
        digest = codec.key_hash(" ".join(all_of))
        before, profile = kept.get(root, ("", None))
        people[root] = Asked(
            contact=Contact(id=root, parties=tuple(known[root].values())),
            members=digest,
            profile=profile if before == digest else None,
        )
    return {contact: people[root_of[contact]] for contact in wanted if contact in root_of}


def keep_profile(t: Transaction, connection_id: int, asked: Asked, profile: Profile) -> None:
    """Keep what a connection said of a person; an older answer never replaces a newer one about the same person."""
    row = (asked.contact.id, connection_id, asked.members, profile.read_at, codec.encode(profile))
    t.insert("profiles", _PROFILE, [row], conflict=_NEWER)


def _party(kind: str, value: str, name: str, evidence: str, canonical: str | None, *, own: bool) -> Party:
    """Return an identifier as the connection may be asked by it: another vendor's own ids mean nothing there."""
    word, _, spelled = (canonical or "").partition(":")
    address = spelled if word == EMAIL else ""
    if own or kind == EMAIL:
        email = "" if kind == EMAIL else address
        return Party(kind=kind, value=value, name=name, evidence=Evidence(evidence), email=email)
    return Party(kind=EMAIL, value=address, name=name, evidence=Evidence(evidence))
