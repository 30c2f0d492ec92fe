"""Slack without hooks: sockets, files, and what the doctor finds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from connectors.slack import SPEC
from connectors.slack.sandbox import APP_TOKEN, SlackSandbox
from gateway.model import altered
from gateway.sdk import Attachment, CredentialsRefused, Cursor, Delivery, PermanentFailure, TemporaryFailure
from gateway.testing.contracts import ConnectorContract
from gateway.testing.host import FakeHost


class Journal:
    """Keeps deliveries, or refuses to."""

    def __init__(self) -> None:
        self.kept: list[Delivery] = []
        self.open = asyncio.Event()
        self.open.set()

    async def emit(self, delivery: Delivery, cursor: Cursor | None) -> None:
        await self.open.wait()
        self.kept.append(delivery)


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


async def kept(work: Any) -> Exception | None:
    try:
        await work
    except Exception as error:
        return error
    return None


@asynccontextmanager
async def listening(connector: Any, journal: Journal) -> AsyncGenerator[asyncio.Task[None], None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(connector.listen(None, journal.emit))
        yield task
        task.cancel()


class TestListening(ConnectorContract):
    spec = SPEC
    sandbox_class = SlackSandbox

    def values(self, sandbox: Any) -> dict[str, Any]:
        return {**sandbox.settings(), **sandbox.secrets(), "app_token": APP_TOKEN}

    def api_secrets(self, sandbox: Any) -> list[str]:
        return ["bot_token"]

    async def test_what_comes_over_the_socket_means_what_it_means_over_http(self, connector: Any, sandbox: Any) -> None:
        journal = Journal()
        stamp = sandbox.person_writes("U1", "Hello", name="Ann")
        sandbox.person_presses("U1", "talk_to_agent", channel="C0SUPPORT", stamp=stamp)
        hooks = list(sandbox.webhooks.waiting)
        async with listening(connector, journal):
            await until(lambda: sandbox.sockets.open)
            await sandbox.sockets.send()
            await until(lambda: len(sandbox.sockets.acknowledged) == 2)
        over_http = [
            Delivery(
                connection="test",
                endpoint=each.endpoint,
                received_at=0,
                method="POST",
                url="",
                headers=(),
                body=each.body,
            )
            for each in hooks
        ]
        told = [event for each in journal.kept for event in connector.parse(each)]
        assert told == [event for each in over_http for event in connector.parse(each)]
        assert len(told) == 2
        assert sandbox.sockets.acknowledged == sandbox.sockets.sent

    async def test_nothing_is_acknowledged_before_it_is_durable(self, connector: Any, sandbox: Any) -> None:
        journal = Journal()
        journal.open.clear()
        sandbox.person_writes("U1", "Hello")
        async with listening(connector, journal):
            await until(lambda: sandbox.sockets.open)
            await sandbox.sockets.send()
            await asyncio.sleep(0.05)
            assert sandbox.sockets.acknowledged == []
            journal.open.set()
            await until(lambda: sandbox.sockets.acknowledged)

    async def test_a_socket_that_slack_renews_is_followed_by_another(self, connector: Any, sandbox: Any) -> None:
        async with listening(connector, Journal()):
            await until(lambda: sandbox.sockets.open)
            await sandbox.sockets.refresh()
            await until(lambda: sandbox.count("apps.connections.open") == 2 and len(sandbox.sockets.open) == 1)

    async def test_a_socket_that_breaks_is_a_temporary_failure(self, connector: Any, sandbox: Any) -> None:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(kept(connector.listen(None, Journal().emit)))
            await until(lambda: sandbox.sockets.open)
            await sandbox.sockets.open[0].close()
        assert isinstance(task.result(), TemporaryFailure)

    async def test_a_wrong_app_token_is_a_refused_credential(self, sandbox: Any, host: FakeHost) -> None:
        connector = self.make({**self.values(sandbox), "app_token": "xapp-wrong"}, host)
        await connector.open()
        with pytest.raises(CredentialsRefused):
            await connector.listen(None, Journal().emit)
        await connector.close()

    async def test_without_an_app_token_there_is_no_stream(self, sandbox: Any, host: FakeHost) -> None:
        assert not self.make({**sandbox.settings(), **sandbox.secrets()}, host).streaming

    # --- files -------------------------------------------------------------------------------------------------------
    async def test_a_file_is_fetched_byte_for_byte(self, connector: Any, sandbox: Any) -> None:
        attachment, delivery = self.filed(connector, sandbox)
        assert b"".join([chunk async for chunk in connector.fetch(attachment, delivery)]) == b"the bytes of bill.pdf"

    @pytest.mark.parametrize(
        "address",
        [
            "https://files.slack.com.evil.example/x",
            "https://evil.example/x",
            "http://files.slack.com/x",
            "https://evilslack.com/x",
            "",
        ],
    )
    async def test_the_token_goes_to_nobody_but_slack(self, connector: Any, sandbox: Any, address: str) -> None:
        attachment, delivery = self.filed(connector, sandbox)
        with pytest.raises(PermanentFailure, match="not on Slack's servers"):
            _ = [chunk async for chunk in connector.fetch(altered(attachment, url=address), delivery)]

    async def test_a_log_in_page_is_not_taken_for_the_file(self, sandbox: Any, connector: Any, host: FakeHost) -> None:
        attachment, delivery = self.filed(connector, sandbox)
        other = self.make({**self.values(sandbox), "bot_token": "xoxb-no-scope"}, host)
        with pytest.raises(PermanentFailure, match="files:read"):
            _ = [chunk async for chunk in other.fetch(attachment, delivery)]

    def filed(self, connector: Any, sandbox: Any) -> tuple[Attachment, Delivery]:
        sandbox.person_writes("U1", "My bill", file="bill.pdf")
        body = sandbox.webhooks.waiting[-1].body
        delivery = Delivery(
            connection="t", endpoint="events", received_at=0, method="POST", url="", headers=(), body=body
        )
        (event,) = connector.parse(delivery)
        (attachment,) = event.attachments
        return attachment, delivery

    # --- doctor ------------------------------------------------------------------------------------------------------
    async def test_a_scope_that_is_missing_is_named(self, connector: Any, sandbox: Any) -> None:
        assert all(finding.good for finding in (await connector.examine()).findings)
        sandbox.scopes = tuple(scope for scope in sandbox.scopes if scope != "im:history")
        found = {finding.subject: finding for finding in (await connector.examine()).findings}
        assert not found["scopes"].good
        assert "im:history" in found["scopes"].sentence
        assert sandbox.writes() == 0
