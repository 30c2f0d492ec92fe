"""Somebody at a telephone of the sandbox: follows TwiML as it is answered, and does what they are told to do.

What they do is a list of moves: ``press:0``, ``say:my order is late``, ``record:please call me``, ``wait`` (say nothing),
``hangup``. When the list is empty they say nothing any more, and leave no recording; one who stays on the line waits for the
next move.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urljoin
from xml.etree import ElementTree as ET

from connectors.twilio.sandbox_account import API, TwilioWebhook, path_of

if TYPE_CHECKING:
    import aiohttp

    from connectors.twilio.sandbox_voice import TwilioVoiceSandbox

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


class HungUp(Exception):
    """The caller hung up in the middle of it."""


class Moves:
    """What somebody at a telephone does, one after the other."""

    def __init__(self, moves: Iterable[str], *, stays: bool = False) -> None:
        """Take the first moves; who `stays` waits for more where they are at an end."""
        self._moves: asyncio.Queue[str] = asyncio.Queue()
        self._stays = stays
        #: Set while the next move is waited for.
        self.awaited = asyncio.Event()
        for move in moves:
            self.add(move)

    def add(self, move: str) -> None:
        """Have a move be the next, behind those that wait."""
        self.awaited.clear()
        self._moves.put_nowait(move)

    async def next(self) -> tuple[str, str]:
        """Return what is done next and with what; two empty texts for nothing. Raises `HungUp`."""
        if self._moves.empty() and not self._stays:
            return "", ""
        if self._moves.empty():
            self.awaited.set()
        does, _, what = (await self._moves.get()).partition(":")
        if does == "hangup":
            raise HungUp
        return does, what


class Caller:
    """Follows TwiML, document after document."""

    def __init__(
        self,
        sandbox: TwilioVoiceSandbox,
        session: aiohttp.ClientSession,
        url: str,
        row: dict[str, Any],
        moves: Moves,
        told: Conversation,
    ) -> None:
        """Take the account, what talks to the hook and where that is, the call, and what its caller does and hears."""
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
        try:
            step = await self._follow(ET.fromstring(text), "")  # noqa: S314 (our own document)
        except HungUp:
            self._told.heard.append("[hangs up]")
            return
        await self._go_on(step)

    async def _go_on(self, step: tuple[str, dict[str, str]] | None) -> None:
        try:
            for _ in range(_MOST):
                if step is None:
                    return
                step = await self._document(*step)
        except HungUp:
            self._told.heard.append("[hangs up]")
            return
        self._told.heard.append("[went round for ever]")

    async def _ask(
        self, address: str, fields: dict[str, str], row: Mapping[str, Any] | None = None
    ) -> ET.Element | None:
        body = urlencode(sorted({**self._sandbox.fields(row or self._row), **fields}.items())).encode()
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
        does, what = await self._moves.next()
        if does == "press" and "dtmf" in verb.get("input", "dtmf"):
            return {"Digits": what}
        if does == "say" and "speech" in verb.get("input", "dtmf"):
            return {"SpeechResult": what, "Confidence": "0.9"}
        return {"Digits": ""} if verb.get("actionOnEmptyResult") == "true" else None

    async def _records(self, verb: ET.Element, address: str) -> dict[str, str] | None:
        does, words = await self._moves.next()
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
            body = urlencode(sorted({**self._sandbox.fields(self._row), **written}.items())).encode()
            self._sandbox.webhooks.put(TwilioWebhook(endpoint="", query=query, body=body))
        return {**about, "Digits": "hangup"}

    async def _dial(self, verb: ET.Element, address: str) -> dict[str, str] | None:
        outcome = {"DialCallStatus": "no-answer"}
        for number in verb:
            ends = self._sandbox.agents.get(number.text or "", "no-answer")
            self._told.heard.append(f"[rings at {number.text}]")
            leg = self._sandbox.begins(self._row["from"], number.text or "", "outbound-dial", self._row["sid"])
            about = {"DialCallSid": leg["sid"]}
            if ends in {"no-answer", "busy"}:
                self._sandbox.ended(leg, ends, 0, tells=False)
                outcome = {**about, "DialCallStatus": ends}
                continue
            bridged = await self._whisper(number, address, leg, presses=ends == "takes")
            self._sandbox.ended(leg, "completed", 20, tells=False)
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
