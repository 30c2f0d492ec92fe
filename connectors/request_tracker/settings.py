"""Settings of a Request Tracker connection."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from gateway.sdk import ConnectionSettings, Priority, TicketStatus, safe_address


class RequestTrackerSettings(ConnectionSettings):
    """How Baton reaches one Request Tracker, and how that proves its webhooks."""

    url: str
    """Address of Request Tracker, as in its own $WebURL, like https://rt.example.com. http:// only on this machine."""

    user: str = Field(min_length=1)
    """Name of the RT user that Baton works as. What it does is never taken for a person's."""

    token: SecretStr | None = Field(default=None, min_length=1)
    """An auth token of that user (Logged in as, Settings, Auth Tokens). Either this or `password`."""

    password: SecretStr | None = Field(default=None, min_length=1)
    """That user's password, where auth tokens are not wanted."""

    webhook_secret: SecretStr = Field(min_length=16)
    """The secret that the scrip signs with: $BatonWebhookSecret of RT_SiteConfig.pm."""

    previous_webhook_secret: SecretStr | None = Field(default=None, min_length=16)
    """The secret before it was changed: both are accepted until this line is removed."""

    queue: str = Field(default="General", min_length=1)
    """Queue of new tickets, by name or number, unless a rule names another one."""

    external_id_field: str = "baton_external_id"
    """Custom field that carries the case's id, by which a ticket is found again. Empty: a link (`RefersTo`) does."""

    tags_field: str = ""
    """Custom field for tags, one that takes several values. Without one tags stand in the note only: RT has none of its own."""

    sla_due_field: str = ""
    """Custom field (enter one value) that tells when the next target of the SLA is due: `2026-11-30T09:00:00Z`, `-` when no clock
    runs. Without it that stands in the note only."""

    priorities: dict[Priority, int] = Field(
        default={Priority.P1: 100, Priority.P2: 75, Priority.P3: 50, Priority.P4: 0}
    )
    """RT's number for each of our priorities."""

    statuses: dict[str, TicketStatus] = Field(
        default={
            "new": TicketStatus.NEW,
            "open": TicketStatus.OPEN,
            "stalled": TicketStatus.PENDING,
            "resolved": TicketStatus.SOLVED,
            "rejected": TicketStatus.CLOSED,
            "deleted": TicketStatus.CLOSED,
        }
    )
    """Our state for each status of RT's lifecycles. A status that is not here changes nothing for the case."""

    agent_groups: tuple[str, ...] = ()
    """Groups whose members are agents. Empty: all groups that Baton's user may see."""

    timeout: float = Field(default=15.0, gt=0, le=30)
    """Longest that one request to RT may take, seconds."""

    @field_validator("url")
    @classmethod
    def _safe_address(cls, value: str) -> str:
        if urlsplit(value).hostname is None or not safe_address(value):
            message = "the address of Request Tracker begins with https://; http:// only on this machine"
            raise ValueError(message)
        return value.rstrip("/")

    @field_validator("external_id_field", "tags_field", "sla_due_field")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        # The name stands within a query of TicketSQL: 'CF.{name}'.
        if any(sign in value for sign in "{}'\"\\"):
            message = "the name of a custom field holds no braces, quotes or backslashes"
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _one_way_in(self) -> RequestTrackerSettings:
        if (self.token is None) == (self.password is None):
            message = "give either token or password"
            raise ValueError(message)
        return self
