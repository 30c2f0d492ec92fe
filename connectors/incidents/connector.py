"""Monitoring and status pages: they post, and are told nothing."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import SecretStr

from connectors.incidents import events, proof
from connectors.incidents.settings import IncidentsSettings
from gateway.sdk import ChannelEvent, Connector, Delivery, DeliveryRejected, Host, WebhookSource


class IncidentsConnector(Connector[IncidentsSettings], WebhookSource):
    """Those that watch, of one installation."""

    def __init__(self, settings: IncidentsSettings, host: Host) -> None:
        """Keep what is given. No I/O."""
        super().__init__(settings, host)
        self._tokens = _bytes(settings.token, settings.previous_token)
        self._secrets = _bytes(settings.pagerduty_secret, settings.previous_pagerduty_secret)

    # --- life --------------------------------------------------------------------------------------------------------
    async def open(self) -> None:
        """There is nothing to open: they come to us."""

    async def check(self) -> None:
        """There is nobody to ask."""

    async def close(self) -> None:
        """There is nothing to free."""

    # --- way in ------------------------------------------------------------------------------------------------------
    async def verify(self, delivery: Delivery) -> None:
        """Check PagerDuty's signature, or the token that the others carry."""
        if delivery.endpoint == "pagerduty":
            proof.check_signature(self._secrets, delivery)
        elif delivery.endpoint in {"alertmanager", "statuspage"}:
            proof.check_token(self._tokens, delivery)
        else:
            raise DeliveryRejected("There is no such address: it ends in alertmanager, pagerduty or statuspage.")

    def lane(self, delivery: Delivery) -> str:
        """Return the endpoint's lane."""
        return events.lane_of(delivery)

    def parse(self, delivery: Delivery) -> Iterable[ChannelEvent]:
        """Say what was posted; see `events`."""
        return events.parse_delivery(delivery, self.settings.fingerprint_label)


def _bytes(*secrets: SecretStr | None) -> list[bytes]:
    return [each.get_secret_value().encode() for each in secrets if each is not None]
