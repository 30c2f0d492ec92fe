"""A small vendor that does not exist, as a connector like any other: it signs, it is verified, it is parsed."""

from gateway.sdk import Capabilities, Channel, ConnectorSpec

from .settings import ToySettings

SPEC = ConnectorSpec(
    name="toyline",
    title="Toyline",
    channels=frozenset({Channel.CHAT}),
    settings=ToySettings,
    factory=f"{__name__}.connector:ToyConnector",
    capabilities=Capabilities(endpoints=("", "challenge"), max_delivery=4_096),
)
