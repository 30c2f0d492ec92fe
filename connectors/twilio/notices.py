"""Notices to staff by telephone: a text message that is answered with a digit, and a call that takes one. Pure.

Neither says anything of the customer or of what they wrote: who reads or hears it may stand in a tram. The title is the policy's
own words. What a call needs to know stands in the URL that Twilio asks next, and is signed as everything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from twilio.twiml.voice_response import Gather, VoiceResponse

from connectors.twilio.events_notice import STEP, action_of
from connectors.twilio.replies import LONGEST
from gateway.sdk import Delivery, Notice, PermanentFailure

if TYPE_CHECKING:
    from connectors.twilio.settings import TwilioAccount, TwilioVoiceSettings

#: Letters and digits of a notice's key by which an answer can name its case.
_LETTERS: Final = 6
#: Seconds of silence after which the sentence is said again, and how often it is.
_SILENCE: Final = 5
_TIMES: Final = 2


def addresses(notice: Notice, settings: TwilioAccount) -> tuple[str, str]:
    """Return our number and theirs. Raises PermanentFailure when there is none."""
    if not settings.notifies_from:
        raise PermanentFailure("There is no number to tell staff from: set notify_from of the connection.")
    return settings.notifies_from, notice.destination


def text_of(notice: Notice) -> str:
    """Return the text message that a notice becomes: it ends with how it is answered."""
    name = "".join(each for each in notice.key if each.isalnum())[:_LETTERS].upper()
    also = [f", {number} to {button.label.lower()}" for number, button in enumerate(notice.buttons[1:], 2)]
    ask = f"Reply 1 to take case {name}{''.join(also)}." if notice.buttons else f"Case {name}."
    title = " ".join(notice.title.split()).rstrip(".")[: LONGEST - len(ask) - 2]
    return f"{title}. {ask}" if title else ask


def call_of(notice: Notice, settings: TwilioVoiceSettings) -> str:
    """Return the TwiML that a call plays. Raises PermanentFailure when no key could come back."""
    if not settings.webhook_url:
        raise PermanentFailure("A key that is pressed would reach nobody: set webhook_url of the connection.")
    said = VoiceResponse()
    actions = ".".join(button.action for button in notice.buttons)
    query = urlencode({"step": STEP, "notice": notice.key, "actions": actions})
    for _ in range(_TIMES):
        gather = Gather(
            input="dtmf", num_digits=1, timeout=_SILENCE, action=f"{settings.webhook_url}?{query}", method="POST"
        )
        gather.say(settings.notice, **_tongue(settings))
        said.append(gather)
    said.hangup()
    return str(said)


def thanks(delivery: Delivery, settings: TwilioVoiceSettings) -> str:
    """Return what they hear next. Never raises."""
    said = VoiceResponse()
    words = settings.noted if action_of(delivery) else settings.goodbye
    said.say(words, **_tongue(settings))
    said.hangup()
    return str(said)


def _tongue(settings: TwilioVoiceSettings) -> dict[str, str]:
    return {"language": settings.language, **({"voice": settings.voice} if settings.voice else {})}
