"""The `[gateway]` section: where Baton listens, keeps its store, and how much it takes at a time."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

_PORTS = range(65_536)


class Section(BaseModel):
    """A section of `plugins.toml` that is Baton's own."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True, strict=False
    )


class Limits(Section):
    """Bounds of the front door."""

    body: int = Field(default=1_048_576, ge=1_024)
    """Largest request that is read, bytes. A connector that declares more for its own hooks gets more."""

    read_seconds: float = Field(default=10.0, gt=0)
    """Longest a request may take to arrive, seconds."""

    connections_per_peer: int = Field(default=200, ge=1)
    """Connections that one peer may hold open."""

    requests: int = Field(default=512, ge=1)
    """Requests in work at a time; beyond it the answer is 503."""

    sockets: int = Field(default=4_096, ge=1)
    """Sockets of sessions (web chats) that may be open at a time; beyond it the answer is 503."""

    sockets_per_peer: int = Field(default=32, ge=1)
    """Sockets that one visitor's address may hold open, behind trusted proxies too."""

    header: int = Field(default=8_192, ge=512)
    """Longest header line, bytes."""

    headers: int = Field(default=128, ge=16)
    """Number of header lines that a request may carry."""

    disk_free: float = Field(default=0.02, ge=0, lt=1)
    """Share of the disk (0 to 1) that must be free; below it Baton says that it is not ready."""


#: What can be redacted on the way from one vendor to another.
Redacted: TypeAlias = Literal["card", "iban", "security-code", "password"]


class GatewaySection(Section):
    """Baton itself."""

    public_url: str | None = None
    """Where vendors reach Baton, like https://baton.example.com. Needed unless it listens on this machine only."""

    listen: str = "127.0.0.1:8080"
    """Address and port to listen on."""

    data: str = Field(default="baton-data", min_length=1)
    """Directory of the store, its blobs and the admin socket; relative to this file."""

    database: SecretStr | None = None
    """A PostgreSQL URL, for more than one machine. Without it a SQLite file in the data directory is used.
    The environment variable BATON_DATABASE_URL wins over this."""

    policy: str = Field(default="escalation.toml", min_length=1)
    """The escalation policy; relative to this file."""

    shadow: str | None = Field(default=None, min_length=1)
    """A policy that is tried on what comes in and never acts; relative to this file. `baton policy shadow` tells where it would
    have decided otherwise."""

    redact: tuple[Redacted, ...] = ("card", "iban", "security-code", "password")
    """What is redacted when a customer's text goes from one vendor to another: card numbers and IBANs but for their last four
    characters, security codes of cards, and what follows a word like `password:`. Baton's own store keeps the text whole."""

    trusted_proxies: tuple[str, ...] = ()
    """Networks of the reverse proxies in front of Baton: the bound on connections does not hold for them."""

    limits: Limits = Limits()
    """Bounds of the front door."""

    @field_validator("listen")
    @classmethod
    def _listen(cls, value: str) -> str:
        split_address(value)
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            try:
                ip_network(each)
            except ValueError:
                message = f'"{each}" is no network: write one like 10.0.0.0/8 or 192.0.2.7/32'
                raise ValueError(message) from None
        return value

    @field_validator("public_url")
    @classmethod
    def _public_url(cls, value: str | None) -> str | None:
        return None if value is None else _checked_url(value)

    @field_validator("database")
    @classmethod
    def _database(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check_database(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _reachable(self) -> GatewaySection:
        host, _ = split_address(self.listen)
        if self.public_url is None and not is_loopback(host):
            message = f"public_url is missing: it listens on {self.listen}, so say where vendors reach it"
            raise ValueError(message)
        return self


def split_address(value: str) -> tuple[str, int]:
    """Return host and port of ``127.0.0.1:8080`` or ``[::1]:8080``. Raises ValueError with a sentence."""
    host, colon, port = value.rpartition(":")
    if not colon or not port.isdecimal() or int(port) not in _PORTS or not host:
        message = f'"{value}" is no address: write host and port, like 127.0.0.1:8080'
        raise ValueError(message)
    return host.removeprefix("[").removesuffix("]"), int(port)


def is_loopback(host: str) -> bool:
    """Tell whether a host means this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_database(url: str) -> None:
    """Raise ValueError with a sentence when a database URL is of no kind that Baton knows. Never quotes it."""
    if url.partition("://")[0] not in {"sqlite", "postgresql", "postgres"} or "://" not in url:
        message = "this is no database URL that Baton knows: it must begin with postgresql:// or sqlite:///"
        raise ValueError(message)


def _checked_url(value: str) -> str:
    parts = urlsplit(value)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not host:
        message = f'"{value}" is no web address: write one like https://baton.example.com'
        raise ValueError(message)
    if parts.username or parts.password or parts.query or parts.fragment:
        message = "write scheme, host and path only: no user, query or fragment"
        raise ValueError(message)
    if parts.scheme == "http" and not is_loopback(host):
        message = f"it must begin with https://, since {host} is not this machine and signatures alone hide nothing"
        raise ValueError(message)
    return value.rstrip("/")
