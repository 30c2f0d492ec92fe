"""What deliveries mean: the recordings are the documentation, and any bytes are events or unreadable."""

from __future__ import annotations

import hashlib
import json
import os
import random
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.email.events import (
    UNKNOWN,
    address_of,
    lane_of,
    open_attachment,
    parse_delivery,
    thread_key,
)
from connectors.email.services import SERVICES
from connectors.email.tokens import message_id_for, subject_token
from gateway.model import Channel
from gateway.sdk import DeliveryReport, Evidence, InboundEmail, PermanentFailure, Role, UnreadableDelivery
from gateway.store.codec import encode
from gateway.testing.source_contract import UPDATE, read_delivery, told
from normalizers import normalize
from tests.connectors.email.ours import EFFECT, KEY, OWN, delivery, mail, parsed

DELIVERIES: Final = Path(__file__).parent / "deliveries"
RECORDINGS: Final = sorted(DELIVERIES.glob("*.delivery.json"))


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name.partition(".")[0])
def test_recorded_deliveries_mean_what_they_meant(path: Path) -> None:
    recorded = read_delivery(path)
    events = [{"type": type(event).__name__, **told(event)} for event in parse_delivery(recorded, OWN)]
    golden = path.with_name(path.name.replace(".delivery.json", ".events.json"))
    text = json.dumps(events, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    if os.environ.get(UPDATE):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_recordings_of_different_events_have_different_keys() -> None:
    keys = [event.dedupe for path in RECORDINGS for event in parse_delivery(read_delivery(path), OWN)]
    assert len(keys) == len(set(keys)) >= len(RECORDINGS)


def test_every_recorded_file_can_be_opened_and_has_the_stated_hash() -> None:
    files = 0
    for path in RECORDINGS:
        recorded = read_delivery(path)
        for event in parse_delivery(recorded, OWN):
            for each in event.attachments if isinstance(event, InboundEmail) else ():
                data = open_attachment(recorded, each.id)
                assert (len(data), hashlib.sha256(data).hexdigest()) == (each.size, each.sha256)
                files += 1
        with pytest.raises(PermanentFailure):
            open_attachment(recorded, "none of these")
    assert files >= 5


# --- ids -----------------------------------------------------------------------------------------------------------------
@given(st.emails(), st.text(min_size=1, max_size=80))
def test_a_thread_names_whom_to_answer(address: str, message_id: str) -> None:
    assert address_of(thread_key(address, message_id)) == address.lower()
    assert thread_key(address, message_id) == thread_key(address.upper().lower(), message_id)


def test_the_same_mail_twice_has_one_key_and_another_body_another() -> None:
    head = "From: a@x.example\nMessage-ID: <1@x.example>\n"
    first = mail(f"{head}\nhello")
    again = mail(f"Received: by another way\n{head}\nhello")
    other = mail(f"{head}\nhello, changed")
    assert first.dedupe == again.dedupe != other.dedupe
    assert first.thread == other.thread


def test_a_mail_without_message_id_has_one_of_its_bytes() -> None:
    one, two = mail("From: a@x.example\n\nhello"), mail("From: a@x.example\n\nhello!")
    assert one == mail("From: a@x.example\n\nhello")
    assert one.message_id != two.message_id
    assert one.message_id.endswith("@synthetic.invalid>")


def test_mails_of_one_sender_share_a_lane() -> None:
    one, same, other = (
        lane_of(delivery(f"From: {sender}\nSubject: x\n\ny".encode()))
        for sender in ("Ada <ada@x.example>", "ADA@x.example", "grace@x.example")
    )
    assert one == same != other
    assert lane_of(delivery(b"\xff\xfe")) == "mailbox"
    assert lane_of(delivery(b"From: ada@x.example\n\n", endpoint="postmark")) == "mailbox"


# --- who ----------------------------------------------------------------------------------------------------------------
_PASS = "Authentication-Results: mx.help.example; dmarc=pass header.from=x.example\n"


def test_reply_to_is_followed_only_where_the_sender_is_proven() -> None:
    head = "From: Ada <ada@x.example>\nReply-To: desk@y.example\n\nhi"
    proven, claimed = mail(_PASS + head), mail(head)
    assert (address_of(proven.thread), proven.sender.evidence) == ("desk@y.example", Evidence.VERIFIED)
    assert (address_of(claimed.thread), claimed.sender.evidence) == ("ada@x.example", Evidence.CLAIMED)
    assert claimed.extras["reply_to"] == ["desk@y.example"]


def test_reply_to_our_own_address_does_not_make_us_answer_ourselves() -> None:
    assert address_of(mail(_PASS + "From: ada@x.example\nReply-To: help@help.example\n\nhi").thread) == "ada@x.example"


def test_a_form_on_our_pages_is_its_writers_and_an_echo_of_ours_is_ours() -> None:
    form = mail("From: help@help.example\nReply-To: ada@x.example\nTo: help@help.example\n\nhi")
    assert (form.sender.value, form.sender.role, form.own) == ("ada@x.example", Role.CUSTOMER, False)
    assert form.sender.evidence is Evidence.CLAIMED
    echo = mail("From: help@help.example\nTo: ada@x.example\n\nhi")
    assert (echo.sender.role, echo.own) == (Role.AGENT, True)


def test_a_mail_without_sender_is_kept_and_never_answered() -> None:
    event = mail("Subject: hello\n\nwho am I")
    assert event.sender.value == UNKNOWN
    assert event.auto_generated is not None
    assert mail("From: nobody at all\nReturn-Path: <ada@x.example>\n\nhi").sender.value == "ada@x.example"


def test_a_date_of_tomorrow_is_not_when_it_happened() -> None:
    at = 1_793_692_800_000_000
    head = "From: a@x.example\nDate: {}\n\nhi"
    assert mail(head.format("Fri, 01 Jan 2100 00:00:00 +0000"), at=at).occurred_at == at
    assert mail(head.format("Fri, 01 Jan 2100 00:00:00 +0000"), at=at).extras["date"] == "2100-01-01T00:00:00+00:00"
    assert mail(head.format("Sun, 01 Nov 2026 00:00:00 +0000"), at=at).occurred_at == 1_793_491_200_000_000
    assert mail(head.format("yesterday"), at=at).occurred_at == at


# --- what is proven ------------------------------------------------------------------------------------------------------
def test_only_the_recipient_of_our_mail_proves_that_they_answer_it() -> None:
    ours = message_id_for(KEY, EFFECT, "ada@x.example", "help.example")
    for sender, proven in (("Ada@X.example", EFFECT), ("mallory@x.example", None)):
        event = mail(f"From: {sender}\nIn-Reply-To: <other@x.example>\nReferences: <a@b.example> {ours}\n\nhi")
        assert event.reference == proven
        assert event.references == ("<other@x.example>", ours, "<a@b.example>")


def test_a_token_in_the_subject_is_read_only_when_it_is_signed() -> None:
    token = subject_token(KEY, EFFECT)
    assert mail(f"From: a@x.example\nSubject: AW: Order {token}\n\nhi").token == EFFECT
    forged = token.replace(token[5], "b" if token[5] != "b" else "c", 1)
    assert mail(f"From: a@x.example\nSubject: AW: Order {forged}\n\nhi").token == ""
    assert mail("From: a@x.example\nSubject: [#4711] [#a-b]\n\nhi").token == ""


def test_a_bounce_proves_its_effect_by_the_recipient_in_any_of_its_spellings() -> None:
    (path,) = [each for each in RECORDINGS if each.name.startswith("delay_standard")]
    (event,) = parse_delivery(read_delivery(path), OWN)
    assert isinstance(event, DeliveryReport)
    assert event.reference == EFFECT
    body = read_delivery(path).body.replace(b"ada@customer.example", b"eve@customer.example")
    (forged,) = parsed(body)
    assert forged.reference is None


# --- any bytes -----------------------------------------------------------------------------------------------------------
def _kept(body: bytes, endpoint: str, content_type: str) -> None:
    """Parse and normalize a body, and check that what comes out can be kept."""
    made = delivery(body, endpoint=endpoint, headers=(("Content-Type", content_type),) if content_type else ())
    try:
        events = list(parse_delivery(made, OWN))
    except UnreadableDelivery as error:
        assert str(error)
        return
    for event in events:
        assert event.dedupe
        assert event.thread
        text = encode(normalize(event, connection="mailbox", channel=Channel.EMAIL, received_at=0))
        assert "\\u0000" not in text.partition('"extras"')[0]


_BODIES = [read_delivery(path) for path in RECORDINGS]


@settings(max_examples=300)
@given(st.data())
def test_any_bytes_are_events_or_unreadable(data: st.DataObject) -> None:
    recorded = data.draw(st.sampled_from(_BODIES))
    body = data.draw(st.one_of(st.just(recorded.body), st.binary(max_size=300)))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, max(0, len(body) - 1)))
        body = body[:at] + data.draw(st.binary(max_size=6)) + body[at + data.draw(st.integers(0, 40)) :]
    endpoint = data.draw(st.sampled_from(["", recorded.endpoint, *sorted(SERVICES)]))
    _kept(body, endpoint, data.draw(st.sampled_from(["", recorded.header("content-type") or ""])))


