"""The values that go in and out of the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO, TypeAlias

from msgspec import Struct

from gateway.model import (
    Activity,
    Attachment,
    Burst,
    Case,
    Channel,
    Decision,
    Effect,
    Episode,
    OpenIncident,
    Party,
    Profile,
    Progress,
    Receipt,
    Sighting,
    SlaMetric,
    SlaOutcome,
    Thread,
    TicketLink,
)
from gateway.sdk import Delivery, RateLimit
from gateway.store.assignments import Staffing
from gateway.store.profiles import Asked


class StoreUnavailable(Exception):
    """The store cannot take anything now (disk full, server away). Nothing was changed; try again."""


class EffectState(StrEnum):
    """The life of an effect: pending → sending → done | unknown | failed | cancelled; `observed` is never sent."""

    PENDING = "pending"
    SENDING = "sending"
    UNKNOWN = "unknown"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    OBSERVED = "observed"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """A verified delivery on its way into the journal."""

    delivery: Delivery
    #: Unit of order: deliveries of one lane are parsed in journal order.
    lane: str
    #: W3C trace context of the request, empty when there was none.
    traceparent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDelivery:
    """A delivery as the journal holds it."""

    id: int
    lane: str
    delivery: Delivery
    #: How often parsing was tried.
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedFile:
    """A file that came with a message and whose bytes are not kept yet."""

    #: The activity, by its number.
    activity_id: int
    #: Its place among the activity's files, from 0.
    place: int
    #: The connection that it came over.
    connection: str
    #: The delivery that brought it.
    delivery_id: int
    attachment: Attachment


class Unrenamed(StrEnum):
    """Why the earlier name of a connection changed nothing."""

    #: Both names have a history of their own.
    BOTH = "both"
    #: The new name is known, and the earlier one is not: it was renamed before.
    BEFORE = "before"
    #: The earlier name was never known.
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileBytes:
    """The bytes of a file that was fetched, where they can be read from."""

    #: Their SHA-256, hexadecimal.
    sha256: str
    #: How many they are.
    size: int
    #: A file that can be sought; what is read of it begins at its beginning.
    source: BinaryIO


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFailure:
    """One event of a delivery that could not be normalized: it is a dead letter of its own."""

    #: Its place within the delivery, from 0.
    index: int
    #: A sentence without bodies or secrets.
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedDelivery:
    """What parsing made of one delivery."""

    id: int
    lane: str
    #: Its activities in order, each with its place within the delivery.
    activities: tuple[tuple[int, Activity], ...] = ()
    #: Events that could not be normalized.
    failures: tuple[EventFailure, ...] = ()
    #: Why the whole delivery is unreadable; None when it is not.
    unreadable: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedBatch:
    """What `save_parsed` did."""

    #: Deliveries whose parsing is now done (the others wait for an earlier one of their lane, or were done already).
    parsed: int
    #: Activities that are new.
    fresh: int
    #: Events whose dedupe key was known.
    duplicates: int
    #: Deliveries and events that became dead letters.
    dead: int


class CaseView(Struct, frozen=True, kw_only=True, gc=False):
    """All that a decision may know of a case, read under its row lock."""

    case: Case
    #: The open episode, None when there is none.
    episode: Episode | None
    tickets: tuple[TicketLink, ...]
    #: The thread of the activity in hand.
    thread: Thread
    #: All threads of the case, oldest first.
    threads: tuple[Thread, ...]
    #: What the connection that `apply` was told knows of the case's customer, None when nothing.
    profile: Profile | None = None
    #: True when something of the customer is proven that this connection could know them by.
    askable: bool = False
    #: What waits for the look-up whose outcome the activity in hand is.
    waiting: tuple[Activity, ...] = ()
    #: What was counted for the incidents that the activity counts for.
    bursts: tuple[Burst, ...] = ()
    #: The open incident that the case is the parent of, None for none.
    incident: OpenIncident | None = None
    #: Counts anew who has what and who waits, and keeps others from giving out room until the batch is written; None once
    #: that was done. None as well where one process alone decides: it knows.
    recount: Callable[[], Staffing] | None = None


#: Says for which incidents an activity counts. As pure and quick as a decision, before which it is asked.
Watch: TypeAlias = Callable[[CaseView, Activity], Sequence[Sighting]]
#: Decides one activity. Pure and quick: it runs inside the transaction. An exception makes the activity a dead letter.
Step: TypeAlias = Callable[[CaseView, Activity], Decision]


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedBatch:
    """What `apply` did."""

    applied: int
    dead: int
    #: Connections that got new effects.
    connections: frozenset[str]
    #: True when more activities wait than this batch could take.
    more: bool
    #: Targets of SLAs of which it became known what came of them.
    targets: tuple[tuple[SlaMetric, SlaOutcome], ...] = ()
    #: How many incidents were opened and closed, by that word.
    incidents: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A connection that effects may be claimed for, with the vendor's limits that the claim must keep."""

    connection: str
    limits: tuple[RateLimit, ...] = ()
    #: Call time-out plus grace, seconds: an effect without a result after this has an unknown outcome.
    lease: float = 30.0
    #: Groups that may be claimed now.
    free: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedEffects:
    """Effects of one case to one connection that go out in one call: a single one, or consecutive updates together.

    Once claimed together they stay together in every later attempt, so that an unknown outcome is settled as a whole.
    """

    connection: str
    effects: tuple[Effect, ...]
    #: Attempt number: the fence. A result with another number changes nothing, and no number comes twice.
    attempt: int
    #: Which try of its kind this is, from 1: of sending, or of looking whether it landed.
    tries: int
    #: True: ask whether it landed; False: send it.
    settle: bool
    case: Case
    episode: Episode | None
    tickets: tuple[TicketLink, ...]
    #: True when a reply would go to a thread that is not the case's customer's any more: operators have parted them since.
    astray: bool = False
    #: For a look-up, whom it is about; None when the case has no customer.
    asked: Asked | None = None
    #: True when a reply would go to somebody who wants no messages any more (STOP).
    silenced: bool = False


