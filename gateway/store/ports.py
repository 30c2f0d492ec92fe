"""What the pipeline asks of a store: synchronous methods, each one whole transaction, safe to call from many threads.

Two engines answer for it, and one contract suite holds both to it (`tests/store`). Instants are UTC microseconds;
`now` is the application's clock. Leases alone run by the database's own clock where the engine has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import BinaryIO, Protocol

from gateway.model import Activity, Case, Effect
from gateway.sdk import Standing
from gateway.store.assignments import Assigned
from gateway.store.case_rules import CaseRules
from gateway.store.contact_values import ContactView, Identifier, Separation, Suggestion
from gateway.store.profiles import Asked
from gateway.store.values import (
    Accounts,
    AppliedActivity,
    AppliedBatch,
    CaseHistory,
    CaseView,
    ClaimedEffects,
    DeadLetter,
    DeadLetterDetail,
    Destination,
    EffectResult,
    EffectState,
    EffectView,
    EventFailure,
    FileBytes,
    JournalEntry,
    ParsedDelivery,
    Said,
    SavedBatch,
    Step,
    StoredDelivery,
    StoreUnavailable,
    Unrenamed,
    Verdict,
    WantedFile,
)

__all__ = [
    "Accounts",
    "AppliedActivity",
    "AppliedBatch",
    "Asked",
    "Assigned",
    "CaseHistory",
    "CaseRules",
    "CaseView",
    "ClaimedEffects",
    "ContactView",
    "DeadLetter",
    "DeadLetterDetail",
    "Destination",
    "EffectResult",
    "EffectState",
    "EffectView",
    "EventFailure",
    "FileBytes",
    "Identifier",
    "JournalEntry",
    "ParsedDelivery",
    "Said",
    "SavedBatch",
    "Separation",
    "Step",
    "Store",
    "StoreUnavailable",
    "StoredDelivery",
    "Suggestion",
    "Unrenamed",
    "Verdict",
    "WantedFile",
]


class Store(Protocol):
    """The store. Every method is one transaction; each raises `StoreUnavailable` when the engine cannot serve."""

    #: ``sqlite`` or ``postgresql``.
    engine: str

    def close(self) -> None:
        """Finish what runs and free everything. Safe twice."""
        ...

    # --- connections -------------------------------------------------------------------------------------------------
    def register(self, connections: Mapping[str, str | None]) -> Mapping[str, Unrenamed]:
        """Make the connections known: name → earlier name (or None). Ids survive renaming.

        Returns the names whose earlier one changed nothing, with the reason.
        """
        ...

    # --- way in ------------------------------------------------------------------------------------------------------
    def journal(self, entries: Sequence[JournalEntry]) -> Sequence[int]:
        """Make the deliveries durable (committed with fsync) and return their ids, in order."""
        ...

    def unparsed(self, limit: int, only: Sequence[str] | None = None) -> Sequence[StoredDelivery]:
        """Return the oldest deliveries that wait for parsing, of some connections only or of all."""
        ...

    def save_parsed(self, results: Sequence[ParsedDelivery], now: int, rules: CaseRules = ...) -> SavedBatch:
        """Record what parsing made of deliveries: threads, stub cases, contacts, tickets, new activities, dead letters.

        Which case a thread is of follows from proofs and `rules`. A delivery report about nothing known is set aside.
        A delivery that is done already, or that an earlier waiting one of its lane precedes, is left alone.
        """
        ...

    def apply(
        self, limit: int, now: int, step: Step, rules: CaseRules = ..., profiles: str | None = None
    ) -> AppliedBatch:
        """Take the oldest waiting activities, lock their cases in id order, and decide and write them in order.

        With `profiles`, the name of a connection, the step is given what that one knows of each case's customer.

        A customer who speaks in a case that was resolved too long ago begins a new one, which follows it, on the same thread.
        """
        ...

    # --- way out -----------------------------------------------------------------------------------------------------
    def claim(self, destinations: Sequence[Destination], now: int) -> Sequence[ClaimedEffects]:
        """Lease due effects: the oldest unfinished of each (connection, case), within limits and not paused."""
        ...

    def finish(self, results: Sequence[EffectResult], now: int) -> int:
        """Record results whose fence holds; return how many held.

        A result that ends an effect appends an `OUTCOME` activity to its case, in the same transaction. A late receipt
        of the same attempt counts even after its lease ran out: it is the proof. What a look-up learned is kept as well;
        one that is given up is no dead letter, since the next message asks again.
        """
        ...

    def expire(self, now: int) -> int:
        """Turn `sending` effects whose lease ran out into `unknown`. Never sends anything."""
        ...

    def transcript(self, effect: Effect, limit: int) -> tuple[Sequence[Activity], bool]:
        """Return the case as it was when an effect was decided: its last `limit` activities, oldest first.

        Also returns whether these are all. The same effect always gets the same ones, so that a repeated call to a vendor
        carries the same words.
        """
        ...

    def causes(self, effects: Sequence[Effect]) -> Mapping[str, Activity]:
        """Return the activities that caused some effects, by the effect's id."""
        ...

    def wanted_files(self, effects: Sequence[Effect], limit: int) -> Sequence[WantedFile]:
        """Return the files that go out with effects and of which nothing is known yet, of `limit` messages at most."""
        ...

    def delivery(self, delivery_id: int) -> StoredDelivery | None:
        """Return a delivery with its bytes, None when it is not kept any more."""
        ...

    def keep_file(self, file: WantedFile, body: FileBytes | None, note: str) -> None:
        """Keep a file's bytes by their hash, part by part, or, with None, why there are none. What is known already stays."""
        ...

    # --- time --------------------------------------------------------------------------------------------------------
    def fire(self, now: int, limit: int) -> int:
        """Turn due timers into `TIMER` activities of their cases; return how many."""
        ...

    def next_due(self) -> int | None:
        """Return when the next timer or waiting effect is due, None when there is none."""
        ...

    # --- operators ---------------------------------------------------------------------------------------------------
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

    def audit_trail(self, limit: int = 100) -> Sequence[Mapping[str, object]]:
        """Return the newest audit rows, each with its hash and the one before."""
        ...

    def verify_audit(self) -> int | None:
        """Return the id of the first audit row whose hash does not hold, None when all hold."""
        ...

    # --- snapshots and questions -------------------------------------------------------------------------------------
    def save_policy(self, digest: str, text: str, now: int) -> None:
        """Keep a policy under its hash."""
        ...

    def policy(self, digest: str) -> str | None:
        """Return the policy of that hash."""
        ...

    def history(self, case_id: str) -> CaseHistory | None:
        """Return everything that happened to a case."""
        ...

    def cases(self, limit: int = 100) -> Sequence[Case]:
        """Return the newest cases, newest first."""
        ...

    def assigned(self) -> Sequence[Assigned]:
        """Return the open cases that one agent alone has. It reads every open episode that asks somebody."""
        ...

    def accounts(self) -> Accounts:
        """Count everything, in one consistent read."""
        ...

    def said(self, connection: str, thread: str, limit: int) -> Sequence[Said]:
        """Return the newest public messages of a thread, oldest first, with the replies of ours that were sent.

        What waits for its decision is there already. Changed messages stand with their last text, deleted ones not at all.
        """
        ...

    def standing(self, connection: str, thread: str) -> Standing:
        """Return where a thread's case stands, for the one who speaks on it."""
        ...

    def cursor(self, connection: str, name: str) -> str | None:
        """Return where a poll or stream of a connection stands."""
        ...

    def blob(self, sha256: str) -> bytes | None:
        """Return bytes by their hash, None when they are not kept."""
        ...

    def copy_blob(self, sha256: str, to: BinaryIO) -> bool:
        """Write bytes by their hash to a file that can be sought, part by part; False when they are not kept."""
        ...

    def journal_with_cursor(self, entries: Sequence[JournalEntry], connection: str, name: str, cursor: str) -> None:
        """Make deliveries durable and move a cursor, in one transaction."""
        ...

    def hold(self, connection: str, owner: str, until: int, now: int) -> bool:
        """Take or renew the lease on what a connection does by itself; False while another owner holds it."""
        ...

    def oldest_pending(self) -> Mapping[str, int]:
        """Return, by connection, when its oldest unfinished effect was made."""
        ...

    def wait(self, timeout: float) -> bool:
        """Block until another process hints at work, at most `timeout` seconds; True on a hint. Not the truth."""
        ...
