"""Peers: which of them are reverse proxies that bring many people."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.config import Network


def is_within(peer: str, networks: Iterable[Network]) -> bool:
    """Tell whether a peer's address is in one of some networks; what is no address is in none."""
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in networks if network.version == address.version)
