"""The story: what people, robots and strangers do on this morning, and what should come of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

from gateway.demo import stranger
from gateway.demo.vendors import Chat, Helpdesk
from gateway.testing.webhooks import Webhook

if TYPE_CHECKING:
    from gateway.demo.world import World

CHAT: Final = "support-slack"
DESK: Final = "zendesk"
#: A direct conversation.
_DIRECT_DORA: Final = "D0DORA"
_DIRECT_EMIL: Final = "D0EMIL"
_SUPPORT: Final = "C0SUPPORT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What should come of a case, by the first words of it."""

    #: How the case's subject begins.
    subject: str
    #: The rule that escalated it, empty for none.
    rule: str = ""
    #: True when it should stand on a ticket.
    ticket: bool = True


@dataclass(slots=True, kw_only=True)
class Morning:
    """What was done, for the report."""

    #: What should come of it.
    expected: list[Expectation] = field(default_factory=list[Expectation])
    #: Requests that a stranger sent, and the status each got.
    refused: dict[str, int] = field(default_factory=dict[str, int])
    #: Genuine requests that a stranger sent once more, and the status each got.
    repeated: list[int] = field(default_factory=list[int])
    #: Signed requests that nobody can read.
    rubbish: int = 0


async def play(world: World) -> Morning:
    """Play the morning."""
    chat = cast("Chat", world.sandboxes[CHAT])
    desk = cast("Helpdesk", world.sandboxes[DESK])
    morning = Morning()
    await _nine(world, chat, morning)
    await _half_past_nine(world, chat, desk, morning)
    await _ten(world, chat, desk, morning)
    await _strangers(world, chat, desk, morning)
    await world.at(11, 40)
    return morning


async def _nine(world: World, chat: Chat, morning: Morning) -> None:
    first = chat.person_writes("U0BEN", "Good morning, where can I find last month's invoce?", name="Ben Berg")
    await world.rest()
    chat.person_edits(_SUPPORT, first, "Good morning, where can I find last month's invoice?")
    await world.at(9, 4)
    chat.person_writes("U0BEN", "Found it, thank you!", thread=first, name="Ben Berg")
    morning.expected.append(Expectation(subject="Good morning, where can I find"))

    chat.bot_writes("deploybot", "Deploy 812 done. Error 500 rate is back to normal.")
    morning.expected.append(Expectation(subject="", ticket=False))
    await world.at(9, 10)

    chat.person_writes("U0CARLA", "I was charged twice this month. Please look into it.", name="Carla Conti")
    morning.expected.append(Expectation(subject="I was charged twice", rule="disputed-charge"))
    await world.at(9, 14)
    notice = chat.messages("second-line")[-1]
    chat.agent_acknowledges("U0ALEX", notice, "C0SECOND", name="Alex Agent")
    await world.rest()


async def _half_past_nine(world: World, chat: Chat, desk: Helpdesk, morning: Morning) -> None:
    await world.at(9, 20)
    chat.person_writes("U0DORA", "Hello? My order 4711 has not come.", channel=_DIRECT_DORA, name="Dora Diaz")
    await world.at(9, 24)
    chat.person_writes("U0DORA", "Please, can I talk to a human?", channel=_DIRECT_DORA, name="Dora Diaz")
    morning.expected.append(Expectation(subject="Hello? My order 4711", rule="wants-person"))

    await world.at(9, 30)
    desk.customer_writes(
        "Gina Gold", "Cannot log in", "Since eight o'clock nobody can log in here. Is it down?", via="email"
    )
    morning.expected.append(Expectation(subject="Cannot log in", rule="service-down"))
    form = desk.customer_writes("Hugo Hahn", "New address", "How do I change my delivery address?", via="web")
    morning.expected.append(Expectation(subject="New address", ticket=False))
    await world.at(9, 35)
    desk.agent_comments(form, "In your profile, under Addresses.", name="Anna Agent")
    await world.rest()
    desk.agent_sets_status(form, "solved", name="Anna Agent")
    found = next(each.id for each in desk.account.tickets.values() if each.subject.startswith("Good morning"))
    desk.agent_sets_status(found, "solved", name="Anna Agent")
    # Nobody will look at this one: two hours later, the clock does.
    desk.customer_writes("Lea Lang", "A copy of my invoice", "Please send me a copy of invoice 77.", via="email")
    morning.expected.append(Expectation(subject="A copy of my invoice", rule="no-answer-in-time"))
    # Quarter of an hour has passed, and nobody has taken Dora's case.
    await world.at(9, 40)


