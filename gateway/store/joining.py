"""One case over several threads: the one open case of a proven person, where it is clear that it is the same matter."""

from __future__ import annotations

from typing import Final

from gateway.model import CaseStatus, Channel
from gateway.store import codec
from gateway.store.case_rules import CaseRules
from gateway.store.engine import Transaction

#: Cases of one person that are looked at, the newest.
_CASES: Final = 200


def open_case(
    t: Transaction, rules: CaseRules, person: str, connection_id: int, channel: Channel | None, now: int
) -> str | None:
    """Return the case that a new thread of a person (a root contact) joins, None when it begins its own.

    - Only cases that began with a proven identifier of theirs count: what somebody began in their name draws nothing in.
    - More than one open case: nobody can tell which matter it is.
    - On a connection on which the case is held already: they could have answered there, and began anew. Calls alone have no
      threads to choose from.
    - A case that holds threads of other people, since it was merged, takes nobody in by itself.
    """
    if rules.join_within is None or channel is Channel.HELPDESK:
        return None
    roots = t.rows(
        "SELECT DISTINCT k.root_id FROM cases k JOIN identifiers i ON i.contact_id = k.contact_id AND i.proven = 1"
        " JOIN contacts c ON c.id = i.contact_id WHERE c.root_id = ? ORDER BY k.root_id DESC LIMIT ?",
        *(person, _CASES),
    )
    cases = [
        case
        for (doc,) in t.rows("SELECT doc FROM cases WHERE id IN (??text)", [row[0] for row in roots])
        for case in (codec.case_from(doc),)
        if case.status is CaseStatus.OPEN
    ]
    if len(cases) != 1 or now - cases[0].last_activity_at > rules.join_within:
        return None
    held = t.rows(
        "SELECT t.connection_id, coalesce(c.root_id, h.root_id) FROM threads t"
        " LEFT JOIN contacts c ON c.id = t.contact_id JOIN cases k ON k.id = t.home_case_id"
        " LEFT JOIN contacts h ON h.id = k.contact_id WHERE t.case_id = ?",
        cases[0].id,
    )
    if any(root not in {None, person} for _, root in held):
        return None
    if channel is not Channel.PHONE and any(connection == connection_id for connection, _ in held):
        return None
    return cases[0].id
