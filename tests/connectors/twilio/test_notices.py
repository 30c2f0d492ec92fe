"""Staff who are told by text message or call, and take the case by a digit: what both connectors keep. Ladders' PO-8, AS-2."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

import pytest

from connectors.twilio import VOICE
from connectors.twilio.sandbox_account import SMS_NUMBER
from connectors.twilio.sandbox_voice import TwilioVoiceSandbox
from connectors.twilio.segments import segments
from gateway.sdk import Button, ButtonPressed, Notice, PermanentFailure, Role
from gateway.testing.contracts import ConnectorContract
from gateway.testing.host import FakeHost
from gateway.testing.target_contract import NotifierContract
from tests.connectors.twilio.desk import desk, made
from tests.connectors.twilio.test_twilio import URL, TwilioSetUp

EVE: Final = "+4915550900"
BUTTONS: Final = (
    Button(action="acknowledge", label="Acknowledge"),
    Button(action="escalate_further", label="Escalate further"),
)


def notice(sandbox: Any, key: str = "7f3a21bc-1", **more: Any) -> Notice:
    """Return a notice with everything in it that must not be told on the street."""
    values: dict[str, Any] = {
        "key": key,
        "case_id": "c",
        "destination": EVE,
        "title": "P1 escalation: refund",
        "text": "SECRET-BODY",
        "facts": (("Subject", "SECRET-BODY of Ada"), ("Customer", "Ada Lovelace")),
        "url": "https://desk.example/55",
        "buttons": BUTTONS,
        "written_at": sandbox.now(),
    }
    return Notice(**(values | more))


def uuid(key: str) -> str:
    """Return a key as effects have it: the contract's own begin alike."""
    return str(uuid5(NAMESPACE_URL, key))


def code(key: str) -> str:
    return "".join(each for each in key if each.isalnum())[:6].upper()


class TestTexts(NotifierContract, TwilioSetUp):
    """The contract of notifiers: once is once, though the answer is lost."""

    def route(self) -> str:
        return "messages.create"

    def something(self, sandbox: Any, key: str) -> Notice:
        return notice(sandbox, uuid(key))

    def written(self, sandbox: Any, key: str) -> int:
        return sum(1 for row in sandbox.messages if f"case {code(uuid(key))}" in row["body"] and row["to"] == EVE)


class VoiceSetUp(ConnectorContract):
    spec = VOICE
    sandbox_class = TwilioVoiceSandbox

    def values(self, sandbox: Any) -> dict[str, Any]:
        return {**super().values(sandbox), "timeout": 3.0, "webhook_url": URL}

    def sdk_modules(self) -> set[str]:
        return {"aiohttp", "requests", "twilio"}


class TestCalls(NotifierContract, VoiceSetUp):
    """The same of calls, which bear no key."""

    def route(self) -> str:
        return "calls.create"

    def something(self, sandbox: Any, key: str) -> Notice:
        return notice(sandbox, uuid(key))

    def written(self, sandbox: Any, key: str) -> int:
        return sum(1 for row in sandbox.calls_made if f"notice={uuid(key)}" in row["_document"])


class TestWhatATextSays(TwilioSetUp):
    async def test_it_says_what_to_do_and_nothing_of_the_customer(self, connector: Any, sandbox: Any) -> None:
        """No body, subject, name or address of a page: the title is the policy's own words. One segment."""
        await connector.notify(notice(sandbox))
        (row,) = sandbox.messages
        assert row["body"] == "P1 escalation: refund. Reply 1 to take case 7F3A21, 2 to escalate further."
        assert (row["from"], row["to"], segments(row["body"], to=EVE)) == (SMS_NUMBER, EVE, 1)

    async def test_a_title_is_cut_and_how_to_answer_is_not(self, connector: Any, sandbox: Any) -> None:
        await connector.notify(notice(sandbox, title="x" * 3000))
        assert len(sandbox.messages[0]["body"]) == 1600
        assert sandbox.messages[0]["body"].endswith("x. Reply 1 to take case 7F3A21, 2 to escalate further.")

    async def test_two_notices_to_one_number_are_told_apart_when_one_is_lost(
        self, connector: Any, sandbox: Any
    ) -> None:
        first, second = notice(sandbox, "aaaaaa-1"), notice(sandbox, "bbbbbb-1")
        await connector.notify(first)
        assert await connector.settle_notice(second) is None
        assert await connector.settle_notice(first) is not None

    async def test_the_days_cap_holds_for_staff_as_well(self, connector: Any, sandbox: Any, host: FakeHost) -> None:
        """Money: whoever makes the ladder climb makes no more messages than the admin allows."""
        capped = type(connector)(connector.settings.model_copy(update={"daily_messages": 1}), host)
        await capped.open()
        await capped.notify(notice(sandbox))
        with pytest.raises(PermanentFailure, match="daily_messages"):
            await capped.notify(notice(sandbox, "other"))
        await capped.close()

    async def test_without_a_number_it_says_what_to_set(self, connector: Any, sandbox: Any, host: FakeHost) -> None:
        bare = type(connector)(connector.settings.model_copy(update={"notify_from": "", "numbers": ()}), host)
        await bare.open()
        with pytest.raises(PermanentFailure, match="set notify_from"):
            await bare.notify(notice(sandbox))
        await bare.close()


