"""Test data that others wrote: services' requests, bounces, odd mails. Figures are counted, and each known miss is explained."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from connectors.email.bounces import reports_of
from connectors.email.events import open_attachment, parse_delivery
from connectors.email.mime import read
from gateway.sdk import ConsentChanged, DeliveryReport, DeliveryState, InboundEmail, UnreadableDelivery
from tests.connectors.email.ours import OWN, delivery

#: Case → stated fields that we mean differently.
EXPLAINED: Final = {
    # The reference writes an attached mail anew, with one byte more than was posted.
    "mailgun test_attachments": {"files", "md5"},
    "postmark test_attachments": {"files", "md5"},
    "sendgrid test_attachments": {"files", "md5"},
    # Two files under one Content-ID: the reference keeps the last only, we keep both.
    "mailgun test_unusual_content_id_map": {"files", "md5"},
}
#: The reference's word for an event → ours.
STATES: Final = {
    "queued": DeliveryState.ACCEPTED,
    "delivered": DeliveryState.DELIVERED,
    "bounced": DeliveryState.FAILED,
    "rejected": DeliveryState.FAILED,
    "opened": DeliveryState.READ,
    "clicked": DeliveryState.READ,
    "complained": DeliveryState.DELIVERED,
    "deferred": DeliveryState.DELAYED,
}


def _instant(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def _mail(message: dict[str, Any], event: InboundEmail, body: Any) -> Iterator[tuple[str, object, object]]:
    """Yield each stated field of a mail: its name, what we say, what is stated."""
    if message["from"]:
        yield "from", (event.sender.value, event.sender.name), (message["from"]["email"], message["from"]["name"])
    people = [(each["email"], each["name"]) for each in message["to"] + message["cc"]]
    yield "to", [(each.value, each.name) for each in event.recipients][: len(people)], people
    yield "subject", event.subject, message["subject"] or ""
    yield "text", event.text, message["text"] or ""
    if message["date"]:
        yield "date", event.occurred_at, _instant(message["date"])
    if message["message_id_header"]:
        yield "message id", event.message_id, message["message_id_header"]
    if message["stripped_text"]:
        yield "stripped text", event.reply_text, message["stripped_text"]
    yield "spam score", event.extras.get("spam_score"), message["spam_score"]
    yield "envelope sender", event.extras.get("envelope_from"), message["envelope_sender"]
    stated = [(each, False) for each in message["attachments"]] + [(each, True) for each in message["inlines"].values()]
    yield (
        "files",
        sorted((each.name, each.media_type, each.size, each.inline) for each in event.attachments),
        sorted((each["filename"], each["content_type"], each["size"], inline) for each, inline in stated),
    )
    yield (
        "md5",
        sorted(hashlib.md5(open_attachment(body, each.id)).hexdigest() for each in event.attachments),
        sorted(each["md5"] for each, _ in stated),
    )


def _report(stated: dict[str, Any], event: Any) -> Iterator[tuple[str, object, object]]:
    if stated["event_type"] == "unsubscribed":
        yield "kind", type(event), ConsentChanged
        yield "recipient", event.sender.value, stated["recipient"]
    else:
        yield "state", event.state, STATES[stated["event_type"]]
        if stated.get("recipient"):
            yield "recipient", event.recipients[0].value, stated["recipient"]
        if (stated.get("message_id") or "").startswith("<"):
            yield "message id", event.message_id, stated["message_id"]
    if stated.get("timestamp"):
        yield "time", event.occurred_at, _instant(stated["timestamp"])


def test_every_stated_field_of_inbound_services_is_told(reference: Path) -> None:
    fields, misses = 0, []
    for service in ("mailgun", "postmark", "sendgrid"):
        cases = json.loads((reference / "webhooks" / "anymail" / f"{service}.open.json").read_text())["cases"]
        for case in cases:
            if case["kind"] == "rejected_or_empty":
                continue
            name = f"{service} {case['test'].rpartition('.')[2]}"
            body = case["body"].encode() if "body" in case else base64.b64decode(case["body_b64"])
            made = delivery(body, endpoint=service, headers=tuple(case["headers"].items()), at=1_900_000_000_000_000)
            events = list(parse_delivery(made, OWN))
            stated = [each for each in case["events"] if each["event_type"] != "unknown"]
            assert len(events) == len(stated), name
            for event, each in zip(events, stated, strict=True):
                told = _mail(each["message"], event, made) if isinstance(event, InboundEmail) else _report(each, event)
                for field, ours, theirs in told:
                    fields += 1
                    if ours != theirs and field not in EXPLAINED.get(name, ()):
                        misses.append((name, field, ours, theirs))
    print(f"stated fields: {fields}, missed without a reason: {len(misses)}")
    assert fields > 100
    assert not misses


def test_what_another_gem_recorded_is_read(reference: Path) -> None:
    root = reference / "webhooks"
    paths = [*sorted((root / "multi_mail").glob("[ms][ae]*/**/*.txt")), root / "sendgrid/sendgrid-python/raw_data.txt"]
    seen = 0
    for path in paths:
        raw = path.read_bytes().replace(b"\r\n", b"\n")
        head, _, body = raw.partition(b"\n\n") if raw.startswith(b"HTTP") else (b"", b"", raw)
        pairs = [line.split(": ", 1) for line in head.decode().split("\n")[1:]]
        service = "mailgun" if "mailgun" in path.parts else "sendgrid"
        made = delivery(
            body, endpoint=service, headers=tuple((name, value) for name, value in pairs), at=1_900_000_000_000_000
        )
        (event,) = parse_delivery(made, OWN)
        assert isinstance(event, InboundEmail)
        seen += 1
        if path.parent.name == "sendgrid-python":
            assert (event.sender.name, event.text.strip()) == ("Example User", "Hello Twilio SendGrid!")
            continue
        assert event.sender.value.startswith("james@")
        assert event.recipients[0].value.startswith("foo+bar@")
        if path.name == "valid.txt":
            assert (event.subject, event.text.split("\n")[0]) == ("Test", "bold text")
            assert {"foo.txt", "bar.txt"} <= {each.name for each in event.attachments}
        if path.name == "encoding.txt":
            assert (event.subject, event.text) == ("Hello €", "World €")
        if path.name == "spam.txt":
            assert event.text.startswith("XJS*C4JDBQADN1")
    assert seen == len(paths) >= 12


def test_bounces_are_told_with_status_and_class_and_ordinary_mail_is_none(reference: Path) -> None:
    root = reference / "mime" / "bounces"
    expected = json.loads((root / "expected.open.json").read_text())["expected"]
    mails = found = people = status = classes = hard = 0
    for name, stated in expected.items():
        if stated[0]["reason"] == "vacation":
            continue  # an absence note is no bounce
        mails += 1
        reports = reports_of(read((root / "maildir_bsd" / f"{name}.eml").read_bytes()))
        found += bool(reports)
        for place, each in enumerate(stated if reports else []):
            people += 1
            ours = reports[min(place, len(reports) - 1)]
            # Codes of the form x.0.9xx are the reference's own, for mails that name none: only their class can be compared.
            made = each["status"][2:].startswith("0.9")
            same_class = ours.code[:1] == each["status"][:1] or not each["status"]
            status += ours.code == each["status"] or not each["status"] or (made and same_class)
            classes += same_class
            hard += bool(ours.permanent) == each["hardbounce"]
    print(f"bounces: {found}/{mails}; recipients {people}: status {status}, class {classes}, hard or soft {hard}")
    assert found / mails >= 0.96
    assert status / people >= 0.96
    assert classes / people >= 0.96
    # The reference calls "user unknown" of some providers soft ("filtered"); that word we believe.
    assert hard / people >= 0.88


def _ordinary(reference: Path) -> list[Path]:
    """Return mails that are no reports: by their folder, not by what we think of them."""
    mime = [path for path in (reference / "mime").rglob("*") if path.is_file() and "maildir_bsd" not in path.parts]
    mails = [path for path in mime if path.suffix == ".eml" or "mail-parser" in path.parts]
    replies = list((reference / "reply").rglob("*.eml"))
    return [path for path in mails + replies if "report" not in path.parent.name]


def test_ordinary_mail_is_no_bounce(reference: Path) -> None:
    mails = _ordinary(reference)
    alarms = [path.name for path in mails if reports_of(read(path.read_bytes()))]
    # This one is a delivery report, whatever its folder.
    alarms = [name for name in alarms if name != "raw_email_with_mimepart_without_content_type.eml"]
    print(f"false alarms: {len(alarms)}/{len(mails)} {alarms}")
    assert len(mails) >= 70
    assert len(alarms) / len(mails) <= 0.02


def test_no_mail_of_others_crashes_or_takes_long(reference: Path) -> None:
    longest, mails = 0.0, 0
    for path in sorted((reference / "mime").rglob("*")):
        if path.is_file():
            begun = time.process_time()
            try:
                list(parse_delivery(delivery(path.read_bytes()), OWN))
            except UnreadableDelivery:
                assert not path.read_bytes().strip()
            longest, mails = max(longest, time.process_time() - begun), mails + 1
    print(f"mails: {mails}, the longest took {longest:.2f} s")
    assert mails > 300
    assert longest < 5


def test_a_report_is_no_mail_and_a_mail_is_no_report(reference: Path) -> None:
    raw = (reference / "mime" / "bounces" / "maildir_bsd" / "rfc3834-01.eml").read_bytes()
    (event,) = parse_delivery(delivery(raw), OWN)
    assert isinstance(event, InboundEmail)
    assert event.auto_generated is not None
    assert event.auto_generated.sort in {"out_of_office", "auto_reply"}
    (report,) = parse_delivery(
        delivery((reference / "mime" / "bounces" / "maildir_bsd" / "lhost-imailserver-01.eml").read_bytes()), OWN
    )
    assert isinstance(report, DeliveryReport)
    assert (report.state, report.permanent) == (DeliveryState.FAILED, True)
