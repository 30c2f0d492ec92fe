"""Connectors with other settings, and messages read back as the gateway reads them: by a poll, files by `fetch`."""

from __future__ import annotations

from typing import Any

from connectors.request_tracker.connector import RequestTrackerConnector
from connectors.request_tracker.settings import RequestTrackerSettings
from gateway.sdk import Attachment, Delivery


def connected(sandbox: Any, host: Any, **change: Any) -> Any:
    """Return a connector to a sandbox or a proxy, with some settings changed."""
    values = {**sandbox.settings(), **sandbox.secrets(), **change}
    return RequestTrackerConnector(RequestTrackerSettings.model_validate(values), host)


def ticket_there(sandbox: Any) -> int:
    """Return a ticket that RT had before, with a message of a customer's."""
    make = getattr(sandbox, "quick_ticket", sandbox.customer_writes)
    return int(make("Ben", "Help", "It does not work"))


async def message_of(
    connector: Any, since: str, ticket_id: str, transaction_id: str
) -> tuple[str, list[tuple[str, bytes]]]:
    """Return text and files of a message, read as the poll and the gateway read them."""
    for delivery in await told(connector, since):
        for event in connector.parse(delivery):
            if event.ticket_id == ticket_id and event.comment_id == transaction_id:
                files = [(each.name, await whole(connector, each, delivery)) for each in event.attachments]
                return event.text, files
    raise AssertionError("the message was not told")


async def whole(connector: Any, attachment: Attachment, delivery: Delivery) -> bytes:
    return b"".join([part async for part in connector.fetch(attachment, delivery)])


async def told(connector: Any, since: str) -> list[Delivery]:
    """Return the deliveries of a poll."""
    found: list[Delivery] = []

    async def emit(delivery: Delivery, cursor: str | None) -> None:
        found.append(delivery)

    await connector.backfill(since, emit)
    return found
