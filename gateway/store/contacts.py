"""Contacts on the way in: who somebody is, by what is proven, and with whom of other connections they are one.

Each identifier is a contact of its own; what makes several contacts one person is links, which can be undone. What was only
claimed never shares a contact with what was proven, whatever the spelling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from gateway.model import Party, uuid7
from gateway.store.case_rules import PHONE, CaseRules, proves
from gateway.store.engine import Engine, Row, Transaction
from gateway.store.linking import link, separated, suggest

#: Suggestions that one new identifier may lead to: a claim costs its author nothing.
_SUGGESTIONS: Final = 3
_CANDIDATES: Final = 50
_IDENTIFIER: Final = (
    *(("connection_id", "bigint"), ("kind", "text"), ("value", "text"), ("proven", "bigint"), ("era", "bigint")),
    *(("contact_id", "text"), ("evidence", "text"), ("name", "text"), ("canonical", "text"), ("claim", "text")),
    ("seen_at", "bigint"),
)
_CONTACT: Final = (("id", "text"), ("created_at", "bigint"), ("root_id", "text"))
_SEEN: Final = (
    "ON CONFLICT (connection_id, kind, value, proven, era) DO UPDATE SET"
    " name = CASE WHEN excluded.name = '' THEN identifiers.name ELSE excluded.name END,"
    " evidence = CASE WHEN identifiers.evidence = 'verified' THEN 'verified' ELSE excluded.evidence END,"
    " canonical = excluded.canonical, claim = coalesce(excluded.claim, identifiers.claim), seen_at = excluded.seen_at"
)

#: Connection, kind, value, and 1 when proven.
Key: TypeAlias = tuple[int, str, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Somebody as the store knows them."""

    #: The contact of this very identifier.
    contact: str
    #: True when it was made now.
    fresh: bool
    #: True when the identifier is proven.
    proven: bool
    #: What the identifier is called on all connections, None when it is of its vendor only.
    crossing: str | None
    #: True when the number was silent for so long that it must be another person's now.
    reused: bool = False


def key_of(connection_id: int, party: Party) -> Key:
    """Return under what somebody is kept."""
    return connection_id, party.kind, party.value, int(proves(party))


