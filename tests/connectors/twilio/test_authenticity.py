"""Whose request it is: what Twilio's own tests accept is accepted, and nothing that was changed in meaning is.

`BATON_MUTATIONS` sets how many changed requests are tried (a few thousand unless said otherwise).
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
from pydantic import SecretStr
from twilio.request_validator import RequestValidator

from connectors.twilio.connector import TwilioConnector
from connectors.twilio.sandbox_account import ACCOUNT, TOKEN, signature
from connectors.twilio.settings import TwilioSettings
from connectors.twilio.splices import is_spliced
from gateway.sdk import Delivery, DeliveryRejected
from gateway.testing.host import FakeHost
from gateway.testing.source_contract import read_delivery

HERE = Path(__file__).parent
URL = "https://baton.example.com/hooks/test"
FORM = ("Content-Type", "application/x-www-form-urlencoded")
SIGNED = "X-Twilio-Signature"
FIELDS = [
    ("AccountSid", ACCOUNT),
    ("ApiVersion", "2010-04-01"),
    ("Body", "Where is it?"),
    ("From", "+4915550100"),
    ("FromCity", "BERLIN"),
    ("MessageSid", "SM" + "1" * 32),
    ("NumMedia", "0"),
    ("SmsSid", "SM" + "1" * 32),
    ("To", "+4930555001"),
]


def connector(token: str = TOKEN, **more: Any) -> TwilioConnector:
    settings = TwilioSettings(account_sid=ACCOUNT, auth_token=SecretStr(token), **more)
    return TwilioConnector(settings, FakeHost())


async def accepts(source: TwilioConnector, delivery: Delivery) -> bool:
    try:
        await source.verify(delivery)
    except DeliveryRejected as refusal:
        assert str(refusal).endswith(".")
        return False
    return True


def request(fields: list[tuple[str, str]], *, url: str = URL, token: str = TOKEN, over: str = "") -> Delivery:
    """Return a signed form; `over` is the URL that the signature covers, when it is another."""
    return Delivery(
        connection="test",
        endpoint="",
        received_at=0,
        method="POST",
        url=url,
        headers=(FORM, (SIGNED, signature(token, over or url, fields))),
        body=urlencode(fields).encode(),
    )


def with_body(url: str, body: bytes, token: str = TOKEN) -> Delivery:
    """Return a signed request whose body is covered by its hash in the URL, as Twilio sends JSON."""
    url = f"{url}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    headers = (("Content-Type", "application/json"), (SIGNED, signature(token, url, [])))
    return replace(request([]), url=url, headers=headers, body=body)


# --- what others recorded --------------------------------------------------------------------------------------------
async def test_the_verdict_on_every_signature_of_twilios_own_tests_is_theirs(reference: Path) -> None:
    vectors: list[dict[str, Any]] = json.loads((reference / "signature_vectors.open.json").read_text())
    mine = [each for each in vectors if each["vendor"] == "twilio"]
    assert {each["valid"] for each in mine} == {True, False}
    for vector in mine:
        body = (vector["body"] or urlencode([(name, value) for name, value in vector.get("form") or []])).encode()
        plain = replace(request([]), url=vector["url"], body=body, headers=tuple(vector["headers"].items()))
        assert await accepts(connector(vector["secret"]), plain) is vector["valid"], vector
        if not vector["valid"] or not vector.get("form"):
            continue
        for changed in ([*vector["form"], ["Extra", "1"]], vector["form"][1:]):
            other = replace(plain, body=urlencode([(name, value) for name, value in changed]).encode())
            assert not await accepts(connector(vector["secret"]), other), vector
        assert not await accepts(connector(vector["secret"] + "x"), plain), vector


# --- what Twilio may do ----------------------------------------------------------------------------------------------
async def test_json_is_covered_by_its_hash_and_by_nothing_else() -> None:
    right = with_body(URL, b'{"a": 1}')
    assert await accepts(connector(), right)
    assert not await accepts(connector(), replace(right, body=b'{"a": 2}'))
    assert not await accepts(connector(), replace(right, body=b""))
    as_form = tuple((name, FORM[1] if name == "Content-Type" else value) for name, value in right.headers)
    for body in (b"", b"a=1", b"Body=injected"):
        assert not await accepts(connector(), replace(right, body=body, headers=as_form))
        assert not await accepts(connector(), replace(right, body=body, headers=as_form[1:]))
    bare = replace(right, url=URL, headers=(right.headers[0], (SIGNED, signature(TOKEN, URL, []))))
    assert not await accepts(connector(), bare)


@pytest.mark.parametrize("algorithm", ["HMAC_SHA256", "HMAC_SHA1"])
async def test_a_shared_key_signs_with_the_algorithm_that_its_header_names(algorithm: str) -> None:
    made = RequestValidator("shared").compute_signature(URL, dict(FIELDS), algorithm)
    settings = ("X-Twilio-Webhooks-Signature-Settings", f"key=webhooks_sharedkey_1,algorithm={algorithm}")
    right = replace(request(FIELDS), headers=(FORM, (SIGNED, made), settings))
    assert await accepts(connector(signing_key=SecretStr("shared")), right)
    assert not await accepts(connector(), right)
    for other in ("algorithm=HMAC_MD5", "algorithm=none", f"algorithm={algorithm}x"):
        wrong = replace(right, headers=(FORM, (SIGNED, made), (settings[0], other)))
        assert not await accepts(connector(signing_key=SecretStr("shared")), wrong)
    twice = replace(right, headers=(*right.headers, (settings[0].lower(), "algorithm=HMAC_SHA1")))
    assert not await accepts(connector(signing_key=SecretStr("shared")), twice)


async def test_a_sub_account_proves_only_itself() -> None:
    sub, other = "AC" + "b" * 32, "AC" + "c" * 32
    source = connector(subaccounts={sub: SecretStr("token of b"), other: SecretStr("token of c")})
    of_b = [("AccountSid", sub), *FIELDS[1:]]
    assert await accepts(source, request(of_b, token="token of b"))
    assert not await accepts(source, request(of_b, token="token of c"))
    assert not await accepts(source, request(of_b))
    assert not await accepts(source, request(FIELDS, token="token of b"))
    assert await accepts(source, request(FIELDS))


async def test_a_token_that_was_changed_is_accepted_for_a_while() -> None:
    assert await accepts(connector("new", previous_auth_token=SecretStr(TOKEN)), request(FIELDS))
    assert not await accepts(connector("new"), request(FIELDS))


async def test_a_signature_may_cover_the_overrides_behind_the_url_or_not() -> None:
    source = connector(url_fragment="#rc=2&rp=all")
    assert await accepts(source, request(FIELDS))
    assert await accepts(source, request(FIELDS, over=URL + "#rc=2&rp=all"))
    assert not await accepts(source, request(FIELDS, over=URL + "#rc=3"))
    assert not await accepts(connector(), request(FIELDS, over=URL + "#rc=2&rp=all"))


async def test_order_and_spelling_are_not_signed_and_change_no_meaning() -> None:
    """Twilio's scheme sees decoded fields, sorted. What it cannot see must not matter."""
    source = connector()
    right = request(FIELDS)
    events = list(source.parse(right))
    spelled = "&".join(f"{name}=" + "".join(f"%{byte:02x}" for byte in value.encode()) for name, value in FIELDS)
    for body in (urlencode(FIELDS[::-1]), spelled, "&".join(f"{n}={quote(v, safe='')}" for n, v in FIELDS) + "&&"):
        other = replace(right, body=body.encode())
        assert await accepts(source, other)
        assert list(source.parse(other)) == events


