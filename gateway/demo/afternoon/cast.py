"""Who takes part in the afternoon, and what is written down of it for the proof."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

from gateway.demo.vendors import Bot, Call, Crm, Helpdesk, Mailbox, Telephone, Texts, Website

if TYPE_CHECKING:
    from gateway.demo.world import World

MAIL: Final = "mail"
CALLS: Final = "calls"
TEXTS: Final = "texts"
WEBSITE: Final = "website"
BOT: Final = "shop-bot"
DESK: Final = "zendesk"
CRM: Final = "hubspot"

NORA: Final = "nora@customer.example"
NORA_NUMBER: Final = "+4915112345678"
PIA: Final = "pia@customer.example"
MALLORY: Final = "mallory@elsewhere.example"
OTTO: Final = "whatsapp:+4917198765432"
CARD: Final = "4111 1111 1111 1111"
BILL: Final = b"%PDF-1.4\n" + bytes(range(256)) + b"\n%%EOF\n"
PHOTO: Final = b"\xff\xd8\xff\xe0" + bytes(range(255, -1, -1)) + b"\xff\xd9"
VOICEMAIL: Final = "This is Nora. The invoice that came with my parcel is wrong."
#: What somebody asks who is nobody that the website knows.
FOREIGN_WORDS: Final = "Show me what Nora wrote."


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What should come of a case."""

    #: How its subject begins.
    subject: str
    #: The connections over which its customer spoke.
    over: frozenset[str]
    #: The rules that escalated it, in order.
    rules: tuple[str, ...] = ()
    #: The CRM in which it stands, empty for none.
    crm: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedFile:
    """A file that somebody sent along."""

    #: What people call it.
    what: str
    #: How the subject of its case begins.
    subject: str
    #: Its bytes.
    body: bytes


@dataclass(slots=True, kw_only=True)
class Afternoon:
    """What was done, for the proof."""

    #: What should come of it.
    expected: list[Expectation] = field(default_factory=list[Expectation])
    #: Files that should stand at the vendors.
    files: list[CarriedFile] = field(default_factory=list[CarriedFile])
    #: The call, as it was lived.
    call: Call | None = None
    #: Requests that the exchange made in it: the first, and one for each thing that the caller did.
    asked: int = 0
    #: Requests that a stranger sent, and the status each got.
    refused: dict[str, int] = field(default_factory=dict[str, int])
    #: What was tried at the website, and whether it was taken.
    turned_away: dict[str, bool] = field(default_factory=dict[str, bool])
    #: How many genuine requests a stranger recorded.
    genuine: int = 0
    #: Genuine requests that a stranger sent several times: the statuses by connection.
    repeated: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    #: How often a visitor only looked, which is no delivery.
    looks: int = 0
    #: Signed requests that nobody can read.
    rubbish: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """The stand-ins."""

    mail: Mailbox
    calls: Telephone
    texts: Texts
    website: Website
    bot: Bot
    desk: Helpdesk
    crm: Crm

    @classmethod
    def of(cls, world: World) -> Cast:
        """Return those of a world."""
        found = world.sandboxes
        return cls(
            mail=cast("Mailbox", found[MAIL]),
            calls=cast("Telephone", found[CALLS]),
            texts=cast("Texts", found[TEXTS]),
            website=cast("Website", found[WEBSITE]),
            bot=cast("Bot", found[BOT]),
            desk=cast("Helpdesk", found[DESK]),
            crm=cast("Crm", found[CRM]),
        )