def test_half_characters_and_nulls_do_not_come_through() -> None:
    rng = random.Random(7)
    _kept(
        b'{"FromFull":{"Email":"a@x.example","Name":"\\ud800"},"TextBody":"\\udfff\\u0000","Headers":[]}',
        "postmark",
        "",
    )
    _kept(b"From: \x00a@x.example\nSubject: =?utf-7?q?+2AA-?=\nMessage-ID: <\x00@x>\n\n\x00", "", "")
    _kept(bytes(rng.randrange(256) for _ in range(5_000)), "", "")


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("mailgun", b"[]"),
        ("postmark", b"nothing"),
        ("postmark", b"[]"),
        ("sendgrid", b'{"event":"x"}'),
        ("", b" \r\n"),
        ("mailgun", b""),
    ],
)
def test_what_is_no_mail_is_said_in_a_sentence(endpoint: str, body: bytes) -> None:
    with pytest.raises(UnreadableDelivery, match=r"\w.*\."):
        list(parse_delivery(delivery(body, endpoint=endpoint), OWN))


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("postmark", b"{}"),
        ("postmark", b'{"RecordType":"New","MessageID":"1"}'),
        ("sendgrid", b"[]"),
        ("mailgun", b'{"event-data":{"event":"new"}}'),
    ],
)
def test_unknown_kinds_bring_nothing(endpoint: str, body: bytes) -> None:
    assert list(parse_delivery(delivery(body, endpoint=endpoint), OWN)) == []


def test_a_route_that_stores_is_told_to_forward() -> None:
    body = b"sender=a%40x.example&attachments=%5B%7B%22url%22%3A%22https%3A%2F%2Fx%22%7D%5D&body-plain=x"
    with pytest.raises(UnreadableDelivery, match="forward"):
        list(parse_delivery(delivery(body, endpoint="mailgun"), OWN))
