"""A stand-in for Twilio's telephone: callers who follow TwiML as it is answered, agents who pick up or not, recordings.

What a caller does is a list of moves (`sandbox_caller.py`), or is asked for while they are on the line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from connectors.twilio.sandbox_account import (
    ACCOUNT,
    API,
    SMS_NUMBER,
    TOKEN,
    TwilioAccountSandbox,
    TwilioWebhook,
    problem,
    shown,
    sought,
)
from connectors.twilio.sandbox_caller import Caller, Conversation, Moves
from gateway.testing.sandbox import Handler, system_now

#: What may happen at a number or in a queue that the gateway has a caller put through to.
_HAPPENS: Final = ("takes", "machine", "no-answer", "busy")


@dataclass(slots=True, kw_only=True)
class _OnTheLine:
    """A call whose caller does what somebody outside asks for."""

    told: Conversation
    moves: Moves
    call: asyncio.Task[None]
    #: How much of what was heard is told already.
    known: int = 0


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
        self._lines: dict[str, _OnTheLine] = {}

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
        """Return what callers and the people who are called can be made to do."""
        callers = (self.person_calls, self.caller_presses, self.caller_says, self.caller_records, self.caller_waits)
        others = (self.caller_hangs_up, self.staff_picks_up, self.agent_does, self.call_elsewhere, self.bills)
        return {act.__name__: act for act in (*callers, *others)}

    async def stop(self) -> None:
        """Stop listening; who is on the line is cut off."""
        lines, self._lines = self._lines, {}
        for line in lines.values():
            line.call.cancel()
        await asyncio.gather(*(line.call for line in lines.values()), return_exceptions=True)
        await super().stop()

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
        row = self.begins(ours, to, "outbound-api")
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
        row = self._rings(number)
        self.ended(row, status, min(seconds, row["_limit"]) if status == "completed" else 0, tells=False)

    async def staff_answers(self, url: str, number: str, moves: Sequence[str] = ("press:1",)) -> Conversation:
        """Have somebody pick up the oldest call to their number that still rings, and do what `moves` say; none: nobody does."""
        row = self._rings(number)
        told = Conversation(sid=row["sid"])
        if not moves:
            self.ended(row, "no-answer", 0, tells=False)
            return told
        row.update(status="in-progress", start_time=self.stamp())
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=12)) as session:
            await Caller(self, session, url, row, Moves(moves), told).hear(row["_document"])
        self.ended(row, "completed", 10, tells=False)
        return told

    def _rings(self, number: str) -> dict[str, Any]:
        """Return the oldest call to a number that still rings. Raises ValueError."""
        for row in self.calls_made:
            if row["to"] == number and row["status"] == "queued":
                return row
        raise ValueError(f"no call to {number} rings")

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
        row = self.begins(sender, SMS_NUMBER, "inbound")
        if not lost:
            self._tells(row, "ringing")
        self.ended(row, status, seconds, tells=not lost)
        return str(row["sid"])

    def begins(self, sender: str, to: str, direction: str, parent: str = "") -> dict[str, Any]:
        """Have a call begin, or a leg of one; return it."""
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

    def ended(self, row: dict[str, Any], status: str, seconds: int, *, tells: bool) -> None:
        """Have a call end, and tell of it where that is wanted and the Console has the callback set."""
        row.update(status=status, duration=str(seconds), end_time=self.stamp(), _ended=self.now())
        if tells and self.tells_status:
            self._tells(row, status, CallDuration=str(seconds))

    def _tells(self, row: Mapping[str, Any], status: str, **more: str) -> None:
        fields = {**self.fields(row, status), **more, "Timestamp": self.stamp()}
        self.webhooks.put(TwilioWebhook(endpoint="status", body=urlencode(sorted(fields.items())).encode()))

    @staticmethod
    def fields(row: Mapping[str, Any], status: str = "in-progress") -> dict[str, str]:
        """Return what every request about a call says of it."""
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
        row = self.begins(sender, SMS_NUMBER, "inbound")
        told = Conversation(sid=row["sid"])
        await self._lives(url, row, Moves(moves), told, verdict)
        return told

    async def _lives(self, url: str, row: dict[str, Any], moves: Moves, told: Conversation, verdict: str) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=12)) as session:
            caller = Caller(self, session, url, row, moves, told)
            await caller.live({"StirVerstat": verdict} if verdict else {})
        self.ended(row, "completed", 30, tells=True)

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

    # --- calls whose caller somebody outside is ----------------------------------------------------------------------
    async def person_calls(
        self, sender: str, moves: Sequence[str] = (), *, verdict: str = "TN-Validation-Passed-A"
    ) -> dict[str, Any]:
        """Have somebody call. They make these moves (press:1, say:my order is late, record:call me, wait, hangup) and no more.

        Without any they stay on the line, and do what the acts of callers ask for. Returns what they heard.
        """
        self._lines = {sid: line for sid, line in self._lines.items() if not line.call.done()}
        url, todo = self.hooks_needed(), Moves(moves, stays=not moves)
        row = self.begins(sender, SMS_NUMBER, "inbound")
        told = Conversation(sid=row["sid"])
        call = asyncio.create_task(self._lives(url, row, todo, told, verdict))
        line = self._lines[told.sid] = _OnTheLine(told=told, moves=todo, call=call)
        return await self._hears(line)

    async def caller_presses(self, digits: str, *, call: str = "") -> dict[str, Any]:
        """Have the caller press keys; `call` is a SID, without it they are the newest caller. Returns what they heard then."""
        return await self._moves(call, f"press:{digits}")

    async def caller_says(self, words: str, *, call: str = "") -> dict[str, Any]:
        """Have the caller speak to the menu, as Twilio understands it. Returns what they heard then."""
        return await self._moves(call, f"say:{words}")

    async def caller_records(self, words: str, *, call: str = "") -> dict[str, Any]:
        """Have the caller leave these words as a voicemail, where they are asked for one. Returns what they heard then."""
        return await self._moves(call, f"record:{words}")

    async def caller_waits(self, *, call: str = "") -> dict[str, Any]:
        """Have the caller do nothing until the gateway goes on. Returns what they heard then."""
        return await self._moves(call, "wait")

    async def caller_hangs_up(self, *, call: str = "") -> dict[str, Any]:
        """Have the caller hang up."""
        return await self._moves(call, "hangup")

    async def staff_picks_up(self, number: str, moves: Sequence[str] = ("press:1",)) -> dict[str, Any]:
        """Have a member of the staff pick up the oldest call to their number that rings; with no moves nobody does."""
        told = await self.staff_answers(self.hooks_needed(), number, moves)
        return {"call": told.sid, "heard": told.heard, "failures": _failures(told)}

    def agent_does(self, place: str, what: str) -> None:
        """Have a number or a queue that callers are put through to do this from now on: takes, machine, no-answer, busy."""
        if what not in _HAPPENS:
            raise ValueError(f"an agent can do {', '.join(_HAPPENS)}")
        self.agents[place] = what

    async def _moves(self, call: str, move: str) -> dict[str, Any]:
        for line in reversed(self._lines.values()):
            if not line.call.done() and call in {"", line.told.sid}:
                line.moves.add(move)
                return await self._hears(line)
        raise ValueError("nobody is on the line: the act person_calls, without moves, begins a call")

    @staticmethod
    async def _hears(line: _OnTheLine) -> dict[str, Any]:
        """Wait until the caller has to do something, or the call is over, and return what was heard since."""
        awaited = asyncio.ensure_future(line.moves.awaited.wait())
        await asyncio.wait({awaited, line.call}, return_when=asyncio.FIRST_COMPLETED)
        awaited.cancel()
        over = line.call.done()
        if over:
            line.call.result()
        heard, line.known = line.told.heard[line.known :], len(line.told.heard)
        return {"call": line.told.sid, "heard": heard, "over": over, "failures": _failures(line.told)}


def _failures(told: Conversation) -> list[str]:
    """Return in words which of the hook's answers were no TwiML."""
    return [
        f"the gateway answered {status}: {text.strip() or 'nothing'}" if status else "nobody answers where calls go"
        for status, text in told.failures
    ]
