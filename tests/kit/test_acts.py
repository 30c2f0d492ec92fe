"""A sandbox by itself: what people at the vendor do is asked for over HTTP, and wrong asking is answered with a sentence."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from connectors.chatbot.sandbox import ChatbotSandbox
from connectors.email.sandbox import EmailSandbox
from connectors.hubspot.sandbox import HubSpotSandbox
from connectors.slack.sandbox import SlackSandbox
from connectors.twilio.sandbox import TwilioSandbox
from connectors.zendesk.sandbox import ZendeskSandbox
from gateway.testing.sandbox import Sandbox

ACTS: list[tuple[type[Sandbox], str, dict[str, Any]]] = [
    (SlackSandbox, "person_writes", {"user": "U0ANNA", "text": "hello"}),
    (ZendeskSandbox, "customer_writes", {"name": "Gina", "subject": "s", "text": "hello"}),
]


@pytest.mark.parametrize(("kind", "act", "arguments"), ACTS)
async def test_an_act_changes_the_state_and_is_told_by_webhook(
    kind: type[Any], act: str, arguments: dict[str, Any]
) -> None:
    sandbox = kind()
    await sandbox.start()
    try:
        async with aiohttp.ClientSession(sandbox.url) as client:
            async with client.post(f"/_sandbox/acts/{act}", json=arguments) as answer:
                assert answer.status == 200
                assert (await answer.json())["answer"]
            assert len(sandbox.webhooks.waiting) == 1
            async with client.get("/_sandbox/state") as answer:
                assert "hello" in await answer.text()
    finally:
        await sandbox.stop()


@pytest.mark.parametrize(("kind", "act", "arguments"), ACTS)
async def test_every_act_is_listed_with_what_it_does_and_takes(
    kind: type[Any], act: str, arguments: dict[str, Any]
) -> None:
    sandbox = kind()
    await sandbox.start()
    try:
        async with aiohttp.ClientSession(sandbox.url) as client, client.get("/_sandbox/acts") as answer:
            listed = await answer.json()
    finally:
        await sandbox.stop()
    assert set(listed) == set(sandbox.acts())
    assert all(each["does"].endswith(".") for each in listed.values())
    assert all(name in listed[act]["takes"] for name in arguments)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("nothing_like_it", b"{}", 404),
        ("customer_writes", b'{"nme": "x"}', 400),
        ("customer_writes", b"[1]", 400),
        ("customer_writes", b"{", 400),
        ("customer_adds", b'{"ticket_id": "none", "text": "x"}', 400),
    ],
)
async def test_wrong_asking_is_answered_with_a_sentence_and_changes_nothing(
    path: str, body: bytes, status: int
) -> None:
    sandbox = ZendeskSandbox()
    await sandbox.start()
    try:
        asked = f"/_sandbox/acts/{path}"
        async with aiohttp.ClientSession(sandbox.url) as client, client.post(asked, data=body) as answer:
            assert answer.status == status
            assert "_sandbox/acts" in await answer.text()
        assert sandbox.state()["tickets"] == []
    finally:
        await sandbox.stop()


async def acted(sandbox: Sandbox, name: str, **arguments: Any) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession(sandbox.url) as client,
        client.post(f"/_sandbox/acts/{name}", json=arguments) as answer,
    ):
        return answer.status, await answer.text()


async def test_an_act_that_is_not_there_is_answered_with_the_nearest() -> None:
    sandbox = ZendeskSandbox()
    await sandbox.start()
    try:
        status, text = await acted(sandbox, "agent_cmments")
    finally:
        await sandbox.stop()
    assert status == 404
    assert text.startswith(
        'There is no act "agent_cmments": did you mean "agent_comments"? There are customer_writes, '
    )


async def test_an_agent_presses_the_button_of_the_newest_notice() -> None:
    sandbox = SlackSandbox()
    await sandbox.start()
    try:
        assert "no message there has a button" in (await acted(sandbox, "agent_takes_case", user="U0EVE"))[1]
        button = {"type": "button", "action_id": "take", "value": "1", "text": {"type": "plain_text", "text": "Take"}}
        for channel, stamp in (("C0LEADS", "1.1"), ("C0LEADS", "1.2")):
            blocks = [{"type": "section"}, {"type": "actions", "elements": [button]}]
            sandbox.posts[channel].append({"ts": stamp, "user": "U0BATON", "text": "", "blocks": blocks})
        assert (await acted(sandbox, "agent_takes_case", user="U0EVE", channel="cx-leads"))[0] == 200
    finally:
        await sandbox.stop()
    (pressed,) = sandbox.webhooks.waiting
    assert b"%22ts%22%3A%221.2%22" in pressed.body


async def test_a_file_a_raw_mail_and_an_unreachable_number_come_from_json() -> None:
    texts, mail = TwilioSandbox(), EmailSandbox()
    await texts.start()
    await mail.start()
    try:
        files = [["text/plain", "my bill"]]
        assert (await acted(texts, "person_texts", sender="+4915550100", text="see", files=files))[0] == 200
        assert (await acted(texts, "number_is_unreachable", number="+4915550100"))[0] == 200
        assert (await acted(mail, "raw_mail_comes", mail="From: a@b.example\n\nHi"))[0] == 200
    finally:
        await texts.stop()
        await mail.stop()
    assert list(texts.files.values()) == [("text/plain", b"my bill")]
    assert texts.unreachable == {"+4915550100": "30003"}
    assert [each.raw for each in mail.folders["INBOX"].mails] == [b"From: a@b.example\r\n\r\nHi"]


async def test_a_bot_asks_the_gateway_where_it_was_told_to() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"asked": request.path})

    app = web.Application()
    app.router.add_post("/sessions/bot/state", answer)
    sandbox = ChatbotSandbox()
    await sandbox.start()
    try:
        assert "start the sandbox with --hooks" in (await acted(sandbox, "bot_asks", conversation="c1"))[1]
        async with TestServer(app) as server:
            sandbox.hooks = str(server.make_url("/hooks/bot"))
            assert "/sessions/bot/state" in (await acted(sandbox, "bot_asks", conversation="c1"))[1]
    finally:
        await sandbox.stop()


async def test_an_admin_takes_a_right_away_and_gives_it_back() -> None:
    slack, hubspot, zendesk = SlackSandbox(), HubSpotSandbox(), ZendeskSandbox()
    for sandbox in (slack, hubspot, zendesk):
        await sandbox.start()
    own = zendesk.account.users[zendesk.account.own_user]
    try:
        for each, scope in ((slack, "chat:write"), (hubspot, "tickets")):
            assert scope in each.scopes
            assert (await acted(each, "admin_changes_scope", scope=scope))[0] == 200
            assert scope not in each.scopes
            assert (await acted(each, "admin_changes_scope", scope=scope, granted=True))[0] == 200
            assert list(each.scopes).count(scope) == 1
        assert (await acted(zendesk, "admin_changes_role"))[0] == 200
        assert own["role"] == "agent"
        assert "a role is agent or admin" in (await acted(zendesk, "admin_changes_role", role="king"))[1]
    finally:
        for sandbox in (slack, hubspot, zendesk):
            await sandbox.stop()
