"""Zendesk's event webhooks → channel events.

Source of the shapes: developer.zendesk.com/api-reference/webhooks/event-types/ticket-events. All ids are strings, states are
in capitals. The event's own `id` is a new one for each event and the same for each redelivery.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias, cast

from gateway.sdk import (
    Attachment,
    Audience,
    ChannelEvent,
    Delivery,
    Evidence,
    Party,
    Role,
    SatisfactionGiven,
    TicketChange,
    TicketChanged,
    TicketStatus,
    UnreadableDelivery,
    as_instant,
    as_object,
    as_objects,
    as_text,
    read_object,
)

Json: TypeAlias = Mapping[str, Any]

#: Their word → ours. What is not here yields nothing: it is authentic, and of no interest.
CHANGES: Final[dict[str, TicketChange]] = {
    "ticket.created": TicketChange.CREATED,
    "ticket.comment_added": TicketChange.COMMENTED,
    "ticket.status_changed": TicketChange.STATUS,
    "ticket.agent_assignment_changed": TicketChange.ASSIGNED,
    "ticket.group_assignment_changed": TicketChange.ASSIGNED,
    "ticket.priority_changed": TicketChange.PRIORITY,
    "ticket.tags_changed": TicketChange.TAGS,
    "ticket.custom_field_changed": TicketChange.FIELDS,
    "ticket.subject_changed": TicketChange.FIELDS,
    "ticket.merged": TicketChange.MERGED,
    "ticket.soft_deleted": TicketChange.DELETED,
    "ticket.permanently_deleted": TicketChange.DELETED,
}

#: Fields in audits (`field_name`) → the event that tells of their change. A custom field has its number for a name.
FIELDS: Final[dict[str, str]] = {
    "status": "status_changed",
    "priority": "priority_changed",
    "group_id": "group_assignment_changed",
    "assignee_id": "agent_assignment_changed",
    "subject": "subject_changed",
    "tags": "tags_changed",
}
_FIELD_OF: Final = {f"ticket.{kind}": name for name, kind in FIELDS.items()}

#: Their states → ours. A state that an admin made comes with one of these as its category.
STATUSES: Final[dict[str, TicketStatus]] = {
    "NEW": TicketStatus.NEW,
    "OPEN": TicketStatus.OPEN,
    "PENDING": TicketStatus.PENDING,
    "HOLD": TicketStatus.ON_HOLD,
    "SOLVED": TicketStatus.SOLVED,
    "CLOSED": TicketStatus.CLOSED,
}

#: What all of Zendesk's event types begin with.
PREFIX: Final = "zen:event-type:"
#: Type of a judgement: Zendesk has no event for it, so a trigger sends it (see the connector's page), and the poll finds it.
SATISFACTION: Final = "baton:satisfaction"
_SCORES: Final = {"good": 1.0, "bad": 0.0}
_ATTACHED: Final = "ticket.attachment_linked_to_comment"
#: The ticket stands at the event's top: "subject":"zen:ticket:35436".
_SUBJECT: Final = re.compile(rb'"subject"\s*:\s*"zen:ticket:(\d{1,20})"')
#: A judgement that a trigger sends: "ticket_id":"35436".
_TICKET: Final = re.compile(rb'"ticket_id"\s*:\s*"(\d{1,20})"')
#: What Zendesk itself does (triggers, automations) carries this actor.
_SYSTEM: Final = frozenset({"-1", "0", ""})


def parse_delivery(delivery: Delivery, *, own_user: str, account: str) -> Iterable[ChannelEvent]:
    """Return what an event webhook says. Raises UnreadableDelivery."""
    payload = read_object(delivery.body)
    kind = payload.get("type")
    if not isinstance(kind, str):
        raise UnreadableDelivery("The webhook has no `type`: it is no Zendesk event webhook.")
    if kind == SATISFACTION:
        return _satisfaction(payload)
    name = kind.removeprefix(PREFIX) if kind.startswith(PREFIX) else ""
    change = TicketChange.COMMENTED if name == _ATTACHED else CHANGES.get(name)
    if change is None:
        return []
    detail = as_object(payload.get("detail"))
    ticket_id = as_text(detail.get("id"))
    if not ticket_id:
        raise UnreadableDelivery("The event names no ticket (`detail.id`).")
    if name == _ATTACHED:
        return _attached(payload, detail, ticket_id, own_user, account)
    return [_event(payload, detail, name, ticket_id, own_user, account)]


def _satisfaction(payload: Json) -> Iterable[ChannelEvent]:
    """Return a judgement; one that was only asked for says nothing yet."""
    ticket_id, word = as_text(payload.get("ticket_id")), as_text(payload.get("score")).lower()
    # A trigger's placeholder writes the rating in words: "Good", "Good with comment", "Bad, I'm unsatisfied" …
    score = _SCORES.get(word.split()[0].strip(",")) if word else None
    if not ticket_id:
        raise UnreadableDelivery("The judgement names no ticket (`ticket_id`).")
    if score is None:
        return []
    at = payload.get("time")
    comment = as_text(payload.get("comment"))
    digest = hashlib.sha256(comment.encode()).hexdigest()[:12]
    return [
        SatisfactionGiven(
            thread=f"ticket:{ticket_id}",
            dedupe=f"satisfaction:{ticket_id}:{score:g}:{digest}",
            occurred_at=_instant(at),
            sender=_party(as_text(payload.get("requester_id")), Role.CUSTOMER),
            score=score,
            word="good" if score else "bad",
            text=comment,
        )
    ]


def _attached(payload: Json, detail: Json, ticket_id: str, own_user: str, account: str) -> Iterable[ChannelEvent]:
    """Return a file that was linked to a comment: Zendesk tells of it apart from the comment."""
    event = as_object(payload.get("event"))
    file = as_object(as_object(event.get("comment")).get("attachment"))
    number = as_text(file.get("id"))
    if not number:
        raise UnreadableDelivery("The event names no attachment.")
    actor = as_text(detail.get("actor_id"))
    sender = _sender(detail, {}, TicketChange.COMMENTED)
    return [
        TicketChanged(
            thread=f"ticket:{ticket_id}",
            dedupe=f"attachment:{ticket_id}:{number}",
            occurred_at=_instant(payload.get("time") or detail.get("updated_at")),
            sender=sender,
            reference=as_text(detail.get("external_id")) or None,
            own=own_user in {actor, sender.value},
            ticket_id=ticket_id,
            change=TicketChange.COMMENTED,
            subject=as_text(detail.get("subject")),
            text=f"[file: {as_text(file.get('filename')) or number}]",
            audience=Audience.PUBLIC if file.get("is_public") is True else Audience.INTERNAL,
            attachments=_files([file]),
            url=f"{account}/agent/tickets/{ticket_id}",
        )
    ]


def _files(value: object) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(
            id=as_text(each.get("id")),
            name=as_text(each.get("filename")),
            media_type=as_text(each.get("content_type")),
            size=size if isinstance(size := each.get("size"), int) and not isinstance(size, bool) else None,
            url=as_text(each.get("content_url")),
        )
        for each in as_objects(value)
        if each.get("id")
    )


def _event(payload: Json, detail: Json, name: str, ticket_id: str, own_user: str, account: str) -> TicketChanged:
    event, change = as_object(payload.get("event")), CHANGES[name]
    comment = as_object(event.get("comment"))
    sender = _sender(detail, comment, change)
    created = change is TicketChange.CREATED
    actor = as_text(detail.get("actor_id"))
    return TicketChanged(
        thread=f"ticket:{ticket_id}",
        dedupe=_dedupe(payload, name, ticket_id),
        occurred_at=_instant(payload.get("time") or detail.get("updated_at")),
        sender=sender,
        reference=as_text(detail.get("external_id")) or None,
        own=own_user in {actor, sender.value},
        ticket_id=ticket_id,
        change=change,
        subject=as_text(detail.get("subject")),
        status=_status(detail, event, change),
        priority=as_text(detail.get("priority")).lower(),
        group=as_text(detail.get("group_id")),
        assignee=as_text(detail.get("assignee_id")),
        # Zendesk writes null for none.
        tags=_tags(detail.get("tags") or []) if "tags" in detail else None,
        via=as_text(as_object(detail.get("via")).get("channel")).lower(),
        comment_id=as_text(comment.get("id")),
        text=as_text(detail.get("description")) if created else as_text(comment.get("body")),
        audience=_audience(detail, comment, created=created),
        url=f"{account}/agent/tickets/{ticket_id}",
        requester=_requester(detail) if created else None,
        attachments=_files(comment.get("attachments")),
        fields=_changed_field(event),
        extras=_extras(detail),
    )


def _changed_field(event: Json) -> dict[str, str]:
    """Return the custom field that the event is about, by its number, with its value after the change."""
    number = as_text(as_object(event.get("custom_field")).get("id"))
    return {number: _current(event)} if number else {}


def _current(event: Json) -> str:
    """Return a field's value after the change. Those of some kinds come bare, those of others within an object: both are read."""
    current: object = event.get("current")
    if isinstance(current, dict):
        current = as_object(current).get("value")
    return str(current) if isinstance(current, float) else as_text(current)


