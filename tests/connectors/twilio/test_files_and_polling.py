"""Files of text messages, what no webhook brought, and what an examination finds."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from connectors.twilio.connector import TwilioConnector
from connectors.twilio.sandbox_account import ACCOUNT, SMS_NUMBER
from gateway.sdk import Attachment, ConsentChanged, Cursor, Delivery, PermanentFailure, TextMessage
from gateway.testing.host import FakeHost
from tests.connectors.twilio.test_twilio import ANNA, BEN, DAY, TwilioSetUp, answer_to, said


class TestFiles(TwilioSetUp):
    async def test_a_file_is_fetched_with_our_credentials(self, connector: Any, sandbox: Any) -> None:
        sandbox.person_texts(BEN, "see", files=[("image/png", b"\x89PNG" * 40_000), ("text/vcard", b"BEGIN:VCARD")])
        (message,) = said(connector, sandbox)
        found = [b"".join([chunk async for chunk in connector.fetch(each, DELIVERY)]) for each in message.attachments]
        assert found == [b"\x89PNG" * 40_000, b"BEGIN:VCARD"]
        assert [each.media_type for each in message.attachments] == ["image/png", "text/vcard"]

    @pytest.mark.parametrize(
        "url",
        [
            "https://evil.example/2010-04-01/Media/ME1",
            "https://api.twilio.com.evil.example/x",
            "https://api.twilio.com@evil.example/x",
            "http://media.twiliocdn.com/x",
            "https://s3-external-1.amazonaws.com/somebody/x",
            "file:///etc/passwd",
            "www.contoso.com",
        ],
    )
    async def test_nothing_is_fetched_from_elsewhere_and_no_credential_goes_there(
        self, connector: Any, sandbox: Any, url: str
    ) -> None:
        with pytest.raises(PermanentFailure, match="not Twilio's"):
            async for _ in connector.fetch(Attachment(id="x", url=url), DELIVERY):
                pass
        assert not sandbox.calls

    async def test_where_the_api_sends_on_to_is_looked_at_and_gets_no_credential(
        self, connector: Any, sandbox: Any
    ) -> None:
        kept: list[str | None] = []

        async def handle(request: web.Request) -> web.Response:
            kept.append(request.headers.get("Authorization"))
            return web.Response(body=b"secret of this machine")

        app = web.Application()
        app.router.add_get("/x", handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        sandbox.person_texts(BEN, "see", files=[("image/png", b"x")])
        (message,) = said(connector, sandbox)
        for place in (
            f"http://127.0.0.1:{runner.addresses[0][1]}/x",
            "http://169.254.169.254/",
            "//evil.example/x",
            "ftp://x/",
        ):
            sandbox.store = place
            with pytest.raises(PermanentFailure, match="not Twilio's"):
                async for _ in connector.fetch(message.attachments[0], DELIVERY):
                    pass
        sandbox.store = message.attachments[0].url
        with pytest.raises(PermanentFailure, match="without end"):
            async for _ in connector.fetch(message.attachments[0], DELIVERY):
                pass
        assert kept == []
        await runner.cleanup()

    async def test_a_file_that_is_gone_is_given_up(self, connector: Any, sandbox: Any) -> None:
        url = f"{sandbox.url}/2010-04-01/Accounts/{ACCOUNT}/Messages/SM1/Media/ME1"
        with pytest.raises(PermanentFailure):
            async for _ in connector.fetch(Attachment(id="x", url=url), DELIVERY):
                pass


DELIVERY = Delivery(connection="t", endpoint="", received_at=0, method="POST", url="", headers=(), body=b"")


class TestBackfill(TwilioSetUp):
    async def test_a_lost_webhook_is_found_by_asking_and_counts_once_with_the_one_that_came(
        self, connector: TwilioConnector, sandbox: Any, host: FakeHost
    ) -> None:
        cursor = await self.polled(connector, None, [])
        host.time += 60_000_000
        sandbox.person_texts(ANNA, "lost", lost=True)
        sandbox.person_texts(ANNA, "came")
        sandbox.person_texts(BEN, "with a picture", files=[("image/png", b"x")], lost=True)
        sandbox.person_texts(ANNA, "STOP", lost=True)
        (came,) = said(connector, sandbox)
        deliveries: list[Delivery] = []
        cursor = await self.polled(connector, cursor, deliveries)
        events = [event for each in deliveries for event in connector.parse(each)]
        assert [getattr(event, "text", "") for event in events] == ["lost", "came", "with a picture", "STOP"]
        assert events[1].dedupe == came.dedupe
        assert events[1].thread == came.thread
        assert isinstance(events[3], ConsentChanged)
        picture = events[2]
        assert isinstance(picture, TextMessage)
        assert b"".join([chunk async for chunk in connector.fetch(picture.attachments[0], DELIVERY)]) == b"x"
        assert events[0].occurred_at == host.now() // 1_000_000 * 1_000_000
        host.time += 3_600_000_000
        cursor = await self.polled(connector, cursor, [])
        later: list[Delivery] = []
        await self.polled(connector, cursor, later)
        assert later == []

    async def test_nothing_from_before_the_first_poll_is_brought_up(
        self, connector: TwilioConnector, sandbox: Any, host: FakeHost
    ) -> None:
        sandbox.person_texts(ANNA, "years ago", lost=True)
        host.time += 30 * DAY
        deliveries: list[Delivery] = []
        await self.polled(connector, None, deliveries)
        assert deliveries == []

    async def test_pages_are_followed_to_their_end_and_our_own_messages_are_left_out(
        self, connector: TwilioConnector, sandbox: Any, host: FakeHost
    ) -> None:
        cursor = await self.polled(connector, None, [])
        for number in range(1_203):
            sandbox.person_texts(ANNA, f"number {number}", lost=True)
        await connector.reply(answer_to())
        sandbox.carries()
        deliveries: list[Delivery] = []
        await self.polled(connector, cursor, deliveries)
        assert len(deliveries) == 1_203

    async def polled(self, connector: TwilioConnector, cursor: Cursor | None, deliveries: list[Delivery]) -> Cursor:
        async def emit(delivery: Delivery, _: Cursor | None) -> None:
            deliveries.append(delivery)

        return await connector.backfill(cursor, emit)


class TestExamination(TwilioSetUp):
    async def test_a_number_that_sends_elsewhere_and_one_that_is_not_ours_are_named(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        found = await connector.examine()
        assert found.addresses == (f"sms:{SMS_NUMBER}",)
        assert all(finding.good for finding in found.findings)
        values = {
            **self.values(sandbox),
            "webhook_url": "https://other.example/hooks/x",
            "numbers": [SMS_NUMBER, "+4930777"],
        }
        other = self.make(values, host)
        await other.open()
        bad = [finding for finding in (await other.examine()).findings if not finding.good]
        assert {finding.subject for finding in bad} == {"webhook", "numbers"}
        assert all(finding.advice for finding in bad)
        assert sandbox.writes() == 0
