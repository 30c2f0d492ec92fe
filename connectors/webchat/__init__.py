"""Web chat: a widget of our own on the customer's website; visitors write, press, judge and send files, and are answered."""

from connectors.webchat.settings import WebchatSettings
from gateway.sdk import Capabilities, Channel, ConnectorSpec, Idempotency

SPEC = ConnectorSpec(
    name="webchat",
    title="Web chat",
    channels=frozenset({Channel.CHAT}),
    settings=WebchatSettings,
    factory="connectors.webchat.connector:WebchatConnector",
    extra="webchat",
    sandbox="connectors.webchat.sandbox:WebchatSandbox",
    capabilities=Capabilities(
        # A reply is shown under its key, and a widget shows each key once.
        idempotency=Idempotency.KEY,
        call_timeout=10.0,
        # The largest file that `max_file` may allow, and some room.
        max_delivery=26 * 1_048_576,
        max_text=8_000,
    ),
)
