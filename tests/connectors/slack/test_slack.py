"""Slack keeps the contracts it claims, and what is special to it."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from connectors.slack import SPEC
from connectors.slack.events import plain
from connectors.slack.sandbox import SECRET, SlackSandbox
from gateway.sdk import Button, Delivery, DeliveryRejected, Notice, OutcomeUnknown, PermanentFailure, Reply
from gateway.testing.contracts import ConnectorContract
from gateway.testing.host import FakeHost
from gateway.testing.source_contract import WebhookSourceContract
from gateway.testing.target_contract import NotifierContract, ReplierContract

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "connectors" / "slack.md"

#: What the page says comes in → recordings of it.
RECORDED = {
    "a message, in a channel or a thread": ["channel_message", "thread_reply"],
    "a direct message to the bot": ["direct_message", "direct_message_in_a_thread"],
    "a changed or deleted message": ["message_edited", "message_deleted"],
    "a message whose link Slack unfurled": ["link_unfurled"],
    "a pressed button": ["talk_to_agent", "notice_acknowledged"],
    "what other bots, and Baton itself, write": ["other_bot", "own_notice"],
    "files": ["message_with_file"],
    "the check of the address": ["address_check"],
    "the same over a socket": ["again_channel_message_over_socket", "again_talk_to_agent_over_socket"],
    "the same found by the poll": ["again_channel_message_by_poll", "again_thread_reply_by_poll"],
}


def test_everything_that_the_page_says_comes_in_has_a_recording() -> None:
    """What is documented and not recorded could change its meaning unseen; what is recorded and not documented, nobody knows."""
    section = PAGE.read_text(encoding="utf-8").split("## What comes in", 1)[1].split("\n## ", 1)[0]
    rows = [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("|")][2:]
    assert rows == list(RECORDED)
    files = {path.name.removesuffix(".delivery.json") for path in (HERE / "deliveries").glob("*.delivery.json")}
    assert files == {name for names in RECORDED.values() for name in names}


class SlackSetUp(ConnectorContract):
    spec = SPEC
    sandbox_class = SlackSandbox

    def sdk_modules(self) -> set[str]:
        return {"aiohttp", "slack_sdk", "slack_bolt"}


class TestSource(WebhookSourceContract, SlackSetUp):
    deliveries = HERE / "deliveries"
    endpoint = "events"

    def body(self) -> bytes:
        event = {"type": "message", "channel": "C1", "ts": "1767225600.000100", "user": "U1", "text": "Hello"}
        return json.dumps({"type": "event_callback", "event_id": "Ev1", "event": event}).encode()

    def signed(self, body: bytes, at: int, *, secret: str | None = None) -> dict[str, str]:
        stamp = str(at // 1_000_000)
        text = b"v0:" + stamp.encode() + b":" + body
        digest = hmac.new((secret or SECRET).encode(), text, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}

    def unknown_bodies(self) -> list[bytes]:
        join = {"type": "message", "subtype": "channel_join", "channel": "C1", "ts": "1.2", "user": "U1"}
        return [
            json.dumps({"type": "event_callback", "event": {"type": "reaction_added"}}).encode(),
            json.dumps({"type": "event_callback", "event": join}).encode(),
            json.dumps({"type": "event_callback", "event": {"type": {}}}).encode(),
            json.dumps({"type": "app_rate_limited", "minute_rate_limited": 1}).encode(),
        ]

    async def test_the_check_of_the_address_is_answered_with_its_challenge(
        self, connector: Any, host: FakeHost
    ) -> None:
        body = json.dumps({"type": "url_verification", "challenge": "abc"}).encode()
        delivery = self.delivery(self.signed(body, host.now()), body, host)
        await connector.verify(delivery)
        assert connector.acknowledge(delivery).body == b"abc"
        assert list(connector.parse(delivery)) == []

    async def test_a_secret_that_was_changed_is_accepted_for_a_while(self, sandbox: Any, host: FakeHost) -> None:
        values = {**self.values(sandbox), "signing_secret": "new", "previous_signing_secret": SECRET}
        connector = self.make(values, host)
        await connector.verify(self.delivery(self.signed(self.body(), host.now()), self.body(), host))

    async def test_one_message_under_two_subscriptions_counts_once(self, connector: Any, host: FakeHost) -> None:
        event = {"type": "message", "channel": "C1", "ts": "1.000001", "user": "U1", "text": "Hello"}
        one = json.dumps({"type": "event_callback", "event_id": "Ev1", "event": event}).encode()
        two = json.dumps(
            {"type": "event_callback", "event_id": "Ev2", "event": {**event, "type": "app_mention"}}
        ).encode()
        first, second = (list(connector.parse(self.delivery({}, body, host))) for body in (one, two))
        assert first[0].dedupe == second[0].dedupe

    async def test_what_agents_say_among_themselves_is_no_case(self, sandbox: Any, host: FakeHost) -> None:
        connector = self.make({**self.values(sandbox), "agent_channels": ["C1"]}, host)
        assert list(connector.parse(self.delivery({}, self.body(), host))) == []

    async def test_signature_vectors_of_others(self, reference: Path, sandbox: Any) -> None:
        vectors = json.loads((reference / "signature_vectors.open.json").read_text(encoding="utf-8"))
        mine = [vector for vector in vectors if vector["scheme"] == "slack-v0"]
        assert mine
        for vector in mine:
            stamp = vector["headers"].get("X-Slack-Request-Timestamp", "0")
            now = int(vector.get("now") or (stamp if stamp.isdigit() else 0)) * 1_000_000
            host = FakeHost(now=now)
            connector = self.make({**self.values(sandbox), "signing_secret": vector["secret"]}, host)
            body = (vector["body"] or "").encode()
            delivery = Delivery(
                connection="t",
                endpoint="interactivity",
                received_at=now,
                method="POST",
                url="",
                headers=tuple(vector["headers"].items()),
                body=body,
            )
            try:
                await connector.verify(delivery)
                valid = True
            except DeliveryRejected:
                valid = False
            assert valid == vector["valid"], vector["source"]

    async def test_bolt_accepts_what_the_sandbox_signs(self, sandbox: Any) -> None:
        """A cross-check of the sandbox by code that is not ours."""
        import time

        from slack_bolt.async_app import AsyncApp
        from slack_bolt.request.async_request import AsyncBoltRequest
        from slack_sdk.signature import SignatureVerifier

        real = SlackSandbox(now=lambda: time.time_ns() // 1000)
        real.person_writes("U1", "Hello")
        real.checks_address()
        heard: list[str] = []
        app = AsyncApp(signing_secret=SECRET, token="xoxb-x", request_verification_enabled=True)

        @app.event("message")
        async def on_message(event: dict[str, Any]) -> None:
            heard.append(event["text"])

        for webhook in real.webhooks.waiting:
            headers = {**webhook.headers, **real._sign(webhook)}
            assert SignatureVerifier(SECRET).is_valid_request(webhook.body, headers)
            if b"url_verification" in webhook.body:
                request = AsyncBoltRequest(body=webhook.body.decode(), headers={**headers})
                answer = await app.async_dispatch(request)
                assert answer.status == 200
                assert "challenge-me" in answer.body


class TestReplies(ReplierContract, SlackSetUp):
    def route(self) -> str:
        return "chat.postMessage"

    def something(self, sandbox: Any, key: str) -> Reply:
        if not sandbox.posts["C0SUPPORT"]:
            sandbox.person_writes("U1", "Hello")
        root = sandbox.posts["C0SUPPORT"][0]["ts"]
        return Reply(key=key, case_id="c", thread=f"C0SUPPORT:{root}", text="SECRET-BODY <!channel>")

    def written(self, sandbox: Any, key: str) -> int:
        return int(sandbox.posts_with_key(key))

    async def test_a_reply_mentions_nobody(self, connector: Any, sandbox: Any) -> None:
        await connector.reply(self.something(sandbox, "k"))
        assert "<!channel>" not in sandbox.posts["C0SUPPORT"][-1]["text"]

    async def test_a_long_thread_is_looked_through_to_its_end(self, connector: Any, sandbox: Any) -> None:
        reply = self.something(sandbox, "k")
        root = sandbox.posts["C0SUPPORT"][0]["ts"]
        for number in range(450):
            sandbox.person_writes("U1", f"line {number}", thread=root)
        assert await connector.settle_reply(reply) is None
        await connector.reply(reply)
        assert await connector.settle_reply(reply) is not None


class TestNoticesToAPerson(NotifierContract, SlackSetUp):
    def route(self) -> str:
        return "chat.postMessage"

    def something(self, sandbox: Any, key: str) -> Notice:
        return Notice(key=key, case_id="c", destination="U0CARLA", title="SECRET-BODY")

    def written(self, sandbox: Any, key: str) -> int:
        return int(sandbox.posts_with_key(key))


class TestNotices(NotifierContract, SlackSetUp):
    def route(self) -> str:
        return "chat.postMessage"

    def something(self, sandbox: Any, key: str) -> Notice:
        button = Button(action="acknowledge", label="Acknowledge")
        return Notice(key=key, case_id="c", destination="#cx-leads", title="SECRET-BODY", buttons=(button,))

    def written(self, sandbox: Any, key: str) -> int:
        return int(sandbox.posts_with_key(key))

    async def test_the_button_carries_the_key_back(self, connector: Any, sandbox: Any, host: FakeHost) -> None:
        await connector.notify(self.something(sandbox, "k-1"))
        sandbox.webhooks.waiting.clear()
        sandbox.agent_acknowledges("U9", sandbox.messages("cx-leads")[-1], "C0LEADS", name="Lea")
        (webhook,) = sandbox.webhooks.waiting
        delivery = Delivery(
            connection="t",
            endpoint="interactivity",
            received_at=0,
            method="POST",
            url="",
            headers=(),
            body=webhook.body,
        )
        (event,) = connector.parse(delivery)
        assert (event.reference, event.action, event.sender.name) == ("k-1", "acknowledge", "Lea")

    async def test_a_busy_channel_is_looked_through_page_by_page(self, connector: Any, sandbox: Any) -> None:
        """A channel holds more than Slack shows at once: that alone must not leave an outcome unknown."""
        notice, never = self.something(sandbox, "k"), self.something(sandbox, "never-sent")
        await connector.notify(notice)
        for number in range(450):
            sandbox.person_writes("U9", f"chatter {number}", channel="C0LEADS")
        assert await connector.settle_notice(notice) is not None
        assert await connector.settle_notice(never) is None

    async def test_a_channel_without_end_leaves_the_outcome_unknown(
        self, connector: Any, sandbox: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("connectors.slack.connector._PAGES", 2)
        for number in range(450):
            sandbox.person_writes("U9", f"chatter {number}", channel="C0LEADS")
        with pytest.raises(OutcomeUnknown, match="look there"):
            await connector.settle_notice(self.something(sandbox, "never-sent"))

    async def test_a_channel_that_is_not_there_is_said_plainly(self, connector: Any) -> None:
        notice = Notice(key="k", case_id="c", destination="#nowhere", title="t")
        with pytest.raises(PermanentFailure, match="invite the bot"):
            await connector.notify(notice)


@pytest.mark.parametrize(
    ("marked", "read"),
    [
        ("a &amp; b &lt;c&gt;", "a & b <c>"),
        ("<@U1> and <@U2|ann>", "@U1 and @ann"),
        ("<#C1|general>", "#general"),
        ("<!here> <!subteam^S1|@team>", "@here @team"),
        ("<https://a.b|site> <https://c.d>", "site (https://a.b) https://c.d"),
        ("5 < 6 > 4", "5 < 6 > 4"),
    ],
)
def test_markup_is_read_as_people_read_it(marked: str, read: str) -> None:
    assert plain(marked) == read
