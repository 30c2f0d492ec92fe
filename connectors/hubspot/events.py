"""HubSpot's webhooks → channel events, and the keys of all events of this connector.

Source of the shapes: developers.hubspot.com/docs/api-reference/latest/webhooks/guide, and for messages of a custom channel
developers.hubspot.com/docs/api-reference/latest/conversations/custom-channels/guide. A webhook about a record brings its id and
at most one value: who wrote what comes with the poll (`polled`), under keys that both share.

No webhook names the ticket's external id, unless that itself was set. While the answer to the creation of a ticket of ours is
on its way, or lost, a change of it by a workflow would look like a stranger's ticket and be adopted as a second case. So
webhooks tell what proves where it belongs, or cannot be about a ticket that was just made: tickets that others make, what
persons do, and our external id. The rest comes with the poll, which names the external id always.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias, cast

from connectors.hubspot import tickets
from gateway.sdk import (
    Attachment,
    ChannelEvent,
    ChatMessage,
    Delivery,
    Evidence,
    Party,
    Role,
    TicketChange,
    TicketChanged,
    TicketStatus,
    UnreadableDelivery,
    as_list,
    as_object,
    as_objects,
    as_text,
    read_json,
)

Json: TypeAlias = Mapping[str, Any]

#: Their word → ours, after ``ticket.`` or, with an object type of tickets, ``object.``. What is not here yields nothing.
CHANGES: Final[dict[str, TicketChange]] = {
    "creation": TicketChange.CREATED,
    "propertyChange": TicketChange.FIELDS,
    "deletion": TicketChange.DELETED,
    "merge": TicketChange.MERGED,
}
#: Properties whose change is more than a change of fields.
PROPERTIES: Final[dict[str, TicketChange]] = {
    "hs_pipeline_stage": TicketChange.STATUS,
    "hubspot_owner_id": TicketChange.ASSIGNED,
    "hs_ticket_priority": TicketChange.PRIORITY,
}
#: The object type of tickets in generic subscriptions.
_TICKETS: Final = "0-5"
_OUTGOING: Final = "OUTGOING_CHANNEL_MESSAGE_CREATED"
#: Sources of a change behind which a person of the company stands.
_BY_HAND: Final = frozenset(
    {"CRM_UI", "CRM_UI_BULK_ACTION", "MOBILE_IOS", "MOBILE_ANDROID", "HELP_DESK", "SALES_MESSAGES"}
)
_INTEGRATION: Final = "INTEGRATION"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: What a poll hands in carries this instead of an HTTP method.
POLLED: Final = "FRAME"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What must be known to read an account's events."""

    #: Number of the account.
    portal_id: int
    #: Number of the app that Baton works as.
    app_id: int
    #: What each stage means.
    stages: Mapping[str, TicketStatus]
    #: The ticket property that holds our external id.
    external_id_property: str = "baton_external_id"
    #: The ticket property that holds the group; empty for none.
    group_property: str = ""
    #: Further ticket properties whose changes the poll tells.
    watched_properties: tuple[str, ...] = ()


# --- keys ------------------------------------------------------------------------------------------------------------
def thread_of(ticket_id: str) -> str:
    """Return the key of a ticket's thread."""
    return f"ticket:{ticket_id}"


def created_key(ticket_id: str) -> str:
    """Return the key of a ticket's creation."""
    return f"created:{ticket_id}"


def property_key(ticket_id: str, name: str, value: str, at: int) -> str:
    """Return the key of a property's change: the same whether a webhook or the ticket's history tells of it.

    Whole seconds: the history has milliseconds, webhooks about properties have been seen without.
    """
    return f"property:{ticket_id}:{name}:{at // 1_000_000}:{_digest(value)}"


def description_key(ticket_id: str, text: str) -> str:
    """Return the key of a ticket's description."""
    return f"content:{ticket_id}:{_digest(text)}"


def note_key(note_id: str) -> str:
    """Return the key of a note."""
    return f"note:{note_id}"


def mail_key(mail_id: str) -> str:
    """Return the key of an e-mail on a ticket."""
    return f"email:{mail_id}"


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:16]


# --- deliveries ------------------------------------------------------------------------------------------------------
def parse_webhook(delivery: Delivery, account: Account) -> Iterable[ChannelEvent]:
    """Return what a webhook says. Raises UnreadableDelivery."""
    payload = read_json(delivery.body)
    if isinstance(payload, list):
        return _records(cast("list[object]", payload), account)
    message = as_object(payload)
    if message.get("type") == _OUTGOING:
        return [_agents_message(message, account)] if _of_ours(message, account) else []
    if "type" in message:
        return []
    raise UnreadableDelivery("The body is neither a list of events nor a message of a custom channel.")


def _records(payload: Sequence[object], account: Account) -> list[ChannelEvent]:
    events: list[ChannelEvent] = []
    for each in payload:
        if not isinstance(each, Mapping):
            raise UnreadableDelivery("The list of events holds something that is no object.")
        event = cast("Json", each)
        change = _change(event)
        if change is None or not _of_ours(event, account):
            continue
        made = _ticket_changed(event, change, account)
        if made.reference is not None or (not made.own and _is_told(made)):
            events.append(made)
    return events


def _is_told(event: TicketChanged) -> bool:
    """Return whether a webhook tells of it: see above."""
    return event.change is TicketChange.CREATED or event.sender.role is Role.AGENT


def _change(event: Json) -> TicketChange | None:
    kind = as_text(event.get("subscriptionType"))
    about, _, what = kind.partition(".")
    generic = about == "object" and as_text(event.get("objectTypeId")) == _TICKETS
    return CHANGES.get(what) if about == "ticket" or generic else None


