"""The contract: a connector and its capabilities (ABCs, which may grow), and the host that runs it (a Protocol).

Life of a connector:

1. ``Connector(settings, host)`` does no I/O and starts nothing.
2. `open` connects; it is called again, on a new object, after a failure.
3. Calls, several at once, from one event loop.
4. `close` frees everything; it is safe on a connector that was never opened, and twice.

Connectors never retry, sleep, swallow errors or start tasks: errors say what the host does next (`gateway.sdk.errors`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Generic, Protocol, TypeAlias, TypeVar

from gateway.sdk.delivery import Ack
from gateway.sdk.spec import SettingsT

if TYPE_CHECKING:
    from logging import Logger, LoggerAdapter

    from aiohttp import ClientSession, web

    from gateway.model import Attachment, ChannelEvent, Contact, Entry, Handoff, Notice, Profile, Receipt, Reply
    from gateway.sdk.delivery import Delivery

T = TypeVar("T")

#: Where a poll or stream stands, in the connector's own words; kept by the host in the journal's transaction.
Cursor: TypeAlias = str

#: Hand a delivery (and where the stream stands after it) to the host; returns when both are durable.
Emit: TypeAlias = "Callable[[Delivery, Cursor | None], Awaitable[None]]"


class Host(Protocol):
    """What a connector gets from the gateway: its own connection's things, never the application."""

    @property
    def connection(self) -> str:
        """The connection's name."""
        ...

    @property
    def http(self) -> ClientSession:
        """The guarded HTTP session: time-outs set, no proxy from the environment, no automatic resend."""
        ...

    @property
    def log(self) -> LoggerAdapter[Logger]:
        """A logger that names the connection. Ids only: no bodies, no secrets."""
        ...

    @property
    def paused(self) -> bool:
        """True while an operator holds what this connection sends: a call is better sent on to where it went before Baton."""
        ...

    def now(self) -> int:
        """Return the time, UTC microseconds."""
        ...

    async def blob(self, sha256: str) -> bytes:
        """Return the bytes of a `File` by their hash. Raises `PermanentFailure` when they are not kept (any more)."""
        ...

    async def blob_file(self, sha256: str) -> BinaryIO:
        """Return the bytes of a `File` as an open temporary file, for an API that takes one: close it.

        It can be sought, and reading begins at its beginning. Raises `PermanentFailure` as `blob` does.
        """
        ...

    async def run_blocking(self, call: Callable[[], T]) -> T:
        """Run a blocking call in the connection's own bounded pool of threads, with the caller's context variables."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that an examination found, good or bad."""

    #: What was looked at, some words: ``scopes``, ``webhook`` …
    subject: str
    #: True when it is as it should be.
    good: bool
    #: What was found, a sentence.
    sentence: str
    #: What to do about it, a sentence; empty when nothing.
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What a connection found out about its vendor's side."""

    #: The findings.
    findings: tuple[Finding, ...] = ()
    #: Where customers reach this connection, ``email:help@example.com``, ``phone:+4930123456``: two owners of one answer twice.
    addresses: tuple[str, ...] = ()


class Connector(ABC, Generic[SettingsT]):
    """Code for one outside system, running for one connection."""

    def __init__(self, settings: SettingsT, host: Host) -> None:
        """Keep what is given. No I/O."""
        self.settings = settings
        self.host = host

    @abstractmethod
    async def open(self) -> None:
        """Make ready for calls. Raises `TemporaryFailure` or `CredentialsRefused`."""

    @abstractmethod
    async def check(self) -> None:
        """Make one cheap call that only reads, to see that the credentials work; raises one of our errors."""

    @abstractmethod
    async def close(self) -> None:
        """Free everything. Safe unopened, and twice."""

    async def examine(self) -> Examination:
        """Look at the vendor's side with calls that only read: scopes, webhooks, addresses. Raises one of our errors."""
        return Examination()


class Source(ABC):
    """Brings deliveries in."""

    @abstractmethod
    def parse(self, delivery: Delivery) -> Iterable[ChannelEvent]:
        """Say what happened. Pure: no I/O, no clock, the same delivery always yields the same events.

        An event of a kind that the connector does not know yields nothing. Raises `UnreadableDelivery`.
        """

    def lane(self, delivery: Delivery) -> str:
        """Return the lane: deliveries of one thread share it. Cheap, pure, and never raises. By default the connection's."""
        return delivery.connection


class WebhookSource(Source):
    """Is sent HTTP requests by the vendor."""

    @abstractmethod
    async def verify(self, delivery: Delivery) -> None:
        """Return when the delivery is authentic. Raises `DeliveryRejected` otherwise, whatever the bytes are."""

    @abstractmethod
    def lane(self, delivery: Delivery) -> str:
        """Return the lane: deliveries of one thread share it. Cheap, pure, and never raises."""

    def acknowledge(self, delivery: Delivery) -> Ack:  # noqa: ARG002 (for those who override)
        """Say what the vendor is answered once the delivery is durable. Pure."""
        return Ack()

    async def answer(self, delivery: Delivery, sessions: Sessions) -> Ack:  # noqa: ARG002 (for those who override)
        """Say the same, for a vendor whose answer speaks of the case: it may read threads of the connection, and nothing else.

        Asked instead of `acknowledge`, which answers when this takes longer than a second or fails.
        """
        return self.acknowledge(delivery)


