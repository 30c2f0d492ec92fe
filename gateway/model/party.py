"""Who speaks, on what kind of channel, and how far Baton may act."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Channel(StrEnum):
    """A kind of channel. `plugins.toml` has one section for each."""

    CHAT = "chat"
    EMAIL = "email"
    PHONE = "phone"
    MESSAGING = "messaging"
    HELPDESK = "helpdesk"


class Mode(StrEnum):
    """What a connection or a rule may do to the outside."""

    #: Nothing at all is changed at the vendor; what would have been sent is written down and shown.
    OBSERVE = "observe"
    #: Internal notes on tickets that exist, and notices to agents; nothing that a customer could see.
    NOTES = "notes"
    #: Everything.
    LIVE = "live"


class Role(StrEnum):
    """On which side of the conversation somebody stands."""

    CUSTOMER = "customer"
    AGENT = "agent"
    BOT = "bot"
    SYSTEM = "system"


class Audience(StrEnum):
    """Who may read a text. A text without a known audience is internal."""

    PUBLIC = "public"
    INTERNAL = "internal"


class Evidence(StrEnum):
    """How we know an identifier: a claim proves nothing, and never links two people."""

    VERIFIED = "verified"
    ATTESTED = "attested"
    CLAIMED = "claimed"


class Party(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Somebody, as one connection knows them."""

    #: What sort of identifier `value` is: ``slack_user``, ``zendesk_user``, ``email``, ``phone`` …
    kind: str
    #: The identifier itself, in the vendor's spelling.
    value: str
    #: The name to show, empty when unknown.
    name: str = ""
    #: Which side of the conversation they are on.
    role: Role = Role.CUSTOMER
    #: How far the identifier is proven.
    evidence: Evidence = Evidence.ATTESTED
    #: An e-mail address that the vendor gave along, empty when none.
    email: str = ""
