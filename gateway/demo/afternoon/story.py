"""The story: Nora on every channel, some who are not Nora, and machines."""

from __future__ import annotations

from email import message_from_bytes
from typing import TYPE_CHECKING, Final

from gateway.demo.afternoon.cast import (
    BILL,
    BOT,
    CALLS,
    CARD,
    CRM,
    DESK,
    MAIL,
    MALLORY,
    NORA,
    NORA_NUMBER,
    OTTO,
    PHOTO,
    PIA,
    TEXTS,
    VOICEMAIL,
    WEBSITE,
    Afternoon,
    CarriedFile,
    Cast,
    Expectation,
)
from gateway.demo.afternoon.letters import Mail, bounced, written
from gateway.demo.afternoon.strangers import strangers

if TYPE_CHECKING:
    from gateway.demo.world import World

_TALK: Final = "talk-7"
#: The CRM's stage of tickets that are done.
_CLOSED: Final = "4"


async def play(world: World) -> Afternoon:
    """Play the afternoon."""
    them, afternoon = Cast.of(world), Afternoon()
    await _nora_writes(world, them, afternoon)
    await _nora_calls(world, them, afternoon)
    await _others(world, them, afternoon)
    await _not_nora(world, them, afternoon)
    await strangers(world, them, afternoon)
    await world.at(16, 0)
    return afternoon


async def _mail(world: World, them: Cast, mail: Mail) -> None:
    them.mail.mail_comes(written(mail, them.mail.address, world.clock.now()))
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
            message_id="<2@customer.example>",
            answers=first,
        ),
    )
    afternoon.expected.append(
        Expectation(subject="Parcel 4711", over=frozenset({MAIL, WEBSITE}), rules=("writer-wants-person",), crm=DESK)
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
        Expectation(subject="Does the code SPRING", over=frozenset({WEBSITE}), rules=("writer-wants-person",), crm=DESK)
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
            message_id="<5@elsewhere.example>",
            dmarc="fail",
            answers=ours,
            headers=(("Reply-To", MALLORY),),
        ),
    )
    afternoon.expected.append(Expectation(subject="Re: Parcel 4711", over=frozenset({MAIL})))
