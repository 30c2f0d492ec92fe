"""Twilio's calls keep the contracts they claim; a caller's way through the dialogue, and who hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree as ET

import pytest

from connectors.twilio import VOICE
from connectors.twilio.connector_voice import TwilioVoiceConnector
from connectors.twilio.sandbox_account import ACCOUNT, SMS_NUMBER, TOKEN, TwilioSender, signature
from connectors.twilio.sandbox_caller import Conversation
from connectors.twilio.sandbox_voice import TwilioVoiceSandbox
from gateway.sdk import (
    ButtonPressed,
    CallChange,
    Cursor,
    Delivery,
    Evidence,
    Replier,
)
from gateway.testing.contracts import ConnectorContract
from gateway.testing.host import FakeHost
from gateway.testing.sandbox import system_now
from gateway.testing.source_contract import WebhookSourceContract
from tests.connectors.twilio.desk import Desk, desk, made

ANNA = "+4915550100"
AGENT, OTHER = "+4930100", "+4930101"
OLD = "+4930999000"
URL = "https://baton.example.com/hooks/test"


class Calls(TwilioVoiceSandbox):
    """The sandbox, whose Console knows the hook by its public address."""

    def __init__(self, *, now: Callable[[], int] = system_now, token: str = TOKEN) -> None:
        super().__init__(now=now, token=token, public=URL)


class VoiceSetUp(ConnectorContract):
    spec = VOICE
    sandbox_class = Calls

    def values(self, sandbox: Any) -> dict[str, Any]:
        return {**super().values(sandbox), "timeout": 3.0, "answers": True, "transfer_to": [AGENT, OTHER]}

    def sdk_modules(self) -> set[str]:
        return {"aiohttp", "requests", "twilio"}


class TestSource(WebhookSourceContract, VoiceSetUp):
    deliveries = Path(__file__).parent / "deliveries_voice"
    window = None

    def body(self) -> bytes:
        return urlencode({"CallSid": "CA1", "AccountSid": ACCOUNT, "From": ANNA, "CallStatus": "ringing"}).encode()

    def signed(self, body: bytes, at: int, *, secret: str | None = None) -> dict[str, str]:
        fields = parse_qsl(body.decode(), keep_blank_values=True)
        return {"X-Twilio-Signature": signature(secret or TOKEN, URL, fields)}

    def unknown_bodies(self) -> list[bytes]:
        return [urlencode({"AccountSid": ACCOUNT, "EventType": "of-next-year"}).encode(), b"", b"\x00"]

    def test_who_takes_calls_sends_no_text_messages(self) -> None:
        assert not issubclass(TwilioVoiceConnector, Replier)

    async def test_whatever_the_bytes_are_the_caller_hears_something(self, connector: Any, host: FakeHost) -> None:
        for body in (b"", b"\xff\xfe", b"Digits=%ff", b"[]", self.body()):
            for query in ("", "?step=choice&n=1", "?step=of-last-year", "?step=choice&n=999999", "?n=-1"):
                delivery = made(URL + query, body, host)
                document = ET.fromstring(connector.acknowledge(delivery).body)
                assert document.tag == "Response"
                assert document.find(".//Say") is not None or document.find(".//Dial") is not None


class TestDialogue(VoiceSetUp):
    async def lived(
        self,
        sandbox: Any,
        host: FakeHost,
        moves: list[str],
        *,
        sender: str = ANNA,
        verdict: str = "TN-Validation-Passed-A",
        **settings: Any,
    ) -> tuple[Conversation, Desk]:
        connector = self.make({**self.values(sandbox), **settings}, host)
        async with desk(connector, host) as found:
            told = await sandbox.call(found.url, sender, moves, verdict=verdict)
            assert told.failures == []
            assert set(await sandbox.webhooks.send(found.url)) <= {200}
        return told, found

    async def test_zero_reaches_a_person_who_takes_the_call(self, sandbox: Any, host: FakeHost) -> None:
        sandbox.agents[AGENT] = "takes"
        told, found = await self.lived(sandbox, host, ["press:0"])
        assert told.heard[-2:] == [f"[rings at {AGENT}]", f"[speaks with {AGENT}]"]
        assert found.changes() == ["started", "digits", "button talk_to_agent", "answered", "ended"]
        assert {event.thread for event in found.events} == {f"call:{told.sid}"}
        assert isinstance(found.events[2], ButtonPressed)
        assert found.events[-1].duration == 30

    async def test_an_answering_machine_of_an_agent_does_not_take_the_call(self, sandbox: Any, host: FakeHost) -> None:
        sandbox.agents |= {AGENT: "machine", OTHER: "takes"}
        told, found = await self.lived(sandbox, host, ["press:0"])
        assert told.heard[-1] == f"[speaks with {OTHER}]"
        assert found.changes().count("answered") == 1

    async def test_nobody_there_leads_to_the_voicemail_after_the_sentence_of_consent(
        self, sandbox: Any, host: FakeHost
    ) -> None:
        told, found = await self.lived(sandbox, host, ["press:0", "record:Please call me about my order."])
        consent = next(place for place, text in enumerate(told.heard) if "recorded" in text)
        assert consent > told.heard.index(f"[rings at {OTHER}]")
        assert found.changes() == [
            *("started", "digits", "button talk_to_agent", "missed", "voicemail", "transcript", "ended")
        ]
        voicemail, transcript = found.events[4], found.events[5]
        assert transcript.text == "Please call me about my order."
        assert b"".join(
            [chunk async for chunk in found.connector.fetch(voicemail.attachments[0], made(URL, b"", host))]
        )

    async def test_words_are_a_message_and_words_for_a_person_are_a_transfer(
        self, sandbox: Any, host: FakeHost
    ) -> None:
        sandbox.agents[AGENT] = "takes"
        told, found = await self.lived(sandbox, host, ["say:My order is late.", "say:Give me an agent!"])
        assert told.heard[-1] == f"[speaks with {AGENT}]"
        spoken = [event.text for event in found.events if getattr(event, "change", None) is CallChange.SPEECH]
        assert spoken == ["My order is late.", "Give me an agent!"]
        assert "button talk_to_agent" not in found.changes()

    async def test_a_word_that_only_holds_one_is_none(self, sandbox: Any, host: FakeHost) -> None:
        told, _ = await self.lived(sandbox, host, ["say:The reagents are personal."])
        assert not [line for line in told.heard if line.startswith("[rings")]

    async def test_silence_is_asked_again_and_then_offered_the_voicemail(self, sandbox: Any, host: FakeHost) -> None:
        told, found = await self.lived(sandbox, host, ["wait"] * 4, turns=2)
        menu = connector_menu(self, sandbox, host)
        assert told.heard.count(menu) == 2
        assert "recorded" in " ".join(told.heard)
        assert told.heard[-1] == "Thank you. Goodbye."
        assert found.changes() == ["started", "ended"]

    async def test_who_talks_without_end_reaches_the_voicemail(self, sandbox: Any, host: FakeHost) -> None:
        told, found = await self.lived(sandbox, host, [f"say:number {n}" for n in range(9)], turns=3)
        assert found.changes() == ["started", "speech", "speech", "speech", "ended"]
        assert "[went round for ever]" not in told.heard

    @pytest.mark.parametrize(
        ("moves", "number"), [(["press:2", "press:03012345"], "03012345"), (["press:2", "wait"], ANNA)]
    )
    async def test_two_asks_to_be_called_back(
        self, sandbox: Any, host: FakeHost, moves: list[str], number: str
    ) -> None:
        _, found = await self.lived(sandbox, host, moves)
        assert found.changes() == ["started", "digits", "button call_me_back", "callback", "ended"]
        assert number in found.events[3].text

    async def test_one_is_the_voicemail(self, sandbox: Any, host: FakeHost) -> None:
        _, found = await self.lived(sandbox, host, ["press:1", "record:Hello"], transcribe=False)
        assert found.changes() == ["started", "digits", "voicemail", "ended"]

    @pytest.mark.parametrize(
        ("settings", "place"),
        [
            ({"transfer_to": [], "transfer_queue": "support"}, "support"),
            ({"transfer_to": [], "transfer_workflow": "WW1"}, "workflow WW1"),
        ],
    )
    async def test_a_transfer_may_go_into_a_queue(
        self, sandbox: Any, host: FakeHost, settings: dict[str, Any], place: str
    ) -> None:
        sandbox.agents[place] = "takes"
        told, found = await self.lived(sandbox, host, ["press:0"], **settings)
        assert told.heard[-1] == f"[waits in {place}]"
        assert found.changes()[-2:] == ["answered", "ended"]

    async def test_while_paused_calls_go_where_they_went_before_baton(self, sandbox: Any, host: FakeHost) -> None:
        host.paused = True
        sandbox.agents[OLD] = "takes"
        told, found = await self.lived(sandbox, host, ["press:0"], old_number=OLD)
        assert told.heard == [f"[rings at {OLD}]", f"[speaks with {OLD}]"]
        assert found.changes() == ["started", "answered", "ended"]

    async def test_a_connection_that_only_listens_never_plays_the_operator(self, sandbox: Any, host: FakeHost) -> None:
        sandbox.agents[OLD] = "takes"
        told, _ = await self.lived(sandbox, host, ["press:0"], answers=False, old_number=OLD)
        assert told.heard[-1] == f"[speaks with {OLD}]"
        told, _ = await self.lived(sandbox, host, ["press:0"], answers=False)
        assert told.heard == ["Nobody can take your call right now."]

    @pytest.mark.parametrize(
        ("verdict", "evidence"),
        [
            ("TN-Validation-Passed-A", Evidence.ATTESTED),
            ("TN-Validation-Passed-B", Evidence.CLAIMED),
            ("TN-Validation-Failed-A", Evidence.CLAIMED),
            ("No-TN-Validation", Evidence.CLAIMED),
            ("", Evidence.CLAIMED),
        ],
    )
    async def test_a_number_is_attested_for_the_whole_call_or_claimed(
        self, sandbox: Any, host: FakeHost, verdict: str, evidence: Evidence
    ) -> None:
        _, found = await self.lived(sandbox, host, ["say:Hello", "press:1", "record:x"], verdict=verdict)
        in_dialogue = [event for event in found.events if getattr(event, "change", None) is not CallChange.ENDED]
        assert len(in_dialogue) >= 5
        assert {(event.sender.kind, event.sender.value) for event in in_dialogue} == {("phone", ANNA)}
        assert {event.sender.evidence for event in in_dialogue} == {evidence}

    async def test_two_withheld_numbers_are_two_people(self, sandbox: Any, host: FakeHost) -> None:
        _, one = await self.lived(sandbox, host, ["press:2", "wait"], sender="+266696687")
        _, two = await self.lived(sandbox, host, ["say:x"], sender="anonymous", verdict="")
        assert one.events[0].sender != two.events[0].sender
        assert one.events[0].sender.kind == two.events[0].sender.kind == "call"
        assert "withheld" in one.events[3].text

    async def test_absolute_addresses_are_used_where_the_hooks_is_known(self, sandbox: Any, host: FakeHost) -> None:
        sandbox.agents[AGENT] = "takes"
        told, found = await self.lived(sandbox, host, ["press:0"], webhook_url=URL)
        assert told.heard[-1] == f"[speaks with {AGENT}]"
        body = found.connector.acknowledge(made(URL, first_request(), host)).body.decode()
        assert f'action="{URL}?step=choice' in body


def first_request() -> bytes:
    return urlencode({"CallSid": "CA1", "From": ANNA}).encode()


def connector_menu(kit: VoiceSetUp, sandbox: Any, host: FakeHost) -> str:
    return str(kit.make(kit.values(sandbox), host).settings.menu)


class TestListening(VoiceSetUp):
    def values(self, sandbox: Any) -> dict[str, Any]:
        return {**super().values(sandbox), "answers": False}

    @pytest.mark.parametrize(
        ("status", "changes"),
        [("completed", ["started", "ended"]), ("no-answer", ["started", "missed"]), ("busy", ["started", "missed"])],
    )
    async def test_status_callbacks_beside_an_exchange_are_enough(
        self, connector: Any, sandbox: Any, host: FakeHost, status: str, changes: list[str]
    ) -> None:
        sandbox.call_elsewhere(ANNA, status)
        async with desk(connector, host) as found:
            assert set(await sandbox.webhooks.send(found.url)) == {200}
            assert found.changes() == changes

    async def test_calls_that_we_make_ourselves_are_no_customers(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        sandbox.ended(sandbox.begins(SMS_NUMBER, ANNA, "outbound-api"), "completed", 9, tells=True)
        async with desk(connector, host) as found:
            assert await sandbox.webhooks.send(found.url) == [200]
            assert found.changes() == []

    async def test_a_leg_that_an_agent_took_is_an_answer_and_a_cancelled_one_says_nothing(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        call = sandbox.begins(ANNA, SMS_NUMBER, "inbound")
        for number, status in ((AGENT, "in-progress"), (OTHER, "canceled")):
            sandbox._tells(sandbox.begins(ANNA, number, "outbound-dial", call["sid"]), status)
        async with desk(connector, host) as found:
            await sandbox.webhooks.send(found.url)
            assert found.changes() == ["answered"]
            assert found.events[0].thread == f"call:{call['sid']}"

    @pytest.mark.parametrize(
        ("settings", "bad"),
        [
            ({"answers": False, "webhook_url": URL}, set[str]()),
            ({"answers": True, "webhook_url": URL}, {"fallback"}),
            ({"answers": True, "webhook_url": "https://other.example/hooks/x"}, {"fallback", "webhook"}),
        ],
    )
    async def test_an_examination_names_what_is_missing_in_the_console(
        self, sandbox: Any, host: FakeHost, settings: dict[str, Any], bad: set[str]
    ) -> None:
        sandbox.fallback = ""
        connector = self.make({**self.values(sandbox), **settings}, host)
        await connector.open()
        found = await connector.examine()
        assert {finding.subject for finding in found.findings if not finding.good} == bad
        assert found.addresses == (f"call:{SMS_NUMBER}",)

    async def test_any_order_and_repetition_gives_the_same_events(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        for _ in range(20):
            sandbox.call_elsewhere(ANNA)
        sandbox.webhooks.duplicates, sandbox.webhooks.shuffled = 0.5, True
        async with desk(connector, host) as found:
            await sandbox.webhooks.send(found.url)
            assert sorted(found.changes()) == ["ended"] * 20 + ["started"] * 20

    async def test_calls_whose_webhooks_were_lost_are_found_by_asking(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        async with desk(connector, host) as found:
            cursor = await self.polled(connector, None, found)
            host.time += 1_000_000
            sandbox.call_elsewhere(ANNA, "no-answer", seconds=0, lost=True)
            came = sandbox.call_elsewhere(ANNA)
            running = sandbox.begins(ANNA, SMS_NUMBER, "inbound")
            sandbox.begins(ANNA, AGENT, "outbound-dial", running["sid"])
            sandbox.record(running, "Call me back")
            await sandbox.webhooks.send(found.url)
            host.time += 120_000_000
            cursor = await self.polled(connector, cursor, found)
            assert found.changes() == ["started", "ended", "started", "missed", "voicemail"]
            assert [event.call_id for event in found.events[:2]] == [came] * 2
            host.time += 7_200_000_000
            cursor = await self.polled(connector, cursor, found)
            sandbox.ended(running, "completed", 7_300, tells=False)
            await self.polled(connector, cursor, found)
            assert found.changes()[5:] == ["started", "ended"]
            assert found.events[-1].duration == 7_300
            assert found.events[4].sender.value == ANNA

    async def polled(self, connector: Any, cursor: Cursor | None, found: Desk) -> Cursor:
        async def emit(delivery: Delivery, _: Cursor | None) -> None:
            await asyncio.sleep(0)
            for event in connector.parse(delivery):
                if event.dedupe not in found.seen:
                    found.seen.add(event.dedupe)
                    found.events.append(event)

        return str(await connector.backfill(cursor, emit))


def test_the_sandboxes_sender_signs_as_its_signature_says() -> None:
    sender = TwilioSender("t", URL)
    assert sender.sign(URL, b"a=1")["X-Twilio-Signature"] == signature("t", URL, [("a", "1")])
