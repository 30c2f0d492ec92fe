"""The web chat keeps the contracts it claims, and what is special to it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.webchat import SPEC
from connectors.webchat.events import parse_delivery
from connectors.webchat.frames import Refused
from connectors.webchat.pace import Pace
from connectors.webchat.sandbox import IDENTITY_SECRET, TOKEN_SECRET, VisitorClient, WebchatSandbox, signed
from connectors.webchat.uploads import check_file
from connectors.webchat.visitors import Visitors
from gateway.sdk import (
    Audience,
    Button,
    ButtonPressed,
    Channel,
    ChatMessage,
    Delivery,
    DeliveryRejected,
    Entry,
    Evidence,
    Party,
    PermanentFailure,
    Reply,
    Role,
    SatisfactionGiven,
    Standing,
    UnreadableDelivery,
)
from gateway.testing.contracts import StandaloneContract
from gateway.testing.host import FakeHost
from gateway.testing.session_contract import SessionSourceContract
from gateway.testing.sessions import FakeSessions, serving
from gateway.testing.source_contract import SourceContract

SITE = "https://shop.example.com"
VISITOR = {"thread": "visitor:1", "kind": "webchat_visitor", "value": "1", "name": "", "email": "", "claimed_email": ""}


class WebchatSetUp(StandaloneContract):
    spec = SPEC
    sandbox_class = WebchatSandbox

    def sdk_modules(self) -> set[str]:
        return {"aiohttp", "jwt"}


class TestSource(SourceContract, WebchatSetUp):
    deliveries = Path(__file__).parent / "deliveries"
    endpoint = "socket"

    def headers(self) -> tuple[tuple[str, str], ...]:
        return (("Baton-Visitor", json.dumps({**VISITOR, "verified": False})), ("Baton-File-Id", "a" * 8))

    def body(self) -> bytes:
        return json.dumps({"type": "message", "id": "aaaaaaaa0001", "text": "Hello"}).encode()

    def unknown_bodies(self) -> list[bytes]:
        return [b"{}", b'{"type":"typing"}', b'{"type":["message"]}', b'{"type":"hello","token":"x"}']

    @given(st.binary(max_size=60), st.sampled_from(["Baton-Visitor", "Baton-File-Id", "Baton-File-Name"]))
    def test_any_headers_are_events_or_unreadable(self, value: bytes, name: str) -> None:
        headers = {**dict(self.headers()), "Baton-File-Name": "x", name: value.decode("latin-1")}
        for endpoint in ("socket", "upload"):
            try:
                list(parse_delivery(frame_delivery(self.body(), endpoint, tuple(headers.items()))))
            except UnreadableDelivery as error:
                assert str(error)


class TestSessions(SessionSourceContract, WebchatSetUp):
    def values(self, sandbox: Any) -> dict[str, Any]:
        return {**super().values(sandbox), "allowed_origins": [SITE]}


def frame_delivery(body: bytes, endpoint: str, headers: tuple[tuple[str, str], ...]) -> Delivery:
    return Delivery(
        connection="test", endpoint=endpoint, received_at=7, method="FRAME", url="", headers=headers, body=body
    )


# --- at an open widget -----------------------------------------------------------------------------------------------
@dataclass(slots=True, kw_only=True)
class World:
    connector: Any
    host: FakeHost
    sessions: FakeSessions
    client: aiohttp.ClientSession
    base: str

    def visitor(self, name: str = "Ann", **options: Any) -> VisitorClient:
        return VisitorClient(name=name, origin=SITE, **options)

    def sitting(self, visitor: VisitorClient) -> Any:
        return visitor.sitting(self.client, self.base)

    def events(self) -> list[Any]:
        return [event for delivery in self.sessions.emitted for event in self.connector.parse(delivery)]

    def thread(self) -> str:
        return str(self.events()[-1].thread)

    async def upload(self, visitor: VisitorClient, body: bytes, **options: Any) -> tuple[int, dict[str, Any]]:
        headers = {"Origin": SITE, "Authorization": f"Bearer {visitor.token}", "Content-Type": "text/plain"}
        headers |= options.get("headers", {})
        query = options.get("query", "id=file0001&name=note.txt")
        async with self.client.post(f"{self.base}/upload?{query}", data=body, headers=headers) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else {}


SETTINGS: dict[str, Any] = {
    "allowed_origins": [SITE],
    "token_secret": TOKEN_SECRET,
    "identity_secret": IDENTITY_SECRET,
    "max_file": 2_048,
}


@pytest.fixture
async def world() -> AsyncGenerator[World]:
    from connectors.webchat.connector import WebchatConnector

    host, sessions = FakeHost("test"), FakeSessions()
    connector = WebchatConnector(SPEC.settings.model_validate(SETTINGS), host)
    await connector.open()
    async with serving(connector, sessions) as (client, base):
        yield World(connector=connector, host=host, sessions=sessions, client=client, base=base)
    await host.close()


def said(text: str, key: str, *, role: Role = Role.SYSTEM, at: int = 0, name: str = "") -> Entry:
    author = Party(kind="x", value="x", name=name, role=role)
    return Entry(occurred_at=at, author=author, channel=Channel.CHAT, audience=Audience.PUBLIC, text=text, key=key)


async def test_a_message_is_acknowledged_after_it_is_durable_and_not_before(world: World) -> None:
    visitor = world.visitor()
    async with world.sitting(visitor) as sitting:
        world.sessions.away = True
        assert (await sitting.say("one"))["type"] == "later"
        assert not world.sessions.emitted
        world.sessions.away = False
        assert (await sitting.say("two"))["type"] == "ack"
    (event,) = world.events()
    assert isinstance(event, ChatMessage)
    assert (event.text, event.sender.kind, event.sender.name) == ("two", "webchat_visitor", "Ann")
    assert event.sender.evidence is Evidence.CLAIMED
    assert event.occurred_at == world.host.now()


async def test_what_is_sent_again_is_the_same_event(world: World) -> None:
    visitor = world.visitor()
    for _ in range(2):
        async with world.sitting(visitor) as sitting:
            assert (await sitting.send({"type": "message", "id": "same-frame-1", "text": "x"}))["type"] == "ack"
    first, second = world.events()
    assert first.dedupe == second.dedupe
    assert first.thread == second.thread


async def test_two_strangers_with_the_same_frame_id_are_two_events_of_two_threads(world: World) -> None:
    for name in ("Ann", "Ben"):
        async with world.sitting(world.visitor(name)) as sitting:
            await sitting.send({"type": "message", "id": "same-frame-1", "text": "x"})
    first, second = world.events()
    assert first.dedupe != second.dedupe
    assert first.thread != second.thread


async def test_a_stranger_cannot_take_a_thread_by_naming_it(world: World) -> None:
    victim = world.visitor("Victim")
    async with world.sitting(victim) as sitting:
        await sitting.say("secret")
    thread = world.thread()
    world.sessions.histories[thread] = [said("secret", f"{thread}/x", role=Role.CUSTOMER)]
    thief = world.visitor("Thief", token=victim.token[:-2] + "AA")
    async with world.sitting(thief) as sitting:
        await sitting.send({"type": "message", "text": "mine", "thread": thread, "visitor": thread})
    assert thief.texts() == []
    assert world.thread() != thread


async def test_a_judgement_and_a_wish_for_a_person_arrive(world: World) -> None:
    async with world.sitting(world.visitor()) as sitting:
        assert (await sitting.send({"type": "button", "action": "talk_to_agent", "label": "A person"}))["type"] == "ack"
        assert (await sitting.send({"type": "satisfaction", "score": 5}))["type"] == "ack"
        for score in (0, 6, True, "5", None, 4.5):
            assert (await sitting.send({"type": "satisfaction", "score": score}))["type"] == "refused"
    button, judgement = world.events()
    assert isinstance(button, ButtonPressed)
    assert (button.action, button.reference) == ("talk_to_agent", None)
    assert isinstance(judgement, SatisfactionGiven)
    assert (judgement.score, judgement.word) == (1.0, "5")


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "message", "text": ""},
        {"type": "message", "text": "x" * 4_001},
        {"type": "message", "text": 5},
        {"type": "message", "text": "x", "id": "short"},
        {"type": "message", "text": "x", "id": "x" * 65},
        {"type": "message", "text": "x", "id": "with blank"},
        {"type": "button", "action": "Not A Word"},
        {"type": "button", "action": "a", "label": "x" * 201},
        {"type": "button", "action": "a", "reply": "of-somebody-else"},
    ],
)
async def test_what_cannot_be_taken_is_refused_with_a_sentence_and_not_kept(
    world: World, frame: dict[str, Any]
) -> None:
    async with world.sitting(world.visitor()) as sitting:
        await sitting.socket.send_json({"id": "frame-00001", **frame})
        told = await sitting.until("refused")
        assert told["reason"].endswith(".")
        assert (await sitting.say("still here"))["type"] == "ack"
    assert [event.text for event in world.events()] == ["still here"]


async def test_a_button_of_a_reply_leads_back_to_it_and_only_for_who_got_it(world: World) -> None:
    visitor = world.visitor()
    async with world.sitting(visitor) as sitting:
        await sitting.say("hello")
        button = Button(action="confirm", label="Yes")
        await world.connector.reply(
            Reply(key="k-1", case_id="c", thread=world.thread(), text="Really?", buttons=(button,))
        )
        line = (await sitting.until("message"))["message"]
        assert line["buttons"] == [{"action": "confirm", "label": "Yes"}]
        assert (await sitting.send({"type": "button", "action": "confirm", "reply": "k-1"}))["type"] == "ack"
    assert world.events()[-1].reference == "k-1"
    async with world.sitting(world.visitor("Other")) as sitting:
        assert (await sitting.send({"type": "button", "action": "confirm", "reply": "k-1"}))["type"] == "refused"


# --- replies ---------------------------------------------------------------------------------------------------------
async def test_a_reply_is_shown_in_every_window_and_told_again_to_none(world: World) -> None:
    visitor = world.visitor()
    async with world.sitting(visitor) as one, world.sitting(visitor) as two:
        await one.say("hello")
        assert (await two.until("message"))["message"]["text"] == "hello"
        thread = world.thread()
        reply = Reply(key="k-1", case_id="c", thread=thread, text="Hi!")
        receipt = await world.connector.reply(reply)
        assert receipt.ids[0].id == "k-1"
        await world.connector.reply(reply)
        world.sessions.histories[thread] = [
            said("hello", f"{thread}/ann-000001", role=Role.CUSTOMER),
            said("Hi!", "k-1"),
        ]
        for sitting in (one, two):
            assert (await sitting.until("message"))["message"]["text"] == "Hi!"
            assert (await sitting.look())["messages"] == []


async def test_a_reply_that_the_store_does_not_show_yet_is_in_the_history_all_the_same(world: World) -> None:
    visitor = world.visitor()
    async with world.sitting(visitor) as sitting:
        await sitting.say("hello")
    await world.connector.reply(Reply(key="k-1", case_id="c", thread=world.thread(), text="Hi!"))
    async with world.sitting(visitor):
        assert visitor.texts() == ["Hi!"]


async def test_settling_asks_the_history(world: World) -> None:
    reply = Reply(key="k-1", case_id="c", thread="visitor:1", text="Hi!")
    assert await world.connector.settle_reply(reply) is None
    world.sessions.histories["visitor:1"] = [said("Hi!", "k-1")]
    assert (await world.connector.settle_reply(reply)).ids[0].id == "k-1"


async def test_a_reply_to_no_conversation_of_ours_is_given_up(world: World) -> None:
    with pytest.raises(PermanentFailure):
        await world.connector.reply(Reply(key="k", case_id="c", thread="C0:1", text="x"))


async def test_what_other_gateways_sent_is_found_by_asking_for_news(world: World) -> None:
    visitor = world.visitor()
    async with world.sitting(visitor) as sitting:
        await sitting.say("hello")
        thread = world.thread()
        world.sessions.histories[thread] = [said("Hi from Lea", "k-9", role=Role.AGENT, name="Lea")]
        world.sessions.standings[thread] = Standing(case_id="c-1", state="acknowledged", handed_off=True)
        told = await sitting.look()
        assert [(line["text"], line["name"]) for line in told["messages"]] == [("Hi from Lea", "Lea")]
        assert (told["state"], told["handed_off"], told["case"]) == ("acknowledged", True, "c-1")
        assert (await sitting.look())["messages"] == []


async def test_closing_sends_every_window_away_with_1012(world: World) -> None:
    async with world.sitting(world.visitor()) as sitting:
        await world.connector.close()
        with pytest.raises(ConnectionError, match="1012"):
            await sitting.look()


# --- bounds ----------------------------------------------------------------------------------------------------------
async def test_who_is_too_fast_is_told_to_wait_and_loses_nothing(world: World) -> None:
    visitor = world.visitor()
    async with world.sitting(visitor) as sitting:
        answers = [await sitting.say(str(number)) for number in range(20)]
        kinds = [each["type"] for each in answers]
        assert kinds == ["ack"] * 15 + ["later"] * 5
        world.host.time += int(answers[-1]["after"] * 1_000_000)
        assert (await sitting.say("again"))["type"] == "ack"


async def test_a_flood_of_frames_ends_the_socket(world: World) -> None:
    async with world.sitting(world.visitor()) as sitting:
        for _ in range(200):
            await sitting.socket.send_str("{}")
        message = await sitting.socket.receive(timeout=5)
        assert message.type is aiohttp.WSMsgType.CLOSE
        assert message.data == 1008


@pytest.mark.parametrize("first", ["{}", '{"type":"message","id":"aaaaaaaa","text":"x"}', '{"type":"sync"}'])
async def test_nothing_is_told_or_taken_before_hello(world: World, first: str) -> None:
    async with world.client.ws_connect(f"{world.base}/socket", headers={"Origin": SITE}) as socket:
        await socket.send_str(first)
        message = await socket.receive(timeout=5)
        assert message.type is aiohttp.WSMsgType.CLOSE
    assert not world.sessions.emitted


@pytest.mark.parametrize("text", ["", "no json", "[]", "[" * 60_000, '"' * 1000, "null", "\ud83d"])
async def test_frames_that_are_no_frames_harm_nobody(world: World, text: str) -> None:
    async with world.sitting(world.visitor()) as sitting:
        await sitting.socket.send_str(text.encode("utf-8", "replace").decode())
        assert (await sitting.say("still here"))["type"] == "ack"


async def test_a_frame_beyond_the_bound_ends_the_socket(world: World) -> None:
    async with world.sitting(world.visitor()) as sitting:
        await sitting.socket.send_str("x" * 70_000)
        message = await sitting.socket.receive(timeout=5)
        assert message.type is aiohttp.WSMsgType.CLOSE
        assert message.data == 1009


# --- files -----------------------------------------------------------------------------------------------------------
async def test_a_file_is_a_message_and_its_bytes_come_out_of_its_delivery(world: World) -> None:
    visitor = world.visitor()
    body = b"total 12.00\n" * 100
    async with world.sitting(visitor) as sitting:
        assert await world.upload(visitor, body, query="id=file0001&name=bill%20%C3%BC%2F.txt") == (
            200,
            {"type": "ack", "id": "file0001"},
        )
        assert (await sitting.until("message"))["message"]["files"][0]["size"] == len(body)
    (delivery,) = world.sessions.emitted
    (event,) = world.events()
    (attachment,) = event.attachments
    assert (attachment.name, attachment.size, attachment.media_type) == ("bill ü/.txt", len(body), "text/plain")
    assert b"".join([chunk async for chunk in world.connector.fetch(attachment, delivery)]) == body
    with pytest.raises(PermanentFailure):
        _ = [chunk async for chunk in world.connector.fetch(replace(attachment, id="other"), delivery)]
    assert not [value for name, value in delivery.headers if visitor.token in value or name == "Authorization"]


async def test_files_without_a_visitor_or_of_another_sort_are_not_taken(world: World) -> None:
    visitor = world.visitor()
    async with world.sitting(visitor):
        for headers in ({"Authorization": ""}, {"Authorization": "Bearer x.y"}, {"Origin": "https://evil.example"}):
            assert (await world.upload(visitor, b"x", headers=headers))[0] == 401
        bad: list[tuple[bytes, dict[str, str]]] = [
            (b"x" * 2_049, {}),
            (b"", {}),
            (b"<script>", {"Content-Type": "text/html"}),
            (b"<html>", {"Content-Type": "image/png"}),
            (b"\x00\x01", {}),
            (b"\xff\xfe", {}),
        ]
        for body, headers in bad:
            status, told = await world.upload(visitor, body, headers=headers)
            assert (status, told["type"]) == (422, "refused"), (body[:10], headers)
        assert (await world.upload(visitor, b"x", query="id=no&name=x"))[0] == 422
        world.sessions.away = True
        assert (await world.upload(visitor, b"x"))[0] == 503
    assert not world.sessions.emitted


async def test_only_allowed_sites_may_ask_before_they_send_a_file(world: World) -> None:
    for origin, status in ((SITE, 204), ("https://evil.example", 401), (SITE + ".evil.example", 401)):
        async with world.client.options(f"{world.base}/upload", headers={"Origin": origin}) as answer:
            assert answer.status == status
            allowed = answer.headers.get("Access-Control-Allow-Origin")
            assert allowed == (SITE if status == 204 else None)


@pytest.mark.parametrize(
    ("media_type", "body", "good"),
    [
        ("image/png", b"\x89PNG\r\n\x1a\n....", True),
        ("image/jpeg", b"\xff\xd8\xff\xe0", True),
        ("image/gif", b"GIF89a", True),
        ("image/webp", b"RIFF0000WEBPVP8 ", True),
        ("application/pdf", b"%PDF-1.7", True),
        ("image/webp", b"RIFF0000WAVE", False),
        ("image/jpeg", b"\x89PNG\r\n\x1a\n", False),
        ("application/zip", b"PK", False),
    ],
)
def test_the_first_bytes_must_be_of_the_stated_type(media_type: str, body: bytes, *, good: bool) -> None:
    allowed = SPEC.settings.model_fields["file_types"].default
    if good:
        check_file(media_type, body, allowed=allowed, largest=1_000)
    else:
        with pytest.raises(Refused):
            check_file(media_type, body, allowed=allowed, largest=1_000)


# --- who is who ------------------------------------------------------------------------------------------------------
NOW = 1_790_000_000_000_000
SECONDS = NOW // 1_000_000


def visitors(**options: Any) -> Visitors:
    numbers = iter(range(1, 1_000))

    def entropy(count: int) -> bytes:
        return next(numbers).to_bytes(count, "big")

    values: dict[str, Any] = {
        "tokens": [TOKEN_SECRET.encode()],
        "identities": [IDENTITY_SECRET.encode()],
        "days": 30,
        "entropy": entropy,
        **options,
    }
    return Visitors("site", **values)


def test_a_token_is_good_for_its_days_and_for_its_connection_only() -> None:
    ours = visitors()
    ann = ours.stranger()
    token = ours.token(ann, NOW)
    day = 86_400_000_000
    assert ours.known(token, NOW + 29 * day) == ann
    assert ours.known(token, NOW + 30 * day) is None
    other = Visitors("other", tokens=[TOKEN_SECRET.encode()], identities=[], days=30, entropy=bytes)
    assert other.known(token, NOW) is None


def test_a_changed_secret_is_followed() -> None:
    old = visitors()
    token = old.token(old.stranger(), NOW)
    assert visitors(tokens=[b"n" * 32, TOKEN_SECRET.encode()]).known(token, NOW) is not None
    assert visitors(tokens=[b"n" * 32]).known(token, NOW) is None


@given(st.integers(0, 10_000), st.text(max_size=2), st.binary(max_size=80))
def test_no_changed_token_names_anybody(at: int, put: str, rubbish: bytes) -> None:
    ours = visitors()
    token = ours.token(ours.stranger(), NOW)
    at %= len(token)
    changed = token[:at] + put + token[at + 1 :]
    if changed != token:
        assert ours.known(changed, NOW) is None
    assert ours.known(rubbish.decode("latin-1"), NOW) is None


def test_a_signed_identity_proves_the_users_id_and_the_address_only_where_it_says_so() -> None:
    ours = visitors()
    claims = {"sub": "u-1", "name": "Ann  A", "email": "ann@example.com", "exp": SECONDS + 60}
    plain = ours.identified(signed(claims, IDENTITY_SECRET), NOW)
    assert (plain.value, plain.name, plain.email, plain.claimed_email) == ("u-1", "Ann A", "", "ann@example.com")
    assert plain.verified
    proven = ours.identified(signed({**claims, "email_verified": True}, IDENTITY_SECRET), NOW)
    assert (proven.email, proven.claimed_email) == ("ann@example.com", "")
    assert (
        proven.thread == plain.thread != ours.identified(signed({**claims, "sub": "u-2"}, IDENTITY_SECRET), NOW).thread
    )


GOOD = {"sub": "u-1", "exp": SECONDS + 60}
FALSE = {
    "another secret": signed(GOOD, "x" * 40),
    "no secret": signed(GOOD, ""),
    "no algorithm": signed(GOOD, IDENTITY_SECRET, "none"),
    "another algorithm": signed(GOOD, IDENTITY_SECRET, "HS512"),
    "unsigned": signed(GOOD, IDENTITY_SECRET, "none").rpartition(".")[0] + ".",
    "cut": signed(GOOD, IDENTITY_SECRET)[:-1],
    "too old": signed({**GOOD, "exp": SECONDS - 61}, IDENTITY_SECRET),
    "not yet": signed({**GOOD, "nbf": SECONDS + 61}, IDENTITY_SECRET),
    "no end": signed({"sub": "u-1"}, IDENTITY_SECRET),
    "an end that is no number": signed({**GOOD, "exp": "later"}, IDENTITY_SECRET),
    "an end that is true": signed({**GOOD, "exp": True}, IDENTITY_SECRET),
    "nobody": signed({"exp": SECONDS + 60}, IDENTITY_SECRET),
    "a number for an id": signed({**GOOD, "sub": 5}, IDENTITY_SECRET),
    "too long an id": signed({**GOOD, "sub": "u" * 201}, IDENTITY_SECRET),
    "rubbish": "a.b.c",
    "not ASCII": "ü.ü.ü",
    "empty": "",
}


@pytest.mark.parametrize("how", FALSE)
def test_an_identity_that_does_not_hold_is_refused(how: str) -> None:
    with pytest.raises(DeliveryRejected):
        visitors().identified(FALSE[how], NOW)


def test_no_identity_is_accepted_where_no_secret_is_set() -> None:
    bare = visitors(identities=[])
    with pytest.raises(DeliveryRejected):
        bare.identified(signed(GOOD, ""), NOW)
    with pytest.raises(DeliveryRejected):
        bare.vouched("u-1", "")


def test_a_vouched_id_is_proven_and_what_stands_beside_it_is_claimed() -> None:
    import hashlib
    import hmac

    digest = hmac.new(IDENTITY_SECRET.encode(), b"u-1", hashlib.sha256).hexdigest()
    ann = visitors().vouched("u-1", digest, name="Ann", email="ann@example.com")
    assert (ann.value, ann.verified, ann.email, ann.claimed_email) == ("u-1", True, "", "ann@example.com")
    for user, wrong in (
        ("u-2", digest),
        ("u-1", digest.upper()),
        ("u-1", digest[:-1]),
        ("u-1", ""),
        ("", digest),
        ("u-1", "ü"),
    ):
        with pytest.raises(DeliveryRejected):
            visitors().vouched(user, wrong)


async def test_a_customer_finds_their_conversation_on_another_device(world: World) -> None:
    identity = signed({"sub": "u-1", "exp": world.host.now() // 1_000_000 + 60, "name": "Ann"}, IDENTITY_SECRET)
    for _ in range(2):
        async with world.sitting(world.visitor(identity=identity)) as sitting:
            await sitting.say("hello")
    first, second = world.events()
    assert first.thread == second.thread
    assert first.sender.evidence is Evidence.VERIFIED
    assert (first.sender.kind, first.sender.value, first.sender.name) == ("site_user", "u-1", "Ann")


async def test_who_comes_with_a_false_identity_is_sent_away_and_is_not_quietly_another(world: World) -> None:
    visitor = world.visitor(identity=signed(GOOD, "x" * 40))
    with pytest.raises(ConnectionError, match="4401"):
        async with world.sitting(visitor):
            pass


async def test_a_page_that_stays_open_longer_than_its_identity_comes_back(world: World) -> None:
    identity = signed({"sub": "u-1", "exp": world.host.now() // 1_000_000 + 60}, IDENTITY_SECRET)
    visitor = world.visitor(identity=identity)
    async with world.sitting(visitor) as sitting:
        await sitting.say("one")
    world.host.time += 1_800 * 1_000_000
    async with world.sitting(visitor) as sitting:
        await sitting.say("two")
    assert len({event.thread for event in world.events()}) == 1
    world.host.time += 3_700 * 1_000_000
    with pytest.raises(ConnectionError, match="4401"):
        async with world.sitting(visitor):
            pass


async def test_the_token_of_a_customer_does_not_outlive_their_login_as_a_strangers(world: World) -> None:
    identity = signed({"sub": "u-1", "exp": world.host.now() // 1_000_000 + 60}, IDENTITY_SECRET)
    customer = world.visitor(identity=identity)
    async with world.sitting(customer) as sitting:
        await sitting.say("private")
    next_one = world.visitor("Next", token=customer.token)
    async with world.sitting(next_one) as sitting:
        await sitting.say("hello")
    first, second = world.events()
    assert first.thread != second.thread
    assert second.sender.kind == "webchat_visitor"


# --- pace ------------------------------------------------------------------------------------------------------------
@given(st.lists(st.integers(0, 10_000_000), min_size=1, max_size=200), st.integers(1, 120))
def test_no_minute_ever_lets_through_more_than_the_rate_and_one_burst(gaps: list[int], rate: int) -> None:
    pace = Pace(rate)
    now, taken = 0, []
    for gap in gaps:
        now += gap
        if not pace.wait("ann", now):
            taken.append(now)
    for begin in taken:
        within = [at for at in taken if begin <= at < begin + 60_000_000]
        assert len(within) <= rate + max(1, rate / 2) + 1


@pytest.mark.parametrize(
    "origin",
    [
        "http://shop.example.com",
        "shop.example.com",
        "https://Shop.example.com",
        "https://*.example.com",
        "https://a.b/c",
    ],
)
def test_an_origin_that_no_browser_sends_is_told(origin: str) -> None:
    with pytest.raises(ValueError, match="https"):
        SPEC.settings.model_validate({**SETTINGS, "allowed_origins": [origin]})


def test_secrets_that_can_be_guessed_are_not_taken() -> None:
    with pytest.raises(ValueError, match="32"):
        SPEC.settings.model_validate({**SETTINGS, "token_secret": "short"})


def test_the_widget_is_small_and_speaks_to_no_other_host() -> None:
    import re

    script = (Path(__file__).parents[3] / "connectors" / "webchat" / "widget.js").read_text()
    assert len(script.encode()) < 20_000
    assert set(re.findall(r"https?://[^\s\"'`)]+", script)) == {"http://www.w3.org/2000/svg"}
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        'setAttribute("style',
    ):
        assert word not in script
