"""Twilio's text messages keep the contracts they claim, and what is special to them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from connectors.twilio import SPEC
from connectors.twilio.prices import Spent
from connectors.twilio.sandbox import TwilioSandbox
from connectors.twilio.sandbox_account import ACCOUNT, SMS_NUMBER, TOKEN, WHATSAPP, signature
from gateway.sdk import (
    Button,
    ConsentChanged,
    Delivery,
    DeliveryReport,
    DeliveryState,
    File,
    PermanentFailure,
    Reply,
    TemporaryFailure,
    TextMessage,
)
from gateway.testing.contracts import ConnectorContract
from gateway.testing.faults import FaultKind
from gateway.testing.host import FakeHost
from gateway.testing.sandbox import system_now
from gateway.testing.source_contract import WebhookSourceContract
from gateway.testing.target_contract import ReplierContract

ANNA = "+4915550100"
BEN = "whatsapp:+4915550200"
URL = "https://baton.example.com/hooks/test"
DAY = 86_400_000_000


class Texts(TwilioSandbox):
    """The sandbox, whose Console knows the hook by its public address."""

    def __init__(self, *, now: Callable[[], int] = system_now, token: str = TOKEN) -> None:
        super().__init__(now=now, token=token, public=URL)


class TwilioSetUp(ConnectorContract):
    spec = SPEC
    sandbox_class = Texts

    def values(self, sandbox: Any) -> dict[str, Any]:
        return {**super().values(sandbox), "timeout": 3.0, "webhook_url": URL}

    def sdk_modules(self) -> set[str]:
        return {"aiohttp", "requests", "twilio"}


class TestSource(WebhookSourceContract, TwilioSetUp):
    deliveries = Path(__file__).parent / "deliveries"
    window = None

    def body(self) -> bytes:
        fields = {"MessageSid": "SM1", "AccountSid": ACCOUNT, "From": ANNA, "To": SMS_NUMBER, "Body": "Where is it?"}
        return urlencode(fields).encode()

    def signed(self, body: bytes, at: int, *, secret: str | None = None) -> dict[str, str]:
        fields = parse_qsl(body.decode(), keep_blank_values=True)
        return {"X-Twilio-Signature": signature(secret or TOKEN, URL, fields)}

    def unknown_bodies(self) -> list[bytes]:
        return [
            urlencode({"AccountSid": ACCOUNT, "EventType": "onMessageAdded", "ConversationSid": "CH1"}).encode(),
            urlencode({"MessageSid": "SM1", "MessageStatus": "of-next-year", "From": "a", "To": "b"}).encode(),
            b"",
        ]

    async def test_what_the_sandbox_sends_is_authentic(self, connector: Any, sandbox: Any) -> None:
        sandbox.person_texts(BEN, "Grüße & more", name="Ben", files=[("image/png", b"x")])
        for webhook in sandbox.webhooks.waiting:
            await connector.verify(arrived(sandbox, webhook))


def arrived(sandbox: Any, webhook: Any) -> Delivery:
    """Return what a hook would make of a webhook of the sandbox."""
    url = sandbox.webhooks.public + sandbox.webhooks.address(webhook)
    return Delivery(
        connection="test",
        endpoint=webhook.endpoint,
        received_at=sandbox.now(),
        method="POST",
        url=url,
        headers=tuple(sandbox.webhooks.sign(url, webhook.body).items()),
        body=webhook.body,
    )


def said(connector: Any, sandbox: Any) -> list[Any]:
    """Return the events of all that waits to be sent."""
    waiting, sandbox.webhooks.waiting = sandbox.webhooks.waiting, []
    return [event for webhook in waiting for event in connector.parse(arrived(sandbox, webhook))]


def answer_to(theirs: str = ANNA, text: str = "It is on its way.", key: str = "k-1", **more: Any) -> Reply:
    ours = WHATSAPP if theirs.startswith("whatsapp:") else SMS_NUMBER
    return Reply(key=key, case_id="c", thread=f"{ours}|{theirs}", text=text, **more)


class TestReplies(ReplierContract, TwilioSetUp):
    def route(self) -> str:
        return "messages.create"

    def something(self, sandbox: Any, key: str) -> Reply:
        return answer_to(text=f"SECRET-BODY {key}", key=key)

    def written(self, sandbox: Any, key: str) -> int:
        return int(sandbox.sent(f"SECRET-BODY {key}"))


class TestMessaging(TwilioSetUp):
    @pytest.mark.parametrize("person", [ANNA, BEN])
    async def test_an_answer_goes_out_on_the_thread_of_the_question_and_is_reported(
        self, connector: Any, sandbox: Any, person: str
    ) -> None:
        sandbox.person_texts(person, "Where is my order?")
        (question,) = said(connector, sandbox)
        receipt = await connector.reply(Reply(key="k-7", case_id="c", thread=question.thread, text="On its way."))
        sandbox.carries()
        sent, delivered = said(connector, sandbox)
        assert (sent.state, delivered.state) == (DeliveryState.SENT, DeliveryState.DELIVERED)
        assert {sent.reference, delivered.reference} == {"k-7"}
        assert {sent.thread, delivered.thread, receipt.thread} == {question.thread}
        assert {sent.message_id, delivered.message_id} == {receipt.ids[0].id}
        assert sent.dedupe != delivered.dedupe

    async def test_a_message_is_a_phone_number_whatever_it_came_by(self, connector: Any, sandbox: Any) -> None:
        sandbox.person_texts("+4915550200", "by text")
        sandbox.person_texts(BEN, "by WhatsApp", name="Ben")
        sandbox.person_texts("whatsapp:DE.1A2B3C", "without a number", to=WHATSAPP)
        text, chat, hidden = said(connector, sandbox)
        assert (
            (text.sender.kind, text.sender.value) == (chat.sender.kind, chat.sender.value) == ("phone", "+4915550200")
        )
        assert chat.sender.name == "Ben"
        assert text.thread != chat.thread
        assert hidden.sender.kind == "whatsapp_user"

    async def test_stop_and_start_change_consent_and_help_is_a_message(self, connector: Any, sandbox: Any) -> None:
        for words in ("STOP", "Start", "help"):
            sandbox.person_texts(ANNA, words)
        stop, start, help_ = said(connector, sandbox)
        assert (stop.granted, start.granted) == (False, True)
        assert isinstance(help_, TextMessage)

    async def test_a_word_within_a_sentence_or_an_answer_of_a_messenger_stops_nothing(
        self, connector: Any, sandbox: Any
    ) -> None:
        for sender, words in ((ANNA, "please stop the delivery"), (ANNA, "Yes please"), (BEN, "Cancel"), (BEN, "Yes")):
            sandbox.person_texts(sender, words)
        assert all(isinstance(event, TextMessage) for event in said(connector, sandbox))

    async def test_who_said_stop_is_not_written_to(self, connector: Any, sandbox: Any) -> None:
        sandbox.person_texts(ANNA, "stop")
        assert isinstance(said(connector, sandbox)[0], ConsentChanged)
        with pytest.raises(PermanentFailure, match="STOP"):
            await connector.reply(answer_to())
        sandbox.person_texts(ANNA, "START")
        await connector.reply(answer_to())
        assert sandbox.sent("It is on its way.") == 1

    async def test_whatsapp_after_24_hours_takes_a_template_or_says_why_not(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        sandbox.person_texts(BEN, "Hello")
        (question,) = said(connector, sandbox)
        wrote = host.now()
        host.time += DAY - 1
        await connector.reply(answer_to(BEN, "in time", last_message_at=wrote))
        host.time += 1
        late = answer_to(BEN, "late\nwith two lines", key="k-2", last_message_at=wrote, written_at=host.now())
        with pytest.raises(PermanentFailure, match="template_sid"):
            await connector.reply(late)
        template = self.make({**self.values(sandbox), "template_sid": "HX" + "1" * 32}, host)
        await template.open()
        assert await template.settle_reply(late) is None
        receipt = await template.reply(late)
        assert sandbox.messages[-1]["body"] == "We have news for you: late with two lines"
        assert await template.settle_reply(late) == receipt
        sandbox.carries()
        assert [event.state for event in said(connector, sandbox)].count(
            DeliveryState.FAILED
        ) == 1  # the one "in time", now late
        assert question.sender.value == "+4915550200"
        await template.close()

    async def test_free_text_that_comes_too_late_is_reported_as_failed(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        sandbox.person_texts(BEN, "Hello")
        said(connector, sandbox)
        host.time += DAY
        await connector.reply(answer_to(BEN))
        sandbox.carries()
        report = said(connector, sandbox)[-1]
        assert isinstance(report, DeliveryReport)
        assert (report.state, report.code, report.permanent) == (DeliveryState.FAILED, "63016", False)
        assert "24 hours" in report.reason

    async def test_a_text_of_1600_characters_goes_out_whole_and_a_longer_one_not_at_all(
        self, connector: Any, sandbox: Any
    ) -> None:
        await connector.reply(answer_to(text="x" * 1600))
        with pytest.raises(PermanentFailure, match="1601 characters"):
            await connector.reply(answer_to(text="y" * 1601))
        assert [len(row["body"]) for row in sandbox.messages] == [1600]

    async def test_buttons_and_files_become_words(self, connector: Any, sandbox: Any) -> None:
        button = Button(action="talk_to_agent", label="Talk to an agent")
        await connector.reply(answer_to(buttons=(button,), files=(File(name="bill.pdf"),)))
        body = sandbox.messages[-1]["body"]
        assert "Answer with: Talk to an agent" in body
        assert "bill.pdf" in body

    async def test_the_cap_of_the_day_counts_what_twilio_sent_and_ends_at_midnight(
        self, sandbox: Any, host: FakeHost
    ) -> None:
        host.time += DAY // 2
        connector = self.make({**self.values(sandbox), "daily_messages": 3}, host)
        for number in range(3):
            # Each time another object: the count must not live in the connector.
            connector = self.make({**self.values(sandbox), "daily_messages": 3}, host)
            await connector.open()
            await connector.reply(answer_to(text=f"number {number}", key=f"k-{number}"))
            sandbox.carries()
        with pytest.raises(PermanentFailure, match="daily_messages"):
            await connector.reply(answer_to(text="one too many"))
        host.time += DAY // 2
        await connector.reply(answer_to(text="a new day"))
        assert sandbox.sent("one too many") == 0
        assert sandbox.sent("a new day") == 1

    async def test_the_cap_counts_segments_and_what_is_still_queued(self, sandbox: Any, host: FakeHost) -> None:
        host.time += DAY // 2
        for others in ("x" * 459, "ж" * 71):
            # What others send from the number counts as it is billed: 3 and 2.
            sandbox._row(SMS_NUMBER, ANNA, others, "outbound-api", "queued")
        connector = self.make({**self.values(sandbox), "daily_messages": 8}, host)
        await connector.open()
        await connector.reply(answer_to(text="y" * 161))
        with pytest.raises(PermanentFailure, match=r"sent 7 of its 8 message segments .* this one is 2"):
            await connector.reply(answer_to(text="z" * 161, key="k-2"))
        await connector.reply(answer_to(text="z" * 160, key="k-3"))
        with pytest.raises(PermanentFailure, match="daily_messages"):
            await connector.reply(answer_to(text="!", key="k-4"))

    async def test_a_day_is_asked_for_once_and_then_only_what_is_new(self, sandbox: Any, host: FakeHost) -> None:
        host.time += DAY // 2
        for number in range(2500):
            sandbox._row(SMS_NUMBER, ANNA, f"{number}", "outbound-api", "delivered")
        connector = self.make({**self.values(sandbox), "daily_messages": 10_000}, host)
        await connector.open()
        before = sandbox.count("messages.list")
        await connector.reply(answer_to(text="first"))
        assert sandbox.count("messages.list") - before == 3
        for number in range(60):
            sandbox._row(SMS_NUMBER, ANNA, f"others {number}", "outbound-api", "queued")
        await connector.reply(answer_to(text="second", key="k-2"))
        assert sandbox.count("messages.list") - before == 5
        await connector.reply(answer_to(text="third", key="k-3"))
        assert sandbox.count("messages.list") - before == 6
        assert await connector._spending.sent(connector.client, SMS_NUMBER, host.now()) == Spent(2563)

    async def test_a_count_that_broke_off_is_begun_anew(self, sandbox: Any, host: FakeHost) -> None:
        host.time += DAY // 2
        for number in range(1500):
            sandbox._row(SMS_NUMBER, ANNA, f"{number}", "outbound-api", "delivered")
        connector = self.make({**self.values(sandbox), "daily_messages": 1500}, host)
        await connector.open()
        sandbox.faults.add("messages.list", FaultKind.DELAY_AFTER, seconds=0)
        sandbox.faults.add("messages.list", FaultKind.RESET_BEFORE)
        with pytest.raises(TemporaryFailure):
            await connector.reply(answer_to())
        with pytest.raises(PermanentFailure, match="sent 1500 of its 1500"):
            await connector.reply(answer_to())

    async def test_a_messaging_service_may_be_what_the_customer_wrote_to(self, sandbox: Any, host: FakeHost) -> None:
        connector = self.make({**self.values(sandbox), "daily_messages": 1}, host)
        await connector.open()
        reply = Reply(key="k", case_id="c", thread=f"{sandbox.service}|{ANNA}", text="On its way.")
        assert await connector.settle_reply(reply) is None
        receipt = await connector.reply(reply)
        assert sandbox.messages[-1]["from"] == SMS_NUMBER
        assert await connector.settle_reply(reply) == receipt
        sandbox.carries()
        with pytest.raises(PermanentFailure, match="daily_messages"):
            await connector.reply(reply)

    async def test_the_same_words_to_the_same_person_earlier_are_not_this_reply(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        await connector.reply(answer_to(text="Thank you", key="k-1", written_at=host.now()))
        host.time += 3_600_000_000
        again = answer_to(text="Thank you", key="k-2", written_at=host.now())
        assert await connector.settle_reply(again) is None
        await connector.reply(again)
        assert await connector.settle_reply(again) is not None

    async def test_a_message_that_is_still_queued_is_found(self, connector: Any, sandbox: Any) -> None:
        sandbox.faults.add("messages.create", FaultKind.RESET_AFTER)
        with pytest.raises(Exception, match="whole answer"):
            await connector.reply(answer_to())
        assert sandbox.messages[-1]["date_sent"] is None
        assert await connector.settle_reply(answer_to()) is not None

    async def test_errors_that_an_admin_can_mend_say_how(self, connector: Any) -> None:
        for thread, words in (
            (f"{SMS_NUMBER}|nobody", "the number that it goes to"),
            (f"+4930999|{ANNA}", "account's"),
        ):
            with pytest.raises(PermanentFailure, match=words):
                await connector.reply(Reply(key="k", case_id="c", thread=thread, text="x"))
        with pytest.raises(PermanentFailure, match="no thread"):
            await connector.reply(Reply(key="k", case_id="c", thread=f"|{ANNA}", text="x"))
