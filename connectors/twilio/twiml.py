"""What a caller hears next: pure answers in TwiML, from the request and the settings alone.

The dialogue: greeting and menu → a digit or words → a person ("0" or a word for one), a voicemail ("1"), a call back ("2").
Where it stands goes into the query of the URLs that Twilio asks next; Twilio signs them as it signs everything else.
Source: twilio.com/docs/voice/twiml/gather, …/record, …/dial, …/number, …/enqueue.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from twilio.twiml.voice_response import Dial, Enqueue, Gather, VoiceResponse

from connectors.twilio.events_voice import is_attested, turn_of
from connectors.twilio.forms import lenient_form
from gateway.sdk import Standing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.twilio.events_voice import Turn
    from connectors.twilio.forms import Form
    from connectors.twilio.settings import TwilioVoiceSettings
    from gateway.sdk import Delivery

#: Seconds of silence after which a caller is asked again.
_SILENCE: Final = 5
#: Twilio writes down no longer recording.
_LONGEST_TRANSCRIBED: Final = 120
#: Places in what is whispered; see the setting.
_PLACE: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_SENTENCES: Final = re.compile(r"(?<=[.!?])\s+")
#: Said when all sentences of the setting name what is not known: the key must be asked for.
_WHISPER: Final = "Press any key to take the call."
_GOOD_ENDS: Final = frozenset({"completed", "answered", "bridged"})


def answer(
    delivery: Delivery,
    settings: TwilioVoiceSettings,
    *,
    paused: bool,
    standing: Standing = Standing(),  # noqa: B008 (a value)
) -> str:
    """Return the TwiML that answers a request for a call; `standing` is its case's. Never raises, whatever the bytes are."""
    form, turn = lenient_form(delivery), turn_of(delivery)
    return str(_Dialogue(form, turn, settings, paused=paused, standing=standing).next())


def speaks_of_the_case(delivery: Delivery, settings: TwilioVoiceSettings) -> bool:
    """Tell whether the answer to a request may tell an agent, or Flex, which case the call is of. Never raises."""
    step = turn_of(delivery).step
    return step == "whisper" or (step == "choice" and bool(settings.transfer_workflow))


def whispered(text: str, places: Mapping[str, str]) -> str:
    """Return what an agent hears: places are filled, and a sentence of which one is empty is left out."""
    told: list[str] = []
    for sentence in _SENTENCES.split(text):
        named = _PLACE.findall(sentence)
        if all(places.get(name) for name in named):
            told.append(_PLACE.sub(lambda found: places[found[1]], sentence))
    return " ".join(told)


