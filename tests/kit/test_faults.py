"""What goes wrong at a sandbox is set from outside, in words; what cannot be is answered by a sentence, and sets nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from connectors.email.sandbox import EmailSandbox
from connectors.hubspot.sandbox import HubSpotSandbox
from connectors.incidents.sandbox import IncidentsSandbox
from connectors.zendesk.sandbox import EMAIL, TOKEN, ZendeskSandbox
from gateway.cli.configuration import installed
from gateway.cli.sandbox import make
from gateway.testing.control import Wish
from gateway.testing.faults import Fault, FaultKind, Faults

ME = "/api/v2/users/me.json"
LOGIN = {"Authorization": aiohttp.encode_basic_auth(f"{EMAIL}/token", TOKEN)}


@pytest.fixture
async def desk() -> AsyncGenerator[ZendeskSandbox]:
    sandbox = ZendeskSandbox()
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


@pytest.fixture
async def client(desk: ZendeskSandbox) -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(
        desk.url, headers=LOGIN, connector=aiohttp.TCPConnector(force_close=True)
    ) as session:
        yield session


async def asked(client: aiohttp.ClientSession, body: object) -> tuple[int, str]:
    async with client.post("/_sandbox/faults", json=body) as answer:
        return answer.status, await answer.text()


async def status(client: aiohttp.ClientSession, path: str = ME) -> int | None:
    """Return the status of a call, None when the connection broke."""
    try:
        async with client.get(path, timeout=aiohttp.ClientTimeout(total=2)) as answer:
            await answer.read()
            return answer.status
    except (aiohttp.ClientError, TimeoutError):
        return None


@pytest.mark.parametrize(
    "body",
    [
        {"fault": "429:2"},
        {"fault": "rate_limited", "times": 2},
        {"fault": "429:2@users.me"},
        {"fault": "429", "route": "users.me", "times": "2"},
        [{"fault": "429"}, {"fault": "rate_limited"}],
    ],
)
async def test_the_next_calls_go_wrong_and_those_after_them_go_well(
    client: aiohttp.ClientSession, body: object
) -> None:
    assert (await asked(client, body))[0] == 200
    assert [await status(client) for _ in range(3)] == [429, 429, 200]


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        ("503", 503),
        ("418", 418),
        ("error_before=404", 404),
        ("reset_after:2", None),
        ("hang=0:2", None),
        ("half_body", None),
    ],
)
async def test_each_kind_is_set_by_its_name_or_its_status(
    client: aiohttp.ClientSession, fault: str, answer: int | None
) -> None:
    assert (await asked(client, {"fault": fault}))[0] == 200
    assert await status(client) == answer
    async with client.get("/_sandbox/faults") as shown:
        (met,) = (await shown.json())["met"]
    # Who is cut off before an answer asks once more by itself, for it only reads.
    assert (met["route"], met["times"]) == ("users.me", 2 if ":2" in fault else 1)


async def test_a_share_of_the_calls_goes_wrong_until_it_is_cleared(client: aiohttp.ClientSession) -> None:
    await asked(client, {"fault": "503", "share": 1, "route": "users.me"})
    assert [await status(client) for _ in range(4)] == [503] * 4
    await asked(client, {"fault": "503:50%@users.me"})
    assert {await status(client) for _ in range(40)} == {200, 503}
    async with client.delete("/_sandbox/faults") as answer:
        assert await answer.json() == {"set": []}
    assert {await status(client) for _ in range(10)} == {200}


async def test_what_is_set_is_shown_and_a_condition_stands_until_it_is_cleared(
    desk: ZendeskSandbox, client: aiohttp.ClientSession
) -> None:
    several = [
        {"fault": each} for each in ("hang=30:2@search", "duplicates=50%", "search_lag=5", "requests_a_minute=2")
    ]
    assert (await asked(client, several))[0] == 200
    assert (desk.webhooks.duplicates, desk.account.search_lag, desk.requests_a_minute) == (0.5, 5_000_000, 2)
    async with client.get("/_sandbox/faults") as answer:
        shown = await answer.json()
    assert shown["set"] == [
        {"fault": "hang", "route": "search", "times": 2, "value": 30.0},
        {"fault": "duplicates", "value": 0.5},
        {"fault": "search_lag", "value": 5.0},
        {"fault": "requests_a_minute", "value": 2},
    ]
    assert {"users.me", "*"} < set(shown["routes"])
    assert [await status(client) for _ in range(3)] == [200, 200, 429]
    async with client.delete("/_sandbox/faults"):
        pass
    assert (desk.webhooks.duplicates, desk.account.search_lag, desk.requests_a_minute) == (0.0, 120_000_000, None)
    assert await status(client) == 200


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (
            {"fault": "reset_aftr"},
            'there is no fault "reset_aftr": did you mean "reset_after"? There are reset_before, ',
        ),
        ({"fault": "serch_lag=3"}, 'did you mean "search_lag"?'),
        ({"fault": "200"}, 'there is no fault "200". There are'),
        (
            {"fault": "429@ticket.create"},
            'there is no route "ticket.create": did you mean "tickets.create"? There are ',
        ),
        ({"fault": "429:0"}, '"0" is none for "429": it is a number of calls up to 10000, or a share of them like 20%'),
        ({"fault": "429:99999"}, '"99999" is none for "429"'),
        ({"fault": "503:120%"}, '"120%" is none for "503"'),
        ({"fault": "503", "share": "much"}, '"much%" is none for "503"'),
        ({"fault": "hang=long"}, '"long" is none for "hang": it takes seconds, 86400 at most'),
        ({"fault": "hang=nan"}, '"nan" is none for "hang"'),
        ({"fault": "error_before=200"}, '"200" is none for "error_before": it takes a status from 400 to 599'),
        ({"fault": "reset_after=3"}, '"reset_after" takes no value, so leave "=3" away'),
        ({"fault": "duplicates=2"}, '"2" is none for "duplicates": it takes a share, 0 to 1 or 0% to 100%'),
        ({"fault": "search_lag"}, 'nothing is none for "search_lag": it takes seconds'),
        ({"fault": "requests_a_minute"}, 'nothing is none for "requests_a_minute": it takes a whole number'),
        ({"fault": "shuffled=perhaps"}, '"perhaps" is none for "shuffled": it takes yes or no'),
        ({"fault": "shuffled:3"}, '"shuffled" stands until it is cleared, for everything: write shuffled=VALUE'),
        ({"fault": "429", "tims": 3}, 'there is no "tims" of a fault: did you mean "times"? There are fault, value, '),
        ({"fault": "429 3"}, '"429 3" is no fault: write NAME=VALUE:TIMES@ROUTE'),
        ({"fault": 429}, 'a fault is written like {"fault": "429:3"}'),
        ({}, 'a fault is written like {"fault": "429:3"}'),
        (7, 'a fault is written like {"fault": "429:3"}'),
        ([{"fault": "429"}, {"fault": "4292"}], 'there is no fault "4292"'),
    ],
)
async def test_what_cannot_be_is_answered_by_a_sentence_and_sets_nothing(
    client: aiohttp.ClientSession, body: object, sentence: str
) -> None:
    code, text = await asked(client, body)
    assert code == 400
    assert sentence in text
    assert text.endswith("; GET /_sandbox/faults shows what there is.\n")
    async with client.get("/_sandbox/faults") as answer:
        assert (await answer.json())["set"] == []


async def test_what_is_no_json_is_said_so(client: aiohttp.ClientSession) -> None:
    async with client.post("/_sandbox/faults", data=b"429:3") as answer:
        assert answer.status == 400
        assert (await answer.text()).endswith('write one like {"fault": "429:3"}.\n')


@given(st.text(max_size=30) | st.dictionaries(st.text(max_size=6), st.text(max_size=6)) | st.lists(st.integers()))
def test_nothing_that_is_asked_for_breaks_it(body: object) -> None:
    control = ZendeskSandbox().control
    try:
        control.ask(body)
    except Wish as wrong:
        assert str(wrong)


@pytest.mark.parametrize(
    ("remote", "allowed"),
    [("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("fe80::1%eth0", False),
     ("192.168.1.7", False), ("::ffff:10.0.0.1", False), ("2001:db8::1", False), ("", False), (None, False)],
)  # fmt: skip
async def test_only_this_machine_sets_faults_wherever_the_sandbox_listens(remote: str | None, *, allowed: bool) -> None:
    class Request:
        def __init__(self) -> None:
            self.remote = remote

        async def read(self) -> bytes:
            return b'{"fault": "429"}'

    sandbox = ZendeskSandbox()
    request: Any = Request()
    answer: web.Response = await sandbox.control.take(request)
    assert answer.status == (200 if allowed else 403)
    assert bool(sandbox.faults.waiting()) == allowed
    assert (await sandbox.control.clear(request)).status == (200 if allowed else 403)


def test_who_is_never_called_has_webhooks_that_go_wrong_and_no_calls() -> None:
    sandbox = IncidentsSandbox()
    sandbox.control.ask("dropped")
    assert sandbox.webhooks.dropped == 1.0
    with pytest.raises(Wish, match="Baton calls nothing here"):
        sandbox.control.ask("429")


@pytest.mark.parametrize("name", sorted(installed()))
def test_every_sandbox_shows_what_can_go_wrong_with_it_and_no_secret(name: str) -> None:
    sandbox = make(installed()[name])
    shown = sandbox.control.shown()
    assert shown["set"] == []
    assert {"duplicates", "dropped", "shuffled"} <= shown["conditions"].keys()
    assert all(each["does"].endswith(".") for each in shown["conditions"].values())
    assert not [secret for secret in sandbox.secrets().values() if secret in str(shown)]


def test_a_condition_of_each_vendor_is_what_is_set() -> None:
    hubspot, mail = HubSpotSandbox(), EmailSandbox()
    hubspot.control.ask("search_lag=1.5")
    hubspot.control.ask("calls_in_ten_seconds=none")
    assert (hubspot.portal.search_lag, hubspot.burst) == (1_500_000, None)
    for words in ("idles=no", "keeps_sent=no", "largest_mail=1000", "reset_after@smtp.send", "hang=1@imap.idle"):
        mail.control.ask(words)
    assert (mail.idles, mail.keeps_sent, mail.size) == (False, False, 1_000)
    assert mail.fault("smtp.send") == Fault(kind=FaultKind.RESET_AFTER)
    mail.control.end()
    assert (mail.idles, mail.keeps_sent, mail.fault("imap.idle")) == (True, True, None)


def test_a_share_is_kept_to_and_ends_with_none() -> None:
    faults = Faults()
    faults.often("a", FaultKind.RESET_BEFORE, 0.25)
    met = sum(faults.take("a") is not None for _ in range(4_000))
    assert 850 < met < 1_150
    assert not any(faults.take("b") for _ in range(50))
    faults.often("a", FaultKind.RESET_BEFORE, 0)
    assert faults.standing() == []
    assert not any(faults.take("a") for _ in range(50))


async def test_webhooks_come_twice_when_that_is_asked_for(desk: ZendeskSandbox, client: aiohttp.ClientSession) -> None:
    came = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal came
        came += 1
        await asyncio.sleep(0)
        return web.Response()

    app = web.Application()
    app.router.add_post("/hooks/zendesk", answer)
    async with TestServer(app) as server:
        await asked(client, {"fault": "duplicates"})
        desk.customer_writes("Ann", "Hi", "Help")
        await desk.webhooks.send(str(server.make_url("/hooks/zendesk")))
    assert came == 2