@pytest.mark.parametrize(
    "fields",
    [
        [("BodyWhere", " is it?") if name == "Body" else (name, value) for name, value in FIELDS],
        [("Bod", "yWhere is it?") if name == "Body" else (name, value) for name, value in FIELDS],
        [
            (name, "Where is it?From+4915550100" if name == "Body" else value)
            for name, value in FIELDS
            if name != "From"
        ],
        [*FIELDS[:2], ("Body", "Where"), ("Body", "Body is it?"), *FIELDS[3:]],
        [("AccountSid" + ACCOUNT, ""), *FIELDS[1:]],
        [(n, "BERLINMessageSid" + "SM" + "1" * 32 if n == "FromCity" else v) for n, v in FIELDS if n != "MessageSid"],
    ],
)
def test_fields_that_are_cut_elsewhere_show_it(fields: list[tuple[str, str]]) -> None:
    from connectors.twilio.forms import Form

    assert is_spliced(Form(tuple(fields)), "")
    assert not is_spliced(Form(tuple(FIELDS)), "step=choice&n=1")


async def test_what_people_write_about_fields_is_taken_for_what_it_is() -> None:
    texts = [
        "From: me, To: you",
        "Body=Hello&From=x",
        "AccountSid=AC123",
        "ToCountry, FromCity & SmsSid",
        "Step To From",
        "my ErrorCode is 5, the MessageStatus and StartTime too",
        "SmsStatus? ToCity? MediaUrl0!",
    ]
    for text in texts:
        fields = [(name, text if name == "Body" else value) for name, value in FIELDS]
        fields += [("ToCountry", "DE"), ("FromCountry", "DE")]
        assert await accepts(connector(), request(sorted(fields))), text


