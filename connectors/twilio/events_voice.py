"""Twilio's calls → channel events. All events of a call are of one thread; legs to agents are of their caller's call.

| Twilio asks or tells | we say |
|---|---|
| the first request for a call, status `initiated`, `ringing` or `queued` | `STARTED` |
| a digit in our menu | `DIGITS`; for "0" and "2" also the button `talk_to_agent` or `call_me_back` |
| `SpeechResult` | `SPEECH`: a message |
| an agent took a transferred call, or the leg to them ended well | `ANSWERED` |
| nobody took a transferred call | `MISSED` |
| `RecordingUrl` | `VOICEMAIL`: a message |
| `TranscriptionText` | `TRANSCRIPT`: a message |
| the number to call back | `CALLBACK` |
| a key on a call of ours to staff | what `events_notice` says |
| status `completed` of the call | `ENDED`; of `busy`, `no-answer`, `failed`, `canceled`: `MISSED` |

Source: twilio.com/docs/voice/twiml (requests), …/voice/api/call-resource#statuscallback, …/voice/trusted-calling-with-shakenstir.
What a step of the dialogue needs to know stands in the URL's query: nothing else is remembered between two requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from connectors.twilio.events import extras, instant, party, readable
from connectors.twilio.events_notice import is_about, pressed
from connectors.twilio.forms import Form, lenient_form, query_of
from gateway.sdk import (
    Attachment,
    ButtonPressed,
    CallChange,
    ChannelEvent,
    Delivery,
    Evidence,
    Party,
    PhoneCall,
    Role,
)

#: Endpoint of status callbacks.
STATUS: Final = "status"
#: Verdicts by which the caller's carrier vouches for their number (STIR/SHAKEN attestation A).
_ATTESTED: Final = frozenset({"TN-Validation-Passed-A", "TN-Validation-Passed-A-Passthru"})
#: What stands in `From` when the number is withheld (help.twilio.com: "Why am I getting calls from these strange numbers?").
_WITHHELD: Final = frozenset(
    {
        *("", "+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253", "+464", "+8566"),
        *("anonymous", "unknown", "restricted", "unavailable", "blocked"),
    }
)
_BEGUN: Final = frozenset({"queued", "initiated", "ringing"})
_MISSED: Final = frozenset({"busy", "no-answer", "failed", "canceled"})
_KNOWN: Final = frozenset(
    {
        *("CallSid", "From", "To", "Caller", "Called", "CallStatus", "CallDuration", "Duration", "Timestamp", "Digits"),
        *("SpeechResult", "RecordingSid", "RecordingUrl", "RecordingDuration", "TranscriptionSid", "TranscriptionText"),
        *("TranscriptionUrl", "StartTime", "DateSent"),
    }
)
#: Digit → the button that it is.
BUTTONS: Final = {"0": "talk_to_agent", "2": "call_me_back"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Where the dialogue with a caller stands: what the query of our own URLs says."""

    #: Step of the dialogue, empty for the first request.
    step: str = ""
    #: How often the caller was asked.
    number: int = 0
    #: True when the caller's number was attested in the first request.
    attested: bool = False
    #: SID of the caller's call, on the leg to an agent.
    root: str = ""


def turn_of(delivery: Delivery) -> Turn:
    """Return where the dialogue stands. Never raises."""
    query = query_of(delivery)
    number = query.get("n")
    return Turn(
        step=query.get("step"),
        number=int(number) if number.isascii() and number.isdigit() and len(number) < 4 else 0,  # noqa: PLR2004 (digits)
        attested=query.get("v") == "a",
        root=query.get("call"),
    )


def is_attested(form: Form) -> bool:
    """Return whether the caller's carrier vouches for their number."""
    return form.get("StirVerstat") in _ATTESTED


def lane_of(delivery: Delivery) -> str:
    """Return the lane: the caller's call. Never raises."""
    form = lenient_form(delivery)
    return turn_of(delivery).root or form.get("ParentCallSid", "CallSid") or "other"


def thread_of(delivery: Delivery) -> str:
    """Return the key of the thread that a request about a call is of. Never raises."""
    return f"call:{lane_of(delivery)}"


