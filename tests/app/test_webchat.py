"""Web chat and chatbots through a whole gateway in a process of its own, which is killed while they speak."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import pytest

from connectors.chatbot.sandbox import ChatbotSandbox
from connectors.webchat.sandbox import VisitorClient, WebchatSandbox
from tests.app.gateways import Served, section
from tests.prove.gateway_process import free_port

POLICY = '[[rule]]\nid = "rest"\ndo = "none"\ncatch_all = true\n'


class Place:
    """A served gateway with both channels, on a port that it keeps."""

    def __init__(self, directory: Path, page: WebchatSandbox, bot: ChatbotSandbox) -> None:
        self.page, self.bot, self.directory, self.port = page, bot, directory, free_port()
        self.environ: dict[str, str] = {}
        self.served = Served(directory=directory)

    def write(self, **more: object) -> None:
        """Write plugins.toml; `more` goes to the web chat."""
        text = f'[gateway]\nlisten = "127.0.0.1:{self.port}"\n'
        for name, sandbox in (("webchat", self.page), ("chatbot", self.bot)):
            settings = {**sandbox.settings(), **(more if name == "webchat" else {})}
            text += section(f"chat.{name}", name, settings, sandbox.secrets(), self.environ)
        (self.directory / "plugins.toml").write_text(text)
        (self.directory / "escalation.toml").write_text(POLICY)

    @property
    def sessions(self) -> str:
        return f"http://127.0.0.1:{self.port}/sessions/webchat"

    async def start(self) -> None:
        self.served = Served(directory=self.directory, environ=self.environ)
        self.served.start()
        await self.served.until_ready()

    async def texts(self) -> list[str]:
        """Return the texts of all messages in all cases, as the store has them."""
        async with asyncio.timeout(60):
            while True:
                status = json.loads((await asyncio.to_thread(self.served.run, "status", "--json")).stdout)["accounts"]
                if not status["deliveries_pending"] and not status["activities_pending"]:
                    break
                await asyncio.sleep(0.05)
        assert status["unaccounted"] == 0
        return await self.served.texts()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncGenerator[Place]:
    page, bot = WebchatSandbox(), ChatbotSandbox()
    await page.start()
    await bot.start()
    place = Place(tmp_path, page, bot)
    place.write(messages_per_minute=600)
    await place.start()
    yield place
    place.served.kill()
    await page.stop()
    await bot.stop()


async def talk(place: Place, visitor: VisitorClient, texts: list[str]) -> None:
    """Have a visitor say everything, as the widget would: again under the same id until it is acknowledged."""
    waiting = [(visitor.fresh(), text) for text in texts]
    async with aiohttp.ClientSession() as session:
        while waiting:
            try:
                async with visitor.sitting(session, place.sessions) as sitting:
                    while waiting:
                        number, text = waiting[0]
                        told = await sitting.send({"type": "message", "id": number, "text": text})
                        if told["type"] == "ack":
                            waiting.pop(0)
                        await asyncio.sleep(0.03)
            except (aiohttp.ClientError, ConnectionError, TimeoutError):
                await asyncio.sleep(0.1)


async def test_a_gateway_that_is_killed_again_and_again_has_each_message_once_and_in_order(place: Place) -> None:
    chance = random.Random(7)
    visitors = [place.page.visitor(name) for name in ("Ann", "Ben", "Eve")]
    texts = {each.name: [f"{each.name} {number}" for number in range(40)] for each in visitors}
    async with asyncio.TaskGroup() as group:
        talks = [group.create_task(talk(place, each, texts[each.name])) for each in visitors]
        for _ in range(4):
            await asyncio.sleep(chance.uniform(0.2, 0.6))
            place.served.kill()
            await place.start()
        await asyncio.wait(talks)
    kept = await place.texts()
    for visitor in visitors:
        assert [text for text in kept if text.startswith(visitor.name)] == texts[visitor.name]
        async with aiohttp.ClientSession() as session, visitor.sitting(session, place.sessions):
            pass
        assert visitor.texts() == texts[visitor.name]


async def test_a_reload_with_other_settings_sends_sockets_to_the_new_connector(place: Place) -> None:
    visitor = place.page.visitor("Ann")
    async with aiohttp.ClientSession() as session:
        async with visitor.sitting(session, place.sessions) as sitting:
            await sitting.say("before")
            done = await asyncio.to_thread(place.served.run, "reload")
            assert done.returncode == 0, done.stderr
            assert (await sitting.say("nothing changed"))["type"] == "ack"
            place.write()
            done = await asyncio.to_thread(place.served.run, "reload")
            assert done.returncode == 0, done.stderr
            with pytest.raises(ConnectionError, match="1012"):
                await sitting.until("nothing more")
        async with visitor.sitting(session, place.sessions) as sitting:
            await sitting.say("after")
    assert await place.texts() == ["before", "nothing changed", "after"]


async def test_a_sandboxs_acts_reach_the_gateway_over_its_sockets(place: Place) -> None:
    place.page.visitor_writes("Ann", "hello")
    place.page.visitor_sends_file("Ann", "bill.txt", "total 12.00")
    place.page.visitor_presses("Ann")
    place.page.visitor_judges("Ann", 5)
    place.page.logs_in("Ben", "u-1", "ben@example.com")
    place.page.visitor_writes("Ben", "I am logged in")
    place.page.visitor_looks("Ben")
    answers = await place.page.webhooks.send(f"http://127.0.0.1:{place.port}/hooks/webchat")
    assert answers == [200] * 6
    assert sorted(await place.texts()) == ["", "I am logged in", "hello"]


async def test_a_bot_posts_asks_and_is_told_where_its_conversation_stands(place: Place) -> None:
    hooks = f"http://127.0.0.1:{place.port}/hooks/chatbot"
    place.bot.customer_says("s-1", "Where is my parcel?", customer="u-1")
    place.bot.bot_says("s-1", "Sorry?", confidence=0.2, fallback=True)
    place.bot.bot_gives_up("s-1", "no answer", customer="u-1")
    place.bot.webhooks.duplicates = 1.0
    assert await place.bot.webhooks.send(hooks) == [200] * 6
    assert await place.texts() == ["Where is my parcel?", "Sorry?"]
    assert (await place.bot.asks(hooks, "state", "s-1"))["state"] == "open"
    assert (await place.bot.asks(hooks, "state", "s-2"))["state"] == "none"
    assert (await place.bot.asks(hooks, "replies", "s-1"))["replies"] == []
