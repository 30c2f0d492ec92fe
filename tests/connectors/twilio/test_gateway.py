"""Texts and calls through a whole gateway: over HTTP, through store and rules, into the helpdesk's sandbox and back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest

from connectors.twilio.sandbox import TwilioSandbox
from connectors.twilio.sandbox_account import SMS_NUMBER, signature
from connectors.twilio.sandbox_voice import TwilioVoiceSandbox
from connectors.zendesk.sandbox import ZendeskSandbox
from gateway.app import Gateway
from gateway.examining import examine
from gateway.host.registry import GROUP, Specs
from gateway.model import CaseStatus
from tests.app.gateways import MovedClock, quiet, running

ANNA, BEN = "+4915550100", "whatsapp:+4915550200"
AGENT = "+4930100"
PUBLIC = "https://baton.example.com"
POLICY = """
[[rule]]
id = "wants-person"
when.any = ["button.action == 'talk_to_agent'", "message.text contains 'person'"]
do = "escalate"
ladder = "desk"
reply = "A colleague will answer you here. Your reference is #{{ticket.id}}."

[[rule]]
id = "rest"
do = "none"
catch_all = true

[ladder.desk]
final = { target = "queue:zendesk/Escalations" }
[[ladder.desk.step]]
target = "queue:zendesk/Second line"
ack_within = "15m"
"""


@dataclass(slots=True, kw_only=True)
class World:
    """A gateway, and the vendors around it."""

    gateway: Gateway
    texts: TwilioSandbox
    calls: TwilioVoiceSandbox
    zendesk: ZendeskSandbox
    clock: MovedClock

    def hook(self, name: str) -> str:
        return f"http://127.0.0.1:{self.gateway.port}/hooks/{name}"

    async def rest(self, but: tuple[str, ...] = ()) -> None:
        """Deliver what the vendors have to tell until nothing moves any more, but for effects in some states."""
        async with asyncio.timeout(60):
            calm = 0
            while calm < 3:
                answers = await self.texts.webhooks.send(self.hook("texts"))
                answers += await self.calls.webhooks.send(self.hook("line"))
                assert set(answers) <= {200}
                # Zendesk signs the time: where the gateway's clock was moved, what it tells is too old.
                answers += [each for each in await self.zendesk.webhooks.send(self.hook("zendesk")) if each == 200]
                await quiet(self.gateway)
                effects = (await asyncio.to_thread(self.gateway.store.accounts)).effects
                busy = sum(effects.get(state, 0) for state in {"pending", "sending", "unknown"} - {*but})
                calm = 0 if busy or answers else calm + 1
                await asyncio.sleep(0.05)


def plugins(texts: TwilioSandbox, calls: TwilioVoiceSandbox, zendesk: ZendeskSandbox) -> str:
    desk = zendesk.settings()
    return f"""
[gateway]
listen = "127.0.0.1:0"
public_url = "{PUBLIC}"

[messaging.texts]
connector = "twilio"
mode = "live"
account_sid = "{texts.settings()["account_sid"]}"
auth_token = {{ env = "TWILIO_TOKEN" }}
api_url = "{texts.url}"
webhook_url = "{PUBLIC}/hooks/texts"
notify_from = "{SMS_NUMBER}"

[phone.line]
connector = "twilio_voice"
mode = "live"
account_sid = "{calls.settings()["account_sid"]}"
auth_token = {{ env = "TWILIO_TOKEN" }}
api_url = "{calls.url}"
answers = true
transfer_to = ["{AGENT}"]
old_number = "+4930999000"
webhook_url = "{PUBLIC}/hooks/line"
notify_from = "{SMS_NUMBER}"

