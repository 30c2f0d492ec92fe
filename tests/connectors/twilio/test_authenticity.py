"""Whose request it is: what Twilio's own tests accept is accepted, and nothing that was changed in meaning is."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from pydantic import SecretStr
from twilio.request_validator import RequestValidator

from connectors.twilio.connector import TwilioConnector
from connectors.twilio.sandbox_account import ACCOUNT, TOKEN, signature
from connectors.twilio.settings import TwilioSettings
from connectors.twilio.splices import is_spliced
from gateway.sdk import Delivery, DeliveryRejected
from gateway.testing.host import FakeHost

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
