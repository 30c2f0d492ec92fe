"""HubSpot: tickets come in as cases, cases go out as tickets with a note, and customers are known by their contact."""

from connectors.hubspot.settings import HubSpotSettings
from gateway.sdk import Capabilities, Channel, ConnectorSpec, Idempotency, RateLimit

SPEC = ConnectorSpec(
    name="hubspot",
    title="HubSpot",
    channels=frozenset({Channel.HELPDESK}),
    settings=HubSpotSettings,
    factory="connectors.hubspot.connector:HubSpotConnector",
    extra="hubspot",
    sandbox="connectors.hubspot.sandbox:HubSpotSandbox",
    capabilities=Capabilities(
        idempotency=Idempotency.LOOKUP,
        # developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines: at least 100 calls in 10 seconds for each app.
        # A handoff takes up to eight calls, so twelve handoffs stay below it.
        limits=(RateLimit(scope="connection", calls=12, seconds=10),),
        call_timeout=60.0,
        scopes=(
            "tickets",
            "crm.objects.contacts.read",
            "crm.objects.contacts.write",
            "crm.objects.companies.read",
            "crm.objects.owners.read",
            "files",
        ),
        # One delivery holds up to 100 events (developers.hubspot.com/docs/api-reference/latest/webhooks/guide).
        max_events=1_000,
        poll_every=60.0,
        # The files tool of a free account takes 20 MB.
        max_file=20 * 1024 * 1024,
    ),
)