@pytest.mark.parametrize(
    "fields",
    [
        {"From": "CityBank", "To": "+4915550100", "MessageSid": "SM" + "1" * 32, "MessageStatus": "sent"},
        {
            "To": "+4915550100",
            "MessageSid": "SM" + "1" * 32,
            "MessageStatus": "accepted",
            "MessagingServiceSid": "MG" + "1" * 32,
        },
        {"CallSid": "CA" + "1" * 32, "From": "sip:+4930@pbx.example.com", "To": "client:anna", "CallStatus": "ringing"},
        {
            "CallSid": "CA" + "1" * 32,
            "RecordingSid": "RE" + "1" * 32,
            "RecordingStatus": "completed",
            "TotalOfNextYear": "1",
        },
        {"Sid": "NO" + "1" * 32, "Level": "ERROR", "ParentAccountSid": "", "Payload": '{"resource_sid":"CA"}'},
        {"ConversationSid": "CH" + "1" * 32, "EventType": "onMessageAdded", "Author": "anna", "ApiVersion": "v1"},
        {
            "CallSid": "CA" + "1" * 32,
            "From": "+4915550100",
            "To": "+4930555001",
            "Digits": "hangup",
            "CallStatus": "completed",
        },
    ],
)
async def test_what_twilio_sends_beside_the_common_is_not_taken_for_a_forgery(fields: dict[str, str]) -> None:
    assert await accepts(connector(), request(sorted({"AccountSid": ACCOUNT, **fields}.items())))


# --- a great many changed requests -----------------------------------------------------------------------------------
Change = Callable[[random.Random, Delivery], Delivery]


def pairs(delivery: Delivery) -> list[tuple[str, str]]:
    return parse_qsl(delivery.body.decode("utf-8", "replace"), keep_blank_values=True)


def form(delivery: Delivery, fields: list[tuple[str, str]]) -> Delivery:
    return replace(delivery, body=urlencode(fields).encode())


def bytes_change(chance: random.Random, delivery: Delivery) -> Delivery:
    body, place = delivery.body, chance.randrange(len(delivery.body) + 1)
    byte = bytes([chance.randrange(256)])
    made = chance.choice([body[:place] + byte + body[place:], body[:place] + byte + body[place + 1 :], body[:place]])
    return replace(delivery, body=made)


def boundary_moves(chance: random.Random, delivery: Delivery) -> Delivery:
    fields = pairs(delivery)
    place = chance.randrange(len(fields))
    text = "".join(fields[place])
    cut = chance.randrange(1, len(text) + 1)
    fields[place] = (text[:cut], text[cut:])
    return form(delivery, fields)


def value_swallows(chance: random.Random, delivery: Delivery) -> Delivery:
    fields = sorted(pairs(delivery))
    first = chance.randrange(len(fields) - 1)
    last = chance.randrange(first + 1, min(len(fields), first + 4))
    swallowed = "".join(name + value for name, value in fields[first + 1 : last + 1])
    fields[first : last + 1] = [(fields[first][0], fields[first][1] + swallowed)]
    return form(delivery, fields)


def value_splits(chance: random.Random, delivery: Delivery) -> Delivery:
    fields = pairs(delivery)
    place = chance.randrange(len(fields))
    name, value = fields[place]
    at = value.find(name) if name in value else chance.randrange(len(value) + 1)
    fields[place : place + 1] = [(name, value[:at]), (name, value[at:].removeprefix(name))]
    return form(delivery, fields)


def field_goes_or_comes(chance: random.Random, delivery: Delivery) -> Delivery:
    fields = pairs(delivery)
    name, value = chance.choice(fields)
    extra = chance.choice(
        [(name, value), (name, value + "x"), (name, ""), ("", ""), ("", value), (name.lower(), value)]
    )
    if chance.random() < 0.4:
        fields.remove((name, value))
    else:
        fields.insert(chance.randrange(len(fields) + 1), extra)
    return form(delivery, fields)


def url_changes(chance: random.Random, delivery: Delivery) -> Delivery:
    url = delivery.url
    parts = urlsplit(url)
    first = min(pairs(delivery), default=("", ""))
    glue = "&" if parts.query else "?"
    made = [
        url.replace("baton.example.com", "other.example.com"),
        url.replace("baton.example.com", "Baton.example.com"),
        url.replace("https://", "http://"),
        url.replace("https://", "HTTPS://"),
        url.replace("https://", "https://user@"),
        url.replace("/hooks/", "//hooks/"),
        url.replace("/hooks/test", "/hooks/other"),
        url.replace("/hooks/test", "/hooks/test/"),
        url.replace("/hooks/", "/%68ooks/"),
        url + glue + "x=1",
        url + ("" if parts.query else "?"),
        url + "#",
        url + "\t",
        url.partition("?")[0],
        url[:-1],
        url + first[0] + first[1],
        url + glue + first[0] + "=" + first[1],
        url + glue + "bodySHA256=" + hashlib.sha256(delivery.body).hexdigest(),
    ]
    changed = replace(delivery, url=chance.choice(made))
    if chance.random() < 0.3 and first[0]:
        changed = form(changed, sorted(pairs(delivery))[1:])
    return changed


