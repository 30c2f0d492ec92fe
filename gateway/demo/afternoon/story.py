"""The story: Nora on every channel, some who are not Nora, machines, and strangers on the line."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import TYPE_CHECKING, Final, cast

from gateway.demo import stranger
from gateway.demo.afternoon.letters import Mail, bounced, written
from gateway.demo.vendors import Bot, Call, Crm, Helpdesk, Mailbox, Telephone, Texts, Webhooks, Website
from gateway.testing.webhooks import Webhook

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
_TALK: Final = "talk-7"
_CLOSED: Final = "4"


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


async def play(world: World) -> Afternoon:
    """Play the afternoon."""
    them, afternoon = Cast.of(world), Afternoon()
    await _nora_writes(world, them, afternoon)
    await _nora_calls(world, them, afternoon)
    await _others(world, them, afternoon)
    await _not_nora(world, them, afternoon)
    await _strangers(world, them, afternoon)
    await world.at(16, 0)
    return afternoon


async def _mail(world: World, them: Cast, mail: Mail) -> None:
    them.mail.mail_comes(written(mail, them.mail.address))
    await world.rest()


def message_id_of(raw: bytes) -> str:
    """Return the Message-ID of a mail."""
    return str(message_from_bytes(raw)["Message-ID"])


async def _nora_writes(world: World, them: Cast, afternoon: Afternoon) -> None:
    """By mail, and signed in on the website: both proven, so it is one case."""
    first, nora = "<1@customer.example>", "Nora Nolan"
    await _mail(
        world,
        them,
        Mail(
            sender=NORA,
            name=nora,
            subject="Parcel 4711",
            text="Where is my parcel 4711? It should have been here on Monday.",
            at=world.clock.now(),
            message_id=first,
        ),
    )
    await world.at(13, 5)
    them.website.logs_in(nora, "customer-17", NORA)
    them.website.visitor_writes(nora, "I am looking at the tracking page now, and it is empty.")
    await world.at(13, 10)
    await _mail(
        world,
        them,
        Mail(
            sender=NORA,
            name=nora,
            subject="Re: Parcel 4711",
            text="Please let me talk to a human.",
            at=world.clock.now(),
            message_id="<2@customer.example>",
            answers=first,
        ),
    )
    afternoon.expected.append(
        Expectation(
            subject="Parcel 4711", over=frozenset({MAIL, WEBSITE}), rules=("writer-wants-person",), crm=DESK
        )
    )
    await world.at(13, 12)
    ours = message_id_of(them.mail.received_by(NORA)[-1])
    await _mail(
        world,
        them,
        Mail(
            sender=NORA,
            name=nora,
            subject="Out of office: Re: Parcel 4711",
            text="I am away until four o'clock and want to talk to a human then.",
            at=world.clock.now(),
            message_id="<3@customer.example>",
            answers=ours,
            headers=(("Auto-Submitted", "auto-replied"),),
        ),
    )
    await world.at(13, 15)
    ticket = next(iter(them.desk.account.tickets))
    them.desk.agent_comments(ticket, "It leaves the depot today. I am sorry for the delay.", name="Anna Agent")


async def _nora_calls(world: World, them: Cast, afternoon: Afternoon) -> None:
    """By telephone and text: one number, which both networks vouch for, so it is one case. Nothing ties it to the mail's."""
    await world.at(13, 30)
    moves = ("press:1", f"record:{VOICEMAIL}")
    afternoon.call = await them.calls.call(world.hooks(CALLS), NORA_NUMBER, moves)
    afternoon.asked = 1 + len(moves)
    await world.at(13, 35)
    them.texts.person_texts(NORA_NUMBER, "I left you a voicemail. Can I talk to a human, please?")
    await world.rest()
    them.texts.carries()
    afternoon.expected.append(
        Expectation(
            subject="This is Nora",
            over=frozenset({CALLS, TEXTS}),
            rules=("caller-wants-person", "caller-wants-manager"),
            crm=CRM,
        )
    )
    afternoon.files.append(CarriedFile(what="the voicemail", subject="This is Nora", body=VOICEMAIL.encode()))
    await world.at(13, 50)
    ticket = next(iter(them.crm.portal.records["tickets"]))
    them.crm.agent_sets(ticket, "hs_pipeline_stage", _CLOSED)
    await world.at(13, 55)
    them.texts.person_texts(NORA_NUMBER, "STOP")
    await world.at(14, 0)
    them.texts.person_texts(NORA_NUMBER, "It is still wrong. I want to speak to a manager.")


