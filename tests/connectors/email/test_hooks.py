"""Who may hand mail in over a webhook: Mailgun's and SendGrid's signatures, and a token of ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.email.hooks import Gate
from connectors.email.sandbox import HOOK_TOKEN, MAILGUN_KEY, TOKEN_KEY, EmailSandbox
from connectors.email.settings import EmailSettings
from gateway.sdk import CUT_HEADER, Delivery, DeliveryRejected
from gateway.testing.host import BEGINNING

KEY = ec.derive_private_key(20_261_127, ec.SECP256R1())
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
FORM = "application/x-www-form-urlencoded"


def gate(way_in: str, **changes: Any) -> Gate:
    values: dict[str, Any] = {
        "address": "help@shop.example",
        "token_key": TOKEN_KEY,
        "way_in": way_in,
        **({"mailgun_signing_key": MAILGUN_KEY} if way_in == "mailgun" else {}),
        **({"hook_token": HOOK_TOKEN} if way_in == "postmark" else {}),
        **({"sendgrid_public_key": PUBLIC} if way_in == "sendgrid" else {}),
        **changes,
    }
    return Gate(EmailSettings(**values))


def delivery(endpoint: str, body: bytes, headers: dict[str, str], query: str = "") -> Delivery:
    return Delivery(
        connection="mail",
        endpoint=endpoint,
        received_at=BEGINNING,
        method="POST",
        url=f"https://baton.example.com/hooks/mail/{endpoint}{query}",
        headers=tuple(headers.items()),
        body=body,
    )


def basic(password: str, user: str = "baton") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def mailgun_form(stamp: str | None = None, key: str = MAILGUN_KEY, **changes: str) -> dict[str, str]:
    stamp = stamp or str(BEGINNING // 1_000_000)
    token = "t" * 50
    proof = hmac.new(key.encode(), (stamp + token).encode(), hashlib.sha256).hexdigest()
    return {"timestamp": stamp, "token": token, "signature": proof, "body-plain": "Hello & bye", **changes}


def mailgun(fields: dict[str, str], *, multipart: bool = False) -> Delivery:
    if not multipart:
        return delivery("mailgun", urlencode(fields).encode(), {"Content-Type": FORM})
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    return delivery(
        "mailgun", ("".join(parts) + "--b--\r\n").encode(), {"Content-Type": "multipart/form-data; boundary=b"}
    )


def sendgrid(
    changes: Mapping[str, str] | None = None, *, stamp: str | None = None, body: bytes = b"--b\r\n\r\nmail\r\n--b--\r\n"
) -> Delivery:
    stamp = stamp or str(BEGINNING // 1_000_000)
    proof = base64.b64encode(KEY.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
    headers = {
        "X-Twilio-Email-Event-Webhook-Signature": proof,
        "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
        **(changes or {}),
    }
    return delivery("sendgrid", body, headers)


def refused(of: Gate, what: Delivery, now: int = BEGINNING) -> bool:
    try:
        of.check(what, now)
    except DeliveryRejected:
        return True
    return False


@pytest.mark.parametrize("multipart", [False, True])
def test_mailguns_signature_is_accepted_in_both_shapes_of_form(multipart: bool) -> None:
    gate("mailgun").check(mailgun(mailgun_form(), multipart=multipart), BEGINNING)


@pytest.mark.parametrize("multipart", [False, True])
def test_a_changed_field_of_mailguns_signature_is_refused(multipart: bool) -> None:
    right = mailgun_form()
    for name in ("timestamp", "token", "signature"):
        for value in ("", right[name][:-1], right[name] + "0", "é" + right[name], " " + right[name], "\x00"):
            assert refused(gate("mailgun"), mailgun({**right, name: value}, multipart=multipart)), (name, value)
        assert refused(gate("mailgun"), mailgun({k: v for k, v in right.items() if k != name}, multipart=multipart))
    assert refused(gate("mailgun"), mailgun(mailgun_form(key="of another"), multipart=multipart))


def test_a_field_that_stands_twice_is_refused() -> None:
    body = urlencode([*mailgun_form().items(), ("token", "other")]).encode()
    assert refused(gate("mailgun"), delivery("mailgun", body, {"Content-Type": FORM}))


def test_fields_hidden_in_a_file_or_behind_the_end_of_the_form_count_for_nothing() -> None:
    fields = mailgun_form()
    parts = "".join(f'--b\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items())
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    assert refused(gate("mailgun"), delivery("mailgun", ("--b--\r\n" + parts).encode(), kind))
    hidden = parts.replace('name="token"', 'name="token"; filename="x"')
    assert refused(gate("mailgun"), delivery("mailgun", (hidden + "--b--\r\n").encode(), kind))


def test_a_signature_of_mailgun_is_good_as_long_as_it_sends_again_and_no_longer() -> None:
    for hours, wrong in ((0, False), (-9, False), (-13, True), (1, True), (-9_000, True)):
        stamp = str(BEGINNING // 1_000_000 + hours * 3_600)
        assert refused(gate("mailgun"), mailgun(mailgun_form(stamp))) is wrong, hours
    assert refused(gate("mailgun"), mailgun(mailgun_form("9" * 400)))


def test_sendgrids_signature_is_accepted_and_no_byte_may_change() -> None:
    checked = gate("sendgrid")
    right = sendgrid()
    checked.check(right, BEGINNING)
    for at in range(len(right.body)):
        changed = right.body[:at] + bytes([right.body[at] ^ 1]) + right.body[at + 1 :]
        wrong = delivery("sendgrid", changed, dict(right.headers))
        assert refused(checked, wrong)
    for seconds in (-302, 302, -86_400):
        assert refused(checked, sendgrid(stamp=str(BEGINNING // 1_000_000 + seconds)))
    signature = dict(right.headers)["X-Twilio-Email-Event-Webhook-Signature"]
    for value in ("", signature + "=", signature[:-4], "é", "\udcff", " " + signature, signature + "\n", "AAAA"):
        assert refused(checked, sendgrid({"X-Twilio-Email-Event-Webhook-Signature": value}))
    name = "x-twilio-email-event-webhook-signature"
    assert refused(checked, replace(right, headers=(*right.headers, (name, "x"))))


def test_a_body_that_was_cut_does_not_fit_its_signature() -> None:
    right = sendgrid()
    cut = delivery("sendgrid", right.body[:-5], {**dict(right.headers), CUT_HEADER: "19"})
    assert refused(gate("sendgrid"), cut)


@pytest.mark.parametrize(
    "stated",
    [
        "multipart/form-data; boundary=inner",
        "multipart/form-data; boundary=xYz",
        "multipart/form-data; boundary=xYzZY2",
        "multipart/form-data; boundary=xYzZY; json",
        "multipart/mixed; boundary=xYzZY",
        "application/x-www-form-urlencoded",
        "application/json",
        "text/plain",
    ],
)
def test_signed_bytes_do_not_say_something_else_under_another_content_type(stated: str) -> None:
    """SendGrid signs the body and not the header that says how to read it: a mail may hold a form of its author's making."""
    inner = (
        '--inner\r\nContent-Disposition: form-data; name="email"\r\n\r\nFrom: boss@shop.example\r\n\r\nPay\r\n--inner--'
    )
    body = f'--xYzZY\r\nContent-Disposition: form-data; name="email"\r\n\r\nFrom: a@b.c\r\n\r\n{inner}\r\n--xYzZY--\r\n'
    checked = gate("sendgrid")
    for right in ("multipart/form-data; boundary=xYzZY", 'Multipart/Form-Data; Boundary="xYzZY"; charset=utf-8'):
        checked.check(sendgrid({"Content-Type": right}, body=body.encode()), BEGINNING)
    checked.check(sendgrid(body=body.encode()), BEGINNING)
    assert refused(checked, sendgrid({"Content-Type": stated}, body=body.encode()))


