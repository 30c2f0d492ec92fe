"""Strangers on the line: genuine requests recorded, then sent on changed, unsigned and again; and at the website, impostors."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.demo import stranger
from gateway.demo.afternoon.cast import (
    BOT,
    CALLS,
    CRM,
    DESK,
    FOREIGN_WORDS,
    TEXTS,
    WEBSITE,
    Afternoon,
    Cast,
    Expectation,
)
from gateway.testing.webhooks import Webhook

if TYPE_CHECKING:
    from gateway.demo.vendors import Webhooks
    from gateway.demo.world import World


async def strangers(world: World, them: Cast, afternoon: Afternoon) -> None:
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
    """Have a visitor come with an identity that the site never signed, and one by a widget on another site."""
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