async def _ten(world: World, chat: Chat, desk: Helpdesk, morning: Morning) -> None:
    chat.person_writes("U0EMIL", "The export gives me an empty file.", channel=_DIRECT_EMIL, name="Emil Ek")
    await world.rest()
    chat.bot_writes("helpbot", "Have you tried another browser?", channel=_DIRECT_EMIL)
    await world.at(10, 1)
    chat.person_writes("U0EMIL", "I have, and it is the same.", channel=_DIRECT_EMIL, name="Emil Ek")
    await world.at(10, 2)
    # Baton offers the button by itself, once: the customer and a bot go on without an agent.
    offer = str(chat.messages(_DIRECT_EMIL)[-1]["ts"])
    chat.person_presses("U0EMIL", "talk_to_agent", channel=_DIRECT_EMIL, stamp=offer, name="Emil Ek")
    morning.expected.append(Expectation(subject="The export gives me", rule="wants-person"))

    talk = desk.customer_writes(
        "Ines Ito", "Chat with Ines", "I wrote three times. The next letter is from my lawyer.", via="chat"
    )
    morning.expected.append(Expectation(subject="Chat with Ines", rule="legal-threat"))
    await world.at(10, 6)
    desk.agent_comments(talk, "I am sorry, Ines. I am looking at it myself now.", name="Mara Manager")

    _becomes_vip(desk, "Vera Voss", "Voss Logistics")
    vera = desk.customer_writes("Vera Voss", "Delivery on Monday", "Could you deliver on Monday instead?", via="email")
    morning.expected.append(Expectation(subject="Delivery on Monday", rule="vip"))
    await world.at(10, 8)
    desk.agent_comments(vera, "Certainly, on Monday it is.", name="Mara Manager")

    late = desk.customer_writes("Jon Jung", "Refund", "When does my refund arrive?", via="email")
    await world.at(10, 10)
    desk.agent_tags(late, "escalate", name="Anna Agent")
    morning.expected.append(Expectation(subject="Refund", rule="agent-asks"))

    slip = chat.person_writes("U0FAY", "Is the canteen open today? Oh, wrong channel", name="Fay Fox")
    await world.at(10, 12)
    chat.person_deletes(_SUPPORT, slip)
    morning.expected.append(Expectation(subject="Is the canteen open"))
    await world.at(10, 15)
    chat.person_writes("U0DORA", "Is somebody there?", channel=_DIRECT_DORA, name="Dora Diaz")
    await world.at(10, 20)


def _becomes_vip(desk: Helpdesk, name: str, organization: str) -> None:
    """Have the helpdesk know a customer whose organization is tagged as a VIP's."""
    user = desk.account.user(name, f"{name.lower().replace(' ', '.')}@customer.example")
    desk.account.organizations[7] = {"id": 7, "name": organization, "tags": ["vip"]}
    desk.account.users[user]["organization_id"] = 7


async def _strangers(world: World, chat: Chat, desk: Helpdesk, morning: Morning) -> None:
    """Record a genuine request of each vendor, send it on, and then everything that must not work."""
    sandboxes: Mapping[str, Chat | Helpdesk] = {CHAT: chat, DESK: desk}
    async with stranger.recorder() as line:
        for connection, sandbox in sandboxes.items():
            if connection == CHAT:
                chat.person_writes("U0BEN", "One more thing: can I have it as PDF?", name="Ben Berg")
                morning.expected.append(Expectation(subject="One more thing"))
            else:
                desk.customer_writes("Kim Kuhn", "Opening hours", "When are you open on Friday?", via="email")
                morning.expected.append(Expectation(subject="Opening hours", ticket=False))
            del line.requests[:]
            await sandbox.webhooks.send(line.url)
            genuine = line.requests[-1]
            url = world.hooks(connection)
            changed = genuine.body.replace(b"e", b"3", 1)
            for words, status in (
                ("changed body", await asyncio.to_thread(stranger.send, url, genuine, body=changed)),
                ("no signature", await asyncio.to_thread(stranger.send, url, genuine, drop="signature")),
                ("forged signature", await asyncio.to_thread(stranger.send, url, genuine, change="signature")),
            ):
                morning.refused[f"{words} to {connection}"] = status
            for _ in range(3):
                morning.repeated.append(await asyncio.to_thread(stranger.send, url, genuine))
    # Signed, and nobody can read it: the vendor's own mistake.
    desk.webhooks.waiting.append(Webhook(endpoint="", body=b'{"type": "zen:event-type:ticket.cre'))
    morning.rubbish = 1
    await world.rest()