@pytest.mark.parametrize(
    "stated", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/plain"]
)
def test_signed_events_are_json_and_nothing_else(stated: str) -> None:
    body = b'[{"event":"delivered","x":"\\r\\n--x"}]'
    checked = gate("sendgrid")
    checked.check(sendgrid({"Content-Type": "application/json; charset=utf-8"}, body=body), BEGINNING)
    assert refused(checked, sendgrid({"Content-Type": stated}, body=body))


@pytest.mark.parametrize("way_in", ["postmark", "sendgrid"])
def test_a_token_comes_as_password_or_behind_the_address(way_in: str) -> None:
    checked = gate(way_in, hook_token=HOOK_TOKEN, **({"sendgrid_public_key": ""} if way_in == "sendgrid" else {}))
    checked.check(delivery(way_in, b"{}", basic(HOOK_TOKEN)), BEGINNING)
    checked.check(delivery(way_in, b"{}", basic(HOOK_TOKEN, user="")), BEGINNING)
    checked.check(delivery(way_in, b"{}", {}, f"?token={HOOK_TOKEN}"), BEGINNING)
    for headers, query in (
        ({}, ""),
        (basic("wrong"), ""),
        (basic(""), ""),
        (basic(HOOK_TOKEN[:-1]), ""),
        ({"Authorization": "Basic !!!"}, ""),
        ({"Authorization": f"Bearer {HOOK_TOKEN}"}, ""),
        ({}, f"?token={HOOK_TOKEN}x"),
        ({}, f"?token={HOOK_TOKEN}&token=other"),
        ({}, f"?Token={HOOK_TOKEN}"),
        ({}, "?token="),
        ({}, "?token=%ff%fe"),
    ):
        assert refused(checked, delivery(way_in, b"{}", headers, query)), (headers, query)


def test_a_token_is_asked_for_beside_a_signature_where_both_are_set() -> None:
    both = gate("mailgun", hook_token=HOOK_TOKEN)
    assert refused(both, mailgun(mailgun_form()))
    right = mailgun(mailgun_form())
    both.check(delivery("mailgun", right.body, {**dict(right.headers), **basic(HOOK_TOKEN)}), BEGINNING)