def parse_call(delivery: Delivery, *, listening: bool) -> Iterable[ChannelEvent]:
    """Return what a request about a call says; `listening` beside what answers the calls. Raises UnreadableDelivery."""
    form, turn = readable(delivery), turn_of(delivery)
    call = turn.root or form.get("ParentCallSid", "CallSid")
    if is_about(delivery) or not call:
        return pressed(delivery)
    heard = _Heard(form=form, turn=turn, call=call, delivery=delivery)
    if form.get("TranscriptionSid"):
        return heard.transcript()
    if form.get("RecordingUrl"):
        return heard.voicemail()
    if delivery.endpoint == STATUS:
        return heard.status(listening=listening)
    if turn.step in {"dialed", "queued", "old"}:
        return heard.transferred()
    steps = {"": heard.started, "choice": heard.choice, "number": heard.callback, "accept": heard.accepted}
    told = steps.get(turn.step)
    return told() if told is not None else []


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    form: Form
    turn: Turn
    call: str
    delivery: Delivery

    def _event(
        self,
        change: CallChange,
        dedupe: str,
        *,
        occurred_at: int | None = None,
        text: str = "",
        digits: str = "",
        duration: int | None = None,
        attachments: tuple[Attachment, ...] = (),
    ) -> PhoneCall:
        when = instant(self.form.get("Timestamp"), self.delivery.received_at)
        return PhoneCall(
            thread=f"call:{self.call}",
            dedupe=dedupe,
            occurred_at=when if occurred_at is None else occurred_at,
            sender=self._caller(),
            recipients=self._called(),
            call_id=self.call,
            change=change,
            text=text,
            digits=digits,
            duration=duration,
            attachments=attachments,
            extras=self._extras(),
        )

    def _caller(self) -> Party:
        """Return who called: also where the request is about the leg to an agent, whose `From` Twilio keeps."""
        address = self.form.get("From", "Caller")
        if address in _WITHHELD:
            name = "Withheld number" if self.form.get("From") else ""
            return Party(kind="call", value=self.call, name=name, role=Role.CUSTOMER, evidence=Evidence.CLAIMED)
        attested = self.turn.attested or is_attested(self.form)
        evidence = Evidence.ATTESTED if attested else Evidence.CLAIMED
        return party(address, name=self.form.get("CallerName"), evidence=evidence)

    def _called(self) -> tuple[Party, ...]:
        address = self.form.get("To", "Called")
        return (party(address, role=Role.SYSTEM),) if address else ()

    def _extras(self) -> Mapping[str, object]:
        return extras(self.form, _KNOWN)

    # --- the dialogue ------------------------------------------------------------------------------------------------
    def started(self) -> Iterable[ChannelEvent]:
        return [self._event(CallChange.STARTED, f"call:{self.call}:started")]

    def choice(self) -> Iterable[ChannelEvent]:
        """Return what the caller pressed or said."""
        digits, speech = self.form.get("Digits"), self.form.get("SpeechResult")
        place = f"{self.call}:{self.turn.number}"
        found: list[ChannelEvent] = []
        if digits:
            found.append(self._event(CallChange.DIGITS, f"digits:{place}", digits=digits))
            if digits in BUTTONS:
                found.append(self._button(BUTTONS[digits], digits, place))
        if speech:
            found.append(self._event(CallChange.SPEECH, f"speech:{place}", text=speech))
        return found

    def _button(self, action: str, digits: str, place: str) -> ButtonPressed:
        return ButtonPressed(
            thread=f"call:{self.call}",
            dedupe=f"button:{place}",
            occurred_at=self.delivery.received_at,
            sender=self._caller(),
            recipients=self._called(),
            action=action,
            label=f"Pressed {digits}",
        )

    def callback(self) -> Iterable[ChannelEvent]:
        """Return the wish to be called back, at the number that was keyed in or the caller's own."""
        digits = self.form.get("Digits")
        number = digits or self.form.get("From", "Caller")
        known = digits or number not in _WITHHELD
        text = f"Please call me back: {number}" if known else "Please call me back (number withheld)"
        return [self._event(CallChange.CALLBACK, f"callback:{self.call}", text=text, digits=digits)]

    def accepted(self) -> Iterable[ChannelEvent]:
        """Return that an agent took the call, on whose leg this request is."""
        leg = self.form.get("CallSid")
        return [self._event(CallChange.ANSWERED, f"call:{leg}:answered")] if leg and leg != self.call else []

    def transferred(self) -> Iterable[ChannelEvent]:
        """Return how a transfer ended."""
        status = self.form.get("DialCallStatus", "QueueResult")
        leg = self.form.get("DialCallSid") or f"{self.call}:{self.turn.step}"
        bridged = self.form.get("DialBridged") != "false"
        if status in {"completed", "answered", "bridged", "redirected-from-bridged"} and bridged:
            seconds = _number(self.form.get("DialCallDuration"))
            return [self._event(CallChange.ANSWERED, f"call:{leg}:answered", duration=seconds)]
        if status in {"hangup", "leave", "redirected", ""}:
            return []
        return [self._event(CallChange.MISSED, f"call:{self.call}:missed:{self.turn.step}:{self.turn.number}")]

    # --- sound -------------------------------------------------------------------------------------------------------
    def voicemail(self) -> Iterable[ChannelEvent]:
        """Return a recording that the caller left."""
        url, seconds = self.form.get("RecordingUrl"), _number(self.form.get("RecordingDuration"))
        recording = self.form.get("RecordingSid") or url.rstrip("/").rpartition("/")[2]
        sound = Attachment(id=recording, name="voicemail.mp3", media_type="audio/mpeg", url=f"{url}.mp3")
        return [
            self._event(CallChange.VOICEMAIL, f"recording:{recording}", duration=seconds, attachments=(sound,)),
        ]

    def transcript(self) -> Iterable[ChannelEvent]:
        """Return what Twilio wrote down of a recording; nothing when it could not."""
        text = self.form.get("TranscriptionText")
        if self.form.get("TranscriptionStatus") == "failed" or not text:
            return []
        return [self._event(CallChange.TRANSCRIPT, f"transcript:{self.form.get('TranscriptionSid')}", text=text)]

    # --- status callbacks --------------------------------------------------------------------------------------------
    def status(self, *, listening: bool) -> Iterable[ChannelEvent]:
        """Return what a status callback, or the poll, says: of the caller's call, or of the leg to an agent."""
        status = self.form.get("CallStatus").lower()
        if self.form.get("ParentCallSid"):
            return self._leg(status, listening=listening)
        if self.form.get("Direction") == "outbound-api":
            # Somebody of ours calls somebody: no customer's call.
            return []
        found: list[ChannelEvent] = []
        stamp = self.form.get("StartTime")
        if status in _BEGUN or stamp:
            begun = instant(stamp, self.delivery.received_at)
            found.append(self._event(CallChange.STARTED, f"call:{self.call}:started", occurred_at=begun))
        if status == "in-progress" and listening:
            found.append(self._event(CallChange.ANSWERED, f"call:{self.call}:answered"))
        if status == "completed":
            seconds = _number(self.form.get("CallDuration"))
            found.append(self._event(CallChange.ENDED, f"call:{self.call}:ended", duration=seconds))
        if status in _MISSED:
            found.append(self._event(CallChange.MISSED, f"call:{self.call}:missed"))
        return found

    def _leg(self, status: str, *, listening: bool) -> Iterable[ChannelEvent]:
        """Return what happened to the leg to an agent.

        While Baton answers, the end of the transfer says it for all legs together: of five that ring, four are cancelled
        when one is taken. While it listens there is nobody else to say it; cancelled legs still say nothing.
        """
        leg = self.form.get("CallSid")
        if status == "in-progress":
            return [self._event(CallChange.ANSWERED, f"call:{leg}:answered")]
        if listening and status in {"busy", "no-answer"}:
            return [self._event(CallChange.MISSED, f"call:{leg}:missed")]
        return []


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None  # noqa: PLR2004 (digits)
