"""What `plugins.toml` says, as frozen values. No value here shows a secret when it is printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, TypeAlias

from gateway.config.cases import CasesSection
from gateway.config.section import Limits
from gateway.model import Channel, Mode
from gateway.sdk import ConnectionSettings, ConnectorSpec
from gateway.toml import Problem

#: A range of addresses.
Network: TypeAlias = IPv4Network | IPv6Network

#: Any connector's spec: the settings class differs, nothing else does.
AnySpec: TypeAlias = ConnectorSpec[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionConfig:
    """One connection: a connector with its settings, switched on for one channel."""

    #: Its name, unique over all channels; part of the hook's path.
    name: str
    #: The channel it is switched on for.
    channel: Channel
    #: The connector.
    spec: AnySpec
    #: What it may do to the outside.
    mode: Mode
    #: False: kept in the file, not run.
    enabled: bool
    #: Its earlier name; the store's id of the connection survives the change.
    renamed_from: str | None
    #: The connector's own settings, None when the connection is not enabled. Secrets in it print as stars.
    settings: ConnectionSettings | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A whole valid configuration: a snapshot that never changes."""

    #: The file it came from, as it was named.
    file: str
    #: Its text. It holds names of secrets, never a secret.
    text: str = field(repr=False)
    #: SHA-256 of the text, hexadecimal.
    digest: str
    #: Where vendors reach us: scheme, host and path, without a slash at the end.
    public_url: str
    #: Address to listen on.
    host: str
    #: Port to listen on; 0 lets the system choose.
    port: int
    #: Directory of the store, its blobs and the admin socket.
    data: Path
    #: Where the store is. It may hold a password.
    database: str = field(repr=False)
    #: The escalation policy.
    policy: Path
    #: A policy that is tried beside it and never acts, None for none.
    shadow: Path | None = None
    #: What becomes one case.
    cases: CasesSection = field(default_factory=CasesSection)
    #: Bounds of the front door.
    limits: Limits = field(default_factory=Limits)
    #: What is redacted when text crosses from one vendor to another: ``card``, ``iban``, ``security-code``, ``password``.
    redact: tuple[str, ...] = ()
    #: Reverse proxies: many people come over one of their addresses.
    trusted_proxies: tuple[Network, ...] = ()
    #: The connections by name, in the file's order.
    connections: Mapping[str, ConnectionConfig] = field(default_factory=dict[str, ConnectionConfig])
    #: Live secret values, for the one who must keep them out of every output.
    secrets: tuple[str, ...] = field(default=(), repr=False)
    #: What does not stop the gateway but somebody should mend: a connector whose extra is not installed.
    warnings: tuple[Problem, ...] = ()

    @property
    def running(self) -> tuple[ConnectionConfig, ...]:
        """Return the connections that are switched on."""
        return tuple(connection for connection in self.connections.values() if connection.enabled)
