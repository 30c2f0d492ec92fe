"""What operators see of contacts, and decide: who is one person, and who is not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar

from gateway.model import Evidence, Party
from gateway.store.auditing import Auditing
from gateway.store.contact_values import ContactView, Identifier, Separation, Suggestion
from gateway.store.engine import Engine, Row, Transaction
from gateway.store.linking import lift, link, separate, separated, unlink
from gateway.store.names import Names
from gateway.store.trees import lock, lock_with_root, root_of

T = TypeVar("T")

_IDENTIFIERS: Final = (
    "SELECT i.contact_id, i.connection_id, i.kind, i.value, i.name, i.evidence, i.proven, i.seen_at, i.claim"
    " FROM identifiers i WHERE i.contact_id IN (??text) ORDER BY i.contact_id, i.connection_id, i.kind, i.value, i.proven, i.era"
)


def _by_person(found: Iterable[tuple[str | None, T]]) -> defaultdict[str | None, list[T]]:
    """Return what was found of each person, in its order."""
    grouped: defaultdict[str | None, list[T]] = defaultdict(list)
    for root, each in found:
        grouped[root].append(each)
    return grouped


class People:
    """Contacts for operators. What they decide is audited with ids only."""

    def __init__(self, engine: Engine, names: Names, auditing: Auditing) -> None:
        """Work on an engine."""
        self._engine = engine
        self._names = names
        self._auditing = auditing

    # --- questions ---------------------------------------------------------------------------------------------------
    def contacts(self, limit: int = 100) -> Sequence[ContactView]:
        """Return people, the newest first: those who are linked into another are part of that one."""

        def work(t: Transaction) -> list[ContactView]:
            rows = t.rows(
                "SELECT id FROM contacts WHERE merged_into IS NULL ORDER BY created_at DESC, id DESC LIMIT ?", limit
            )
            return self._views(t, [row[0] for row in rows])

        return self._engine.read(work)

    def contact(self, contact_id: str) -> ContactView | None:
        """Return a person by any of their contacts."""

        def work(t: Transaction) -> ContactView | None:
            rows = t.rows("SELECT root_id FROM contacts WHERE id = ?", contact_id)
            return self._views(t, [rows[0][0]])[0] if rows else None

        return self._engine.read(work)

    def _views(self, t: Transaction, roots: Sequence[str]) -> list[ContactView]:
        members = t.rows(
            "SELECT id, root_id, merged_into, created_at FROM contacts WHERE root_id IN (??text) ORDER BY created_at, id",
            roots,
        )
        ids = [row[0] for row in members]
        person = {row[0]: row[1] for row in members}
        identifiers = t.rows(_IDENTIFIERS, ids)
        cases = t.rows("SELECT id, contact_id FROM cases WHERE contact_id IN (??text) ORDER BY created_at, id", ids)
        apart = t.rows(
            "SELECT contact_id, other_id, actor, reason, separated_at FROM separations WHERE contact_id IN (??text)"
            " OR other_id IN (??text) ORDER BY separated_at, contact_id, other_id",
            *(ids, ids),
        )
        created = {row[0]: row[3] for row in members}
        known = _by_person((person[row[0]], self._identifier(row)) for row in identifiers)
        links = _by_person((row[1], (row[0], row[2])) for row in members if row[2] is not None)
        began = _by_person((person[row[1]], row[0]) for row in cases)
        separations = _by_person(
            (root, Separation(contact=row[0], other=row[1], actor=row[2], reason=row[3], separated_at=row[4]))
            for row in apart
            for root in {person.get(row[0]), person.get(row[1])} - {None}
        )
        return [
            ContactView(
                id=root,
                created_at=created[root],
                identifiers=tuple(known[root]),
                links=tuple(links[root]),
                cases=tuple(began[root]),
                separations=tuple(separations[root]),
            )
            for root in roots
        ]

    def _identifier(self, row: Row) -> Identifier:
        return Identifier(
            contact=row[0],
            connection=self._names.name(row[1]),
            party=Party(
                kind=row[2],
                value=row[3],
                name=row[4],
                evidence=Evidence(row[5]),
                email=(row[8] or "").removeprefix("email:"),
            ),
            proven=bool(row[6]),
            seen_at=row[7],
        )

    def suggestions(self, state: str = "open", limit: int = 100) -> Sequence[Suggestion]:
        """Return suggestions, newest first; open ones whose two are one person by now are left out."""
        rows = self._engine.read(
            lambda t: t.rows(
                "SELECT s.id, s.contact_id, s.other_id, s.reason, s.created_at, s.state, s.actor, s.decided_at"
                " FROM suggestions s JOIN contacts x ON x.id = s.contact_id JOIN contacts y ON y.id = s.other_id"
                " WHERE s.state = ? AND (s.state <> 'open' OR x.root_id <> y.root_id) ORDER BY s.id DESC LIMIT ?",
                *(state, limit),
            )
        )
        return [
            Suggestion(
                id=row[0],
                contact=row[1],
                other=row[2],
                reason=row[3],
                created_at=row[4],
                state=row[5],
                actor=row[6],
                decided_at=row[7],
            )
            for row in rows
        ]

    # --- decisions ---------------------------------------------------------------------------------------------------
    def link_contacts(self, contact_id: str, into: str, actor: str, reason: str, now: int) -> None:
        """Make two contacts one person; see `Store.link_contacts`."""
        self._engine.write(lambda t: self._link(t, contact_id, into, actor, reason, now))

    def _link(self, t: Transaction, contact_id: str, into: str, actor: str, reason: str, now: int) -> None:
        holder = lock(t, self._engine, "contacts", contact_id)[contact_id][1]
        root = root_of(t, "contacts", into)
        if contact_id in {into, root}:
            raise ValueError(f"Contacts {contact_id} and {into} are one person already.")
        if holder is not None:
            raise ValueError(f"Contact {contact_id} is linked into {holder} already: unlink that first.")
        if separated(t, contact_id, root):
            raise ValueError(
                f"Contacts {contact_id} and {into} must not be linked: an operator said that they are two people."
                f" `baton contacts allow` takes that back."
            )
        link(t, self._engine, contact_id, into, actor, reason, now)
        self._auditing.append(t, actor, "contact.link", contact_id, {"into": into, "reason": reason}, now)

    def unlink_contact(self, contact_id: str, actor: str, reason: str, now: int) -> None:
        """Undo a link; see `Store.unlink_contact`."""

        def work(t: Transaction) -> None:
            _, found = lock_with_root(t, self._engine, "contacts", contact_id)
            into = found[contact_id][1]
            if into is None:
                raise ValueError(f"Contact {contact_id} is not linked into another.")
            unlink(t, contact_id, now)
            separate(t, contact_id, into, actor, reason, now)
            self._auditing.append(t, actor, "contact.unlink", contact_id, {"from": into, "reason": reason}, now)

        self._engine.write(work)

    def lift_separation(self, contact_id: str, other: str, actor: str, reason: str, now: int) -> int:
        """Take back that two people are two; see `Store.lift_separation`."""

        def work(t: Transaction) -> int:
            one, two = (root_of(t, "contacts", each) for each in (contact_id, other))
            lifted = lift(t, one, two)
            if not lifted:
                raise ValueError(f"Nobody said that contacts {contact_id} and {other} are two people.")
            self._auditing.append(
                t, actor, "contact.allow", contact_id, {"other": other, "lifted": lifted, "reason": reason}, now
            )
            return lifted

        return self._engine.write(work)

    def decide_suggestion(
        self, suggestion_id: int, *, accept: bool, actor: str, reason: str, now: int
    ) -> Mapping[str, str]:
        """Accept or reject a suggestion; see `Store.decide_suggestion`."""

        def work(t: Transaction) -> dict[str, str]:
            rows = t.rows(
                f"SELECT contact_id, other_id, state FROM suggestions WHERE id = ? {self._engine.for_update}",
                suggestion_id,
            )
            if not rows:
                raise ValueError(f"There is no suggestion {suggestion_id}.")
            one, two, state = rows[0]
            if state != "open":
                raise ValueError(f"Suggestion {suggestion_id} was {state} already.")
            word = "accepted" if accept else "rejected"
            t.run(
                "UPDATE suggestions SET state = ?, actor = ?, decided_at = ? WHERE id = ?",
                *(word, actor, now, suggestion_id),
            )
            roots: dict[str, str] = dict(t.rows("SELECT id, root_id FROM contacts WHERE id IN (??text)", [one, two]))
            if accept:
                if roots[one] != roots[two]:
                    self._link(t, roots[one], two, actor, f"suggestion {suggestion_id}: {reason}", now)
            else:
                if roots[one] == roots[two]:
                    raise ValueError("The two are one person by now: unlink the contact that should stand apart.")
                separate(t, one, two, actor, reason, now)
            self._auditing.append(
                t, actor, f"suggestion.{word}", str(suggestion_id), {"contacts": [one, two], "reason": reason}, now
            )
            return {"contact": one, "other": two, "state": word}

        return self._engine.write(work)
