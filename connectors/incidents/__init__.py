"""Monitoring and status pages: Alertmanager, PagerDuty and Statuspage say that an incident begins, and that it is over."""

from connectors.incidents.settings import IncidentsSettings
from gateway.sdk import Capabilities, Channel, ConnectorSpec

SPEC = ConnectorSpec(
    name="incidents",
    title="Monitoring and status pages",
    channels=frozenset({Channel.HELPDESK}),
    settings=IncidentsSettings,
    factory="connectors.incidents.connector:IncidentsConnector",
    sandbox="connectors.incidents.sandbox:IncidentsSandbox",
    capabilities=Capabilities(
        # An Alertmanager that groups thousands of alerts sends them all at once, unless it has max_alerts.
        max_delivery=4_194_304,
        endpoints=("alertmanager", "pagerduty", "statuspage"),
        max_events=1,
    ),
)
