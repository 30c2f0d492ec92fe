"""The same calls against our sandbox and against a stand-in that others wrote: both answer alike, and both sign alike."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from connectors.twilio.connector import TwilioConnector
from connectors.twilio.connector_voice import TwilioVoiceConnector
from connectors.twilio.sandbox import TwilioSandbox
from connectors.twilio.sandbox_account import ACCOUNT, SMS_NUMBER, TOKEN
from connectors.twilio.sandbox_voice import TwilioVoiceSandbox
from connectors.twilio.settings import TwilioSettings, TwilioVoiceSettings
from gateway.sdk import ConnectorError, Cursor, Delivery, DeliveryReport, PhoneCall, Reply, TextMessage
from gateway.testing.host import FakeHost
from tests.conftest import missing
from tests.connectors.twilio.emulate import emulated
from tests.facilities import MissingFacilityError

ANNA = "+4915550100"


@dataclass(slots=True, kw_only=True)
class Hook:
    """An address that keeps what is sent to it."""

    url: str = ""
    heard: list[Delivery] = field(default_factory=list[Delivery])

    async def handle(self, request: web.Request) -> web.Response:
        self.heard.append(
            Delivery(
                connection="test",
                endpoint=request.match_info.get("endpoint", ""),
                received_at=1,
                method="POST",
                url=self.url.removesuffix("/hooks/test") + request.raw_path,
                headers=tuple((name.decode(), value.decode()) for name, value in request.raw_headers),
                body=await request.read(),
            )
        )
        return web.Response()


@asynccontextmanager
async def listening() -> AsyncGenerator[Hook, None]:
    hook = Hook()
    app = web.Application()
    app.router.add_post("/hooks/test", hook.handle)
    app.router.add_post("/hooks/test/{endpoint}", hook.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/test"
    try:
        yield hook
    finally:
        await runner.cleanup()


#: What happens at the vendor: its name and its arguments.
Happens = Callable[[str, dict[str, str]], Awaitable[None]]


async def outcome(call: Awaitable[Any]) -> str:
    """Return what became of a call, without ids."""
    try:
        return type(await call).__name__
    except ConnectorError as error:
        return type(error).__name__


async def story(url: str, hook: Hook, happens: Happens) -> list[Any]:
    """Live through the same with any stand-in, and tell what came of it."""
    host = FakeHost(now=time.time_ns() // 1000)
    settings = TwilioSettings(
        account_sid=ACCOUNT, auth_token=SecretStr(TOKEN), api_url=url, webhook_url=hook.url, daily_messages=100
    )
    connector = TwilioConnector(settings, host)
    await connector.open()
    told: list[Any] = []
    await connector.check()
    found = await connector.examine()
    told.append((found.addresses, [finding.good for finding in found.findings]))
    reply = Reply(
        key="k-1", case_id="c", thread=f"{SMS_NUMBER}|{ANNA}", text="Grüße & more: 100 %", written_at=host.now()
    )
    told.append(await connector.settle_reply(reply))
    receipt = await connector.reply(reply)
    told.append(await connector.settle_reply(reply) == receipt)
    other = Reply(key="k-2", case_id="c", thread=f"+4930999|{ANNA}", text="x")
    told.append(await outcome(connector.reply(other)))
    wrong = TwilioConnector(settings.model_copy(update={"auth_token": SecretStr("wrong")}), host)
    await wrong.open()
    told.append(await outcome(wrong.check()))
    message = receipt.ids[0].id
    for status in ("sent", "delivered"):
        await happens("message-status", {"MessageSid": message, "Status": status})
    await happens("inbound-message", {"From": ANNA, "To": SMS_NUMBER, "Body": "Where is it? Größe = ½"})
    polled: list[Delivery] = []

    async def emit(delivery: Delivery, _: Cursor | None) -> None:
        polled.append(delivery)

    await connector.backfill(None, emit)
    for delivery in hook.heard:
        await connector.verify(delivery)
    events = [event for delivery in hook.heard for event in connector.parse(delivery)]
    # That it is queued the answer to the call has said; only the other stand-in says it once more.
    reports = [event for event in events if isinstance(event, DeliveryReport) and event.state.value != "accepted"]
    told += [(type(event).__name__, event.reference, event.state.value, event.thread) for event in reports]
    arrived = [event for event in events if isinstance(event, TextMessage)]
    told += [(type(event).__name__, event.text, event.sender, event.thread) for event in arrived]
    again = [event for delivery in polled for event in connector.parse(delivery)]
    told.append([event.dedupe for event in again] == [event.dedupe for event in arrived])
    told += [(event.text, event.sender, event.thread) for event in again if isinstance(event, TextMessage)]
    await host.close()
    return told


async def ours(hook: Hook) -> list[Any]:
    sandbox = TwilioSandbox(public=hook.url)
    await sandbox.start()

    async def happens(what: str, given: dict[str, str]) -> None:
        if what == "inbound-message":
            sandbox.person_texts(given["From"], given["Body"])
        elif given["Status"] == "delivered":
            sandbox.carries()
        await sandbox.webhooks.send(hook.url)

    try:
        return await story(sandbox.url, hook, happens)
    finally:
        await sandbox.stop()


async def theirs(hook: Hook, directory: Path) -> list[Any]:
    async with emulated(directory, account=ACCOUNT, token=TOKEN, number=SMS_NUMBER, hook=hook.url) as url:
        return await story(url, hook, simulator(url))


def simulator(url: str) -> Happens:
    async def happens(what: str, given: dict[str, str]) -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"{url}/_twilio/simulate/{what}",
                data=given,
                headers={"Authorization": aiohttp.encode_basic_auth(ACCOUNT, TOKEN)},
            ) as answer,
        ):
            assert answer.status < 300, await answer.text()

    return happens


async def test_text_messages_live_the_same_with_a_stand_in_that_others_wrote(tmp_path: Path) -> None:
    async with listening() as hook:
        mine = await ours(hook)
    async with listening() as hook:
        try:
            other = await theirs(hook, tmp_path)
        except MissingFacilityError as problem:
            missing("emulate", str(problem))
            return
    assert mine == other
    assert len(mine) >= 9


async def test_calls_are_signed_and_read_the_same_with_a_stand_in_that_others_wrote(tmp_path: Path) -> None:
    def source(host: FakeHost, url: str) -> TwilioVoiceConnector:
        return TwilioVoiceConnector(
            TwilioVoiceSettings(account_sid=ACCOUNT, auth_token=SecretStr(TOKEN), api_url=url, answers=True), host
        )

    async def heard(hook: Hook, url: str) -> list[Any]:
        host = FakeHost()
        connector = source(host, url)
        await connector.open()
        await connector.check()
        first = hook.heard[0]
        await connector.verify(first)
        (event,) = connector.parse(first)
        assert isinstance(event, PhoneCall)
        document = connector.acknowledge(first).body
        await host.close()
        return [event.change, event.sender, event.recipients, document]

    async with listening() as hook:
        sandbox = TwilioVoiceSandbox(public=hook.url)
        await sandbox.start()
        await sandbox.call(hook.url, ANNA, verdict="")
        mine = await heard(hook, sandbox.url)
        await sandbox.stop()
    async with listening() as hook:
        try:
            async with emulated(tmp_path, account=ACCOUNT, token=TOKEN, number=SMS_NUMBER, hook=hook.url) as url:
                await simulator(url)("inbound-call", {"From": ANNA, "To": SMS_NUMBER})
                other = await heard(hook, url)
        except MissingFacilityError as problem:
            missing("emulate", str(problem))
            return
    assert mine == other


pytestmark = pytest.mark.facility("emulate")
