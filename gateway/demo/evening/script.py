"""The script: a line for each rule of the shipped policy for which the morning has no occasion, and what plays it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from gateway.demo.vendors import Bot, Chat, Helpdesk, Telephone

if TYPE_CHECKING:
    from gateway.demo.world import World

CHAT: Final = "support-slack"
BOT: Final = "shop-bot"
CALLS: Final = "calls"
DESK: Final = "zendesk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """The stand-ins."""

    chat: Chat
    bot: Bot
    calls: Telephone
    desk: Helpdesk

    @classmethod
    def of(cls, world: World) -> Cast:
        """Return those of a world."""
        found = world.sandboxes
        return cls(
            chat=cast("Chat", found[CHAT]),
            bot=cast("Bot", found[BOT]),
            calls=cast("Telephone", found[CALLS]),
            desk=cast("Helpdesk", found[DESK]),
        )


_Playing: TypeAlias = Callable[["World", Cast], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the script: one case."""

    #: How the case's subject begins.
    subject: str
    #: The rule that escalates it.
    rule: str
    #: The group whose ticket it becomes.
    group: str
    #: What people do.
    play: _Playing


async def _danger(world: World, them: Cast) -> None:
    them.chat.person_writes("U0NIK", "Nothing works and I want to die.", channel="D0NIK", name="Nik Noll")
    await world.rest()


async def _manager(world: World, them: Cast) -> None:
    them.chat.person_writes("U0OLGA", "Let me speak to your manager, please.", channel="D0OLGA", name="Olga Orth")
    await world.rest()


async def _many(world: World, them: Cast) -> None:
    for words in (
        "Good evening.",
        "It is about the blue lamp.",
        "The switch came loose yesterday.",
        "I have photographs of it.",
        "The receipt is from May.",
        "Are you open now?",
    ):
        them.chat.person_writes("U0PETRA", words, channel="D0PETRA", name="Petra Pohl")
        await world.rest()


async def _circles(world: World, them: Cast) -> None:
    _asks(them.bot, "talk-1", "turn-1", "Quentin Quast", "How do I get the voucher into my basket?")
    await world.rest()
    them.bot.bot_says("talk-1", "I did not understand that.", confidence=0.2, fallback=True)
    them.bot.bot_says("talk-1", "I still did not understand that.", confidence=0.1, fallback=True)
    await world.rest()
    _asks(them.bot, "talk-1", "turn-2", "Quentin Quast", "The field for codes is grey.")
    await world.rest()


async def _gives_up(world: World, them: Cast) -> None:
    _asks(them.bot, "talk-2", "turn-3", "Rita Rau", "Can you ship a piano to an island?")
    await world.rest()
    them.bot.bot_gives_up("talk-2", "Nothing in the help pages fits")
    await world.rest()


async def _call_back(world: World, them: Cast) -> None:
    await them.calls.call(world.hooks(CALLS), "+4916055500011", ("press:2",))
    await world.rest()


async def _voicemail(world: World, them: Cast) -> None:
    words = "This is Sven. The boiler of order 17 leaks."
    await them.calls.call(world.hooks(CALLS), "+4916055500022", ("press:1", f"record:{words}"))
    await world.rest()


def _asks(bot: Bot, conversation: str, number: str, name: str, text: str) -> None:
    """Have a customer ask a bot something."""
    who = {"id": name.partition(" ")[0].lower(), "name": name}
    turn = {"id": number, "role": "customer", "text": text}
    bot.posts({"type": "turns", "conversation": conversation, "customer": who, "turns": [turn]})


_SECOND: Final = "Second line"
SCRIPT: Final = (
    Line(subject="Nothing works and I want", rule="distress", group="Escalations", play=_danger),
    Line(subject="Let me speak to your manager", rule="wants-manager", group="Escalations", play=_manager),
    Line(subject="Good evening", rule="many-messages", group=_SECOND, play=_many),
    Line(subject="How do I get the voucher", rule="in-circles", group=_SECOND, play=_circles),
    Line(subject="Can you ship a piano", rule="bot-gives-up", group=_SECOND, play=_gives_up),
    Line(subject="(no subject)", rule="call-back", group=_SECOND, play=_call_back),
    Line(subject="This is Sven", rule="voicemail", group=_SECOND, play=_voicemail),
)


async def play(world: World, script: Sequence[Line] = SCRIPT) -> Sequence[Line]:
    """Play the evening; return the script."""
    them = Cast.of(world)
    for line in script:
        await line.play(world, them)
    await world.at(18, 5)
    return script
