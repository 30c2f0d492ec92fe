"""Settings of a Slack connection."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from gateway.sdk import ConnectionSettings, safe_address


class SlackSettings(ConnectionSettings):
    """How Baton reaches one Slack workspace, and how Slack proves its requests."""

    bot_token: SecretStr = Field(min_length=1)
    """The bot token (xoxb-…) of the app, from OAuth & Permissions."""

    signing_secret: SecretStr = Field(min_length=1)
    """The app's signing secret, from Basic Information."""

    app_token: SecretStr | None = None
    """An app-level token (xapp-…) with the scope connections:write: with it, events come over a socket that Baton opens (Socket
    Mode), for gateways that Slack cannot reach. Without it, Slack sends them to the hooks."""

    previous_signing_secret: SecretStr | None = None
    """The secret before it was changed: both are accepted until this line is removed."""

    bot_user_id: str = Field(pattern=r"^[UW][A-Z0-9]+$")
    """Id of the bot's user (U…): what it writes is never taken for a person's. Checked when the connection opens."""

    app_id: str = Field(default="", pattern=r"^(A[A-Z0-9]+)?$")
    """Id of the app (A…), by which its own messages are recognised as well."""

    agent_channels: tuple[str, ...] = ()
    """Ids of channels (C…) in which only agents talk, such as those that notices go to: what is said there is no case."""

    api_url: str = "https://slack.com/api/"
    """Address of the Web API. Another one only for a sandbox: http only on this machine."""

    @field_validator("api_url")
    @classmethod
    def _safe_address(cls, value: str) -> str:
        if not safe_address(value):
            message = "an address of the API begins with https://; http:// only for a sandbox on this machine"
            raise ValueError(message)
        return value if value.endswith("/") else value + "/"