def test_a_token_that_was_changed_is_accepted_for_a_while() -> None:
    checked = gate("postmark", hook_token="n" * 32, previous_hook_token=HOOK_TOKEN)
    checked.check(delivery("postmark", b"{}", basic(HOOK_TOKEN)), BEGINNING)
    checked.check(delivery("postmark", b"{}", basic("n" * 32)), BEGINNING)


def test_another_way_in_is_shut() -> None:
    imap = gate("imap", imap_host="imap.example", password="x")
    for what in (mailgun(mailgun_form()), sendgrid(), delivery("postmark", b"{}", basic(HOOK_TOKEN))):
        assert refused(imap, what)
    assert refused(gate("mailgun"), delivery("postmark", b"{}", basic(HOOK_TOKEN)))


@given(st.data())
def test_whatever_comes_verifying_raises_nothing_else_and_accepts_nothing(data: st.DataObject) -> None:
    way_in = data.draw(st.sampled_from(["mailgun", "postmark", "sendgrid"]))
    names = [
        "Content-Type",
        "Authorization",
        "X-Twilio-Email-Event-Webhook-Signature",
        "X-Twilio-Email-Event-Webhook-Timestamp",
    ]
    values = st.one_of(st.text(max_size=40), st.sampled_from([FORM, "multipart/form-data; boundary=b", "Basic Og=="]))
    headers = data.draw(st.dictionaries(st.sampled_from(names), values))
    query = data.draw(st.sampled_from(["", "?token=", "?token=[", "?%", "?token=\udcff"]))
    body = data.draw(st.one_of(st.binary(max_size=200), st.sampled_from([mailgun(mailgun_form(key="x")).body])))
    assert refused(gate(way_in), delivery(way_in, body, headers, query))


def test_signature_vectors_of_others(reference: Path) -> None:
    vectors = json.loads((reference / "signature_vectors.open.json").read_text(encoding="utf-8"))
    seen = 0
    for vector in vectors:
        if vector["scheme"] == "mailgun":
            form = dict(vector["form"])
            now = int(vector.get("now") or form["timestamp"]) * 1_000_000
            checked = gate("mailgun", mailgun_signing_key=vector["secret"])
            wrong = [refused(checked, mailgun(form, multipart=multipart), now) for multipart in (False, True)]
        elif vector["scheme"] == "sendgrid-ecdsa":
            now = int(vector.get("now") or vector["headers"]["X-Twilio-Email-Event-Webhook-Timestamp"]) * 1_000_000
            checked = gate("sendgrid", sendgrid_public_key=vector["secret"])
            wrong = [refused(checked, delivery("sendgrid", vector["body"].encode(), vector["headers"]), now)]
        else:
            continue
        seen += 1
        assert set(wrong) == {not vector["valid"]}, vector["source"]
    assert seen >= 10


async def test_the_sandbox_sends_what_is_accepted() -> None:
    sandbox = EmailSandbox(now=lambda: BEGINNING)
    for way_in in ("mailgun", "postmark", "sendgrid"):
        sandbox.customer_writes("ada@customer.example", "Hello", "How are you?", over=way_in)
        webhook = sandbox.webhooks.waiting.pop()
        headers = {**webhook.headers, **sandbox._sign(webhook)}
        changes: dict[str, Any] = {"hook_token": HOOK_TOKEN, "sendgrid_public_key": ""}
        gate(way_in, **changes).check(delivery(webhook.endpoint, webhook.body, headers), BEGINNING)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "needs imap_host"),
        ({"way_in": "mailgun"}, "needs mailgun_signing_key"),
        ({"way_in": "postmark"}, "needs hook_token"),
        ({"way_in": "sendgrid"}, "needs sendgrid_public_key"),
        ({"imap_host": "imap.example"}, "a password is needed"),
        ({"imap_host": "imap.example", "password": "x", "imap_security": "none"}, "on this machine only"),
        ({"way_in": "postmark", "hook_token": HOOK_TOKEN, "sent": "server"}, "needs imap_host"),
        ({"imap_host": "i.example", "oauth_token_url": "https://t.example"}, "needs oauth_client_id"),
        (
            {"imap_host": "i.example", "oauth_token_url": "https://t.example", "oauth_client_id": "c"},
            "needs oauth_refresh_token",
        ),
        (
            {
                "imap_host": "i.example",
                "oauth_token_url": "https://t.example",
                "oauth_client_id": "c",
                "oauth_refresh_token": "r",
            },
            "needs oauth_token_file",
        ),
        ({"imap_host": "i.example", "oauth_token_url": "http://t.example"}, "begins with https://"),
        ({"imap_host": "i.example", "password": "x", "address": "a\r\nBcc: b@c.example"}, "pattern"),
    ],
)
def test_settings_that_do_not_belong_together_are_refused_with_a_sentence(
    changes: dict[str, Any], sentence: str
) -> None:
    values: dict[str, Any] = {"address": "help@shop.example", "token_key": TOKEN_KEY, **changes}
    with pytest.raises(ValidationError, match=sentence):
        EmailSettings(**values)
