"""What callers hear, document by document, and what must never be missing from it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest

from gateway.sdk import Standing
from gateway.testing.host import FakeHost
from gateway.testing.sessions import FakeSessions
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

    @pytest.mark.parametrize(
        ("standing", "told"),
        [
            (Standing(), "A customer is on the line. Press any key to take the call."),
            (
                Standing(case_id="c1", state="escalated", priority="P2", rule="wants-person", ticket="1004"),
                "A customer is on the line. Priority P2. Reason: wants person. Ticket 1 0 0 4. Press any key to take the call.",
            ),
            (Standing(priority="P1"), "A customer is on the line. Priority P1. Press any key to take the call."),
        ],
    )
    async def test_who_takes_the_call_hears_what_is_known_of_the_case(
        self, connector: Any, host: FakeHost, standing: Standing, told: str
    ) -> None:
        delivery, sessions = made(f"{URL}?step=whisper&n=1&call=CA1", b"CallSid=CA2", host), FakeSessions()
        sessions.standings["call:CA1"] = standing
        said = ET.fromstring((await connector.answer(delivery, sessions)).body)
        assert said.findtext("Gather/Say") == told

    async def test_a_whisper_of_unknown_things_alone_still_asks_for_the_key(self, sandbox: Any, host: FakeHost) -> None:
        connector = self.make({**self.values(sandbox), "whisper": "Ticket {{ticket}}."}, host)
        delivery = made(f"{URL}?step=whisper&n=1&call=CA1", b"CallSid=CA2", host)
        said = ET.fromstring((await connector.answer(delivery, FakeSessions())).body)
        assert said.findtext("Gather/Say") == "Press any key to take the call."
        with pytest.raises(ValueError, match=r"no place \{\{tickt\}\}"):
            self.make({**self.values(sandbox), "whisper": "Ticket {{tickt}}."}, host)

    async def test_a_task_of_flex_carries_ids_priority_and_reason_and_no_word_of_the_caller(
        self, sandbox: Any, host: FakeHost
    ) -> None:
        values = {**self.values(sandbox), "transfer_to": (), "transfer_workflow": "WW1"}
        connector, sessions = self.make(values, host), FakeSessions()
        sessions.standings["call:CA1"] = Standing(case_id="c1", priority="P2", rule="wants-person", ticket="1004")
        body = urlencode({"CallSid": "CA1", "From": ANNA, "To": "+4930", "SpeechResult": "my secret agent"}).encode()
        delivery = made(f"{URL}?step=choice&n=1&v=a", body, host)
        task = ET.fromstring((await connector.answer(delivery, sessions)).body).findtext("Enqueue/Task")
        told = {"call_sid": "CA1", "from": ANNA, "to": "+4930", "attested": True, "asked_by": "words"}
        assert task is not None
        assert json.loads(task) == told | {"case": "c1", "priority": "P2", "reason": "wants-person", "ticket": "1004"}
        plain = ET.fromstring(connector.acknowledge(delivery).body).findtext("Enqueue/Task")
        assert plain is not None
        assert json.loads(plain) == told

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
