"""Settings of Twilio connections: what both share, then text messages, then calls."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from connectors.twilio.prices import CALL, CHANNELS, wrong_key
from gateway.sdk import ConnectionSettings, safe_address

_NUMBER = r"^\+[1-9][0-9]{6,14}$"


class TwilioAccount(ConnectionSettings):
    """How Baton reaches one Twilio account, and how Twilio proves its requests."""

    account_sid: str = Field(pattern=r"^AC[0-9A-Za-z]+$")
    """SID of the account (AC…), from the Console's front page."""

    auth_token: SecretStr = Field(min_length=1)
    """The account's auth token: Twilio signs its requests with it. Calls are made with it too, unless an API key is given."""

    previous_auth_token: SecretStr | None = None
    """The token before it was changed: requests signed with it are accepted until this line is removed."""

    signing_key: SecretStr | None = None
    """Secret of a shared key for webhooks, where the account signs with HMAC_SHA256 instead of the auth token."""

    subaccounts: dict[str, SecretStr] = Field(default_factory=dict)
    """Auth tokens of sub-accounts by their SID: what happens in one is signed with its own token."""

    api_key_sid: str = Field(default="", pattern=r"^(SK[0-9A-Za-z]+)?$")
    """SID of a restricted API key (SK…), with which calls are made instead of with the auth token."""

    api_key_secret: SecretStr | None = None
    """Secret of that API key."""

    numbers: tuple[str, ...] = ()
    """Our own numbers and senders (`+4930…`, `whatsapp:+4930…`): what is polled is kept to them. Empty: all of the account."""

    notify_from: str = Field(default="", pattern=rf"^$|{_NUMBER}")
    """Our number from which staff are told of cases. Empty: the first of `numbers`."""

    webhook_url: str = ""
    """This connection's hook as Twilio reaches it, `https://…/hooks/NAME`. Without it Twilio reports no delivery states."""

    url_fragment: str = Field(default="", pattern=r"^(#[A-Za-z0-9=&,.:%_-]+)?$")
    """Connection overrides (`#rc=2&rp=all`) behind the URL in the Console: no request bears them, a signature may cover them."""

    timeout: float = Field(default=10.0, gt=0, le=15)
    """Longest that one request to Twilio may take, seconds."""

    api_url: str = "https://api.twilio.com"
    """Address of the API. Another one only for a sandbox or another edge: http only on this machine."""

    @field_validator("api_url")
    @classmethod
    def _safe_address(cls, value: str) -> str:
        if not safe_address(value):
            message = "an address of the API begins with https://; http:// only for a sandbox on this machine"
            raise ValueError(message)
        return value.rstrip("/")

    @field_validator("webhook_url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"https", "http"} or not parts.hostname or parts.query or parts.fragment):
            message = "the hook's address is a URL without a query: https://YOUR-ADDRESS/hooks/NAME"
            raise ValueError(message)
        return value.rstrip("/")

    @property
    def notifies_from(self) -> str:
        """Return our number from which staff are told, empty when there is none."""
        plain = (each for each in self.numbers if each.startswith("+"))
        return self.notify_from or next(plain, "")

    def notices_lack(self) -> tuple[str, ...]:
        """Say that there is no number to tell staff from, where there is none."""
        return () if self.notifies_from else ("it has no number to tell them from, so set notify_from",)

    @model_validator(mode="after")
    def _whole_key(self) -> TwilioAccount:
        if bool(self.api_key_sid) != (self.api_key_secret is not None):
            message = "api_key_sid and api_key_secret belong together: give both or neither"
            raise ValueError(message)
        return self


class TwilioCapped(TwilioAccount):
    """What a number may spend in a day."""

    #: What keys of `prices` begin with.
    priced: ClassVar[tuple[str, ...]] = ()

    daily_cost: Decimal | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Money that each number may spend in a day (UTC), in `currency`, by `prices`. Holds beside the cap in number."""

    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    """Currency of `daily_cost` and `prices`: the one that Twilio bills the account in."""

    prices: dict[str, Decimal] = Field(default_factory=dict)
    """Prices, as Twilio bills."""

    @field_validator("prices")
    @classmethod
    def _priced(cls, value: dict[str, Decimal]) -> dict[str, Decimal]:
        for key, price in value.items():
            message = wrong_key(key, cls.priced)
            if not message and not (price.is_finite() and price >= 0):
                message = f'the price of "{key}" is {price}: a price is 0 or more'
            if message:
                raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _both(self) -> TwilioCapped:
        if (self.daily_cost is None) == bool(self.prices):
            message = "daily_cost and prices belong together: give both or neither"
            raise ValueError(message)
        return self


class TwilioSettings(TwilioCapped):
    """Text messages: SMS and WhatsApp."""

    priced = CHANNELS

    template_sid: str = Field(default="", pattern=r"^(HX[0-9A-Za-z]+)?$")
    """Content template (HX…) for WhatsApp replies later than 24 hours after the customer's last message. Empty: they fail."""

    template_variable: str = Field(default="1", min_length=1)
    """The variable of that template that takes the reply's text."""

    daily_messages: int = Field(default=1000, ge=1, le=100_000)
    """Message segments, as they are billed, that each number may send in a day (UTC), whoever sent them. More: dead letters."""

    prices: dict[str, Decimal] = Field(default_factory=dict)
    """Price of an SMS segment (`sms`) or of a message (`whatsapp`), also to numbers that begin so:
    `{ sms = 0.05, "sms +49" = 0.09 }`. A message that no price covers is not sent."""


class TwilioVoiceSettings(TwilioCapped):
    """Telephone calls."""

    priced = (CALL,)

    answers: bool = False
    """False: Baton only listens beside what answers calls today. True: Baton answers calls with the texts below, in any mode."""

    greeting: str = "Thank you for calling. Please say in a few words how we can help you."
    """The first sentence that a caller hears."""

    menu: str = "To speak with a person, press zero. To leave a message, press one. To be called back, press two."
    """Said after the greeting, and after each answer of the caller."""

    consent: str = Field(
        default="Your message will be recorded and written down, so that we can help you. If you do not agree, hang up now.",
        min_length=1,
    )
    """Said before each recording. The law of most countries demands it."""

    noted: str = "Thank you, I have noted that."
    """Said after the caller has said something."""

    goodbye: str = "Thank you. Goodbye."
    """Said last."""

    waiting: str = "I connect you with a person. One moment, please."
    """Said before a transfer."""

    nobody: str = "Nobody can take your call right now."
    """Said when a transfer failed, before the voicemail."""

    callback: str = (
        "We call you back at the number that you call from. For another number, enter it now and press hash."
    )
    """Said when the caller wants to be called back."""

    whisper: str = (
        "A customer is on the line. Priority {{priority}}. Reason: {{reason}}. Ticket {{ticket}}. "
        "Press any key to take the call."
    )
    """Said to whoever picks up a transferred call, who must press a key to take it. A sentence of which a place (`{{priority}}`,
    `{{reason}}`: the rule, `{{ticket}}`) is not known is left out. Empty: picking up is taking."""

    person_words: tuple[str, ...] = ("agent", "person", "human", "representative", "operator", "somebody real")
    """Words by which a caller who speaks is transferred at once."""

    language: str = "en-US"
    """Language of voice and speech recognition, as Twilio names it."""

    voice: str = ""
    """Twilio's name of the voice, empty for the account's own."""

    transfer_to: tuple[str, ...] = ()
    """Numbers (E.164) of people who take calls; all of them ring, the first who takes it has it."""

    transfer_queue: str = ""
    """Instead of numbers: the name of a Twilio queue."""

    transfer_workflow: str = Field(default="", pattern=r"^(WW[0-9A-Za-z]+)?$")
    """Instead of numbers: a TaskRouter workflow (WW…), for Flex."""

    transfer_seconds: int = Field(default=25, ge=5, le=600)
    """How long numbers ring, seconds."""

    old_number: str = Field(default="", pattern=rf"^$|{_NUMBER}")
    """Where calls went before Baton (E.164): they are sent there while the connection is paused."""

    voicemail_seconds: int = Field(default=120, ge=5, le=600)
    """Longest voicemail, seconds. Twilio writes down at most 120."""

    transcribe: bool = True
    """Have Twilio write voicemails down. It does so for English only."""

    notice: str = Field(default="This is the support desk. A case needs you. Press one to take it.", min_length=1)
    """Said to staff who are called since a case needs somebody: nothing of the case or its customer is."""

    notice_seconds: int = Field(default=30, ge=10, le=120)
    """How long their telephone rings, seconds."""

    daily_calls: int = Field(default=1000, ge=1, le=100_000)
    """Calls that each number may make in a day (UTC), whoever made them. More: dead letters, and nobody is called."""

    prices: dict[str, Decimal] = Field(default_factory=dict)
    """Price of a minute of a call to staff (`call`), also to numbers that begin so: `{ call = 0.05, "call +49" = 0.15 }`. A
    number that no price covers is not called."""

    turns: int = Field(default=4, ge=1, le=20)
    """How often a caller may say something before the voicemail takes over."""

    def notices_lack(self) -> tuple[str, ...]:
        """Say the same, and that a key which they press would reach nobody."""
        hook = () if self.webhook_url else ("a key that they press would reach nobody, so set webhook_url",)
        return (*super().notices_lack(), *hook)

    @field_validator("whisper")
    @classmethod
    def _places(cls, value: str) -> str:
        unknown = set(re.findall(r"\{\{\s*(.*?)\s*\}\}", value)) - {"priority", "reason", "ticket"}
        if unknown:
            message = f"there is no place {{{{{min(unknown)}}}}}: there are {{{{priority}}}}, {{{{reason}}}} and {{{{ticket}}}}"
            raise ValueError(message)
        return value

    @field_validator("transfer_to")
    @classmethod
    def _numbers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not (each.startswith("+") and each[1:].isascii() and each[1:].isdigit()) for each in value):
            message = "numbers to transfer to are written in E.164: +4930123456"
            raise ValueError(message)
        return value
