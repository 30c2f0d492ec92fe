"""Payloads that others wrote, against what we make of them; Twilio's own API description, against what the sandbox shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jsonschema
import pytest
from pydantic import SecretStr

from connectors.twilio.connector import TwilioConnector
from connectors.twilio.sandbox import TwilioSandbox
from connectors.twilio.sandbox_account import ACCOUNT, SMS_NUMBER
from connectors.twilio.sandbox_voice import TwilioVoiceSandbox
from connectors.twilio.segments import segments
from connectors.twilio.settings import TwilioSettings
from gateway.model import Channel
from gateway.sdk import Delivery, DeliveryReport, DeliveryState, TextMessage
from gateway.testing.host import FakeHost
from normalizers import normalize

PLAIN = Delivery(
    connection="c",
    endpoint="",
    received_at=1_700_000_000_000_000,
    method="POST",
    url="https://baton.example.com/hooks/c",
    headers=(("Content-Type", "application/x-www-form-urlencoded"),),
    body=b"",
)


@pytest.fixture
def source() -> TwilioConnector:
    return TwilioConnector(TwilioSettings(account_sid=ACCOUNT, auth_token=SecretStr("t")), FakeHost())


def cases(reference: Path) -> Iterator[tuple[dict[str, str], list[dict[str, Any]]]]:
    groups = json.loads((reference / "webhooks" / "chatwoot" / "twilio.open.json").read_text())["groups"]
    for group in groups:
        for case in group["cases"]:
            yield case["payloads"]["params"], case["expectations"]


def test_every_text_sender_and_id_that_another_project_states_is_ours(source: TwilioConnector, reference: Path) -> None:
    stated = 0
    for fields, expected in cases(reference):
        events = list(source.parse(replace(PLAIN, body=urlencode(fields).encode())))
        (event,) = events
        activity = normalize(event, connection="c", channel=Channel.MESSAGING, received_at=1)
        assert activity.sender is not None
        for each in expected:
            target, value = each["target"], each["value"]
            if target.endswith(".content"):
                assert activity.text == value
            elif target.endswith("source_id"):
                assert isinstance(event, TextMessage)
                assert value in (f"whatsapp:{activity.sender.value}", activity.sender.value)
            elif target.endswith("name") and fields.get("ProfileName"):
                assert activity.sender.name == value
            elif target.endswith("status") and fields["MessageStatus"] != "queued":
                assert isinstance(event, DeliveryReport)
                assert event.state is DeliveryState(value)
            elif target.endswith("external_error"):
                assert isinstance(event, DeliveryReport)
                assert value.endswith(event.code)
            else:
                continue
            stated += 1
        assert activity.message_id == (fields.get("MessageSid") or fields["SmsSid"])
    assert stated >= 12


@pytest.mark.parametrize("name", ["NoMediaPayload.txt", "MediaPayload.txt"])
def test_recorded_forms_of_a_bot_framework_are_read(source: TwilioConnector, reference: Path, name: str) -> None:
    body = (reference / "webhooks" / "botbuilder_adapters" / "twilio" / name).read_bytes().strip()
    (event,) = source.parse(replace(PLAIN, body=body))
    assert isinstance(event, TextMessage)
    assert (event.text, event.sender.value, event.message_id) == ("Hello", "+2222", "3333")
    assert [each.url for each in event.attachments] == (["www.contoso.com"] if "Media" in name[:5] else [])
    assert event.extras["FromState"] == "Amba"


# --- Twilio's own description ----------------------------------------------------------------------------------------
@pytest.fixture
def description(reference: Path) -> dict[str, Any]:
    path = reference.parent / "specs" / "twilio" / "twilio_api_v2010.json"
    if not path.is_file():
        pytest.skip("Twilio's API description is not beside the reference data")
    return dict(json.loads(path.read_text()))


def checked(description: dict[str, Any], name: str, row: dict[str, Any]) -> None:
    """Check a row against the description of its resource; `nullable` is OpenAPI's way to write it."""
    schema = description["components"]["schemas"][name]
    unknown = set(row) - set(schema["properties"])
    assert not unknown, f"{name} has no {unknown}"
    for field, value in row.items():
        rule = schema["properties"][field]
        if value is None:
            assert rule.get("nullable"), field
        elif "$ref" in rule:
            enum = description["components"]["schemas"][rule["$ref"].rpartition("/")[2]].get("enum")
            assert enum is None or value in enum, (field, value)
        else:
            jsonschema.validate(
                value, {"type": rule["type"], **({"pattern": rule["pattern"]} if "pattern" in rule else {})}
            )


async def test_the_sandbox_shows_what_twilio_describes(description: dict[str, Any]) -> None:
    texts = TwilioSandbox()
    await texts.start()
    host = FakeHost()
    values = {**texts.settings(), "auth_token": SecretStr("sandbox-auth-token")}
    connector = TwilioConnector(TwilioSettings.model_validate(values), host)
    await connector.open()
    message = await connector.client.messages.create_async(to="+4915550100", from_=SMS_NUMBER, body="hello")
    texts.carries()
    found = await connector.client.messages(str(message.sid)).fetch_async()
    assert found.body == "hello"
    assert str(found.status) == "delivered"
    for row in texts.state()["messages"]:
        checked(description, "api.v2010.account.message", row)
    calls = TwilioVoiceSandbox()
    calls.call_elsewhere("+4915550100", "no-answer")
    calls.record(calls.calls_made[0], "hello")
    for row in calls.state()["calls"]:
        checked(description, "api.v2010.account.call", row)
    for row in calls.state()["recordings"]:
        checked(description, "api.v2010.account.recording", row)
    await host.close()
    await texts.stop()


def test_every_parameter_that_we_send_is_one_that_twilio_takes(description: dict[str, Any]) -> None:
    paths = description["paths"]
    form = paths["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["post"]["requestBody"]["content"]
    taken = set(next(iter(form.values()))["schema"]["properties"])
    assert {"To", "From", "Body", "MessagingServiceSid", "ContentSid", "ContentVariables", "StatusCallback"} <= taken
    for path, names in (("Messages", {"To", "From", "DateSent>", "PageSize"}), ("Calls", {"StartTime>", "PageSize"})):
        listed = paths[f"/2010-04-01/Accounts/{{AccountSid}}/{path}.json"]["get"]["parameters"]
        assert names <= {each["name"] for each in listed}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("ж" * 134, 2),
        ("ж" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("a" * 69 + "ж", 1),
        ("ü" * 160, 1),
    ],
)
def test_a_text_is_as_many_segments_as_twilio_bills(text: str, count: int) -> None:
    assert segments(text, to="+4915550100") == count
    assert segments(text, to="whatsapp:+4915550100") == 1
