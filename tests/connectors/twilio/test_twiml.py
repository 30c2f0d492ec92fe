"""What callers hear, document by document, and what must never be missing from it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest

from gateway.testing.host import FakeHost
from tests.connectors.twilio.desk import made
from tests.connectors.twilio.test_voice import ANNA, URL, VoiceSetUp, first_request

GOLDENS = Path(__file__).parent / "twiml"
STEPS = {
    "greeting": "",
    "asked_again": "?step=again&n=2",
    "too_often": "?step=again&n=99",
    "zero": "?step=choice&n=1&v=a",
    "one": "?step=choice&n=1",
    "two": "?step=choice&n=1",
    "speech": "?step=choice&n=1",
    "whisper": f"?step=whisper&n=1&call=CA{'1' * 32}",
    "accept": f"?step=accept&n=1&call=CA{'1' * 32}",
    "nobody": "?step=dialed&n=1",
    "well": "?step=dialed&n=1",
    "recorded": "?step=recorded&n=1",
    "number": "?step=number&n=1",
}
FIELDS: dict[str, dict[str, str]] = {
    "greeting": {"StirVerstat": "TN-Validation-Passed-A"},
    "zero": {"Digits": "0"},
    "one": {"Digits": "1"},
    "two": {"Digits": "2"},
    "speech": {"SpeechResult": "Where is <my> order & why?"},
    "nobody": {"DialCallStatus": "no-answer"},
    "well": {"DialCallStatus": "completed", "DialBridged": "true"},
}


class TestAnswers(VoiceSetUp):
    @pytest.mark.parametrize("name", STEPS)
    async def test_what_callers_hear_is_what_they_heard(self, connector: Any, host: FakeHost, name: str) -> None:
        body = urlencode({"CallSid": f"CA{'1' * 32}", "From": ANNA, **FIELDS.get(name, {})}).encode()
        delivery = made(URL + STEPS[name], body, host)
        document = ET.fromstring(connector.acknowledge(delivery).body)
        ET.indent(document)
        text = ET.tostring(document, encoding="unicode") + "\n"
        golden = GOLDENS / f"{name}.xml"
        if os.environ.get("BATON_UPDATE_GOLDENS"):
            GOLDENS.mkdir(exist_ok=True)
            golden.write_text(text)
        assert text == golden.read_text()

    async def test_the_same_request_gets_the_same_answer(self, connector: Any, host: FakeHost) -> None:
        delivery = made(URL, first_request(), host)
        assert connector.acknowledge(delivery) == connector.acknowledge(delivery)

    async def test_nothing_is_recorded_before_the_sentence_of_consent(self, connector: Any, host: FakeHost) -> None:
        for name, query in STEPS.items():
            body = urlencode({"CallSid": "CA1", "From": ANNA, **FIELDS.get(name, {})}).encode()
            verbs = [each.tag for each in ET.fromstring(connector.acknowledge(made(URL + query, body, host)).body)]
            if "Record" in verbs:
                texts = [each.text for each in ET.fromstring(connector.acknowledge(made(URL + query, body, host)).body)]
                assert connector.settings.consent in texts[: verbs.index("Record")]
