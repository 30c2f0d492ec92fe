"""Settings of a chatbot."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import SecretStr, field_validator, model_validator

from connectors.chatbot.signing import key_of
from gateway.sdk import ConnectionSettings, safe_address


class ChatbotSettings(ConnectionSettings):
    """How a bot proves its requests, and where it wants to hear of answers."""

    secret: SecretStr
    """The secret with which the bot signs, written `whsec_` and 24 to 64 random bytes in base64."""

    previous_secret: SecretStr | None = None
    """The secret before it was changed: both are accepted until this line is removed."""

    callback_url: str = ""
    """Where replies are posted, signed with `callback_secret`. Without it the bot asks for them."""

    callback_secret: SecretStr | None = None
    """The secret with which Baton signs what it posts to `callback_url`, written like `secret`."""

    previous_callback_secret: SecretStr | None = None
    """The callback secret before it was changed: what is posted carries both signatures until this line is removed."""

    @field_validator("secret", "previous_secret", "callback_secret", "previous_callback_secret")
    @classmethod
    def _usable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            key_of(value.get_secret_value())
        return value

    @field_validator("callback_url")
    @classmethod
    def _safe_address(cls, value: str) -> str:
        if value and (urlsplit(value).hostname is None or not safe_address(value)):
            message = "an address begins with https://; http:// only for this machine"
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _signed(self) -> ChatbotSettings:
        if bool(self.callback_url) != (self.callback_secret is not None):
            message = "callback_url and callback_secret go together: what is posted must be signed"
            raise ValueError(message)
        return self
