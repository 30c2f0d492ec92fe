"""A stand-in for Twilio's telephone: callers who follow TwiML as it is answered, agents who pick up or not, recordings.

A caller's part is a list of moves: ``press:0``, ``say:my order is late``, ``record:please call me``, ``wait`` (say nothing);
when the list is empty they say nothing any more, and hang up at a recording. What callers hear is kept, for tests to ask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode, urljoin
from xml.etree import ElementTree as ET

import aiohttp
from aiohttp import web

from connectors.twilio.sandbox_account import (
    ACCOUNT,
    API,
    SMS_NUMBER,
    TOKEN,
    TwilioAccountSandbox,
    TwilioWebhook,
    path_of,
    problem,
    shown,
    sought,
)
from gateway.testing.sandbox import Handler, system_now

#: Documents that one call may ask for: a dialogue that goes round for ever ends here.
_MOST: Final = 40


@dataclass(slots=True, kw_only=True)
class Conversation:
    """One call, as its caller lived it."""

    #: SID of the call.
    sid: str
    #: What the caller heard, in order; what else happened stands in brackets.
    heard: list[str] = field(default_factory=list[str])
    #: Answers of the hook that were no TwiML: status and text.
    failures: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])


class TwilioVoiceSandbox(TwilioAccountSandbox):
    """One account that is called."""

    title = "Twilio Voice"
    elsewhere = ("Messages",)

    def __init__(self, *, now: Callable[[], int] = system_now, token: str = TOKEN, public: str = "") -> None:
        """Take the clock, the auth token, and the hook's address in the Console where requests are sent to another."""
        super().__init__(now=now, token=token, public=public)
        #: All calls, oldest first; what begins with ``_`` only the sandbox knows.
        self.calls_made: list[dict[str, Any]] = []
        self.recordings: list[dict[str, Any]] = []
        #: What a minute of a call costs once it is billed, and in which currency.
        self.rate = Decimal("0.014")
        self.currency = "USD"
        #: Number → what happens there: ``takes`` (picks up and presses a key), ``machine``, ``no-answer``, ``busy``.
        self.agents: dict[str, str] = {}
        #: True: the Console has the status callback set.
        self.tells_status = True

    def routes(self) -> list[tuple[str, str, str, Handler]]:
        """Return the API as far as the connector uses it."""
        return [
            *super().routes(),
            ("calls.create", "POST", f"{API}/Calls.json", self.api(self._create_call)),
            ("calls.list", "GET", f"{API}/Calls.json", self.api(self._list_calls)),
            ("recordings.list", "GET", f"{API}/Recordings.json", self.api(self._list_recordings)),
            ("recordings.bytes", "GET", f"{API}/Recordings/{{recording}}", self.api(self._sound)),
        ]

    def state(self) -> dict[str, Any]:
        """Return all calls and recordings."""
        return {
            **super().state(),
            "calls": [shown(row) for row in self.calls_made],
            "recordings": [shown(row) for row in self.recordings],
        }

    def acts(self) -> Mapping[str, Callable[..., object]]:
        """Return what happens beside an existing exchange, without a dialogue with us."""
        return {"call_elsewhere": self.call_elsewhere}

    # --- the API -----------------------------------------------------------------------------------------------------
    def _create_call(self, request: web.Request, given: Mapping[str, Any]) -> web.Response:  # noqa: ARG002 (aiohttp hands it over)
        to, ours, document = given.get("To", ""), given.get("From", ""), given.get("Twiml", "")
        wrong = {
            (21201, "No 'To' number is specified."): not to,
            (21211, "The 'To' number is not a valid phone number."): not (to[:1] == "+" and to[1:].isdigit()),
            (21210, "'From' phone number not verified."): ours not in self.numbers,
            (21205, "Url parameter is required."): not document,
        }
        refused = next((each for each, stands in wrong.items() if stands), None)
        if refused is not None:
            return problem(400, *refused)
        row = self._call(ours, to, "outbound-api")
        row.update(status="queued", start_time=None, _document=document, _limit=int(given.get("TimeLimit", 14_400)))
        return web.json_response(shown(row), status=201)

    def bills(self) -> int:
        """Have Twilio bill what was called and is over, by minutes that have begun; returns how many calls it billed."""
        over = [row for row in self.calls_made if row["price"] is None and row["status"] == "completed"]
        for row in over:
            row["price"] = f"-{-(-int(row['duration']) // 60) * self.rate:f}"
        return len(over)

    def ends(self, number: str, status: str = "completed", seconds: int = 10) -> None:
        """End the oldest call to a number that still rings, as long as its time limit allows."""
        row = next(row for row in self.calls_made if row["to"] == number and row["status"] == "queued")
        self._ends(row, status, min(seconds, row["_limit"]) if status == "completed" else 0, tells=False)

    async def staff_answers(self, url: str, number: str, moves: Sequence[str] = ("press:1",)) -> Conversation:
        """Have somebody pick up the oldest call to their number that still rings, and do what `moves` say; none: nobody does."""
        row = next(row for row in self.calls_made if row["to"] == number and row["status"] == "queued")
        told = Conversation(sid=row["sid"])
        if not moves:
            self._ends(row, "no-answer", 0, tells=False)
            return told
        row.update(status="in-progress", start_time=self.stamp())
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=12)) as session:
            await _Caller(self, session, url, row, list(moves), told).hear(row["_document"])
        self._ends(row, "completed", 10, tells=False)
        return told

    def _list_calls(self, request: web.Request, given: Mapping[str, Any]) -> web.Response:
        rows = sought(self.calls_made, given, {"StartTime": "_began", "EndTime": "_ended"})
        return self.page("calls", [shown(row) for row in rows], given, request.path)

    def _list_recordings(self, request: web.Request, given: Mapping[str, Any]) -> web.Response:
        rows = sought(self.recordings, {**given, "To": "", "From": ""}, {"DateCreated": "_made"})
        return self.page("recordings", [shown(row) for row in rows], given, request.path)

    def _sound(self, request: web.Request, given: Mapping[str, Any]) -> web.StreamResponse:  # noqa: ARG002 (takes nothing)
        sid = request.match_info["recording"].removesuffix(".mp3")
        row = next((row for row in self.recordings if row["sid"] == sid), None)
        if row is None:
            return problem(404, 20404, "The requested resource was not found.")
        return web.Response(body=row["_sound"], content_type="audio/mpeg")

    # --- calls beside us ---------------------------------------------------------------------------------------------
    def call_elsewhere(self, sender: str, status: str = "completed", *, seconds: int = 60, lost: bool = False) -> str:
        """Have somebody call the existing exchange, and Twilio tell of it; `lost`: the webhooks never come. Returns the SID."""
        row = self._call(sender, SMS_NUMBER, "inbound")
        if not lost:
            self._tells(row, "ringing")
        self._ends(row, status, seconds, tells=not lost)
        return str(row["sid"])

    def _call(self, sender: str, to: str, direction: str, parent: str = "") -> dict[str, Any]:
        sid = self.sid("CA")
        row: dict[str, Any] = {
            "sid": sid,
            "account_sid": ACCOUNT,
            "parent_call_sid": parent or None,
            "from": sender,
            "to": to,
            "direction": direction,
            "status": "in-progress",
            "duration": None,
            "price": None,
            "price_unit": self.currency,
            "start_time": self.stamp(),
            "end_time": None,
            "date_created": self.stamp(),
            "uri": f"{API}/Calls/{sid}.json",
            "_began": self.now(),
            "_ended": None,
        }
        self.calls_made.append(row)
        return row

    def _ends(self, row: dict[str, Any], status: str, seconds: int, *, tells: bool) -> None:
        row.update(status=status, duration=str(seconds), end_time=self.stamp(), _ended=self.now())
        if tells and self.tells_status:
            self._tells(row, status, CallDuration=str(seconds))

    def _tells(self, row: Mapping[str, Any], status: str, **more: str) -> None:
        fields = {**self._fields(row, status), **more, "Timestamp": self.stamp()}
        self.webhooks.put(TwilioWebhook(endpoint="status", body=urlencode(sorted(fields.items())).encode()))

    @staticmethod
    def _fields(row: Mapping[str, Any], status: str = "in-progress") -> dict[str, str]:
        found = {
            "CallSid": row["sid"],
            "AccountSid": ACCOUNT,
            "From": row["from"],
            "To": row["to"],
            "Caller": row["from"],
            "Called": row["to"],
            "Direction": row["direction"],
            "CallStatus": status,
            "ApiVersion": "2010-04-01",
        }
        return found | ({"ParentCallSid": row["parent_call_sid"]} if row["parent_call_sid"] else {})

    # --- calls that we answer ----------------------------------------------------------------------------------------
    async def call(
        self, url: str, sender: str, moves: Sequence[str] = (), *, verdict: str = "TN-Validation-Passed-A"
    ) -> Conversation:
        """Have somebody call, and follow what the hook at `url` answers; `verdict` is what their carrier says of the number."""
        row = self._call(sender, SMS_NUMBER, "inbound")
        told = Conversation(sid=row["sid"])
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=12)) as session:
            caller = _Caller(self, session, url, row, list(moves), told)
            await caller.live({"StirVerstat": verdict} if verdict else {})
        self._ends(row, "completed", 30, tells=True)
        return told

    def record(self, row: Mapping[str, Any], words: str) -> dict[str, Any]:
        """Keep a recording of a call."""
        sid = self.sid("RE")
        found: dict[str, Any] = {
            "sid": sid,
            "account_sid": ACCOUNT,
            "call_sid": row["sid"],
            "duration": str(max(1, len(words) // 10)),
            "date_created": self.stamp(),
            "source": "RecordVerb",
            "status": "completed",
            "uri": f"{API}/Recordings/{sid}.json",
            "_made": self.now(),
            "_sound": words.encode(),
        }
        self.recordings.append(found)
        return found


class _Caller:
    """Follows TwiML, document after document."""

    def __init__(
        self,
        sandbox: TwilioVoiceSandbox,
        session: aiohttp.ClientSession,
        url: str,
        row: dict[str, Any],
        moves: list[str],
        told: Conversation,
    ) -> None:
        self._sandbox = sandbox
        self._session = session
        self._url = url
        self._row = row
        self._moves = moves
        self._told = told

    async def live(self, first: dict[str, str]) -> None:
        """Live through the call, from its first request to its end."""
        await self._go_on(("", first))

    async def hear(self, text: str) -> None:
        """Live through a call that begins with a document, to its end."""
        await self._go_on(await self._follow(ET.fromstring(text), ""))  # noqa: S314 (our own document)

    async def _go_on(self, step: tuple[str, dict[str, str]] | None) -> None:
        for _ in range(_MOST):
            if step is None:
                return
            step = await self._document(*step)
        self._told.heard.append("[went round for ever]")

    async def _ask(
        self, address: str, fields: dict[str, str], row: Mapping[str, Any] | None = None
    ) -> ET.Element | None:
        body = urlencode(sorted({**self._sandbox._fields(row or self._row), **fields}.items())).encode()
        status, text = await self._sandbox.webhooks.ask(self._session, self._url, address, body)
        try:
            if status == 200:
                return ET.fromstring(text)  # noqa: S314 (our own answer)
        except ET.ParseError:
            pass
        self._told.failures.append((status, text))
        return None

    async def _document(self, address: str, fields: dict[str, str]) -> tuple[str, dict[str, str]] | None:
        """Follow one document; return what is asked for next, None when the call is over."""
        document = await self._ask(address, fields)
        return None if document is None else await self._follow(document, address)

    async def _follow(self, document: ET.Element, address: str) -> tuple[str, dict[str, str]] | None:
        for verb in document:
            if verb.tag == "Say":
                self._told.heard.append(verb.text or "")
            elif verb.tag == "Hangup":
                return None
            elif verb.tag == "Redirect":
                return self._address(address, verb.text or ""), {}
            elif verb.tag in {"Gather", "Record", "Dial", "Enqueue"}:
                does = {"Gather": self._gather, "Record": self._records, "Dial": self._dial, "Enqueue": self._enqueue}
                answer = await does[verb.tag](verb, address)
                if answer is not None:
                    return self._address(address, verb.get("action", "")), answer
        return None

    def _address(self, current: str, target: str) -> str:
        """Return what stands behind the hook's address, of an absolute or a relative address of TwiML."""
        public = self._sandbox.webhooks.public or self._url
        return path_of(urljoin(public + current, target)).removeprefix(path_of(public))

    async def _gather(self, verb: ET.Element, address: str) -> dict[str, str] | None:  # noqa: ARG002 (one shape for all verbs)
        self._told.heard += [each.text or "" for each in verb if each.tag == "Say"]
        move = self._moves.pop(0) if self._moves else "wait"
        does, _, what = move.partition(":")
        if does == "press" and "dtmf" in verb.get("input", "dtmf"):
            return {"Digits": what}
        if does == "say" and "speech" in verb.get("input", "dtmf"):
            return {"SpeechResult": what, "Confidence": "0.9"}
        return {"Digits": ""} if verb.get("actionOnEmptyResult") == "true" else None

    async def _records(self, verb: ET.Element, address: str) -> dict[str, str] | None:
        does, _, words = (self._moves.pop(0) if self._moves else "hangup").partition(":")
        if does != "record":
            return None
        recording = self._sandbox.record(self._row, words)
        url = f"{self._sandbox.url}{API}/Recordings/{recording['sid']}"
        about = {"RecordingSid": recording["sid"], "RecordingUrl": url, "RecordingDuration": recording["duration"]}
        if verb.get("transcribe") == "true":
            written = {
                "TranscriptionSid": self._sandbox.sid("TR"),
                "TranscriptionText": words,
                "TranscriptionStatus": "completed",
                "RecordingSid": recording["sid"],
                "RecordingUrl": url,
            }
            query = self._address(address, verb.get("transcribeCallback", "")).partition("?")[2]
            body = urlencode(sorted({**self._sandbox._fields(self._row), **written}.items())).encode()
            self._sandbox.webhooks.put(TwilioWebhook(endpoint="", query=query, body=body))
        return {**about, "Digits": "hangup"}

    async def _dial(self, verb: ET.Element, address: str) -> dict[str, str] | None:
        outcome = {"DialCallStatus": "no-answer"}
        for number in verb:
            ends = self._sandbox.agents.get(number.text or "", "no-answer")
            self._told.heard.append(f"[rings at {number.text}]")
            leg = self._sandbox._call(self._row["from"], number.text or "", "outbound-dial", self._row["sid"])  # noqa: SLF001
            about = {"DialCallSid": leg["sid"]}
            if ends in {"no-answer", "busy"}:
                self._sandbox._ends(leg, ends, 0, tells=False)  # noqa: SLF001
                outcome = {**about, "DialCallStatus": ends}
                continue
            bridged = await self._whisper(number, address, leg, presses=ends == "takes")
            self._sandbox._ends(leg, "completed", 20, tells=False)  # noqa: SLF001
            outcome = {**about, "DialCallStatus": "completed", "DialBridged": "true" if bridged else "false"}
            if bridged:
                self._told.heard.append(f"[speaks with {number.text}]")
                return {**outcome, "DialCallDuration": "20"}
        return outcome

    async def _whisper(self, number: ET.Element, address: str, leg: Mapping[str, Any], *, presses: bool) -> bool:
        """Play the agent's side; return whether the two were connected."""
        if not number.get("url"):
            return True
        whisper = self._address(address, number.get("url", ""))
        document = await self._ask(whisper, {}, leg)
        gather = document.find("Gather") if document is not None else None
        if gather is None or not presses:
            return gather is None
        answer = await self._ask(self._address(whisper, gather.get("action", "")), {"Digits": "1"}, leg)
        return answer is not None and answer.find("Hangup") is None

    async def _enqueue(self, verb: ET.Element, address: str) -> dict[str, str] | None:  # noqa: ARG002 (one shape for all verbs)
        place = (verb.text or "").strip() or f"workflow {verb.get('workflowSid')}"
        self._told.heard.append(f"[waits in {place}]")
        taken = self._sandbox.agents.get(place) == "takes"
        return {"QueueResult": "bridged" if taken else "system-error", "QueueTime": "5"}
