"""Slack: conversations in channels, threads and direct messages come in; replies and notices with buttons go out."""

from connectors.slack.settings import SlackSettings
from gateway.sdk import Capabilities, Channel, ConnectorSpec, Idempotency, RateLimit

SPEC = ConnectorSpec(
    name="slack",
    title="Slack",
    channels=frozenset({Channel.CHAT}),
    settings=SlackSettings,
    factory="connectors.slack.connector:SlackConnector",
    extra="slack",
    sandbox="connectors.slack.sandbox:SlackSandbox",
    capabilities=Capabilities(
        # No key is honoured on posts; ours stands in the message's metadata and is found again there.
        idempotency=Idempotency.LOOKUP,
        # docs.slack.dev/apis/web-api/rate-limits: about one message a second and channel, some hundred a minute and workspace.
        limits=(RateLimit(scope="connection", calls=100, seconds=60),),
        call_timeout=15.0,
        max_text=12_000,
        # users.conversations and the histories: Slack gives 20 to 50 calls a minute, some apps one.
        poll_every=300.0,
        scopes=(
            *("chat:write", "channels:history", "groups:history", "im:history", "channels:read", "groups:read"),
            *("im:read", "files:read"),
        ),
        endpoints=("events", "interactivity"),
    ),
)
