"""The settings of a Paperboy connection."""

from pydantic import SecretStr

from gateway.sdk import ConnectionSettings


class PaperboySettings(ConnectionSettings):
    """A Paperboy account."""

    api_url: str = "https://api.paperboy.example"
    """Where Paperboy's API answers."""

    api_token: SecretStr
    """Token that calls are made with."""

    signing_secret: SecretStr
    """Proves that a delivery comes from Paperboy."""
