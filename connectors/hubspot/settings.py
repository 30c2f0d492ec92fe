"""Settings of a HubSpot connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from gateway.sdk import ConnectionSettings, Priority, TicketStatus, safe_address

#: Stages of the pipeline that HubSpot makes in each account, and what they mean.
_STAGES: Final[Mapping[str, TicketStatus]] = {
    "1": TicketStatus.NEW,
    "2": TicketStatus.PENDING,
    "3": TicketStatus.OPEN,
    "4": TicketStatus.SOLVED,
}
_PRIORITIES: Final[Mapping[Priority, str]] = {
    Priority.P1: "URGENT",
    Priority.P2: "HIGH",
    Priority.P3: "MEDIUM",
    Priority.P4: "LOW",
}
_NAME: Final = r"^[a-z][a-z0-9_]{0,99}$"


class HubSpotSettings(ConnectionSettings):
    """How Baton reaches one HubSpot account, and how HubSpot proves its webhooks."""

    portal_id: int = Field(gt=0)
    """Number of the account (Hub ID), from the address of any of its pages. Webhooks of other accounts are ignored."""

    app_id: int = Field(gt=0)
    """Number of the app that Baton works as. What it does is never taken for a person's."""

    client_secret: SecretStr = Field(min_length=1)
    """The app's client secret: it signs webhooks."""

    previous_client_secret: SecretStr | None = None
    """The secret before it was changed: webhooks signed by either are accepted until this line is removed."""

    access_token: SecretStr | None = None
    """The access token of an app of this account alone. Either this, or `client_id` and `refresh_token`."""

    client_id: str = ""
    """Client id of an OAuth app; it goes with `refresh_token`."""

    refresh_token: SecretStr | None = None
    """Refresh token of an OAuth app that is installed in the account."""

    external_id_property: str = Field(default="baton_external_id", pattern=_NAME)
    """Internal name of the ticket property that holds the case's id. It must be made with unique values."""

    pipeline: str = Field(default="0", pattern=r"^[A-Za-z0-9_-]{1,64}$")
    """Id of the pipeline that new tickets go to."""

    new_stage: str = Field(default="1", pattern=r"^[A-Za-z0-9_-]{1,64}$")
    """Id of the stage that new tickets begin in."""

    stages: Mapping[str, TicketStatus] = _STAGES
    """What each stage means, by its id: `new`, `open`, `pending`, `on_hold`, `solved` or `closed`. Stages of all pipelines."""

    priorities: Mapping[Priority, str] = _PRIORITIES
    """What is written into the ticket's priority for `P1` to `P4`, by the options' internal names."""

    group_property: str = Field(default="", pattern=r"^([a-z][a-z0-9_]{0,99})?$")
    """Internal name of a ticket property for a rule's `group`. Without it a group is an owner, by number or e-mail address."""

    tag_property: str = Field(default="", pattern=r"^([a-z][a-z0-9_]{0,99})?$")
    """Internal name of a ticket property with several checkboxes for a rule's tags. Without it tags are not written."""

    sla_due_property: str = Field(default="", pattern=r"^([a-z][a-z0-9_]{0,99})?$")
    """Internal name of a ticket property (date and time picker) that tells when the next target of the SLA is due, empty when no
    clock runs. Without it that stands in the note only."""

    watched_properties: tuple[Annotated[str, Field(pattern=_NAME)], ...] = ()
    """Internal names of further ticket properties whose changes count: `refund_amount`. Without it only webhooks tell of them."""

    create_contacts: bool = True
    """Make a contact for a customer whose address is proven and unknown to HubSpot."""

    read_emails: bool = False
    """Read the e-mails on tickets as messages, customers' and agents' (needs the scope `sales-email-read`)."""

    tier_property: str = "hs_ideal_customer_profile"
    """Property of the contact's company, or else of the contact, that is the customer's tier."""

    value_property: str = "annualrevenue"
    """Property of the contact's company, or else of the contact, that is what the customer is worth."""

    channel_id: str = Field(default="", pattern=r"^\d*$")
    """Number of the app's custom channel: what customers write is published there. Only for an OAuth app."""

    channel_account_id: str = Field(default="", pattern=r"^\d*$")
    """Number of the channel account, which is the custom channel as it is connected to one inbox."""

    api_version: str = Field(default="", pattern=r"^(20\d\d-(03|09))?$")
    """Dated version of HubSpot's API, `2026-09`. Empty for v4 (supported until 2027-03-30) and v3 (until 2027-09)."""

    api_url: str = "https://api.hubapi.com"
    """Address of the API. Another one for a sandbox: http only on this machine."""

    timeout: float = Field(default=6.0, gt=0, le=7)
    """Longest that HubSpot may be silent within one request, seconds."""

    @field_validator("api_url")
    @classmethod
    def _safe_address(cls, value: str) -> str:
        if not safe_address(value):
            message = "an address of the API begins with https://; http:// only for a sandbox on this machine"
            raise ValueError(message)
        return value.rstrip("/")

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if (self.access_token is None) == (self.refresh_token is None):
            message = "give either access_token, or client_id and refresh_token"
            raise ValueError(message)
        if self.refresh_token is not None and not self.client_id:
            message = "refresh_token needs client_id beside it"
            raise ValueError(message)
        if bool(self.channel_id) != bool(self.channel_account_id):
            message = "channel_id and channel_account_id go together"
            raise ValueError(message)
        if self.channel_id and self.refresh_token is None:
            message = "a custom channel needs an OAuth app: client_id and refresh_token"
            raise ValueError(message)
        missing = [priority.value for priority in Priority if priority not in self.priorities]
        if missing:
            message = f"priorities names nothing for {', '.join(missing)}"
            raise ValueError(message)
        return self
