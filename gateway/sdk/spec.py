"""What a plugin registers: one light object. Its factory and the vendor's SDK are imported when first needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from gateway.sdk.settings import ConnectionSettings

if TYPE_CHECKING:
    from gateway.model import Channel

#: Number of the plugin contract. It grows when an existing plugin would break.
CONTRACT: Final = 1

SettingsT = TypeVar("SettingsT", bound=ConnectionSettings)


class Idempotency(StrEnum):
    """How a vendor keeps the same write from landing twice."""

    #: It honours a key of ours with each write.
    KEY = "key"
    #: It has none, but what we wrote can be found again by an id of ours.
    LOOKUP = "lookup"
    #: Neither: an unknown outcome waits for a person.
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """A limit of the vendor. The host keeps it; a connector never waits."""

    #: What is counted: ``connection`` (all calls), ``ticket`` (writes to one ticket).
    scope: str
    #: Calls allowed …
    calls: int
    #: … in this many seconds.
    seconds: float


class Oversize(StrEnum):
    """What becomes of a request that is larger than `Capabilities.max_delivery`."""

    #: It is answered 413: the vendor keeps it, or tells somebody.
    REFUSE = "refuse"
    #: Its beginning is kept and acknowledged, and says how large it was: for vendors that a 413 would make lose it.
    CUT = "cut"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a connector can do and must not do: declared, not guessed. The vendor's page stands in its README."""

    #: How a repeated write is kept from landing twice.
    idempotency: Idempotency = Idempotency.NONE
    #: Limits of the vendor.
    limits: tuple[RateLimit, ...] = ()
    #: Longest a call may take, seconds. An effect without an answer after this, and a grace, has an unknown outcome.
    call_timeout: float = 20.0
    #: Largest delivery that is accepted, bytes.
    max_delivery: int = 1_048_576
    #: What becomes of a larger one. A signature over the whole body does not fit what was cut.
    oversize: Oversize = Oversize.REFUSE
    #: Longest text of a reply, characters; None when the vendor states none.
    max_text: int | None = None
    #: Scopes or rights that the credentials need, least privilege, in the vendor's words.
    scopes: tuple[str, ...] = ()
    #: Names of the hook endpoints; one empty name when there is only one.
    endpoints: tuple[str, ...] = ("",)
    #: Events kept of one delivery at most; more is refused as unreadable.
    max_events: int = 1_000
    #: How often the vendor is asked what was missed, seconds; None when never. For those that are a `Backfill`.
    poll_every: float | None = None
    #: Largest file that the vendor takes with a ticket or a reply, bytes; None when it takes none.
    max_file: int | None = None
    #: How long after the customer's last message replies may go out freely, seconds; None when always.
    window: float | None = None
    #: True for a source of bytes that anybody may send (mail): the host runs `parse` in a process of its own that may take 5 s of
    #: processor time and 256 MB for a delivery. The class and its settings must be importable and picklable there.
    parse_apart: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorSpec(Generic[SettingsT]):
    """A connector, as the host knows it before it imports it."""

    #: lower_snake; the key `connector` in `plugins.toml`.
    name: str
    #: What people call the vendor.
    title: str
    #: The kinds of channel it can be switched on for.
    channels: frozenset[Channel]
    #: Its settings; validated before the factory is imported.
    settings: type[SettingsT]
    #: ``package.module:Class`` of the connector.
    factory: str
    #: The pip extra of `baton-gateway`, or the distribution, that brings the vendor's SDK; None when it needs none.
    extra: str | None = None
    #: ``package.module:Class`` of the sandbox; None when there is none.
    sandbox: str | None = None
    #: What it can and must not do.
    capabilities: Capabilities = field(default_factory=Capabilities)
    #: The contract it was written for.
    contract: int = CONTRACT
