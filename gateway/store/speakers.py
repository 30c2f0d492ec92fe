"""Threads as a case sees them: who speaks there, the one whose case it is or somebody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.model import Channel, Thread
from gateway.store.engine import Row, Transaction
from gateway.store.names import Names

#: Asked for with every case that is read, and slow to get out of its enumeration.
_CHANNELS: Final = {each.value: each for each in Channel}


def read_threads(
    t: Transaction, names: Names, cases: Sequence[str], people: Mapping[str, str | None]
) -> dict[str, list[Thread]]:
    """Return the threads of some cases, oldest first; `people` are the contacts whose cases they are."""
    rows = t.rows(
        "SELECT t.id, t.connection_id, t.key, t.channel, t.case_id, t.contact_id, t.home_case_id, t.silenced"
        " FROM threads t WHERE t.case_id IN (??text) ORDER BY t.created_at, t.id",
        cases,
    )
    strangers = _strangers(t, rows, people)
    found: dict[str, list[Thread]] = {}
    for row in rows:
        found.setdefault(row[4], []).append(_thread(names, row, stranger=row[0] in strangers))
    return found


def threads_by_id(t: Transaction, names: Names, ids: Sequence[str], person: str | None) -> dict[str, Thread]:
    """Return threads by their ids, as a case of a contact sees them, wherever they are by now."""
    rows = t.rows(
        "SELECT t.id, t.connection_id, t.key, t.channel, '', t.contact_id, t.home_case_id, t.silenced"
        " FROM threads t WHERE t.id IN (??text)",
        ids,
    )
    strangers = _strangers(t, rows, {"": person})
    return {row[0]: _thread(names, row, stranger=row[0] in strangers) for row in rows}


def _thread(names: Names, row: Row, *, stranger: bool) -> Thread:
    return Thread(
        id=row[0],
        connection=names.name(row[1]),
        key=row[2],
        channel=_CHANNELS.get(row[3]),
        stranger=stranger,
        silenced=bool(row[7]),
    )


def _strangers(t: Transaction, rows: Sequence[Row], people: Mapping[str, str | None]) -> set[str]:
    """Return the threads on which somebody else speaks. Asks nothing where each case has its own threads only."""
    foreign = [row for row in rows if row[5] != people[row[4]] and (row[5] is not None or row[6] != row[4])]
    if not foreign:
        return set()
    homes: dict[str, str | None] = dict(
        t.rows("SELECT id, contact_id FROM cases WHERE id IN (??text)", sorted({row[6] for row in foreign}))
    )
    speakers = {row[0]: row[5] or homes.get(row[6]) for row in foreign}
    wanted = {each for each in (*speakers.values(), *people.values()) if each is not None}
    roots: dict[str, str] = dict(t.rows("SELECT id, root_id FROM contacts WHERE id IN (??text)", sorted(wanted)))
    return {
        row[0]
        for row in foreign
        for speaker, owner in ((speakers[row[0]], people[row[4]]),)
        if speaker is not None and owner is not None and roots.get(speaker) != roots.get(owner)
    }
