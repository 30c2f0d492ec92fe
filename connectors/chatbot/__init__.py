"""Chatbots: any bot posts its turns over a signed HTTP API, asks for a person, and learns what became of it."""

from connectors.chatbot.settings import ChatbotSettings
from gateway.sdk import Capabilities, Channel, ConnectorSpec, Idempotency

SPEC = ConnectorSpec(
    name="chatbot",
    title="Chatbot",
    channels=frozenset({Channel.CHAT}),
    settings=ChatbotSettings,
    factory="connectors.chatbot.connector:ChatbotConnector",
    sandbox="connectors.chatbot.sandbox:ChatbotSandbox",
    capabilities=Capabilities(
        # Every attempt to call the bot back carries the same webhook-id, which a receiver takes once (Standard Webhooks).
        idempotency=Idempotency.KEY,
        call_timeout=20.0,
        max_delivery=1_048_576,
        max_text=20_000,
        max_events=201,
    ),
)