def query_flows_over(chance: random.Random, delivery: Delivery) -> Delivery:
    """The end of the URL becomes the beginning of the first field's name, or the first fields the end of the URL."""
    fields = sorted(pairs(delivery))
    if chance.random() < 0.5:
        cut = chance.randrange(1, 12)
        name, value = fields[0]
        return form(replace(delivery, url=delivery.url[:-cut]), [(delivery.url[-cut:] + name, value), *fields[1:]])
    count = chance.randrange(1, len(fields))
    flown = "".join(name + value for name, value in fields[:count])
    return form(replace(delivery, url=delivery.url + flown), fields[count:])


def header_changes(chance: random.Random, delivery: Delivery) -> Delivery:
    right = delivery.header(SIGNED) or ""
    rest = tuple(each for each in delivery.headers if each[0] != SIGNED)
    other = signature("other", delivery.url, pairs(delivery))
    values = [
        right[:-1],
        right + "=",
        right.swapcase(),
        right.strip("="),
        " " + right,
        other,
        "",
        right[::-1],
        "ü" + right,
    ]
    signed = chance.choice(
        [
            ((SIGNED, chance.choice(values)),),
            ((SIGNED, right), (SIGNED.lower(), other)),
            ((SIGNED, f"{right},{other}"),),
            (),
            ((SIGNED, right), ("X-Twilio-Webhooks-Signature-Settings", "algorithm=HMAC_SHA256")),
        ]
    )
    return replace(delivery, headers=(*rest, *signed))


def type_changes(chance: random.Random, delivery: Delivery) -> Delivery:
    kind = chance.choice(["application/json", "text/plain", "multipart/form-data; boundary=x", FORM[1]])
    headers = tuple((name, kind if name == "Content-Type" else value) for name, value in delivery.headers)
    body = chance.choice([delivery.body, b"", b'{"Body": "x"}', b"Body=x", delivery.body + b"&"])
    return replace(delivery, headers=headers, body=body)


CHANGES: list[Change] = [
    *(bytes_change, boundary_moves, value_swallows, value_splits, field_goes_or_comes),
    *(url_changes, query_flows_over, header_changes, type_changes),
]


def means_the_same(one: Delivery, other: Delivery) -> bool:
    try:
        same = sorted(parse_qsl(one.body.decode(), keep_blank_values=True, errors="strict")) == sorted(pairs(other))
    except UnicodeDecodeError:
        same = False
    return same and one.url == other.url and one.header(SIGNED) == other.header(SIGNED)


def is_beyond(original: Delivery, changed: Delivery) -> bool:
    """Return whether the only boundary that moved is one beside a field that Twilio documents nowhere."""
    moved = {name for name, _ in set(pairs(original)) - set(pairs(changed))}
    return changed.url == original.url and bool(moved) and bool(moved & {"FieldOfNextYear"}) and len(moved) <= 2


async def test_no_request_that_was_changed_in_meaning_is_accepted() -> None:
    source = connector()
    paths = sorted([*HERE.glob("deliveries/*.delivery.json"), *HERE.glob("deliveries_voice/*.delivery.json")])
    originals = [read_delivery(path) for path in paths]
    assert len(originals) > 40
    for path, original in zip(paths, originals, strict=True):
        assert await accepts(source, original), path.name
    json_body = with_body(URL, b'{"event": "x"}')
    chance = random.Random(int(os.environ.get("BATON_SEED", "7")))
    accepted: list[tuple[str, str]] = []
    tried = 0
    for _ in range(int(os.environ.get("BATON_MUTATIONS", "6000"))):
        change = chance.choice(CHANGES)
        original = chance.choice(originals)
        changed = change(chance, original)
        if means_the_same(changed, original) and changed.headers == original.headers:
            continue
        tried += 1
        if (
            await accepts(source, changed)
            and not means_the_same(changed, original)
            and not is_beyond(original, changed)
        ):
            accepted.append((change.__name__, f"{changed.url} {changed.body[:300]!r}"))
        if tried % 50 == 0:
            bent = bytes_change(chance, json_body)
            assert bent.body == json_body.body or not await accepts(source, bent)
    assert tried > 1_000
    assert accepted == []
