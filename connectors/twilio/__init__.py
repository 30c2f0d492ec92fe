"""Twilio: text messages (SMS, WhatsApp) in one connector, telephone calls in another: who takes calls sends no texts."""

from connectors.twilio.settings import TwilioSettings, TwilioVoiceSettings
from gateway.sdk import Capabilities, Channel, ConnectorSpec, Idempotency, RateLimit

SPEC = ConnectorSpec(
    name="twilio",
    title="Twilio Messaging (SMS, WhatsApp)",
    channels=frozenset({Channel.MESSAGING}),
    settings=TwilioSettings,
    factory="connectors.twilio.connector:TwilioConnector",
    extra="twilio",
    sandbox="connectors.twilio.sandbox:TwilioSandbox",
    capabilities=Capabilities(
        # Twilio takes no key with a message; what was written is found again by its text, on both numbers.
        idempotency=Idempotency.LOOKUP,
        # A long code sends about one segment a second (twilio.com/docs/messaging/guides/rate-limits); more only queues there.
        limits=(RateLimit(scope="connection", calls=60, seconds=60),),
        call_timeout=20.0,
        max_text=1600,
        scopes=("Messages: read, create", "Media: read", "Incoming Phone Numbers: read"),
        poll_every=300.0,
    ),
)

VOICE = ConnectorSpec(
    name="twilio_voice",
    title="Twilio Voice",
    channels=frozenset({Channel.PHONE}),
    settings=TwilioVoiceSettings,
    factory="connectors.twilio.connector_voice:TwilioVoiceConnector",
    extra="twilio",
    sandbox="connectors.twilio.sandbox_voice:TwilioVoiceSandbox",
    capabilities=Capabilities(
        # Twilio takes no key with a call; one of ours is found again by both numbers and the time.
        idempotency=Idempotency.LOOKUP,
        # New accounts begin one call a second (twilio.com/docs/voice/api/call-resource); more only queues there.
        limits=(RateLimit(scope="connection", calls=60, seconds=60),),
        scopes=("Calls: read, create", "Recordings: read", "Incoming Phone Numbers: read"),
        call_timeout=20.0,
        endpoints=("", "status"),
        poll_every=300.0,
    ),
)