def _extras(detail: Json) -> dict[str, object]:
    organization = as_text(detail.get("organization_id"))
    return {"organization_id": organization} if organization not in {"", "0"} else {}


def _dedupe(payload: Json, name: str, ticket_id: str) -> str:
    """Return the key of an event: what happened, not who told of it.

    Two subscriptions, and the poll, may tell of one comment or one change, each with an event id of its own. A change is known by
    its field, its value and the second in which the ticket was changed: a webhook's `updated_at`, an audit's `created_at`.
    """
    change, event = CHANGES[name], as_object(payload.get("event"))
    comment = as_object(event.get("comment"))
    if change is TicketChange.CREATED:
        return f"created:{ticket_id}"
    if change is TicketChange.COMMENTED and comment.get("id"):
        return f"comment:{ticket_id}:{as_text(comment.get('id'))}"
    detail = as_object(payload.get("detail"))
    field = _FIELD_OF.get(name) or as_text(as_object(event.get("custom_field")).get("id"))
    if field and detail.get("updated_at"):
        value = " ".join(sorted(_tags(detail.get("tags")) or ())) if field == "tags" else _current(event)
        second = _instant(detail["updated_at"]) // 1_000_000
        return f"{field}:{ticket_id}:{second}:{hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
    event_id = as_text(payload.get("id"))
    if not event_id:
        raise UnreadableDelivery("The event has no `id`.")
    return f"event:{event_id}"