class Contacts:
    """The contacts of one transaction."""

    def __init__(
        self, t: Transaction, engine: Engine, entropy: Callable[[int], bytes], rules: CaseRules, now: int
    ) -> None:
        """Work in a transaction."""
        self._t = t
        self._engine = engine
        self._entropy = entropy
        self._rules = rules
        self._now = now

    def of(self, customers: Sequence[tuple[int, Party]]) -> Mapping[Key, Known]:
        """Return the contact of each identifier; make those that are new. In one order, so that nobody deadlocks."""
        latest = {key_of(connection_id, party): party for connection_id, party in customers}
        if not latest:
            return {}
        crossing = {key: self._rules.known_as(party) for key, party in latest.items()}
        claims = {key: self._rules.claim_of(party) for key, party in latest.items()}
        self._engine.take_turns(self._t, [each for each in (*crossing.values(), *claims.values()) if each is not None])
        learned = self._learned(claims)
        eras, reused = self._eras([key for key, name in crossing.items() if name and name.startswith(f"{PHONE}:")])
        fresh = {key: uuid7(self._now, self._entropy(10)) for key in sorted(latest)}
        rows = self._t.insert(
            "identifiers",
            _IDENTIFIER,
            [
                (
                    *(*key, eras.get(key, 0), contact, latest[key].evidence.value, latest[key].name),
                    *(crossing[key], claims[key], self._now),
                )
                for key, contact in fresh.items()
            ],
            conflict=_SEEN,
            returning="connection_id, kind, value, proven, contact_id",
        )
        known = {
            key: Known(
                contact=str(row[4]),
                fresh=row[4] == fresh[key],
                proven=bool(key[3]),
                crossing=crossing[key],
                reused=key in reused,
            )
            for row in rows
            for key in ((row[0], row[1], row[2], row[3]),)
        }
        made: list[Row] = [(each.contact, self._now, each.contact) for each in known.values() if each.fresh]
        self._t.insert("contacts", _CONTACT, made)
        for key, each in sorted(known.items()):
            if (each.fresh and each.crossing) or key in learned:
                self._find_same(each, claims[key])
        return known

    def _learned(self, claims: Mapping[Key, str | None]) -> set[Key]:
        """Return the identifiers with which an e-mail address is claimed that was not claimed with them before."""
        claiming = {key: claim for key, claim in claims.items() if claim is not None}
        if not claiming:
            return set()
        rows = self._t.rows(
            "SELECT connection_id, kind, value, proven, claim FROM identifiers WHERE connection_id IN (??bigint)"
            " AND kind IN (??text) AND value IN (??text)",
            *(sorted({key[0] for key in claiming}), sorted({key[1] for key in claiming})),
            sorted({key[2] for key in claiming}),
        )
        before = {((row[0], row[1], row[2], row[3]), row[4]) for row in rows}
        return {key for key, claim in claiming.items() if (key, claim) not in before}

    def _eras(self, numbers: Sequence[Key]) -> tuple[dict[Key, int], set[Key]]:
        """Return which owner of a telephone number speaks now, counted from 0, and the numbers that changed hands."""
        eras: dict[Key, int] = {}
        reused: set[Key] = set()
        if not numbers:
            return eras, reused
        rows = self._t.rows(
            "SELECT connection_id, kind, value, proven, era, seen_at FROM identifiers WHERE connection_id IN (??bigint)"
            " AND kind IN (??text) AND value IN (??text) ORDER BY era",
            *(sorted({key[0] for key in numbers}), sorted({key[1] for key in numbers})),
            sorted({key[2] for key in numbers}),
        )
        wanted = set(numbers)
        for connection_id, kind, value, proven, era, seen_at in rows:
            key = (connection_id, kind, value, proven)
            if key in wanted:
                silent = self._now - seen_at > self._rules.phone_reused_after
                eras[key] = era + silent
                (reused.add if silent else reused.discard)(key)
        return eras, reused

    def _find_same(self, new: Known, claim: str | None) -> None:
        """Link a new identifier to the one person who is proven to have it too; suggest what is less than that."""
        names = [each for each in (new.crossing, claim) if each is not None]
        rows = self._t.rows(
            "SELECT c.root_id, i.proven, i.canonical, i.seen_at, c.id FROM identifiers i JOIN contacts c ON c.id = i.contact_id"
            " WHERE (i.canonical IN (??text) OR i.claim IN (??text)) AND i.contact_id <> ?"
            " ORDER BY i.proven DESC, i.seen_at DESC LIMIT ?",
            *(names, names, new.contact, _CANDIDATES),
        )
        alive = self._now - self._rules.phone_reused_after
        is_number = new.crossing is not None and new.crossing.startswith(f"{PHONE}:")
        same: dict[str, str] = {}
        for root, proven, canonical, seen_at, contact in rows:
            # Two that are called nothing beyond their vendors are not the same for it: what they share is only claimed.
            crosses = new.crossing is not None and canonical == new.crossing
            if proven and crosses and (not is_number or seen_at >= alive):
                same.setdefault(root, contact)
        if new.proven and len(same) == 1:
            ((root, contact),) = same.items()
            if separated(self._t, new.contact, root):
                return
            what = "number" if is_number else "e-mail address"
            if link(self._t, self._engine, new.contact, contact, "baton", f"the same proven {what}", self._now):
                return
        for root in list(dict.fromkeys(row[0] for row in rows))[:_SUGGESTIONS]:
            if not separated(self._t, new.contact, root):
                suggest(self._t, new.contact, root, _reason(new, claim), self._now)

    def linked(self, contacts: Iterable[str]) -> Mapping[str, str]:
        """Return the root of each of some contacts that are one person with others."""
        wanted = sorted(set(contacts))
        if not wanted:
            return {}
        rows = self._t.rows(
            "SELECT c.id, c.root_id FROM contacts c WHERE c.id IN (??text)"
            " AND EXISTS (SELECT 1 FROM contacts o WHERE o.root_id = c.root_id AND o.id <> c.id)",
            wanted,
        )
        return {row[0]: row[1] for row in rows}


def _reason(new: Known, claim: str | None) -> str:
    """Return why two may be one, without naming the identifier: the sentence is shown in lists."""
    if new.crossing is None:
        return "one gave an e-mail address that is the other's"
    kind = new.crossing.partition(":")[0]
    what = "number" if kind == PHONE else "e-mail address"
    proof = "proven of one of them at most" if not new.proven or claim else "proven of several people"
    return f"the same {what}, {proof}"