class Sessions(Protocol):
    """What a session source may read, and where it hands in what it hears."""

    async def emit(self, delivery: Delivery) -> None:
        """Return once the delivery is durable. Raises `TemporaryFailure` when it cannot be kept now: nothing was then.

        Raises `PermanentFailure` for one that is longer than `Capabilities.max_delivery`, or another connection's.
        """
        ...

    async def history(self, thread: str, *, limit: int = 200) -> Sequence[Entry]:
        """Return what the customer may see of a thread: the newest public messages, oldest first, replies of ours included.

        An entry's `key` is the vendor's id of the message, or the key of the `Reply`.
        """
        ...

    async def state(self, thread: str) -> Standing:
        """Return where the thread's case stands."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a thread's case stands. Who speaks on it may know the state, and the id; the rest is for those who serve them."""

    #: The case's id, empty when there is none yet.
    case_id: str = ""
    #: ``none``, ``open``, ``escalated``, ``acknowledged``, ``resolved``.
    state: str = "none"
    #: True when the case stands in a helpdesk: only then may anybody be told so.
    handed_off: bool = False
    #: How urgent it is (P1 … P4), empty when no rule said. Not for the one who speaks, as all that follows.
    priority: str = ""
    #: The rule that escalated it, empty when it is not escalated.
    rule: str = ""
    #: Its ticket's id in the helpdesk, empty when there is none.
    ticket: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A named address of a session source."""

    #: Last part of its path.
    name: str
    #: HTTP method.
    method: str
    #: Answers a request, and checks who asks.
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    #: True for what everybody may have, like a widget's script: it takes nothing in and tells nothing of anybody.
    public: bool = False


class SessionSource(Source):
    """Holds sessions (web chat, bots): owns named endpoints and answers from state that it may read.

    Its endpoints stand at ``/sessions/{connection}/{name}``. Nothing verifies for them: each handler checks who asks,
    and hands what it hears to `Sessions.emit` as a delivery that `parse` reads later.
    """

    @abstractmethod
    def endpoints(self, sessions: Sessions) -> Iterable[Endpoint]:
        """Return the endpoints, once for each object, before `open`; `sessions` is good until `close`."""


class StreamSource(Source):
    """Holds a connection to the vendor (a socket, IMAP) on which deliveries come."""

    @property
    def streaming(self) -> bool:
        """False when the settings leave the stream off, because deliveries come another way. `listen` is not called then."""
        return True

    @abstractmethod
    async def listen(self, since: Cursor | None, emit: Emit) -> None:
        """Emit until cancelled, from where the stream stood; acknowledge upstream only after `emit` returned."""


class Backfill(ABC):
    """Can ask the vendor what happened: webhooks are hints, a poll proves that nothing was missed."""

    @abstractmethod
    async def backfill(self, since: Cursor | None, emit: Emit) -> Cursor:
        """Emit everything since the cursor and return the new one. What was emitted before is harmless."""


class MediaSource(ABC):
    """Has the bytes of files that came with deliveries."""

    @abstractmethod
    def fetch(self, attachment: Attachment, delivery: Delivery) -> AsyncIterator[bytes]:
        """Stream a file's bytes: out of the delivery where they came along, from the vendor otherwise.

        Goes through the guarded session only. Raises `TemporaryFailure` and, when the file is gone or forbidden,
        `PermanentFailure`.
        """


class HandoffTarget(ABC):
    """Takes cases: creates tickets and updates known ones."""

    @abstractmethod
    async def hand_off(self, handoff: Handoff) -> Receipt:
        """Write the handoff. Idempotent on `handoff.key`."""

    @abstractmethod
    async def settle(self, handoff: Handoff) -> Receipt | None:
        """Did it land? The receipt if so, None if it certainly did not. Raises `OutcomeUnknown` while none can tell."""


class Replier(ABC):
    """Answers the customer on their own channel."""

    @abstractmethod
    async def reply(self, reply: Reply) -> Receipt:
        """Post the reply to its frozen destination."""

    @abstractmethod
    async def settle_reply(self, reply: Reply) -> Receipt | None:
        """Did it land? See `HandoffTarget.settle`."""


class Notifier(ABC):
    """Tells agents."""

    @abstractmethod
    async def notify(self, notice: Notice) -> Receipt:
        """Post the notice."""

    @abstractmethod
    async def settle_notice(self, notice: Notice) -> Receipt | None:
        """Did it land? See `HandoffTarget.settle`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterEntry:
    """One agent, as the helpdesk knows them."""

    #: The helpdesk's id.
    id: str
    #: Their name.
    name: str
    #: Groups or teams, by the helpdesk's name.
    groups: tuple[str, ...] = ()
    #: Skills, by the helpdesk's name.
    skills: tuple[str, ...] = ()
    #: True when they can take work now; None when the helpdesk does not say.
    available: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Who works here."""

    #: The agents.
    agents: tuple[RosterEntry, ...]
    #: When it was read, UTC microseconds.
    read_at: int
    #: What a handoff's `group` may be, by the helpdesk's id → name: groups, queues or owners, those without agents too.
    #: None when the helpdesk does not say; then nobody checks what a policy names.
    groups: Mapping[str, str] | None = None


class Directory(ABC):
    """Knows agents, groups and skills. Read-only."""

    @abstractmethod
    async def roster(self) -> Roster:
        """Return the roster now."""


class ProfileSource(ABC):
    """Knows customers. Read-only.

    The policy asks for it where a condition names a field `customer.…`; see `profile` for what the answer may say.
    """

    @abstractmethod
    async def profile(self, contact: Contact) -> Profile:
        """Return what is known of the contact now; a profile without values for somebody whom the system does not know.

        `contact` holds proven identifiers only, and of the vendor's own kinds only those of this connection: nobody
        becomes somebody else by what they typed. Values that conditions know: ``tier`` (a word), ``tags`` (words),
        ``value`` (a number), ``organization`` (a name), ``language`` or ``locale``. Others may stand beside them.

        Raises `TemporaryFailure` and `CredentialsRefused`, and `PermanentFailure` when it may not be read at all.
        """
