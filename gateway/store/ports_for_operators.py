"""What operators ask of a store: cases and contacts put together and taken apart, pauses, dead letters, replays, the audit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from gateway.model import Activity
from gateway.sdk import RateLimit
from gateway.store.contact_values import ContactView, Suggestion
from gateway.store.held import Held
from gateway.store.values import DeadLetter, DeadLetterDetail


class ForOperators(Protocol):
    """The part of a store that operators use. As with the rest of it, every method is one transaction."""

    def append(self, case_id: str, activity: Activity) -> bool:
        """Append an internal activity to a case; False when its dedupe key was known."""
        ...

    def merge(self, case_id: str, into: str, actor: str, now: int, reason: str = "") -> None:
        """Link a case into another: its threads' activities are applied there from now on. Raises ValueError."""
        ...

    def unmerge(self, case_id: str, actor: str, now: int, reason: str = "") -> str:
        """Undo `merge`: the case has its threads, and what came over them, back. Return whose they were. Raises ValueError.

        Both cases are counted anew from their activities, as if they had never been one.
        """
        ...

    def held(self, case_id: str, limits: Mapping[str, Sequence[RateLimit]], now: int) -> Mapping[str, Held]:
        """Return what keeps the open effects of a case, by their ids; `limits` are those of the vendors, by connection."""
        ...

    def contacts(self, limit: int = 100) -> Sequence[ContactView]:
        """Return people, the newest first."""
        ...

    def contact(self, contact_id: str) -> ContactView | None:
        """Return a person by any of their contacts."""
        ...

    def link_contacts(self, contact_id: str, into: str, actor: str, reason: str, now: int) -> None:
        """Link a contact that stands for a person into one of another person. Raises ValueError when that must not be."""
        ...

    def unlink_contact(self, contact_id: str, actor: str, reason: str, now: int) -> None:
        """Undo a link; the two are never linked again until that is lifted. Raises ValueError."""
        ...

    def lift_separation(self, contact_id: str, other: str, actor: str, reason: str, now: int) -> int:
        """Take back that two people are two, whoever of their contacts it was said of; return how often it was said.

        Links nobody. Raises ValueError when nobody said so.
        """
        ...

    def suggestions(self, state: str = "open", limit: int = 100) -> Sequence[Suggestion]:
        """Return suggestions of who may be one person, newest first."""
        ...

    def decide_suggestion(
        self, suggestion_id: int, *, accept: bool, actor: str, reason: str, now: int
    ) -> Mapping[str, str]:
        """Accept a suggestion, which links, or reject it, which keeps the two apart for ever. Raises ValueError."""
        ...

    def pause(self, scope: str, actor: str, reason: str, now: int) -> None:
        """Hold the outbox of ``all``, ``connection:NAME`` or ``rule:ID``, durably."""
        ...

    def resume(self, scope: str, actor: str, now: int) -> bool:
        """Lift a pause; False when there was none."""
        ...

    def pauses(self) -> Mapping[str, str]:
        """Return the pauses: scope → reason."""
        ...

    def dead_letters(self, *, state: str = "open", limit: int = 100) -> Sequence[DeadLetter]:
        """Return dead letters, newest first."""
        ...

    def dead_letter(self, letter_id: int) -> DeadLetterDetail | None:
        """Return one dead letter with what is kept of it."""
        ...

    def replay_dead_letter(self, letter_id: int, actor: str, now: int) -> bool:
        """Send a dead letter on its way again; False when it is not open."""
        ...

    def discard_dead_letter(self, letter_id: int, actor: str, reason: str, now: int) -> bool:
        """Give a dead letter up for good; its bytes stay. False when it is not open.

        Of an effect, its case is told by an `OUTCOME` activity in the same transaction (`discarded`, not `landed`).
        """
        ...

    def replay(self, delivery_ids: Iterable[int], actor: str, now: int) -> int:
        """Have deliveries parsed again (after a mapping was mended); what is known already stays as it is."""
        ...

    def waiting(self, delivery_ids: Iterable[int]) -> Mapping[str, int]:
        """Return how many of some deliveries wait to be parsed, by the connection that they came to."""
        ...

    def deliveries(self, *, since: int, connection: str | None = None, limit: int = 1000) -> Sequence[int]:
        """Return ids of deliveries received since an instant, oldest first."""
        ...

    def audit(self, actor: str, action: str, target: str, detail: Mapping[str, object], now: int) -> None:
        """Append to the hash-chained audit. Ids and settings, never bodies."""
        ...

    def audit_trail(self, limit: int = 100, since: int | None = None) -> Sequence[Mapping[str, object]]:
        """Return the newest audit rows, of all or of those from an instant on, each with its hash and the one before."""
        ...

    def verify_audit(self) -> int | None:
        """Return the id of the first audit row whose hash does not hold, None when all hold."""
        ...