def _sender(detail: Json, comment: Json, change: TicketChange) -> Party:
    author = as_object(comment.get("author"))
    if author:
        role = Role.AGENT if author.get("is_staff") is True else Role.CUSTOMER
        return _party(as_text(author.get("id")), role, author)
    actor = as_text(detail.get("actor_id"))
    requester = as_text(detail.get("requester_id"))
    if change is TicketChange.CREATED and requester:
        # The submitter wrote the first comment, whoever pressed the button: an integration may, in the requester's name.
        made_by = next(
            (each for each in (as_text(detail.get("submitter_id")), actor) if each not in _SYSTEM), requester
        )
        if made_by != requester:
            return _party(made_by, Role.AGENT)
        return _party(requester, Role.CUSTOMER, as_object(detail.get("requester")))
    if actor in _SYSTEM:
        return _party(actor or "-1", Role.SYSTEM, {"name": "Zendesk"})
    if actor == requester:
        return _party(actor, Role.CUSTOMER, as_object(detail.get("requester")))
    return _party(actor, Role.AGENT)


def _requester(detail: Json) -> Party | None:
    requester = as_text(detail.get("requester_id"))
    return _party(requester, Role.CUSTOMER, as_object(detail.get("requester"))) if requester else None


def _party(user_id: str, role: Role, user: Json | None = None) -> Party:
    """Return a user. Zendesk vouches for its id; the address is whatever the user or an agent wrote there, and proves nothing.

    Webhooks bring no address: only what the poll found out has one.
    """
    known = user or {}
    return Party(
        kind="zendesk_user",
        value=user_id,
        name=as_text(known.get("name")),
        role=role,
        evidence=Evidence.ATTESTED,
        email=as_text(known.get("email")),
    )


def _audience(detail: Json, comment: Json, *, created: bool) -> Audience:
    """Only what is said to be public is public."""
    public = detail.get("is_public") if created else comment.get("is_public")
    return Audience.PUBLIC if public is True else Audience.INTERNAL


def _status(detail: Json, event: Json, change: TicketChange) -> TicketStatus | None:
    word = event.get("current") if change is TicketChange.STATUS else None
    return STATUSES.get(as_text(word).upper()) or STATUSES.get(as_text(detail.get("status")).upper())


def _tags(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list):
        return None
    return tuple(as_text(tag) for tag in cast("list[object]", value))


def _instant(value: object) -> int:
    return as_instant(value, "The event has no readable `time`.")


def lane_of(delivery: Delivery) -> str:
    """Return the lane: the ticket that the event is about. Cheap: nothing is parsed, and nothing raises."""
    found = _SUBJECT.search(delivery.body) or _TICKET.search(delivery.body)
    return f"ticket:{found[1].decode()}" if found else "other"
