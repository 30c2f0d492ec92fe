"""How a connection is, as a value that people and probes may see."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.model import Channel, Mode


class ConnectionState(StrEnum):
    """The states of a connection."""

    #: Not tried yet, or being tried for the first time.
    STARTING = "starting"
    #: In order.
    OK = "ok"
    #: It worked before and does not now: it fell and is being tried again, or several calls or polls in a row failed.
    DEGRADED = "degraded"
    #: It never worked; it is being tried again.
    FAILED = "failed"
    #: The vendor does not accept our credentials; it is tried again rarely, and at a reload.
    CREDENTIALS_REFUSED = "credentials_refused"
    #: Its connector cannot be imported or made; it is tried again at a reload, after an installation mended it.
    ABSENT = "absent"
    #: Closed.
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionStatus:
    """How one connection is."""

    #: Its name.
    name: str
    #: Its connector.
    connector: str
    #: The kind of channel.
    channel: Channel
    #: What it may do.
    mode: Mode
    #: Its state.
    state: ConnectionState
    #: The last error's sentence, empty when there was none since it last worked.
    error: str
    #: When it last worked, UTC microseconds; None when never.
    last_success_at: int | None