def _of_ours(event: Json, account: Account) -> bool:
    """Return whether it is of this account: an app that is installed in several signs the webhooks of all with one secret."""
    return as_text(event.get("portalId")) == str(account.portal_id)


def _ticket_changed(event: Json, change: TicketChange, account: Account) -> TicketChanged:
    ticket_id = as_text(event.get("objectId")) or as_text(event.get("primaryObjectId"))
    if not ticket_id:
        raise UnreadableDelivery("An event names no ticket (`objectId`).")
    name, value = as_text(event.get("propertyName")), as_text(event.get("propertyValue"))
    at = milliseconds(event.get("occurredAt"))
    source, actor = as_text(event.get("changeSource")), as_text(event.get("sourceId"))
    changed = change is TicketChange.FIELDS
    return TicketChanged(
        thread=thread_of(ticket_id),
        dedupe=_dedupe(event, change, ticket_id, at),
        occurred_at=at,
        sender=actor_of(source, actor),
        own=is_own(source, actor, account.app_id),
        reference=(value or None) if name == account.external_id_property else None,
        ticket_id=ticket_id,
        change=PROPERTIES.get(name, change) if changed else change,
        **values_of(name, value, account),
        fields={name: value} if name and changed else {},
        url=tickets.ticket_page(account.portal_id, ticket_id),
        extras={"property": name} if name else {},
    )


def values_of(name: str, value: str, account: Account) -> dict[str, Any]:
    """Return the fields of an event that the value of a property fills."""
    if name == "hs_pipeline_stage":
        return {"status": account.stages.get(value)}
    if name == account.group_property and name:
        return {"group": value}
    field = {"hs_ticket_priority": "priority", "hubspot_owner_id": "assignee", "subject": "subject"}.get(name)
    return {field: value.lower() if field == "priority" else value} if field else {}


def _dedupe(event: Json, change: TicketChange, ticket_id: str, at: int) -> str:
    if change is TicketChange.CREATED:
        return created_key(ticket_id)
    if change is TicketChange.FIELDS:
        return property_key(ticket_id, as_text(event.get("propertyName")), as_text(event.get("propertyValue")), at)
    # `eventId` alone is not promised to be unique.
    parts = (as_text(event.get(key)) for key in ("subscriptionId", "occurredAt", "eventId"))
    return f"{change.value}:{ticket_id}:{':'.join(parts)}"


def actor_of(source: str, actor: str) -> Party:
    """Return who made a change, as far as HubSpot says: its source, and ``userId:123`` or an app's number."""
    kind, _, number = actor.rpartition(":")
    if kind == "userId" or source in _BY_HAND:
        return Party(kind="hubspot_user", value=number or "unknown", role=Role.AGENT, evidence=Evidence.ATTESTED)
    return Party(
        kind="hubspot_app" if source == _INTEGRATION else "hubspot_source",
        value=(number if source == _INTEGRATION else source.lower()) or "hubspot",
        name="HubSpot",
        role=Role.SYSTEM,
        evidence=Evidence.ATTESTED,
    )


def is_own(source: str, actor: str, app_id: int) -> bool:
    """Return whether our app made the change. An integration without a number is taken for us: an echo must not act."""
    return source == _INTEGRATION and actor.rpartition(":")[2] in {"", str(app_id)}


# --- messages of a custom channel ------------------------------------------------------------------------------------
def _agents_message(payload: Json, account: Account) -> ChatMessage:
    message = as_object(payload.get("message"))
    message_id, conversation = as_text(message.get("id")), as_text(message.get("conversationsThreadId"))
    if not message_id or not conversation:
        raise UnreadableDelivery("The agent's message has no id, or no conversation.")
    ours = [as_text(each) for each in as_list(payload.get("channelIntegrationThreadIds"))]
    sender = next(iter(as_objects(message.get("senders"))), {})
    name = as_text(sender.get("name"))
    return ChatMessage(
        thread=f"conversation:{conversation}",
        dedupe=f"message:{message_id}",
        occurred_at=instant(message.get("createdAt")),
        sender=Party(
            kind="hubspot_user",
            # ``A-123`` is user 123.
            value=as_text(sender.get("actorId")).removeprefix("A-") or as_text(message.get("createdBy")) or "unknown",
            name=name,
            role=Role.AGENT,
            evidence=Evidence.ATTESTED,
        ),
        # The thread's id is the one that we gave with the customer's messages: the case's external id.
        reference=ours[0] if ours and ours[0] else None,
        own=as_text(as_object(message.get("client")).get("integrationAppId")) == str(account.app_id),
        message_id=message_id,
        text=as_text(message.get("text")),
        attachments=tuple(
            Attachment(
                id=as_text(each.get("fileId")) or as_text(each.get("id")) or as_text(each.get("url")),
                name=as_text(each.get("name")),
            )
            for each in as_objects(message.get("attachments"))
            if as_text(each.get("fileId")) or as_text(each.get("id")) or as_text(each.get("url"))
        ),
    )


# --- times -----------------------------------------------------------------------------------------------------------
def milliseconds(value: object) -> int:
    """Return milliseconds since 1970 as UTC microseconds. Raises UnreadableDelivery."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 48:
        raise UnreadableDelivery("An event has no readable `occurredAt`.")
    return value * 1000


def instant(value: object) -> int:
    """Return an ISO 8601 time as UTC microseconds. Raises UnreadableDelivery."""
    try:
        moment = datetime.fromisoformat(as_text(value))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // timedelta(milliseconds=1) * 1_000
    except (ValueError, OverflowError, OSError):
        raise UnreadableDelivery("A time of HubSpot's cannot be read.") from None
