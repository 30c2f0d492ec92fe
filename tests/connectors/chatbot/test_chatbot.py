"""The chatbot API keeps the contracts it claims, and what is special to it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from connectors.chatbot import SPEC
from connectors.chatbot.events import parse_delivery
from connectors.chatbot.sandbox import CALLBACK_SECRET, SECRET, ChatbotSandbox, signature
from connectors.chatbot.signing import key_of
from gateway.sdk import (
    Audience,
    Channel,
    CredentialsRefused,
    Delivery,
    DeliveryRejected,
    Entry,
    OutcomeUnknown,
    Party,
    PermanentFailure,
    Reply,
    Role,
    Standing,
    TemporaryFailure,
    UnreadableDelivery,
)
from gateway.testing.contracts import StandaloneContract
from gateway.testing.faults import FaultKind
from gateway.testing.host import FakeHost
from gateway.testing.session_contract import SessionSourceContract
from gateway.testing.sessions import FakeSessions, serving
from gateway.testing.source_contract import WebhookSourceContract

SCHEMA = Path(__file__).parents[3] / "docs" / "connectors" / "chatbot.schema.json"


def settings_of(**values: str) -> Any:
    return SPEC.settings.model_validate({"secret": SECRET, **values})


class ChatbotSetUp(StandaloneContract):
    spec = SPEC
    sandbox_class = ChatbotSandbox


class TestSource(WebhookSourceContract, ChatbotSetUp):
    deliveries = Path(__file__).parent / "deliveries"

    def body(self) -> bytes:
        turn = {"role": "customer", "text": "Hello"}
        return json.dumps({"type": "turns", "conversation": "s-1", "turns": [turn]}).encode()

    def signed(self, body: bytes, at: int, *, secret: str | None = None) -> dict[str, str]:
        stamp = str(at // 1_000_000)
        used = SECRET if secret is None else CALLBACK_SECRET
        return {
            "webhook-id": "msg_1",
            "webhook-timestamp": stamp,
            "webhook-signature": signature(used, "msg_1", stamp, body),
        }

    def unknown_bodies(self) -> list[bytes]:
        return [
            b"{}",
            b'{"type":"typing"}',
            b'{"type":5}',
            b'{"type":{}}',
            b'{"type":[]}',
            b'{"type":"state","conversation":"s-1"}',
        ]

    async def test_both_secrets_are_accepted_while_one_replaces_the_other(self, sandbox: Any, host: FakeHost) -> None:
        connector = self.make({**self.values(sandbox), "secret": CALLBACK_SECRET, "previous_secret": SECRET}, host)
        await connector.verify(self.delivery(self.signed(self.body(), host.now()), self.body(), host))

    async def test_several_signatures_may_stand_in_the_header(self, connector: Any, host: FakeHost) -> None:
        right = self.signed(self.body(), host.now())
        other = self.signed(self.body(), host.now(), secret="other")["webhook-signature"]
        both = {**right, "webhook-signature": f"v1a,xyz {other} {right['webhook-signature']}"}
        await connector.verify(self.delivery(both, self.body(), host))
        many = {**right, "webhook-signature": " ".join([other] * 10 + [right["webhook-signature"]])}
        with pytest.raises(DeliveryRejected):
            await connector.verify(self.delivery(many, self.body(), host))

    async def test_an_id_with_dots_is_not_another_time(self, connector: Any, host: FakeHost) -> None:
        """``a.1`` + ``.2.`` reads like ``a`` + ``.1.2.``: only digits may stand in the time."""
        body, stamp = self.body(), str(host.now() // 1_000_000)
        moved = {
            "webhook-id": "msg",
            "webhook-timestamp": f"1.{stamp}",
            "webhook-signature": signature(SECRET, "msg.1", stamp, body),
        }
        with pytest.raises(DeliveryRejected):
            await connector.verify(self.delivery(moved, body, host))

    async def test_signature_vectors_of_others(self, reference: Path, sandbox: Any) -> None:
        vectors = json.loads((reference / "signature_vectors.open.json").read_text(encoding="utf-8"))
        mine = [vector for vector in vectors if vector["scheme"] == "standard-webhooks"]
        assert mine
        for vector in mine:
            host = FakeHost(now=int(vector["now"]) * 1_000_000)
            connector = self.make({**self.values(sandbox), "secret": vector["secret"]}, host)
            try:
                await connector.verify(self.delivery(dict(vector["headers"]), vector["body"].encode(), host))
                valid = True
            except DeliveryRejected:
                valid = False
            assert valid == vector["valid"], vector.get("note", vector["source"])

    @given(st.data())
    async def test_no_mutated_request_is_accepted(self, data: st.DataObject) -> None:
        host = FakeHost()
        connector = self.make({"secret": SECRET}, host)
        body, headers = self.body(), self.signed(self.body(), host.now())
        name = data.draw(st.sampled_from(["body", *headers]))
        value = body.decode() if name == "body" else headers[name]
        at = data.draw(st.integers(0, len(value)))
        cut = data.draw(st.integers(0, 3))
        changed = value[:at] + data.draw(st.text(max_size=3)) + value[at + cut :]
        if changed == value:
            return
        if name == "body":
            body = changed.encode("utf-8", "surrogatepass")
        elif name == "webhook-signature" and headers[name] in changed.split(" "):
            return  # a further signature beside the right one
        else:
            headers[name] = changed
        with pytest.raises(DeliveryRejected):
            await connector.verify(self.delivery(headers, body, host))


class TestSessions(SessionSourceContract, ChatbotSetUp):
    pass


# --- what is posted --------------------------------------------------------------------------------------------------
VALIDATOR = Draft202012Validator(json.loads(SCHEMA.read_text()), format_checker=Draft202012Validator.FORMAT_CHECKER)

WORDS = st.one_of(st.text(max_size=6), st.none(), st.integers(), st.just("x" * 201), st.booleans())
FACTS = {
    "confidence": st.one_of(st.floats(-0.5, 1.5), st.integers(0, 2), st.booleans(), st.text(max_size=2)),
    "fallback": st.booleans(),
    "intent": WORDS,
    "fields": st.one_of(st.dictionaries(st.text(max_size=4), WORDS, max_size=3), WORDS),
    "attempted": st.one_of(st.lists(WORDS, max_size=3), WORDS),
}
TURN = st.fixed_dictionaries(
    {"role": st.sampled_from(["customer", "bot", "agent"]), "text": st.one_of(st.text(max_size=9), st.none())},
    optional={"id": WORDS, **FACTS},
)
POSTED = st.fixed_dictionaries(
    {"type": st.sampled_from(["turns", "handoff"]), "conversation": WORDS},
    optional={
        "turns": st.one_of(st.lists(TURN, max_size=3), WORDS),
        "customer": st.one_of(
            st.fixed_dictionaries({}, optional={"id": WORDS, "email": WORDS, "verified": st.booleans()}), WORDS
        ),
        "reason": WORDS,
        **FACTS,
    },
)


@given(POSTED)
def test_the_schema_and_the_parser_agree(told: dict[str, Any]) -> None:
    """What the schema allows is read, and what it forbids is unreadable; a null stands for a key that is left out."""
    told = without_nulls(told)
    allowed = VALIDATOR.is_valid(told)
    try:
        assert list(parse_delivery(posted(told)))
        read = True
    except UnreadableDelivery:
        read = False
    assert read == allowed, told


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


def posted(told: Any, number: str = "msg_1") -> Delivery:
    return Delivery(
        connection="test",
        endpoint="",
        received_at=0,
        method="POST",
        url="",
        headers=(("webhook-id", number),),
        body=json.dumps(told).encode(),
    )


@pytest.mark.parametrize("at", ["yesterday", "2026-05-04T09:30:00", 5, "9999-99-99T00:00:00Z", ""])
def test_a_time_that_is_none_is_told(at: Any) -> None:
    turn = {"role": "bot", "text": "x", "at": at}
    with pytest.raises(UnreadableDelivery, match="written like"):
        list(parse_delivery(posted({"type": "turns", "conversation": "c", "turns": [turn]})))


def test_two_conversations_with_the_same_turn_id_are_two_events() -> None:
    turn = {"id": "1", "role": "customer", "text": "x"}
    events = [
        next(iter(parse_delivery(posted({"type": "turns", "conversation": name, "turns": [turn]}))))
        for name in ("a", "b")
    ]
    assert events[0].dedupe != events[1].dedupe
    assert events[0].thread != events[1].thread


# --- questions -------------------------------------------------------------------------------------------------------
@pytest_asyncio.fixture
async def asking() -> AsyncGenerator[tuple[FakeSessions, ChatbotSandbox, str, Any]]:
    from connectors.chatbot.connector import ChatbotConnector

    host, sessions = FakeHost(), FakeSessions()
    sandbox = ChatbotSandbox(now=host.now)
    connector = ChatbotConnector(settings_of(), host)
    async with serving(connector, sessions) as (client, base):
        yield sessions, sandbox, base, client
    await host.close()


def said(key: str, role: Role, name: str = "") -> Entry:
    author = Party(kind="x", value="x", role=role, name=name)
    return Entry(
        occurred_at=1_500, author=author, channel=Channel.CHAT, audience=Audience.PUBLIC, text=key.upper(), key=key
    )


async def test_a_bot_learns_where_its_conversation_stands_and_of_no_other(asking: Any) -> None:
    sessions, sandbox, base, _ = asking
    sessions.standings["conversation:s-1"] = Standing(case_id="c-1", state="escalated", handed_off=True)
    told = await sandbox.asks(base, "state", "s-1")
    assert told == {"conversation": "s-1", "state": "escalated", "handed_off": True, "case": "c-1"}
    told = await sandbox.asks(base, "state", "s-2")
    assert (told["state"], told["handed_off"]) == ("none", False)


async def test_a_bot_reads_our_answers_and_not_its_own_words(asking: Any) -> None:
    sessions, sandbox, base, _ = asking
    sessions.histories["conversation:s-1"] = [
        said("a", Role.CUSTOMER),
        said("b", Role.BOT),
        said("c", Role.SYSTEM),
        said("d", Role.AGENT, "Lea"),
    ]
    told = (await sandbox.asks(base, "replies", "s-1"))["replies"]
    assert [(each["id"], each["text"], each["from"], each["name"]) for each in told] == [
        ("c", "C", "system", ""),
        ("d", "D", "agent", "Lea"),
    ]
    assert told[0]["at"] == "1970-01-01T00:00:00.001Z"
    for after, ids in (("c", ["d"]), ("d", []), ("unknown", ["c", "d"])):
        told = (await sandbox.asks(base, "replies", "s-1", after=after))["replies"]
        assert [each["id"] for each in told] == ids


async def test_a_question_is_answered_only_where_it_was_asked(asking: Any) -> None:
    """The signature does not cover the address; the type in the body is what keeps a question to its own."""
    _, sandbox, base, client = asking
    for kind, address in (("state", "replies"), ("replies", "state"), ("turns", "state")):
        body = json.dumps({"type": kind, "conversation": "s-1"}).encode()
        async with client.post(f"{base}/{address}", data=body, headers=sandbox.signed(body)) as answer:
            assert answer.status == 400
    body = json.dumps({"type": "state", "conversation": "s-1", "x": "y" * 70_000}).encode()
    async with client.post(f"{base}/state", data=body, headers=sandbox.signed(body)) as answer:
        assert answer.status == 400


# --- replies ---------------------------------------------------------------------------------------------------------
@pytest_asyncio.fixture
async def calling() -> AsyncGenerator[tuple[Any, ChatbotSandbox]]:
    from connectors.chatbot.connector import ChatbotConnector

    host = FakeHost()
    sandbox = ChatbotSandbox(now=host.now)
    await sandbox.start()
    settings = settings_of(callback_secret=CALLBACK_SECRET, **sandbox.settings())
    yield ChatbotConnector(settings, host), sandbox
    await host.close()
    await sandbox.stop()


REPLY = Reply(key="k-1", case_id="c", thread="conversation:s-1", text="SECRET-BODY ü")


async def test_a_reply_is_posted_signed_and_a_bot_takes_each_once(calling: Any) -> None:
    connector, sandbox = calling
    for _ in range(2):
        assert (await connector.reply(REPLY)).ids[0].id == "k-1"
    assert sandbox.replies == {"k-1": {"id": "k-1", "conversation": "s-1", "text": REPLY.text, "buttons": []}}
    assert sandbox.posted == {"k-1": 2}


async def test_a_reply_lands_without_a_callback_too() -> None:
    from connectors.chatbot.connector import ChatbotConnector

    connector = ChatbotConnector(settings_of(), FakeHost())
    assert (await connector.reply(REPLY)).ids[0].id == "k-1"
    with pytest.raises(PermanentFailure):
        await connector.reply(Reply(key="k", case_id="c", thread="visitor:1", text="x"))


@pytest.mark.parametrize(
    ("fault", "options", "error"),
    [
        (FaultKind.RESET_BEFORE, {}, OutcomeUnknown),
        (FaultKind.RESET_AFTER, {}, OutcomeUnknown),
        (FaultKind.ERROR_AFTER, {}, OutcomeUnknown),
        (FaultKind.RATE_LIMITED, {"seconds": 7}, TemporaryFailure),
        (FaultKind.ERROR_BEFORE, {"status": 503}, TemporaryFailure),
        (FaultKind.ERROR_BEFORE, {"status": 500}, OutcomeUnknown),
        (FaultKind.ERROR_BEFORE, {"status": 410}, PermanentFailure),
        (FaultKind.ERROR_BEFORE, {"status": 307}, PermanentFailure),
        (FaultKind.ERROR_BEFORE, {"status": 401}, CredentialsRefused),
    ],
)
async def test_what_goes_wrong_says_what_may_be_done_next(
    calling: Any, fault: FaultKind, options: Any, error: Any
) -> None:
    connector, sandbox = calling
    sandbox.faults.add("replies", fault, **options)
    with pytest.raises(error) as failure:
        await connector.reply(REPLY)
    assert sandbox.count("replies") == 1
    assert "SECRET-BODY" not in repr(failure.value)
    assert str(failure.value).endswith(".")
    if fault is FaultKind.RATE_LIMITED:
        assert failure.value.retry_after == 7
    assert await connector.settle_reply(REPLY) is None
    await connector.reply(REPLY)
    assert list(sandbox.replies) == ["k-1"]


async def test_a_bot_that_is_away_is_called_later(calling: Any) -> None:
    connector, sandbox = calling
    await sandbox.stop()
    with pytest.raises(TemporaryFailure):
        await connector.reply(REPLY)


async def test_a_changed_callback_secret_is_followed(calling: Any) -> None:
    from connectors.chatbot.connector import ChatbotConnector

    connector, sandbox = calling
    values = {**sandbox.settings(), "secret": SECRET, "callback_secret": SECRET}
    with pytest.raises(CredentialsRefused):
        await ChatbotConnector(settings_of(**values), connector.host).reply(REPLY)
    both = settings_of(**values, previous_callback_secret=CALLBACK_SECRET)
    await ChatbotConnector(both, connector.host).reply(REPLY)
    assert list(sandbox.replies) == ["k-1"]


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "no prefix at all, but long enough", "whsec_!!!!"])
def test_a_secret_that_can_be_guessed_or_read_is_not_taken(secret: str) -> None:
    with pytest.raises(ValueError, match="written whsec_"):
        key_of(secret)
    with pytest.raises(ValueError, match="written whsec_"):
        settings_of(secret=secret)


def test_a_callback_must_be_signed_and_safe() -> None:
    for values in (
        {"callback_url": "https://bot.example.com/x"},
        {"callback_secret": CALLBACK_SECRET},
        {"callback_url": "http://bot.example.com/x", "callback_secret": CALLBACK_SECRET},
    ):
        with pytest.raises(ValueError, match=r"signed|https"):
            settings_of(**values)