[helpdesk.zendesk]
connector = "zendesk"
mode = "live"
subdomain = "{desk["subdomain"]}"
email = "{desk["email"]}"
user_id = {desk["user_id"]}
api_url = "{zendesk.url}"
api_token = {{ env = "ZENDESK_TOKEN" }}
webhook_secret = {{ env = "ZENDESK_SECRET" }}
"""


@asynccontextmanager
async def world(directory: Path, policy: str = "") -> AsyncGenerator[World, None]:
    texts = TwilioSandbox(public=f"{PUBLIC}/hooks/texts")
    calls = TwilioVoiceSandbox(public=f"{PUBLIC}/hooks/line")
    zendesk = ZendeskSandbox()
    for sandbox in (texts, calls, zendesk):
        await sandbox.start()
    names = {
        "twilio": "connectors.twilio:SPEC",
        "twilio_voice": "connectors.twilio:VOICE",
        "zendesk": "connectors.zendesk:SPEC",
    }
    found = Specs({name: EntryPoint(name, value, GROUP) for name, value in names.items()}, {})
    secrets = zendesk.secrets()
    environ = {
        "TWILIO_TOKEN": texts.secrets()["auth_token"],
        "ZENDESK_TOKEN": secrets["api_token"],
        "ZENDESK_SECRET": secrets["webhook_secret"],
    }
    clock = MovedClock()
    at = running(directory, plugins(texts, calls, zendesk), policy or POLICY, environ=environ, clock=clock, found=found)
    async with at as (gateway, _):
        try:
            yield World(gateway=gateway, texts=texts, calls=calls, zendesk=zendesk, clock=clock)
        finally:
            gateway.end()
            for sandbox in (texts, calls, zendesk):
                await sandbox.stop()


async def test_a_text_for_a_person_becomes_a_ticket_and_the_answer_a_text(tmp_path: Path) -> None:
    async with world(tmp_path) as there:
        for person in (ANNA, BEN):
            there.texts.person_texts(person, "I want to speak to a person")
        there.texts.webhooks.duplicates = 1.0
        await there.rest()
        there.texts.webhooks.duplicates = 0.0
        assert len(there.zendesk.state()["tickets"]) == 2
        answers = [row for row in there.texts.messages if row["direction"] == "outbound-api"]
        assert sorted(row["to"] for row in answers) == sorted([ANNA, BEN])
        assert {str(ticket["id"]) for ticket in there.zendesk.state()["tickets"]} == {
            row["body"].partition("#")[2].strip(".") for row in answers
        }
        there.texts.carries()
        await there.rest()
        cases = there.gateway.store.cases()
        assert len(cases) == 2
        assert there.gateway.store.accounts().unaccounted == 0


async def test_who_said_stop_gets_no_text_though_the_case_is_escalated(tmp_path: Path) -> None:
    async with world(tmp_path) as there:
        there.texts.person_texts(BEN, "STOP")
        await there.rest()
        there.texts.person_texts(BEN, "I want a person")
        await there.rest()
        assert len(there.zendesk.state()["tickets"]) == 1
        assert not [row for row in there.texts.messages if row["direction"] == "outbound-api"]


def answers(there: World) -> list[str]:
    """Return to whom Baton wrote."""
    return [row["to"] for row in there.texts.messages if row["direction"] == "outbound-api"]


@pytest.mark.parametrize("person", [ANNA, BEN])
async def test_a_stop_outlives_the_case_it_was_said_in(tmp_path: Path, person: str) -> None:
    async with world(tmp_path) as there:
        there.texts.person_texts(person, "I want a person")
        await there.rest()
        assert answers(there) == [person]
        there.texts.person_texts(person, "STOP")
        await there.rest()
        (number,) = there.zendesk.account.tickets
        there.zendesk.agent_sets_status(number, "solved")
        await there.rest()
        (first,) = there.gateway.store.cases()
        assert first.status is CaseStatus.RESOLVED
        there.clock.ahead += 8 * 86_400 * 1_000_000
        there.texts.person_texts(person, "I want a person")
        await there.rest()
        assert {case.follows for case in there.gateway.store.cases()} == {"", first.id}
        assert len(there.zendesk.account.tickets) == 2
        assert answers(there) == [person]


@pytest.mark.parametrize("person", [ANNA, BEN])
async def test_a_reply_that_waits_behind_a_pause_is_not_sent_after_a_stop(tmp_path: Path, person: str) -> None:
    async with world(tmp_path) as there:
        await asyncio.to_thread(there.gateway.store.pause, "connection:texts", "test", "", 1)
        there.texts.person_texts(person, "I want a person")
        await until(there, "pending")
        there.texts.person_texts(person, "STOP")
        await there.rest(but=("pending",))
        await asyncio.to_thread(there.gateway.store.resume, "connection:texts", "test", 2)
        await until(there, "cancelled")
        await there.rest()
        assert answers(there) == []


async def until(there: World, state: str) -> None:
    """Deliver what the vendors have to tell until an effect is in a state and stays there."""
    async with asyncio.timeout(60):
        while not (await asyncio.to_thread(there.gateway.store.accounts)).effects.get(state, 0):
            await there.rest(but=("pending",))


async def test_a_call_is_one_case_from_its_first_ring_to_the_voicemail(tmp_path: Path) -> None:
    async with world(tmp_path) as there:
        told = await there.calls.call(there.hook("line"), ANNA, ["press:0", "record:Please call me about my order."])
        assert told.failures == []
        await there.rest()
        (case,) = there.gateway.store.cases()
        assert case.channel is not None
        assert case.channel.value == "phone"
        (ticket,) = there.zendesk.state()["tickets"]
        text = str(there.zendesk.state())
        assert "Please call me about my order." in text
        assert ticket
        assert there.gateway.store.accounts().unaccounted == 0


async def test_who_takes_a_call_hears_which_case_it_is(tmp_path: Path) -> None:
    async with world(tmp_path, shipped()) as there:
        there.calls.agents[AGENT] = "takes"
        told = await there.calls.call(there.hook("line"), ANNA, ["say:Hello", "press:0"])
        assert told.heard[-1] == f"[speaks with {AGENT}]"
        await there.rest()
        (case,) = there.gateway.store.cases()
        (ticket,) = there.zendesk.account.tickets
        thread = there.gateway.store.history(case.id).activities[0].activity.thread  # type: ignore[union-attr] # pyright: ignore[reportOptionalMemberAccess]
        standing = there.gateway.store.standing("line", thread)
        assert (standing.case_id, standing.priority) == (case.id, "P3")
        assert (standing.rule, standing.ticket) == ("wants-person", str(ticket))
        path = f"/hooks/line?step=whisper&n=1&call={thread.removeprefix('call:')}"
        fields = {"CallSid": "CA" + "9" * 32, "From": ANNA}
        signed = signature(there.texts.secrets()["auth_token"], PUBLIC + path, fields.items())
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signed}
        address = f"http://127.0.0.1:{there.gateway.port}{path}"
        body = urlencode(fields).encode()
        async with aiohttp.ClientSession() as session, session.post(address, data=body, headers=headers) as answer:
            text = await answer.text()
        assert "Priority P3. Reason: wants person." in text
        assert f"Ticket {' '.join(str(ticket))}." in text


async def test_texts_and_calls_of_one_number_are_not_two_owners(tmp_path: Path) -> None:
    async with world(tmp_path) as there:
        gateway = there.gateway
        found = await examine(gateway.setup.config, gateway._specs, there.clock)
        subjects = [each.subject for one in found for each in one.findings]
        assert "webhook" in subjects
        assert "address" not in subjects


def shipped() -> str:
    """Return the shipped policy, for a house without Slack."""
    text = (Path(__file__).parents[3] / "escalation.toml").read_text()
    return re.sub(r"notify = \[[^]]*\]", "notify = []", text)


@pytest.mark.parametrize(
    ("moves", "rule", "told"),
    [
        (["press:2", "press:4930123456"], "call-back", "4930123456"),
        (["press:2", "press:"], "call-back", "Please call me back: +4915550100"),
        (["press:2"], "call-back", "Pressed 2"),
        (["press:1", "record:My parcel has not arrived."], "voicemail", "My parcel has not arrived."),
        (["press:0", "record:Please call me."], "wants-person", "Please call me."),
    ],
)
async def test_by_the_shipped_policy_every_wish_of_a_caller_becomes_a_ticket(
    tmp_path: Path, moves: list[str], rule: str, told: str
) -> None:
    async with world(tmp_path, shipped()) as there:
        await there.calls.call(there.hook("line"), ANNA, moves)
        await there.rest()
        (case,) = there.gateway.store.cases()
        history = there.gateway.store.history(case.id)
        assert history is not None
        assert [episode.rule for episode in history.episodes] == [rule]
        (ticket,) = there.zendesk.account.tickets.values()
        assert told in "\n".join(str(comment["body"]) for comment in ticket.comments)


async def test_a_call_while_the_connection_is_paused_goes_to_the_old_number(tmp_path: Path) -> None:
    async with world(tmp_path) as there:
        there.calls.agents["+4930999000"] = "takes"
        await asyncio.to_thread(there.gateway.store.pause, "connection:line", "test", "", 1)
        async with asyncio.timeout(60):
            while True:
                told = await there.calls.call(there.hook("line"), ANNA, ["press:0"])
                # A call that had begun when the pause came hears our greeting first: the first one of the pause counts.
                if told.heard[:1] == ["[rings at +4930999000]"]:
                    break
                await asyncio.sleep(0.2)
        assert told.heard == ["[rings at +4930999000]", "[speaks with +4930999000]"]


async def test_a_forged_call_gets_401_and_no_word(tmp_path: Path) -> None:
    async with world(tmp_path) as there, aiohttp.ClientSession() as session:
        body = b"CallSid=CA1&From=%2B4915550100&CallStatus=ringing"
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": "AAAA"}
        async with session.post(there.hook("line"), data=body, headers=headers) as answer:
            assert answer.status == 401
            assert await answer.read() == b""
        assert there.gateway.store.accounts().deliveries_pending == 0
        assert there.gateway.store.cases() == []
