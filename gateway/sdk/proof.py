"""How a helpdesk may address a customer: by what is proven of them, and by nothing that somebody only typed."""

from __future__ import annotations

from gateway.model import Evidence, Party


def proven_address(party: Party | None) -> str:
    """Return a customer's e-mail address in small letters; empty when there is none, or when they only claimed it.

    A ticket that is made for an address is answered there: who types another one's must not have them mailed.
    """
    if party is None or party.evidence is Evidence.CLAIMED:
        return ""
    address = party.value if party.kind == "email" else party.email
    return address.strip().lower() if address.count("@") == 1 else ""
