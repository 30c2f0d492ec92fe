"""Request Tracker 5: native tickets come in as cases, cases go out as tickets, and what Baton knows stands on the same ticket."""

from connectors.request_tracker.settings import RequestTrackerSettings
from gateway.sdk import Capabilities, Channel, ConnectorSpec, Idempotency

SPEC = ConnectorSpec(
    name="request_tracker",
    title="Request Tracker",
    channels=frozenset({Channel.HELPDESK}),
    settings=RequestTrackerSettings,
    factory="connectors.request_tracker.connector:RequestTrackerConnector",
    sandbox="connectors.request_tracker.sandbox:RequestTrackerSandbox",
    capabilities=Capabilities(
        # REST2 knows no idempotency key; a ticket carries our external id and a message our key, and both can be asked for.
        idempotency=Idempotency.LOOKUP,
        # One handoff is up to seven requests; each takes a tenth of a second as a rule, and `timeout` at most.
        call_timeout=45.0,
        max_text=65_000,
        # What files become in a message of RT's: above $MaxAttachmentSize (10 MB as shipped) it may cut or drop them.
        max_file=10_000_000,
        poll_every=60.0,
        scopes=(
            "SeeQueue",
            "CreateTicket",
            "ShowTicket",
            "ShowTicketComments",
            "CommentOnTicket",
            "ReplyToTicket",
            "ModifyTicket",
            "ReassignTicket",
            "SeeCustomField",
            "SetInitialCustomField",
            "ModifyCustomField",
            "SeeGroup",
        ),
    ),
)
