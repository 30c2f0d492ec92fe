"""What Slack's events did not bring is found by asking, also where it is an answer in a thread that is days old."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.slack import SPEC, polling
from connectors.slack.sandbox import SlackSandbox
from gateway.sdk import ChatMessage, Cursor, Delivery, PermanentFailure, TemporaryFailure
from gateway.testing.contracts import ConnectorContract
from gateway.testing.faults import FaultKind
from gateway.testing.host import FakeHost

DAY = 86_400


class Journal:
    """Keeps deliveries."""

    def __init__(self) -> None:
        self.kept: list[Delivery] = []

    async def emit(self, delivery: Delivery, cursor: Cursor | None) -> None:
        assert cursor is None
        self.kept.append(delivery)


def texts(polled: tuple[Cursor, list[ChatMessage]]) -> list[str]:
    return [event.text for event in polled[1]]


class TestPolling(ConnectorContract):
    spec = SPEC
    sandbox_class = SlackSandbox

    async def poll(self, connector: Any, since: Cursor | None) -> tuple[Cursor, list[ChatMessage]]:
        journal = Journal()
        cursor = await connector.backfill(since, journal.emit)
        return cursor, [event for each in journal.kept for event in connector.parse(each)]

    async def test_a_poll_finds_what_was_missed_under_the_same_keys(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        root = sandbox.person_writes("U1", "Hello", name="Ann")
        sandbox.person_writes("U1", "Anybody?", thread=root)
        sandbox.person_writes("U2", "Hi", channel="D0BEN")
        sandbox.bot_writes("Weather", "Sunny")
        missed = [
            event
            for each in sandbox.webhooks.waiting
            for event in connector.parse(
                Delivery(
                    connection="t", endpoint="events", received_at=0, method="POST", url="", headers=(), body=each.body
                )
            )
        ]
        first, nothing = await self.poll(connector, None)
        assert first
        host.time += 300 * 1_000_000
        assert nothing == []
        cursor, found = await self.poll(connector, "0")
        assert {event.dedupe: event.thread for event in found} == {event.dedupe: event.thread for event in missed}
        assert sorted(event.text for event in found) == ["Anybody?", "Hello", "Hi", "Sunny"]
        host.time += 3_600 * 1_000_000
        sandbox.person_writes("U3", "Later")
        assert texts(await self.poll(connector, cursor)) == ["Later"]

    @pytest.mark.parametrize("days", [0.02, 1, 6.9])
    async def test_an_answer_in_an_old_thread_is_found(
        self, connector: Any, sandbox: Any, host: FakeHost, days: float
    ) -> None:
        """The usual message of a customer: what opened the thread was told of long ago, and the answer's event is lost."""
        root = sandbox.person_writes("U1", "First")
        host.time += int(days * DAY) * 1_000_000
        cursor, _ = await self.poll(connector, None)
        host.time += 300 * 1_000_000
        sandbox.person_writes("U1", "Still broken", thread=root)
        host.time += 1_000_000
        sandbox.person_writes("U2", "Another matter")
        host.time += 120 * 1_000_000
        cursor, found = await self.poll(connector, cursor)
        assert [event.text for event in found] == ["Still broken", "Another matter"]
        assert found[0].thread == f"C0SUPPORT:{root}"
        host.time += 300 * 1_000_000
        assert (await self.poll(connector, cursor))[1] == []

    async def test_what_was_said_before_is_not_told_along_with_its_answer(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        """Slack puts what opened a thread before its answers, however old it is: it was told when it was written."""
        root = sandbox.person_writes("U1", "Before Baton was there")
        sandbox.person_writes("U1", "So was this", thread=root)
        host.time += DAY * 1_000_000
        cursor, _ = await self.poll(connector, None)
        host.time += 300 * 1_000_000
        sandbox.person_writes("U1", "Now", thread=root)
        assert texts(await self.poll(connector, cursor)) == ["Now"]

    async def test_answers_under_a_deleted_opening_are_found(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        root = sandbox.person_writes("U1", "Oops")
        sandbox.person_writes("U1", "I mean:", thread=root)
        sandbox.person_deletes("C0SUPPORT", root)
        host.time += 600 * 1_000_000
        cursor, _ = await self.poll(connector, None)
        host.time += 600 * 1_000_000
        sandbox.person_writes("U1", "Help", thread=root)
        assert texts(await self.poll(connector, cursor)) == ["Help"]

    async def test_only_threads_with_new_answers_are_read(self, connector: Any, sandbox: Any, host: FakeHost) -> None:
        """The number of calls is bounded: one a conversation and 200 openings, one a thread that somebody answered in."""
        roots = [sandbox.person_writes("U1", f"Matter {number}") for number in range(150)]
        for root in roots:
            sandbox.person_writes("U2", "Me too", thread=root)
        host.time += DAY * 1_000_000
        cursor, _ = await self.poll(connector, None)
        host.time += 300 * 1_000_000
        for root in roots[:3]:
            sandbox.person_writes("U1", "And now?", thread=root)
        sandbox.calls.clear()
        _, found = await self.poll(connector, cursor)
        assert len(found) == 3
        assert sandbox.count("conversations.replies") == 3
        assert sandbox.count("conversations.history") == len(sandbox.posts)

    async def test_old_openings_are_bounded_and_what_is_new_is_not(
        self, connector: Any, sandbox: Any, host: FakeHost, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(polling, "_PAGE", 5)
        monkeypatch.setattr(polling, "_OLDER_PAGES", 2)
        for number in range(100):
            sandbox.person_writes("U1", f"old {number}")
        host.time += DAY * 1_000_000
        cursor, _ = await self.poll(connector, None)
        host.time += 300 * 1_000_000
        for number in range(33):
            sandbox.person_writes("U1", f"new {number}")
        sandbox.calls.clear()
        _, found = await self.poll(connector, cursor)
        assert [event.text for event in found] == [f"new {number}" for number in range(33)]
        assert sandbox.count("conversations.history") == len(sandbox.posts) - 1 + 6 + 2

    async def test_a_round_that_slack_cuts_short_goes_on_where_it_was(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        """Slack gives 50 histories a minute: a bot in more conversations would never see the last of them."""
        for number in range(20):
            sandbox.posts[f"C1{number:04d}"] = []
        cursor, _ = await self.poll(connector, None)
        begin = cursor
        host.time += 600 * 1_000_000
        for number in range(20):
            sandbox.person_writes("U1", f"in {number}", channel=f"C1{number:04d}")
        read: list[str] = []
        for _ in range(5):
            sandbox.calls.clear()
            # Seven calls are answered, and then Slack wants to be asked later.
            journal = Journal()
            calls = 0
            whole = connector._call

            async def metered(method: str, arguments: dict[str, Any], *, writes: bool = True) -> Any:
                nonlocal calls
                calls += method == "conversations.history"
                if calls > 7:
                    sandbox.faults.add(method, FaultKind.RATE_LIMITED, seconds=30)
                return await whole(method, arguments, writes=writes)  # noqa: B023 (called within this round)

            connector._call = metered
            cursor = await connector.backfill(cursor, journal.emit)
            connector._call = whole
            sandbox.faults.clear()
            read += [event.text for each in journal.kept for event in connector.parse(each)]
            host.time += 300 * 1_000_000
            if ":" not in cursor:
                break
        assert sorted(read) == sorted(f"in {number}" for number in range(20))
        assert int(cursor) > int(begin)
        # The next round begins before the first call of this one: what was written meanwhile is seen.
        assert int(cursor) <= (host.time // 1_000_000) - 300 * 3

    async def test_a_round_that_gets_nowhere_is_a_temporary_failure(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        cursor, _ = await self.poll(connector, None)
        sandbox.faults.add("conversations.history", FaultKind.RATE_LIMITED, seconds=30)
        with pytest.raises(TemporaryFailure):
            await connector.backfill(cursor, Journal().emit)

    async def test_a_conversation_that_slack_does_not_show_keeps_nobody_from_the_others(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        cursor, _ = await self.poll(connector, None)
        host.time += 300 * 1_000_000
        sandbox.person_writes("U1", "Hello")

        async def call(method: str, arguments: dict[str, Any]) -> Any:
            if arguments.get("channel") == "C0LEADS":
                raise PermanentFailure("Slack refused it (not_in_channel).")
            return await connector._call(method, arguments, writes=False)

        journal = Journal()
        await polling.backfill(call, cursor, host, journal.emit)
        assert len(journal.kept) == 1
        assert any("not_in_channel" in each for each in host.lines)

    async def test_a_cursor_of_an_older_version_is_understood(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        sandbox.person_writes("U1", "Hello")
        _, found = await self.poll(connector, f"{host.time / 1_000_000 - 60}")
        assert len(found) == 1

    async def test_a_poll_follows_every_page(self, host: FakeHost) -> None:
        """The sandbox lists all conversations at once; the pages are Slack's own: has_more with a cursor."""

        async def call(method: str, arguments: dict[str, Any]) -> dict[str, Any]:
            number = int(arguments.get("cursor") or 0)
            if method == "users.conversations":
                after = {"next_cursor": "1"} if number == 0 else {}
                return {"channels": [{"id": f"C{number}"}], "response_metadata": after}
            more: dict[str, Any] = (
                {"has_more": True, "response_metadata": {"next_cursor": str(number + 1)}} if number < 2 else {}
            )
            return {"messages": [{"ts": f"{number}.5", "user": "U1", "text": "x"}], **more}

        journal = Journal()
        await polling.backfill(call, "0", host, journal.emit)
        assert len(journal.kept) == 6

    # --- the sandbox shows what Slack shows --------------------------------------------------------------------------
    async def test_the_sandbox_counts_answers_as_slack_does(self, sandbox: Any) -> None:
        root = sandbox.person_writes("U1", "First")
        assert "reply_count" not in sandbox.messages("C0SUPPORT")[0]
        sandbox.person_writes("U2", "a", thread=root)
        last = sandbox.person_writes("U2", "b", thread=root)
        opening = sandbox.messages("C0SUPPORT")[0]
        assert {name: opening[name] for name in ("thread_ts", "reply_count", "reply_users", "latest_reply")} == {
            "thread_ts": root,
            "reply_count": 2,
            "reply_users": ["U2"],
            "latest_reply": last,
        }

    async def test_the_sandbox_gives_pages_from_the_end_that_slack_gives_them_from(
        self, connector: Any, sandbox: Any
    ) -> None:
        """With `oldest` alone Slack begins next to it, with `latest` too next to that one."""
        for number in range(5):
            sandbox.person_writes("U1", str(number))

        async def page(**given: str) -> list[str]:
            asked = {"channel": "C0SUPPORT", "limit": 2, **given}
            answer = await connector._call("conversations.history", asked, writes=False)
            return [each["text"] for each in answer["messages"]]

        assert await page() == ["4", "3"]
        assert await page(oldest="1") == ["1", "0"]
        assert await page(oldest="1", latest="9999999999") == ["4", "3"]
        path = next(call.path for call in sandbox.calls if call.route == "conversations.history")
        assert parse_qs(urlsplit(path).query)["limit"] == ["2"]
