"""The settings of a Toyline connection."""

from pydantic import SecretStr

from gateway.sdk import ConnectionSettings


class ToySettings(ConnectionSettings):
    """A line to Toyline."""

    secret: SecretStr
    """Proves that a request comes from Toyline."""

    trouble: str = ""
    """What the connector does wrong, for tests: `open` fails to open, `made` fails when it is made."""

    address: str = ""
    """Where customers reach it, for the look at two owners of one address."""
