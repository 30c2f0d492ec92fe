"""The HTTP session that a connector is given: it reaches public addresses, and what the admin named, and nothing else.

The guard sits where the socket is made, so that literal addresses, names, redirects and rebinding all pass it. aiohttp would
send a GET, PUT or DELETE again by itself when a connection breaks; that is off: repeating is the host's to decide.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from gateway.sdk import LOOPBACK

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_6TO4: Final = ipaddress.ip_network("2002::/16")
#: All of IPv6 that is assigned to the public internet. What `is_global` calls global beyond it (site-local addresses, NAT64
#: prefixes of a network's own, embedded IPv4) leads inside wherever it leads at all.
_UNICAST: Final = ipaddress.ip_network("2000::/3")
_TIMEOUT: Final = aiohttp.ClientTimeout(total=60, connect=10, sock_read=30)
_CONNECTIONS: Final = 32


class ForbiddenAddressError(OSError):
    """An address inside this network, which no connector may reach."""


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to the public internet, whatever form it hides in."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)))
        if ip in _6TO4:
            return is_public(str(ipaddress.IPv4Address((int(ip) >> 80) & 0xFFFF_FFFF)))
        if ip not in _UNICAST:
            return False
    return ip.is_global and not ip.is_multicast


def loopback_doors(settings: object) -> frozenset[int]:
    """Return the ports of this machine that a connection's settings name: a sandbox, or a vendor's proxy beside us."""
    values: Iterable[Any] = vars(settings).values() if settings is not None else ()
    doors: set[int] = set()
    for value in values:
        if isinstance(value, str) and value.startswith(("http://", "https://", "ws://", "wss://")):
            parts = urlsplit(value)
            if parts.hostname in LOOPBACK:
                doors.add(parts.port or (443 if parts.scheme in {"https", "wss"} else 80))
    return frozenset(doors)


def make_session(doors: frozenset[int] = frozenset()) -> aiohttp.ClientSession:
    """Make a guarded session; `doors` are ports of this machine that it may reach besides public addresses."""

    def guard(info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, address = info
        host, port = str(address[0]), int(address[1])
        ours = ipaddress.ip_address(host.partition("%")[0]).is_loopback and port in doors
        if not ours and not is_public(host):
            raise ForbiddenAddressError(f"{host} is not a public address, and no setting of this connection names it")
        return socket.socket(family=family, type=kind, proto=protocol)

    connector = aiohttp.TCPConnector(limit=_CONNECTIONS, socket_factory=guard)
    session = aiohttp.ClientSession(
        connector=connector, timeout=_TIMEOUT, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
    )
    session._retry_connection = False  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] (no public switch: aiohttp #10790)
    return session
