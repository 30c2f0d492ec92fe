"""Others' data against our verifiers, parsers and sandboxes. Read where it lies beside the project, never copied."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import SecretStr

from connectors.slack.connector import SlackConnector
from connectors.slack.sandbox import SlackSandbox
from connectors.slack.settings import SlackSettings
from connectors.zendesk.connector import ZendeskConnector
from connectors.zendesk.settings import ZendeskSettings
from gateway.sdk import ChatMessage, Delivery, DeliveryRejected, MessageAction, UnreadableDelivery, WebhookSource
from gateway.testing.host import FakeHost

#: The schemas are of 2021: this one field has been left out by Slack since (docs.slack.dev/apis/events-api, "authed_users").
_GONE = "authed_users"


def source(vendor: str, secret: str, now: int) -> WebhookSource:
    """Return a connector that knows a secret and lives at an instant, seconds."""
    host = FakeHost(now=now * 1_000_000)
    if vendor == "slack":
        slack = SlackSettings(bot_token=SecretStr("t"), signing_secret=SecretStr(secret), bot_user_id="U0BATON")
        return SlackConnector(slack, host)
    zendesk = ZendeskSettings(
        subdomain="acme",
        email="baton@example.com",
        api_token=SecretStr("t"),
        user_id=4001,
        webhook_secret=SecretStr(secret),
    )
    return ZendeskConnector(zendesk, host)


def delivery(body: bytes, headers: dict[str, str] | None = None, endpoint: str = "events") -> Delivery:
    return Delivery(
        connection="c",
        endpoint=endpoint,
        received_at=1,
        method="POST",
        url="https://baton.example.com/hooks/c",
        headers=tuple((headers or {}).items()),
        body=body,
    )


@pytest.mark.parametrize("vendor", ["slack", "zendesk"])
async def test_the_verdict_on_every_signature_that_others_recorded_is_theirs(reference: Path, vendor: str) -> None:
    vectors: list[dict[str, Any]] = json.loads((reference / "signature_vectors.open.json").read_text())
    mine = [each for each in vectors if each["vendor"] == vendor]
    assert any(each["valid"] for each in mine)
    assert any(not each["valid"] for each in mine)
    for vector in mine:
        stamp = next(value for name, value in vector["headers"].items() if "Timestamp" in name)
        now = vector.get("now") or (int(stamp) if stamp.isdigit() else 1_713_374_290)
        try:
            await source(vendor, vector["secret"], now).verify(delivery(vector["body"].encode(), vector["headers"]))
            valid = True
        except DeliveryRejected:
            valid = False
        assert valid is vector["valid"], vector


def recorded(reference: Path) -> list[Path]:
    return sorted((reference / "webhooks" / "slack").rglob("*.json"))


def test_no_payload_that_others_recorded_breaks_the_parser(reference: Path) -> None:
    """Each yields events, nothing, or is unreadable: nothing else leaves the parser."""
    parser = source("slack", "s", 1)
    counted = {"events": 0, "nothing": 0, "unreadable": 0}
    for path in recorded(reference):
        inner: Any = json.loads(path.read_text())
        wrapped = {"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": inner}
        for body in (path.read_bytes(), json.dumps(wrapped).encode()):
            try:
                counted["events" if list(parser.parse(delivery(body))) else "nothing"] += 1
            except UnreadableDelivery:
                counted["unreadable"] += 1
    for path in sorted((reference / "webhooks" / "slack").rglob("*.urlencoded")):
        try:
            list(parser.parse(delivery(path.read_bytes(), endpoint="interactivity")))
        except UnreadableDelivery:
            counted["unreadable"] += 1
    assert counted["events"] >= 2
    assert counted["nothing"] >= 50


def test_real_messages_keep_their_words_sender_and_thread(reference: Path) -> None:
    """opsdroid's recordings of real messages: what we make of them, against the payload itself."""
    folder = reference / "webhooks" / "slack" / "opsdroid"
    parser = source("slack", "s", 1)
    seen = 0
    for path in sorted(folder.glob("payload_message*.json")):
        payload: dict[str, Any] = json.loads(path.read_text())
        event = payload["event"]
        for found in parser.parse(delivery(path.read_bytes())):
            assert isinstance(found, ChatMessage)
            told = event.get("message", event)
            assert found.text == told["text"]
            assert found.thread.startswith(f"{event['channel']}:") or found.thread == event["channel"]
            assert found.sender is not None
            assert found.sender.value == (told.get("user") or told.get("bot_id"))
            assert (found.action is MessageAction.EDITED) is (event.get("subtype") == "message_changed")
            seen += 1
    assert seen >= 1


def test_the_sandbox_sends_what_slacks_own_schemas_describe(reference: Path) -> None:
    specs = reference.parent / "specs" / "slack"
    wrapper: dict[str, Any] = json.loads((specs / "slack_common_event_wrapper_schema.json").read_text())
    topics: dict[str, Any] = json.loads((specs / "slack_events_api_async_v1.json").read_text())["topics"]
    sandbox = SlackSandbox()
    stamp = sandbox.person_writes("U0ANNA", "hello", name="Anna")
    sandbox.person_writes("U0ANNA", "more", thread=stamp)
    sandbox.person_writes("U0BEN", "hi", channel="D0BEN")
    sandbox.person_deletes("C0SUPPORT", stamp)
    sandbox.bot_writes("deploybot", "done")
    sandbox.person_edits("C0SUPPORT", sandbox.person_writes("U0CARL", "helo"), "hello")
    bodies = [json.loads(webhook.body) for webhook in sandbox.webhooks.waiting]
    assert len(bodies) == 7
    for body in bodies:
        jsonschema.validate(body, without(_GONE, wrapper))
    # The one kind of message that has a schema of its own: it was made from a deletion, that of a comment on a file.
    deletion = topics["message"]["subscribe"]["payload"]
    del deletion["properties"]["event"]["properties"]["previous_message"]
    jsonschema.validate(bodies[3], without(_GONE, deletion))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(bodies[0], without(_GONE, deletion))


def without(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that does not demand a field."""
    return {**schema, "required": [each for each in schema["required"] if each != name]}