async def _others(world: World, them: Cast, afternoon: Afternoon) -> None:
    """Files, a card number, a mail that comes back, a picture by WhatsApp, and a visitor whom nobody knows."""
    await world.at(14, 10)
    await _mail(
        world,
        them,
        Mail(
            sender=PIA,
            name="Pia Pohl",
            subject="Bill 88",
            text=f"I was charged twice, on card {CARD}. The bill is attached.",
            at=world.clock.now(),
            message_id="<4@customer.example>",
            file=("bill.pdf", BILL),
        ),
    )
    afternoon.expected.append(
        Expectation(subject="Bill 88", over=frozenset({MAIL}), rules=("disputed-charge",), crm=DESK)
    )
    afternoon.files.append(CarriedFile(what="the bill", subject="Bill 88", body=BILL))
    ours = message_id_of(them.mail.received_by(PIA)[-1])
    them.mail.mail_comes(bounced(PIA, ours, them.mail.address, world.clock.now()))
    await world.at(14, 15)
    them.texts.person_texts(
        OTTO, "The cup is broken. Can I talk to a person?", name="Otto", files=[("image/jpeg", PHOTO)]
    )
    afternoon.expected.append(
        Expectation(subject="The cup is broken", over=frozenset({TEXTS}), rules=("caller-wants-person",), crm=CRM)
    )
    afternoon.files.append(CarriedFile(what="the picture", subject="The cup is broken", body=PHOTO))
    await world.at(14, 20)
    them.texts.carries()
    them.website.visitor_writes("Vera", "Does the code SPRING work for gift cards?")
    await world.rest()
    them.website.visitor_presses("Vera")
    await world.at(14, 25)
    them.website.visitor_looks("Vera")
    afternoon.looks += 1
    afternoon.expected.append(
        Expectation(
            subject="Does the code SPRING", over=frozenset({WEBSITE}), rules=("writer-wants-person",), crm=DESK
        )
    )


async def _not_nora(world: World, them: Cast, afternoon: Afternoon) -> None:
    """Somebody who types her address, and somebody who forges her mail: claims, so each is a case of its own."""
    await world.at(14, 40)
    turn = {"id": "turn-a", "role": "customer", "text": "What did you write to me about my order?"}
    who = {"id": "guest-7", "name": "Nora Nolan", "email": NORA}
    them.bot.posts({"type": "turns", "conversation": _TALK, "customer": who, "turns": [turn]})
    await world.rest()
    them.bot.bot_says(_TALK, "I did not understand that.", confidence=0.21, fallback=True)
    them.bot.bot_says(_TALK, "I still did not understand that.", confidence=0.14, fallback=True)
    await world.at(14, 42)
    them.bot.bot_gives_up(_TALK, "Two fallbacks in a row")
    afternoon.expected.append(
        Expectation(subject="What did you write to me", over=frozenset({BOT}), rules=("bot-gives-up",), crm=DESK)
    )
    await world.at(14, 50)
    ours = message_id_of(them.mail.received_by(NORA)[-1])
    await _mail(
        world,
        them,
        Mail(
            sender=NORA,
            name="Nora Nolan",
            subject="Re: Parcel 4711",
            text="I moved. Please send everything to my new address.",
            at=world.clock.now(),
            message_id="<5@elsewhere.example>",
            dmarc="fail",
            answers=ours,
            headers=(("Reply-To", MALLORY),),
        ),
    )
    afternoon.expected.append(Expectation(subject="Re: Parcel 4711", over=frozenset({MAIL})))


