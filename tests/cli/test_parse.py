"""`baton parse`: what a delivery says, without calling anybody."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result

from gateway.cli.commands import baton
from gateway.trial import WrongTrial, instant_from

RECORDINGS: Final = Path(__file__).parents[1] / "connectors" / "slack" / "deliveries"
SECRET: Final = "8f74-not-a-real-secret"
NOW: Final = 1_767_225_600
BODY: Final = json.dumps(
    {
        "type": "event_callback",
        "event_id": "Ev1",
        "team_id": "T1",
        "event": {
            "type": "message",
            "channel": "C1",
            "user": "U1",
            "ts": "1767225599.000100",
            "text": "Is <https://shop.example/o/7|order 7> on its way?",
            "channel_type": "channel",
        },
    }
)


def run(*words: str, given: str = "") -> Result:
    return CliRunner().invoke(baton, ["parse", *words], input=given)


def signed(body: str, *, at: int = NOW, secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": str(at), "X-Slack-Signature": f"v0={digest}"}


def line(name: str, body: str, **more: Any) -> str:
    delivery = {"method": "POST", "url": "https://b.example/hooks/s/events", "headers": more.pop("headers", {})}
    return json.dumps({"id": name, "delivery": {**delivery, "body": body}, **more}) + "\n"


def batch(text: str, *words: str) -> list[dict[str, Any]]:
    result = run("slack", "--batch", *words, given=text)
    assert result.exit_code == 0, result.output
    return [json.loads(each) for each in result.output.splitlines()]


def test_a_recorded_delivery_is_shown_for_people_and_for_programs() -> None:
    path = str(RECORDINGS / "channel_message.delivery.json")
    shown = run("slack", path)
    assert shown.exit_code == 0
    assert "message over chat, by Ann Example (customer, attested)" in shown.output
    (told,) = json.loads(run("slack", path, "--json").output)
    (activity,) = told["activities"]
    assert (told["outcome"], told["error"]) == ("ok", None)
    wanted = {"connector", "channel", "kind", "thread", "dedupe_key", "occurred_at", "sender", "recipients", "subject"}
    wanted |= {"text", "reply_text", "attachments", "delivery_state", "auto_generated", "extras"}
    assert wanted <= set(activity)
    assert set(activity["sender"]) == {"kind", "value", "name", "role", "evidence"}
    assert activity["connector"] == "slack"


def test_a_batch_answers_each_line_with_one_and_never_stops() -> None:
    raw = base64.b64encode(b"Subject: hi\r\n\r\nhello").decode()
    told = batch(
        line("a", BODY, settings={"signing_secret": SECRET}, now=NOW, verify=True, headers=signed(BODY))
        + line("b", BODY + " ", settings={"signing_secret": SECRET}, now=NOW, verify=True, headers=signed(BODY))
        + line("c", BODY, settings={"signing_secret": SECRET}, now=NOW + 301, verify=True, headers=signed(BODY))
        + line("d", BODY)
        + line("e", "{")
        + "no json\n"
        + json.dumps({"id": "g", "mail_base64": raw})
        + "\n"
        + json.dumps({"id": "h"})
        + "\n"
        + line("i", BODY, settings={"no_such_setting": 1})
        + "[" * 20_000
        + "\n"
        + line("k", '{"type": "event_callback", "event": {"type": "pin_added"}}')
    )
    assert [each["id"] for each in told] == ["a", "b", "c", "d", "e", None, "g", "h", "i", None, "k"]
    expected = ["ok", "refused", "refused", "ok", *["unreadable"] * 6, "ok"]
    assert [each["outcome"] for each in told] == expected
    assert all(bool(each["error"]) == (each["outcome"] != "ok") for each in told)
    assert told[0]["activities"] == told[3]["activities"]
    assert told[0]["activities"][0]["text"] == "Is order 7 (https://shop.example/o/7) on its way?"
    assert told[10]["activities"] == []
    assert "no_such_setting" in told[8]["error"]


def test_what_reading_does_not_need_may_be_left_out_and_never_passes_for_a_secret() -> None:
    told = batch(line("a", BODY, now=NOW, verify=True, headers=signed(BODY, secret="not-given")))
    # A stand-in is no secret that anybody could sign with.
    assert told[0]["outcome"] == "refused"


def test_headers_may_be_pairs_and_bodies_base64() -> None:
    delivery = {
        "headers": list(signed(BODY).items()),
        "body_base64": base64.b64encode(BODY.encode()).decode(),
        "endpoint": "events",
    }
    asked = {"id": 1, "delivery": delivery, "settings": {"signing_secret": SECRET}, "now": NOW, "verify": True}
    assert batch(json.dumps(asked))[0]["outcome"] == "ok"


def test_an_unknown_connector_file_or_option_is_a_sentence() -> None:
    for words in (("slak", "x"), ("slack",), ("slack", "no-such-file"), ("slack", "-", "--channel", "fax")):
        result = run(*words)
        assert result.exit_code == 2
        assert "Traceback" not in result.output
    assert 'did you mean "slack"' in run("slak", "x").output


def test_what_is_unreadable_ends_with_1(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"{")
    result = run("slack", str(tmp_path / "x"))
    assert result.exit_code == 1
    assert "unreadable" in result.output


@pytest.mark.parametrize(
    ("given", "at"),
    [
        (1_767_225_600, 1_767_225_600_000_000),
        (1_767_225_600.5, 1_767_225_600_500_000),
        ("1767225600", 1_767_225_600_000_000),
        (1_767_225_600_000, 1_767_225_600_000_000),
        (1_767_225_600_000_000, 1_767_225_600_000_000),
        ("2026-01-01T00:00:00Z", 1_767_225_600_000_000),
        ("2026-01-01T01:00:00+01:00", 1_767_225_600_000_000),
        (None, 7),
    ],
)
def test_an_instant_may_be_written_in_several_ways(given: object, at: int) -> None:
    assert instant_from(given, default=7) == at


@pytest.mark.parametrize("given", ["yesterday", [], {}, "nan", float("inf")])
def test_what_is_no_instant_is_refused(given: object) -> None:
    with pytest.raises(WrongTrial):
        instant_from(given, default=7)


# --- mails -----------------------------------------------------------------------------------------------------------
MAIL: Final = b"From: Ann <ann@example.org>\r\nTo: help@example.com\r\nSubject: Hi\r\nMessage-ID: <1@example.org>\r\n"


def mails(*raws: bytes) -> list[dict[str, Any]]:
    lines = [json.dumps({"id": n, "mail_base64": base64.b64encode(raw).decode()}) for n, raw in enumerate(raws)]
    result = run("email", "--batch", given="\n".join(lines))
    assert result.exit_code == 0, result.output
    return [json.loads(each) for each in result.output.splitlines()]


def test_mails_are_read_as_the_gateway_reads_them() -> None:
    plain = MAIL + b"\r\nHello\r\n> quoted\r\n"
    absent = MAIL + b"Auto-Submitted: auto-replied\r\n\r\nI am away.\r\n"
    told = mails(plain, absent, b"")
    assert [each["outcome"] for each in told] == ["ok", "ok", "unreadable"]
    first, second = (each["activities"][0] for each in told[:2])
    assert (first["subject"], first["reply_text"], first["sender"]["value"]) == ("Hi", "Hello", "ann@example.org")
    assert "quoted" in first["text"]
    assert first["auto_generated"] is None
    assert set(second["auto_generated"]) == {"class", "reason"}


def test_a_file_that_is_no_recorded_delivery_is_a_mail(tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_bytes(MAIL + b"\r\nHello\r\n")
    result = run("email", str(tmp_path / "mail.eml"), "--json")
    (told,) = json.loads(result.output)
    assert told["activities"][0]["text"].strip() == "Hello"


def test_every_connector_that_brings_something_in_can_be_asked_with_no_settings_at_all() -> None:
    from gateway.host.registry import discover

    for name in discover():
        result = run(name, "--batch", given=line("a", "{}"))
        assert result.exit_code == 0, (name, result.output, result.exception)
        assert json.loads(result.output)["outcome"] in {"ok", "unreadable"}, name
