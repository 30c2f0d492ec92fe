"""What the pipeline asks of a store: synchronous methods, each one whole transaction, safe to call from many threads.

Two engines answer for it, and one contract suite holds both to it (`tests/store`). Instants are UTC microseconds;
`now` is the application's clock. Leases alone run by the database's own clock where the engine has one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import BinaryIO, Protocol

from gateway.model import Activity, Case, Effect, Episode, IncidentFacts, SlaMetric, SlaOutcome
from gateway.sdk import Standing
from gateway.store.assignments import Assigned, Choose, Staffing
from gateway.store.case_rules import CaseRules
from gateway.store.contact_values import ContactView, Identifier, Separation, Suggestion
from gateway.store.file_values import FileBytes, WantedFile
from gateway.store.held import Held
from gateway.store.incidents import IncidentView
from gateway.store.ports_for_operators import ForOperators
from gateway.store.profiles import Asked
from gateway.store.risk import RiskStanding, Teach
from gateway.store.shadows import Diverged, ShadowView, Tried
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
    JournalEntry,
    ParsedDelivery,
    Said,
    SavedBatch,
    Step,
    StoredDelivery,
    StoreUnavailable,
    Unrenamed,
    Verdict,
    Watch,
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
    "Choose",
    "ClaimedEffects",
    "ContactView",
    "DeadLetter",
    "DeadLetterDetail",
    "Destination",
    "Diverged",
    "EffectResult",
    "EffectState",
    "EffectView",
    "EventFailure",
    "FileBytes",
    "Held",
    "Identifier",
    "IncidentView",
    "JournalEntry",
    "ParsedDelivery",
    "RiskStanding",
    "Said",
    "SavedBatch",
    "Separation",
    "ShadowView",
    "Staffing",
    "Step",
    "Store",
    "StoreUnavailable",
    "StoredDelivery",
    "Suggestion",
    "Teach",
    "Tried",
    "Unrenamed",
    "Verdict",
    "WantedFile",
    "Watch",
]


class Store(ForOperators, Protocol):
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
        self,
        limit: int,
        now: int,
        step: Step,
        rules: CaseRules = ...,
        profiles: str | None = None,
        watch: Watch | None = None,
    ) -> AppliedBatch:
        """Take the oldest waiting activities, lock their cases in id order, and decide and write them in order.

        With `profiles`, the name of a connection, the step is given what that one knows of each case's customer.

        With `watch`, what that names is counted first, by distinct customers, and the step is given the count.

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

    # --- snapshots and questions -------------------------------------------------------------------------------------
    def save_policy(self, digest: str, text: str, now: int) -> None:
        """Keep a policy under its hash."""
        ...

    def policy(self, digest: str) -> str | None:
        """Return the policy of that hash."""
        ...

    def keep_shadow(self, tried: Tried, diverged: Sequence[Diverged]) -> None:
        """Add to what is kept of a policy that is tried: how much it was asked, and where it would have gone another way."""
        ...

    def shadow(self, candidate: str | None = None, limit: int = 20) -> ShadowView | None:
        """Return what is kept of a policy that is tried, by its hash, or of the one that was tried last."""
        ...

    def history(self, case_id: str) -> CaseHistory | None:
        """Return everything that happened to a case."""
        ...

    def cases(self, limit: int = 100) -> Sequence[Case]:
        """Return the newest cases, newest first."""
        ...

    def incidents(self, limit: int = 100) -> Sequence[IncidentView]:
        """Return incidents, the newest first."""
        ...

    def open_incident(self, facts: IncidentFacts, now: int) -> str:
        """Ask for an incident to be opened, and return its parent case; it is open once that is decided on.

        Raises ValueError when one is open already of that name and fingerprint.
        """
        ...

    def close_incident(self, incident_id: str, actor: str, reason: str, now: int) -> None:
        """Have an incident closed. Raises ValueError when it is none, or over."""
        ...

    def assigned(self) -> Sequence[Assigned]:
        """Return the open cases that one agent alone has. It reads every open episode that asks somebody."""
        ...

    def sla_targets(self) -> Mapping[tuple[SlaMetric, SlaOutcome], int]:
        """Count the targets of SLAs that were met and missed. It reads every case that had one."""
        ...

    def in_line(self) -> Sequence[tuple[Case, Episode]]:
        """Return the open cases that wait for room in a team. It reads every open episode that does."""
        ...

    def call(self, choose: Choose) -> None:
        """Set the deadlines that `choose` names of cases that wait for room; one of a name that waits already stays as it is.

        It is told who has what and who waits, over all replicas, and no other one is told until its deadlines are set.
        """
        ...

    def accounts(self) -> Accounts:
        """Count everything, in one consistent read."""
        ...

    # --- risk --------------------------------------------------------------------------------------------------------
    def risk(self) -> RiskStanding:
        """Return the model of the risk, and how many closed cases it was not taught yet."""
        ...

    def learn_risk(self, limit: int, now: int, teach: Teach) -> int:
        """Teach the model the oldest closed cases that are due, at most `limit`; return how many. Each case teaches once.

        The model and the mark that a case was learned from are written together. What `teach` raises changes nothing.
        """
        ...

    def forget_risk(self, actor: str, now: int) -> int:
        """Drop the model, and what waits to be learned; return how many closed cases that were in all."""
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