async def _strangers(world: World, them: Cast, afternoon: Afternoon) -> None:
    """Record a genuine request on each hook, send it on, and then everything that must not work."""
    await world.at(15, 0)
    senders: Mapping[str, Webhooks] = {
        TEXTS: them.texts.webhooks,
        CALLS: them.calls.webhooks,
        BOT: them.bot.webhooks,
        DESK: them.desk.webhooks,
        CRM: them.crm.webhooks,
    }
    them.texts.person_texts("+4916055511122", "When do you open on Friday?")
    them.calls.call_elsewhere("+4916055533344", "no-answer")
    turn = {"id": "turn-b", "role": "customer", "text": "Do you ship to Norway?"}
    them.bot.posts({"type": "turns", "conversation": "talk-8", "turns": [turn]})
    them.desk.customer_writes("Kim Kuhn", "Opening hours", "When are you open on Friday?", via="email")
    them.crm.customer_writes("Lars Lund", "Spare parts", "Do you have spare parts for model 12?")
    for subject, connection, crm in (
        ("When do you open", TEXTS, ""),
        ("", CALLS, ""),
        ("Do you ship to Norway", BOT, ""),
        ("Opening hours", DESK, DESK),
        ("", CRM, CRM),
    ):
        afternoon.expected.append(Expectation(subject=subject, over=frozenset({connection}), crm=crm))
    async with stranger.recorder() as line:
        for connection, sender in senders.items():
            del line.requests[:]
            await sender.send(line.url)
            await _abuse(world.hooks(connection), connection, line.requests, afternoon)
    # Signed, and nobody can read it: the vendors' own mistakes.
    headers = {"Content-Type": "application/json"}
    them.bot.webhooks.waiting.append(Webhook(endpoint="", body=b'{"type": "turns", "conv', headers=headers))
    them.crm.webhooks.waiting.append(Webhook(endpoint="", body=b'[{"subscriptionType": "tick', headers=headers))
    afternoon.rubbish = 2
    await _at_the_website(world, them, afternoon)


async def _abuse(url: str, connection: str, genuine: list[stranger.Recorded], afternoon: Afternoon) -> None:
    afternoon.genuine += len(genuine)
    for number, each in enumerate(genuine):
        if number == 0:
            changed = each.body.replace(b"e", b"3", 1)
            for words, status in (
                ("changed body", await asyncio.to_thread(stranger.send, url, each, body=changed)),
                ("no signature", await asyncio.to_thread(stranger.send, url, each, drop="signature")),
                ("forged signature", await asyncio.to_thread(stranger.send, url, each, change="signature")),
            ):
                afternoon.refused[f"{words} to {connection}"] = status
        for _ in range(3):
            answer = await asyncio.to_thread(stranger.send, url, each)
            afternoon.repeated.setdefault(connection, []).append(answer)


async def _at_the_website(world: World, them: Cast, afternoon: Afternoon) -> None:
    """A visitor with an identity that the site never signed, and a widget on another site."""
    await world.rest()
    nora = them.website.visitor("Nora Nolan")
    head, _, seal = nora.identity.rpartition(".")
    them.website.visitor("Mallory").identity = f"{head}.{seal[::-1]}"
    them.website.visitor("Moritz").origin = "https://elsewhere.example"
    for name, words in (("Mallory", "forged identity"), ("Moritz", "widget on another site")):
        before = len(world.answers.get(WEBSITE, []))
        them.website.visitor_writes(name, FOREIGN_WORDS)
        await world.rest()
        afternoon.turned_away[f"{words} at {WEBSITE}"] = any(world.answers[WEBSITE][before:])
