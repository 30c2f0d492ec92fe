"""At an open widget: what is taken, what is shown, and what is neither."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from gateway.model import altered
from gateway.sdk import (
    Button,
    ButtonPressed,
    ChatMessage,
    Evidence,
    PermanentFailure,
    Reply,
    Role,
    SatisfactionGiven,
    Standing,
)
from tests.connectors.webchat.world import SITE, World, said


async def test_a_message_is_acknowledged_after_it_is_durable_and_not_before(world: World) -> None:
    visitor = world.visitor()
    async with world.sitting(visitor) as sitting:
        world.sessions.away = True
        assert (await sitting.say("one"))["type"] == "later"
        assert not world.sessions.emitted
        world.sessions.away = False
        assert (await sitting.say("two"))["type"] == "ack"
    (event,) = world.events()
    assert isinstance(event, ChatMessage)
    assert (event.text, event.sender.kind, event.sender.name) == ("two", "webchat_visitor", "Ann")
    assert event.sender.evidence is Evidence.CLAIMED
    assert event.occurred_at == world.host.now()


async def test_what_is_sent_again_is_the_same_event(world: World) -> None:
    visitor = world.visitor()
    for _ in range(2):
        async with world.sitting(visitor) as sitting:
            assert (await sitting.send({"type": "message", "id": "same-frame-1", "text": "x"}))["type"] == "ack"
    first, second = world.events()
    assert first.dedupe == second.dedupe
    assert first.thread == second.thread


async def test_two_strangers_with_the_same_frame_id_are_two_events_of_two_threads(world: World) -> None:
    for name in ("Ann", "Ben"):
        async with world.sitting(world.visitor(name)) as sitting:
            await sitting.send({"type": "message", "id": "same-frame-1", "text": "x"})
    first, second = world.events()
    assert first.dedupe != second.dedupe
    assert first.thread != second.thread


async def test_a_stranger_cannot_take_a_thread_by_naming_it(world: World) -> None:
    victim = world.visitor("Victim")
    async with world.sitting(victim) as sitting:
        await sitting.say("secret")
    thread = world.thread()
    world.sessions.histories[thread] = [said("secret", f"{thread}/x", role=Role.CUSTOMER)]
    thief = world.visitor("Thief", token=victim.token[:-2] + "AA")
    async with world.sitting(thief) as sitting:
        await sitting.send({"type": "message", "text": "mine", "thread": thread, "visitor": thread})
    assert thief.texts() == []
    assert world.thread() != thread


async def test_a_judgement_and_a_wish_for_a_person_arrive(world: World) -> None:
    async with world.sitting(world.visitor()) as sitting:
        assert (await sitting.send({"type": "button", "action": "talk_to_agent", "label": "A person"}))["type"] == "ack"
        assert (await sitting.send({"type": "satisfaction", "score": 5}))["type"] == "ack"
        for score in (0, 6, True, "5", None, 4.5):
            assert (await sitting.send({"type": "satisfaction", "score": score}))["type"] == "refused"
    button, judgement = world.events()
    assert isinstance(button, ButtonPressed)
    assert (button.action, button.reference) == ("talk_to_agent", None)
    assert isinstance(judgement, SatisfactionGiven)
    assert (judgement.score, judgement.word) == (1.0, "5")


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "message", "text": ""},
        {"type": "message", "text": "x" * 4_001},
        {"type": "message", "text": 5},
        {"type": "message", "text": "x", "id": "short"},
        {"type": "message", "text": "x", "id": "x" * 65},
        {"type": "message", "text": "x", "id": "with blank"},
        {"type": "button", "action": "Not A Word"},
        {"type": "button", "action": "a", "label": "x" * 201},
        {"type": "button", "action": "a", "reply": "of-somebody-else"},
    ],
)
async def test_what_cannot_be_taken_is_refused_with_a_sentence_and_not_kept(
    world: World, frame: dict[str, Any]
) -> None:
    async with world.sitting(world.visitor()) as sitting:
        await sitting.socket.send_json({"id": "frame-00001", **frame})
        told = await sitting.until("refused")
        assert told["reason"].endswith(".")
        assert (await sitting.say("still here"))["type"] == "ack"
    assert [event.text for event in world.events()] == ["still here"]


async def test_a_button_of_a_reply_leads_back_to_it_and_only_for_who_got_it(world: World) -> None:
    visitor = world.visitor()
    async with world.sitting(visitor) as sitting:
        await sitting.say("hello")
        button = Button(action="confirm", label="Yes")
        await world.connector.reply(
            Reply(key="k-1", case_id="c", thread=world.thread(), text="Really?", buttons=(button,))
        )
        line = (await sitting.until("message"))["message"]
        assert line["buttons"] == [{"action": "confirm", "label": "Yes"}]
        assert (await sitting.send({"type": "button", "action": "confirm", "reply": "k-1"}))["type"] == "ack"
    assert world.events()[-1].reference == "k-1"
    async with world.sitting(world.visitor("Other")) as sitting:
        assert (await sitting.send({"type": "button", "action": "confirm", "reply": "k-1"}))["type"] == "refused"


async def test_a_button_of_a_reply_is_there_after_a_reload(world: World) -> None:
    visitor = world.visitor()
    async with world.sitting(visitor) as sitting:
        await sitting.say("hello")
    offered = altered(said("Really?", "k-9"), buttons=(Button(action="confirm", label="Yes"),))
    world.sessions.histories[world.thread()] = [offered]
    async with world.sitting(visitor):
        assert visitor.shown["k-9"]["buttons"] == [{"action": "confirm", "label": "Yes"}]


# --- replies ---------------------------------------------------------------------------------------------------------
async def test_a_reply_is_shown_in_every_window_and_told_again_to_none(world: World) -> None:
    visitor = world.visitor()
    async with world.sitting(visitor) as one, world.sitting(visitor) as two:
        await one.say("hello")
        assert (await two.until("message"))["message"]["text"] == "hello"
        thread = world.thread()
        reply = Reply(key="k-1", case_id="c", thread=thread, text="Hi!")
        receipt = await world.connector.reply(reply)
        assert receipt.ids[0].id == "k-1"
        await world.connector.reply(reply)
        world.sessions.histories[thread] = [
            said("hello", f"{thread}/ann-000001", role=Role.CUSTOMER),
            said("Hi!", "k-1"),
        ]
        for sitting in (one, two):
            assert (await sitting.until("message"))["message"]["text"] == "Hi!"
            assert (await sitting.look())["messages"] == []


async def test_a_reply_that_the_store_does_not_show_yet_is_in_the_history_all_the_same(world: World) -> None:
    visitor = world.visitor()
    async with world.sitting(visitor) as sitting:
        await sitting.say("hello")
    await world.connector.reply(Reply(key="k-1", case_id="c", thread=world.thread(), text="Hi!"))
    async with world.sitting(visitor):
        assert visitor.texts() == ["Hi!"]


async def test_settling_asks_the_history(world: World) -> None:
    reply = Reply(key="k-1", case_id="c", thread="visitor:1", text="Hi!")
    assert await world.connector.settle_reply(reply) is None
    world.sessions.histories["visitor:1"] = [said("Hi!", "k-1")]
    assert (await world.connector.settle_reply(reply)).ids[0].id == "k-1"


async def test_a_reply_to_no_conversation_of_ours_is_given_up(world: World) -> None:
    with pytest.raises(PermanentFailure):
        await world.connector.reply(Reply(key="k", case_id="c", thread="C0:1", text="x"))


async def test_what_other_gateways_sent_is_found_by_asking_for_news(world: World) -> None:
    visitor = world.visitor()
    async with world.sitting(visitor) as sitting:
        await sitting.say("hello")
        thread = world.thread()
        world.sessions.histories[thread] = [said("Hi from Lea", "k-9", role=Role.AGENT, name="Lea")]
        world.sessions.standings[thread] = Standing(case_id="c-1", state="acknowledged", handed_off=True)
        told = await sitting.look()
        assert [(line["text"], line["name"]) for line in told["messages"]] == [("Hi from Lea", "Lea")]
        assert (told["state"], told["handed_off"], told["case"]) == ("acknowledged", True, "c-1")
        assert (await sitting.look())["messages"] == []


async def test_closing_sends_every_window_away_with_1012(world: World) -> None:
    async with world.sitting(world.visitor()) as sitting:
        await world.connector.close()
        with pytest.raises(ConnectionError, match="1012"):
            await sitting.look()


# --- bounds ----------------------------------------------------------------------------------------------------------
async def test_who_is_too_fast_is_told_to_wait_and_loses_nothing(world: World) -> None:
    visitor = world.visitor()
    async with world.sitting(visitor) as sitting:
        answers = [await sitting.say(str(number)) for number in range(20)]
        kinds = [each["type"] for each in answers]
        assert kinds == ["ack"] * 15 + ["later"] * 5
        world.host.time += int(answers[-1]["after"] * 1_000_000)
        assert (await sitting.say("again"))["type"] == "ack"


async def test_a_flood_of_frames_ends_the_socket(world: World) -> None:
    async with world.sitting(world.visitor()) as sitting:
        for _ in range(200):
            await sitting.socket.send_str("{}")
        message = await sitting.socket.receive(timeout=60)
        assert message.type is aiohttp.WSMsgType.CLOSE
        assert message.data == 1008


@pytest.mark.parametrize("first", ["{}", '{"type":"message","id":"aaaaaaaa","text":"x"}', '{"type":"sync"}'])
async def test_nothing_is_told_or_taken_before_hello(world: World, first: str) -> None:
    async with world.client.ws_connect(f"{world.base}/socket", headers={"Origin": SITE}) as socket:
        await socket.send_str(first)
        message = await socket.receive(timeout=60)
        assert message.type is aiohttp.WSMsgType.CLOSE
    assert not world.sessions.emitted


@pytest.mark.parametrize("text", ["", "no json", "[]", "[" * 60_000, '"' * 1000, "null", "\ud83d"])
async def test_frames_that_are_no_frames_harm_nobody(world: World, text: str) -> None:
    async with world.sitting(world.visitor()) as sitting:
        await sitting.socket.send_str(text.encode("utf-8", "replace").decode())
        assert (await sitting.say("still here"))["type"] == "ack"


async def test_a_frame_beyond_the_bound_ends_the_socket(world: World) -> None:
    async with world.sitting(world.visitor()) as sitting:
        await sitting.socket.send_str("x" * 70_000)
        message = await sitting.socket.receive(timeout=60)
        assert message.type is aiohttp.WSMsgType.CLOSE
        assert message.data == 1009
