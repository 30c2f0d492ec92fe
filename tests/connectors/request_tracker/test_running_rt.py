"""The same tests as against the sandbox, against Debian's Request Tracker, really running; its database is asked what stands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from connectors.request_tracker.connector import RequestTrackerConnector
from gateway.sdk import CredentialsRefused, Mode
from gateway.testing.host import FakeHost
from tests.connectors.request_tracker import polls, suites
from tests.connectors.request_tracker.real import RealDesk
from tests.connectors.request_tracker.said import connected
from tests.running_rt import RunningRT

pytestmark = pytest.mark.facility("rt")


class OnRT:
    """The contracts' fixtures, with a real RT behind a proxy in the sandbox's place."""

    @pytest_asyncio.fixture
    async def host(self) -> AsyncIterator[FakeHost]:
        host = FakeHost("test")
        yield host
        await host.close()

    @pytest_asyncio.fixture
    async def sandbox(self, running_rt: RunningRT) -> AsyncIterator[RealDesk]:
        desk = RealDesk(running_rt)
        await desk.start()
        yield desk
        await desk.stop()

    @pytest_asyncio.fixture
    async def connector(self, sandbox: RealDesk, host: FakeHost) -> AsyncIterator[RequestTrackerConnector]:
        connector: RequestTrackerConnector = connected(sandbox, host)
        await connector.open()
        yield connector
        await connector.close()


class TestNewTickets(OnRT, suites.NewTickets):
    pass


class TestCreations(OnRT, suites.Creations):
    pass


class TestUpdates(OnRT, suites.Updates):
    pass


class TestReplies(OnRT, suites.Replies):
    async def test_the_mail_that_rt_sends_says_nothing_of_our_key(self, connector: Any, sandbox: RealDesk) -> None:
        reply = self.something(sandbox, "mail")
        await connector.reply(reply)
        assert sandbox.messages_with_key(reply.key)
        mails = sandbox.rt.mails()
        assert "To: ben@customer.example" in mails
        assert "Dear Ben, SECRET-BODY." in mails
        assert "x-baton-key" not in mails.lower()
        assert reply.key not in mails


class TestPolls(OnRT, polls.Polls):
    async def test_credentials_are_judged(self, connector: Any, sandbox: RealDesk, host: FakeHost) -> None:
        await connector.check()
        token = sandbox.rt.token
        somebodys = token.replace(token.split("-")[2], "0" * 32)
        password = {"user": "anna", "token": None}
        changes: list[tuple[dict[str, Any], bool]] = [
            ({"token": somebodys}, False),
            ({"user": "anna"}, False),
            ({"user": "nobody-here"}, False),
            ({**password, "password": "password"}, True),
            ({**password, "password": "wrong"}, False),
        ]
        for change, works in changes:
            other = connected(sandbox, host, **change)
            if works:
                await other.check()
                continue
            with pytest.raises(CredentialsRefused):
                await other.check()

    async def test_a_merged_ticket_takes_notes_by_its_old_number(self, connector: Any, sandbox: RealDesk) -> None:
        old = sandbox.customer_writes("Ben", "Help", "first")
        kept = sandbox.customer_writes("Ben", "Help", "second")
        cursor = await connector.backfill(None, None)
        sandbox.anna("PUT", f"ticket/{old}", {"MergeInto": kept})
        handoff = suites.update(sandbox, "merged", old, mode=Mode.NOTES)
        await connector.hand_off(handoff)
        assert await connector.settle(handoff) is not None
        assert sandbox.messages_with_key(handoff.key) == [(kept, "Comment")]
        events, _ = await self.events(connector, cursor)
        assert "merged" in {event.change.value for event in events}
