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
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeAlias, TypeVar

from gateway.sdk.delivery import Ack
from gateway.sdk.spec import SettingsT

if TYPE_CHECKING:
    from logging import Logger, LoggerAdapter

    from aiohttp import ClientSession, web

    from gateway.model import ChannelEvent, Contact, Handoff, Notice, Receipt, Reply
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

    def now(self) -> int:
        """Return the time, UTC microseconds."""
        ...

    async def run_blocking(self, call: Callable[[], T]) -> T:
        """Run a blocking call in the connection's own bounded pool of threads, with the caller's context variables."""
        ...


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


class Source(ABC):
    """Brings deliveries in."""

    @abstractmethod
    def parse(self, delivery: Delivery) -> Iterable[ChannelEvent]:
        """Say what happened. Pure: no I/O, no clock, the same delivery always yields the same events.

        An event of a kind that the connector does not know yields nothing. Raises `UnreadableDelivery`.
        """


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A named address of a session source."""

    #: Last part of its path.
    name: str
    #: HTTP method.
    method: str
    #: Answers a request; verified like a hook.
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]


class SessionSource(Source):
    """Holds sessions (web chat, calls): owns named endpoints and answers from state that it may read."""

    @abstractmethod
    def endpoints(self) -> Iterable[Endpoint]:
        """Return the endpoints, once, after `open`."""


class StreamSource(Source):
    """Holds a connection to the vendor (a socket, IMAP) on which deliveries come."""

    @abstractmethod
    async def listen(self, emit: Emit) -> None:
        """Emit until cancelled; acknowledge upstream only after `emit` returned."""


class Backfill(ABC):
    """Can ask the vendor what happened: webhooks are hints, a poll proves that nothing was missed."""

    @abstractmethod
    async def backfill(self, since: Cursor | None, emit: Emit) -> Cursor:
        """Emit everything since the cursor and return the new one. What was emitted before is harmless."""


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


class Directory(ABC):
    """Knows agents, groups and skills. Read-only."""

    @abstractmethod
    async def roster(self) -> Roster:
        """Return the roster now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a system knows of a customer."""

    #: Values by our names: ``tier``, ``organization``, ``value``, ``orders`` …
    values: Mapping[str, object]
    #: When it was read, UTC microseconds.
    read_at: int


class ProfileSource(ABC):
    """Knows customers. Read-only."""

    @abstractmethod
    async def profile(self, contact: Contact) -> Profile:
        """Return what is known of the contact now."""
