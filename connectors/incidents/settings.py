"""Settings of monitoring and status pages."""

from __future__ import annotations

from typing import Final

from pydantic import SecretStr, field_validator, model_validator

from gateway.sdk import ConnectionSettings

#: Characters of a token: what is shorter could be guessed, since nothing but it is asked for.
SHORTEST: Final = 20


class IncidentsSettings(ConnectionSettings):
    """How those that watch prove their requests: write what the ones need that you have."""

    token: SecretStr | None = None
    """For Alertmanager and Statuspage, which sign nothing: at least 20 random characters that their requests carry."""

    previous_token: SecretStr | None = None
    """The token before it was changed: both are accepted until this line is removed."""

    pagerduty_secret: SecretStr | None = None
    """The secret that PagerDuty shows when the webhook subscription is made."""

    previous_pagerduty_secret: SecretStr | None = None
    """The secret of another subscription, or of the one before: both are accepted until this line is removed."""

    fingerprint_label: str = ""
    """The label of alerts that has the fingerprint of messages that belong to the incident. Without it, all that count do."""

    @field_validator("token", "previous_token")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < SHORTEST:
            message = f"a token has at least {SHORTEST} characters"
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _provable(self) -> IncidentsSettings:
        if self.token is None and self.pagerduty_secret is None:
            message = (
                "write token (Alertmanager, Statuspage) or pagerduty_secret: without either nobody could prove anything"
            )
            raise ValueError(message)
        return self