class TestWhatACallDoes(VoiceSetUp):
    async def test_a_key_takes_the_case_for_the_number_that_was_called(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        """The sentence is short and says nothing of anybody; the key comes back as the notice's button."""
        sandbox.webhooks.public = URL
        await connector.notify(notice(sandbox))
        async with desk(connector, host) as heard:
            told = await sandbox.staff_answers(heard.url, EVE)
        assert told.failures == []
        assert told.heard == [
            "This is the support desk. A case needs you. Press one to take it.",
            "Thank you, I have noted that.",
        ]
        (event,) = heard.events
        assert isinstance(event, ButtonPressed)
        assert (event.action, event.reference) == ("acknowledge", "7f3a21bc-1")
        assert (event.sender.kind, event.sender.value, event.sender.role) == ("phone", EVE, Role.AGENT)

    @pytest.mark.parametrize(
        ("moves", "actions"),
        [
            (("press:2",), ["escalate_further"]),
            (("press:3",), []),
            (("wait", "press:1"), ["acknowledge"]),
            (("wait", "wait"), []),
            ((), []),
        ],
    )
    async def test_only_a_key_that_was_offered_does_something(
        self, connector: Any, sandbox: Any, host: FakeHost, moves: tuple[str, ...], actions: list[str]
    ) -> None:
        """A machine that answers presses nothing; who hears nothing the first time hears it again."""
        sandbox.webhooks.public = URL
        await connector.notify(notice(sandbox))
        async with desk(connector, host) as heard:
            await sandbox.staff_answers(heard.url, EVE, moves)
        assert [event.action for event in heard.events] == actions

    async def test_a_lost_call_is_not_taken_for_another_that_was_answered(self, connector: Any, sandbox: Any) -> None:
        first, second = notice(sandbox, "k-1"), notice(sandbox, "k-2")
        await connector.notify(first)
        assert await connector.settle_notice(second) is None

    async def test_an_older_call_is_not_it(self, connector: Any, sandbox: Any, host: FakeHost) -> None:
        await connector.notify(notice(sandbox, "k-1"))
        again = type(connector)(connector.settings, host)
        await again.open()
        later = notice(sandbox, "k-2", written_at=sandbox.now() + 120_000_000)
        assert await again.settle_notice(later) is None
        assert await again.settle_notice(notice(sandbox, "k-1")) is not None
        await again.close()

    async def test_without_a_hook_nobody_is_called(self, connector: Any, sandbox: Any, host: FakeHost) -> None:
        bare = type(connector)(connector.settings.model_copy(update={"webhook_url": ""}), host)
        await bare.open()
        with pytest.raises(PermanentFailure, match="set webhook_url"):
            await bare.notify(notice(sandbox))
        assert sandbox.calls_made == []
        await bare.close()

    def test_whatever_stands_in_the_query_breaks_nothing(self, connector: Any, host: FakeHost) -> None:
        for query in (
            "step=notice",
            "step=notice&actions=...",
            "step=notice&notice=k&actions=a",
            "step=notice&notice=%ff",
        ):
            for digits in ("", "1", "9", "0", "12", "²", "x"):
                body = urlencode({"CallSid": "CA1", "To": EVE, "Digits": digits}).encode()
                delivery = made(f"{URL}?{query}", body, host)
                assert len(list(connector.parse(delivery))) <= 1
                assert connector.acknowledge(delivery).content_type == "text/xml"
