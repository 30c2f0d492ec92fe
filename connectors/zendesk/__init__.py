"""Zendesk Support: native tickets come in as cases, cases go out as tickets, and what Baton knows stands on the same ticket."""

from connectors.zendesk.settings import ZendeskSettings
from gateway.sdk import Capabilities, Channel, ConnectorSpec, Idempotency, RateLimit

SPEC = ConnectorSpec(
    name="zendesk",
    title="Zendesk Support",
    channels=frozenset({Channel.HELPDESK}),
    settings=ZendeskSettings,
    factory="connectors.zendesk.connector:ZendeskConnector",
    extra="zendesk",
    sandbox="connectors.zendesk.sandbox:ZendeskSandbox",
    capabilities=Capabilities(
        idempotency=Idempotency.KEY,
        # developer.zendesk.com/api-reference/introduction/rate-limits: 30 updates in 10 minutes by one user to one ticket,
        # 100 calls of Update Ticket in a minute and account.
        limits=(
            RateLimit(scope="ticket", calls=30, seconds=600),
            RateLimit(scope="connection", calls=100, seconds=60),
        ),
        call_timeout=25.0,
        max_text=65_536,
        # support.zendesk.com: 50 MB a file.
        max_file=50_000_000,
        # The incremental export: ten requests a minute.
        poll_every=300.0,
        scopes=("tickets:read", "tickets:write", "users:read", "groups:read", "organizations:read"),
    ),
)