class Verdict(StrEnum):
    """What came of a claim."""

    #: It stands at the vendor; `receipt` is the proof.
    DONE = "done"
    #: It certainly did not happen; try again at `due_at`.
    RETRY = "retry"
    #: Nobody knows; settle it at `due_at`.
    UNKNOWN = "unknown"
    #: Given up: a dead letter.
    FAILED = "failed"
    #: Not sent because the mode forbids it.
    OBSERVED = "observed"
    #: Not sent because it has become pointless.
    CANCELLED = "cancelled"
    #: Given back untouched (shutdown): the attempt does not count.
    RETURNED = "returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectResult:
    """The result of one claim; it holds for all effects of the claim."""

    connection: str
    effect_ids: tuple[str, ...]
    attempt: int
    verdict: Verdict
    receipt: Receipt | None = None
    due_at: int = 0
    #: A sentence without bodies or secrets.
    reason: str = ""
    #: What a look-up brought, and of whom; None for everything else.
    learned: tuple[Asked, Profile] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """Something given up for now, with its reason; its bytes are kept where it came from."""

    id: int
    #: ``delivery``, ``event``, ``activity`` or ``effect``.
    kind: str
    #: Id of the delivery, activity or effect.
    ref: str
    connection: str
    case_id: str | None
    reason: str
    created_at: int
    #: ``open``, ``replayed`` or ``discarded``.
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterDetail:
    """A dead letter with what is kept of it."""

    letter: DeadLetter
    #: The delivery it came from, with its bytes; None for an effect.
    delivery: StoredDelivery | None = None
    #: The effect; None for what came in.
    effect: Effect | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedActivity:
    """One activity of a case as it was applied, with the trace of its decision as JSON."""

    id: int
    seq: int
    activity: Activity
    trace: Mapping[str, object] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectView:
    """An effect with what became of it."""

    effect: Effect
    state: EffectState
    #: Tries of the last kind, of sending or of looking whether it landed.
    tries: int
    receipt: Receipt | None
    reason: str
    #: How far its message came by the vendor's own reports, None when none came.
    progress: Progress | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseHistory:
    """A case with everything that happened to it, for people who ask why."""

    case: Case
    threads: tuple[Thread, ...]
    tickets: tuple[TicketLink, ...]
    episodes: tuple[Episode, ...]
    activities: tuple[AppliedActivity, ...]
    effects: tuple[EffectView, ...]
    timers: Mapping[str, int]
    #: Cases that were merged into this one.
    merged: tuple[str, ...] = ()
    #: The case that this one was merged into, None while it stands for itself.
    merged_into: str | None = None
    #: The contact that stands for its customer, empty for nobody known.
    person: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One thing that was said on a thread, as everybody on it may know it."""

    #: The vendor's id of the message, or the effect's id for a reply of ours.
    key: str
    #: When Baton had it or decided it, UTC microseconds.
    at: int
    #: The text as it stands now.
    text: str
    #: Who said it; None for a reply of ours.
    sender: Party | None = None
    #: For a reply of ours: the agent whose words it carries, empty when Baton itself speaks.
    author: str = ""
    #: Over what channel it came; None for a reply of ours.
    channel: Channel | None = None
    #: Files that came along.
    attachments: tuple[Attachment, ...] = ()
    #: For a reply of ours: action and label of its buttons.
    buttons: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The conservation counts: everything accepted is somewhere. `unaccounted` is 0 at every moment (promise I4)."""

    deliveries: int
    deliveries_pending: int
    deliveries_parsed: int
    deliveries_dead: int
    events: int
    events_duplicate: int
    events_dead: int
    activities: int
    #: Those that Baton itself appended: timers, outcomes, commands.
    activities_internal: int
    activities_pending: int
    activities_applied: int
    activities_dead: int
    #: Delivery reports about nothing that is known: kept, of no case.
    activities_aside: int = 0
    effects: Mapping[str, int] = field(default_factory=dict[str, int])
    dead_letters_open: int = 0

    @property
    def unaccounted(self) -> int:
        """Return how many deliveries, events and activities are in no known state."""
        return (
            abs(self.deliveries - self.deliveries_pending - self.deliveries_parsed - self.deliveries_dead)
            + abs(self.events - self.events_duplicate - self.events_dead - (self.activities - self.activities_internal))
            + abs(
                self.activities
                - self.activities_pending
                - self.activities_applied
                - self.activities_dead
                - self.activities_aside
            )
        )
