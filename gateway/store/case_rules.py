"""How threads become cases: what a company decides about joining, reopening, and numbers that change hands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from gateway.model import Evidence, Party

DAY: Final = 86_400_000_000
#: Kinds of canonical identifiers by which the same person is known on several connections.
EMAIL: Final = "email"
PHONE: Final = "phone"

#: From kind and vendor's spelling of an identifier to kind and canonical spelling, None where there is none.
Canonical: TypeAlias = Callable[[str, str], tuple[str, str] | None]


def _none(kind: str, value: str) -> None:  # noqa: ARG001 (the signature is the other's)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRules:
    """The rules in force, handed in with each batch, so that a reload needs no store to be opened again."""

    #: A new thread of a proven person joins their one open case if that was active within this, microseconds; None: never.
    join_within: int | None = 3 * DAY
    #: A customer reopens a resolved case within this, microseconds; later they begin a new one. None: they always reopen it.
    reopen_within: int | None = 7 * DAY
    #: A telephone number that was silent for longer belongs to somebody else now, microseconds. 45 days: the shortest time for
    #: which the FCC lets networks keep a number back before they give it out again (FCC 18-177, 2018).
    phone_reused_after: int = 45 * DAY
    #: How identifiers are compared.
    canonical: Canonical = _none

    def crossing(self, kind: str, value: str) -> str | None:
        """Return what an identifier is called on all connections (``email:…``, ``phone:…``), None when it is not."""
        found = self.canonical(kind, value)
        return f"{found[0]}:{found[1]}" if found is not None and found[0] in {EMAIL, PHONE} else None

    def known_as(self, party: Party) -> str | None:
        """Return what somebody is called on all connections.

        Who is verified is so with the e-mail address that was given along: a site signs both for its user, or neither.
        """
        own = self.crossing(party.kind, party.value)
        if own is None and party.email and party.evidence is Evidence.VERIFIED:
            return self.crossing(EMAIL, party.email)
        return own

    def claim_of(self, party: Party) -> str | None:
        """Return the e-mail address that somebody gave and nobody proved, as it is called on all connections."""
        if not party.email or party.evidence is Evidence.VERIFIED:
            return None
        return self.crossing(EMAIL, party.email)


def proves(party: Party) -> bool:
    """Tell whether somebody is proven to be who they say.

    A connection vouches for the ids of its own vendor and for the number that a network delivered a call or a text from. A mail
    proves its sender only when it was verified (DMARC): a relay that accepted it attests to nothing.
    """
    if party.evidence is Evidence.CLAIMED:
        return False
    return party.kind != EMAIL or party.evidence is Evidence.VERIFIED
