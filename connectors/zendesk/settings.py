"""Settings of a Zendesk connection."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from gateway.sdk import ConnectionSettings, safe_address


class ZendeskSettings(ConnectionSettings):
    """How Baton reaches one Zendesk account, and how Zendesk proves its webhooks."""

    subdomain: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    """The account's subdomain: `acme` of acme.zendesk.com."""

    email: str = Field(min_length=3)
    """E-mail address of the user that Baton works as."""

    api_token: SecretStr = Field(min_length=1)
    """An API token of that account."""

    user_id: int = Field(gt=0)
    """Id of the user that Baton works as, from the address of its profile page. What it does is never taken for a person's."""

    webhook_secret: SecretStr = Field(min_length=1)
    """The webhook's signing secret."""

    previous_webhook_secret: SecretStr | None = None
    """The secret before it was changed: both are accepted until this line is removed."""

    profile_fields: dict[str, str] = Field(default_factory=dict)
    """What else to know of customers: our name → `user.KEY` or `organization.KEY` of a custom field, as
    `{ tier = "organization.support_tier" }`."""

    sla_due_field: int | None = Field(default=None, gt=0)
    """Number of a text field of tickets that tells when the next target of the SLA is due: `2026-11-30T09:00:00Z`, empty when no
    clock runs. Without it that stands in the note only."""

    api_url: str | None = None
    """Another address of the API, for a sandbox: http only on this machine. Leave it out for Zendesk itself."""

    timeout: float = Field(default=10.0, gt=0, le=20)
    """Longest that one request to Zendesk may take, seconds."""

    @field_validator("profile_fields")
    @classmethod
    def _paths(cls, value: dict[str, str]) -> dict[str, str]:
        for name, path in value.items():
            where, dot, key = path.partition(".")
            if where not in {"user", "organization"} or not dot or not key:
                message = f"{name}: write user.KEY or organization.KEY, as organization.support_tier"
                raise ValueError(message)
        return value

    @field_validator("api_url")
    @classmethod
    def _safe_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not safe_address(value):
            message = "an address of the API begins with https://; http:// only for a sandbox on this machine"
            raise ValueError(message)
        return value.rstrip("/")