class _Dialogue:
    """One answer."""

    def __init__(
        self, form: Form, turn: Turn, settings: TwilioVoiceSettings, *, paused: bool, standing: Standing
    ) -> None:
        self._standing = standing
        self._form = form
        self._turn = turn
        self._settings = settings
        self._paused = paused
        self._attested = turn.attested or is_attested(form)
        self._said = VoiceResponse()

    def next(self) -> VoiceResponse:
        step, number = self._turn.step, self._turn.number
        if step == "":
            self._begin()
        elif step == "choice":
            self._choice()
        elif step == "again":
            self._ask(number) if number <= self._settings.turns else self._voicemail()
        elif step in {"dialed", "queued", "old"}:
            self._after_transfer()
        elif step == "whisper":
            self._whisper()
        elif step in {"recorded", "number"}:
            self._say(self._settings.goodbye)
            self._said.hangup()
        elif step != "accept":
            # An address of ours that an earlier version made: the caller is asked anew.
            self._ask(1)
        return self._said

    # --- steps -------------------------------------------------------------------------------------------------------
    def _begin(self) -> None:
        if (self._paused or not self._settings.answers) and self._settings.old_number:
            self._dial_old()
        elif not self._settings.answers:
            # The Console sends calls here although Baton only listens: it must not play the operator.
            self._say(self._settings.nobody)
            self._said.hangup()
        else:
            self._ask(1, self._settings.greeting)

    def _ask(self, number: int, first: str = "") -> None:
        gather = Gather(
            input="dtmf speech",
            num_digits=1,
            timeout=_SILENCE,
            speech_timeout="auto",
            language=self._settings.language,
            action=self._url("choice", number),
            method="POST",
        )
        for text in (first, self._settings.menu):
            if text:
                gather.say(text, **self._tongue())
        self._said.append(gather)
        self._said.redirect(self._url("again", number + 1), method="POST")

    def _choice(self) -> None:
        digits, speech = self._form.get("Digits"), self._form.get("SpeechResult")
        if digits == "0" or (not digits and self._wants_person(speech)):
            self._transfer()
        elif digits == "1":
            self._voicemail()
        elif digits == "2":
            self._callback()
        elif self._turn.number >= self._settings.turns:
            self._voicemail(self._settings.noted if speech else "")
        else:
            self._ask(self._turn.number + 1, self._settings.noted if speech else "")

    def _wants_person(self, speech: str) -> bool:
        words = [re.escape(word.casefold()) for word in self._settings.person_words if word]
        return bool(words) and re.search(rf"\b(?:{'|'.join(words)})\b", speech.casefold()) is not None

    def _transfer(self) -> None:
        settings = self._settings
        if self._paused and settings.old_number:
            self._dial_old()
        elif settings.transfer_workflow:
            self._say(settings.waiting)
            enqueue = Enqueue(workflow_sid=settings.transfer_workflow, action=self._url("queued"), method="POST")
            enqueue.task(json.dumps(self._task()))
            self._said.append(enqueue)
        elif settings.transfer_queue:
            self._say(settings.waiting)
            self._said.enqueue(settings.transfer_queue, action=self._url("queued"), method="POST")
        elif settings.transfer_to:
            self._say(settings.waiting)
            dial = Dial(action=self._url("dialed"), method="POST", timeout=settings.transfer_seconds)
            whisper: dict[str, Any] = {"url": self._url("whisper"), "method": "POST"} if settings.whisper else {}
            for number in settings.transfer_to:
                dial.number(number, **whisper)
            self._said.append(dial)
        else:
            self._voicemail(settings.nobody)

    def _dial_old(self) -> None:
        dial = Dial(action=self._url("old"), method="POST", timeout=self._settings.transfer_seconds)
        dial.number(self._settings.old_number)
        self._said.append(dial)

    def _after_transfer(self) -> None:
        ended = self._form.get("DialCallStatus", "QueueResult")
        if (ended in _GOOD_ENDS and self._form.get("DialBridged") != "false") or ended in {"hangup", "leave"}:
            self._said.hangup()
        elif self._settings.answers:
            self._voicemail(self._settings.nobody)
        else:
            self._say(self._settings.nobody)
            self._said.hangup()

    def _whisper(self) -> None:
        gather = Gather(input="dtmf", num_digits=1, timeout=_SILENCE, action=self._url("accept"), method="POST")
        text = whispered(self._settings.whisper, self._places()) or whispered(_WHISPER, {})
        gather.say(text, **self._tongue())
        self._said.append(gather)
        # Nobody pressed a key: an answering machine has picked up.
        self._said.hangup()

    def _places(self) -> dict[str, str]:
        """Return what may be told to an agent, as it is spoken: digits of a ticket one by one."""
        standing = self._standing
        ticket = " ".join(standing.ticket) if standing.ticket.isdigit() else standing.ticket
        reason = standing.rule.replace("-", " ").replace("_", " ")
        return {"priority": standing.priority, "reason": reason, "ticket": ticket}

    def _task(self) -> dict[str, object]:
        """Return the attributes of a task in TaskRouter: what a workflow routes by, and Flex shows. No word of the caller."""
        standing = self._standing
        told = {
            "call_sid": self._turn.root or self._form.get("CallSid"),
            "from": self._form.get("From"),
            "to": self._form.get("To"),
            "attested": self._attested,
            "asked_by": "digits" if self._form.get("Digits") else "words",
            "case": standing.case_id,
            "ticket": standing.ticket,
            "priority": standing.priority,
            "reason": standing.rule,
        }
        return {name: value for name, value in told.items() if value != ""}

    def _voicemail(self, first: str = "") -> None:
        settings = self._settings
        if first:
            self._say(first)
        self._say(settings.consent)
        written: dict[str, Any] = (
            {"transcribe": True, "transcribe_callback": self._url("transcribed")} if settings.transcribe else {}
        )
        longest = (
            min(settings.voicemail_seconds, _LONGEST_TRANSCRIBED) if settings.transcribe else settings.voicemail_seconds
        )
        self._said.record(
            action=self._url("recorded"),
            method="POST",
            max_length=longest,
            finish_on_key="#",
            play_beep=True,
            **written,
        )
        self._say(settings.goodbye)
        self._said.hangup()

    def _callback(self) -> None:
        gather = Gather(
            input="dtmf",
            finish_on_key="#",
            timeout=_SILENCE,
            action_on_empty_result=True,
            action=self._url("number"),
            method="POST",
        )
        gather.say(self._settings.callback, **self._tongue())
        self._said.append(gather)

    # --- pieces ------------------------------------------------------------------------------------------------------
    def _say(self, text: str) -> None:
        if text:
            self._said.say(text, **self._tongue())

    def _tongue(self) -> dict[str, Any]:
        return {
            "language": self._settings.language,
            **({"voice": self._settings.voice} if self._settings.voice else {}),
        }

    def _url(self, step: str, number: int | None = None) -> str:
        """Return the address of a step. Without `webhook_url` relative to the one that Twilio asks now."""
        query = {"step": step, "n": str(self._turn.number if number is None else number)}
        if self._attested:
            query["v"] = "a"
        if step in {"whisper", "accept"}:
            # On the leg to an agent the request bears that leg's SID: the caller's goes along here.
            query["call"] = self._turn.root or self._form.get("CallSid")
        return f"{self._settings.webhook_url}?{urlencode(query)}"
