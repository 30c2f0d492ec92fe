"""Paperboy: people write to it, and it keeps cards about cases. A connector in a distribution of its own."""

from gateway.sdk import Capabilities, Channel, ConnectorSpec, Idempotency

from .settings import PaperboySettings

SPEC = ConnectorSpec(
    name="paperboy",
    title="Paperboy",
    channels=frozenset({Channel.CHAT, Channel.HELPDESK}),
    settings=PaperboySettings,
    factory=f"{__name__}.connector:Paperboy",
    extra="paperboy",
    sandbox=f"{__name__}.sandbox:PaperboySandbox",
    capabilities=Capabilities(
        idempotency=Idempotency.KEY, call_timeout=5.0, max_delivery=65_536, scopes=("cards:write", "calls:write")
    ),
)
