"""Connectors that exist on paper only: a spec is all that the configuration needs of one."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from gateway.config import AnySpec
from gateway.model import Channel
from gateway.sdk import ConnectionSettings, ConnectorSpec


class Person(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: str
    """Who it is."""

    pin: SecretStr
    """Their number."""


class TalkSettings(ConnectionSettings):
    """A chat."""

    signing_secret: SecretStr
    """Proves that a request comes from Talk."""

    tokens: tuple[SecretStr, ...] = ()
    """Tokens, newest first."""

    colour: str = "blue"
    """What it looks like."""

    port: int = Field(default=7, ge=1, le=9)
    """Where it listens."""

    people: dict[str, Person] = Field(default_factory=dict[str, Person])
    """Who may do what."""

    @field_validator("signing_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < 8:
            # A careless validator of somebody else's: it quotes what it was given.
            raise ValueError(f"{value.get_secret_value()} is too short")
        return value


class DeskSettings(ConnectionSettings):
    """A helpdesk."""

    subdomain: str
    """The part before .desk.example."""

    api_token: SecretStr | None = None
    """Opens the door."""


def specs() -> Mapping[str, AnySpec]:
    made: list[AnySpec] = [
        ConnectorSpec(
            name="talk",
            title="Talk",
            channels=frozenset({Channel.CHAT, Channel.MESSAGING}),
            settings=TalkSettings,
            factory="x:Talk",
        ),
        ConnectorSpec(
            name="desk", title="Desk", channels=frozenset({Channel.HELPDESK}), settings=DeskSettings, factory="x:Desk"
        ),
    ]
    return {spec.name: spec for spec in made}


#: What the tests' environment holds.
ENVIRON: Mapping[str, str] = {
    "TALK_SECRET": "canary-secret-of-talk",
    "SHORT": "canary7",
    "EMPTY": "  ",
    "DESK_TOKEN": "canary-of-desk",
}
