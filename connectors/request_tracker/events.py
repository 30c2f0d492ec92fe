"""What Request Tracker tells → channel events.

One shape for both ways: the scrip of `docs/connectors/request_tracker.md` posts it, and the poll builds it out of REST2's
answers. It is a JSON object with `ticket_id`, `ticket` and `transactions`, in RT's own words. A transaction's id is RT's own and
the same on both ways, so that what a webhook and a poll tell is one event.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias, cast

from connectors.request_tracker.html_text import text_of
from gateway.sdk import (
    Attachment,
    Audience,
    ChannelEvent,
    Delivery,
    Evidence,
    Party,
    Role,
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

#: Version of the shape.
VERSION: Final = 1

#: RT's transaction type → ours. What is in neither table yields nothing: RT's own mails, reminders, time worked …
TYPES: Final[dict[str, TicketChange]] = {
    "Create": TicketChange.CREATED,
    "Correspond": TicketChange.COMMENTED,
    "Comment": TicketChange.COMMENTED,
    "Status": TicketChange.STATUS,
    "CustomField": TicketChange.FIELDS,
}
#: Transaction type and field → ours. RT 5 also tells of an owner by `SetWatcher`; once is enough.
FIELDS: Final[dict[tuple[str, str], TicketChange]] = {
    ("Set", "Owner"): TicketChange.ASSIGNED,
    ("Set", "Queue"): TicketChange.ASSIGNED,
    ("Set", "Priority"): TicketChange.PRIORITY,
    ("Set", "Subject"): TicketChange.FIELDS,
    ("AddLink", "MergedInto"): TicketChange.MERGED,
}
#: Transactions that bring somebody's words, with who may read them: RT mails correspondence to the requestor, comments never.
WORDS: Final[dict[str, Audience]] = {
    "Create": Audience.PUBLIC,
    "Correspond": Audience.PUBLIC,
    "Comment": Audience.INTERNAL,
}

#: RT's own user, in whose name scrips act.
_SYSTEM: Final = frozenset({"RT_System", "Nobody"})
_NOBODY: Final = "Nobody"
#: Within what people wrote the quotes are escaped, so that this can only be our own key.
_TICKET: Final = re.compile(rb'"ticket_id"\s*:\s*"?(\d{1,18})')
_THREAD: Final = "ticket:"


def thread_of(ticket_id: str) -> str:
    """Return a ticket's thread."""
    return f"{_THREAD}{ticket_id}"


def ticket_of(thread: str) -> str:
    """Return the ticket of a thread, empty when it is none of ours."""
    number = thread.removeprefix(_THREAD)
    return number if thread.startswith(_THREAD) and number.isascii() and number.isdigit() else ""


def parse_delivery(
    delivery: Delivery, *, own_user: str, url: str, statuses: Mapping[str, TicketStatus]
) -> Iterable[ChannelEvent]:
    """Return what a webhook or a poll says. Raises UnreadableDelivery."""
    payload = read_object(delivery.body)
    ticket = as_object(payload.get("ticket"))
    if payload.get("version") != VERSION:
        return []
    if not isinstance(payload.get("transactions"), list) or not ticket:
        raise UnreadableDelivery(
            "The body has no `ticket` and `transactions`: it is not what the documented scrip posts."
        )
    ticket_id = as_text(payload.get("ticket_id"))
    if not ticket_id.isascii() or not ticket_id.isdigit():
        raise UnreadableDelivery("The body names no ticket (`ticket_id`).")
    told = _Ticket(ticket_id, ticket, own_user, url, statuses)
    found = [told.event(each) for each in as_objects(payload["transactions"])]
    return [event for event in found if event is not None]


class _Ticket:
    """The ticket that transactions are told of."""

    def __init__(
        self, ticket_id: str, ticket: Json, own_user: str, url: str, statuses: Mapping[str, TicketStatus]
    ) -> None:
        self.id = ticket_id
        self._ticket = ticket
        self._own_user = own_user
        self._url = url
        self._statuses = statuses
        asking = as_objects(ticket.get("requestors"))
        self._requestors = [_party(each, Role.CUSTOMER) for each in asking if as_text(each.get("name"))]

    def event(self, transaction: Json) -> TicketChanged | None:
        kind = as_text(transaction.get("type"))
        change = TYPES.get(kind) or FIELDS.get((kind, as_text(transaction.get("field"))))
        if change is None:
            return None
        number = as_text(transaction.get("id"))
        if not number.isascii() or not number.isdigit():
            raise UnreadableDelivery("A transaction has no `id`.")
        words = kind in WORDS
        ticket = self._ticket
        creator = as_object(transaction.get("creator"))
        name = as_text(creator.get("name"))
        word = as_text(transaction.get("new")) if kind == "Status" else as_text(ticket.get("status"))
        if kind == "Status" and word == "deleted":
            change = TicketChange.DELETED
        owner = as_text(ticket.get("owner"))
        return TicketChanged(
            thread=thread_of(self.id),
            dedupe=f"transaction:{number}",
            # RT writes ``2026-01-31T09:30:00Z``, its database the same without the offset.
            occurred_at=as_instant(transaction.get("created"), "A transaction has no readable `created`."),
            sender=_party(creator, self._role(creator)),
            reference=as_text(ticket.get("external_id")) or None,
            own=name.lower() == self._own_user.lower(),
            ticket_id=self.id,
            change=change,
            subject=as_text(ticket.get("subject")),
            status=self._statuses.get(word),
            priority=as_text(ticket.get("priority")),
            group=as_text(ticket.get("queue")),
            assignee="" if owner == _NOBODY else owner,
            tags=_tags(ticket.get("tags")),
            via=as_text(transaction.get("via")).lower(),
            comment_id=number if words else "",
            text=_words(transaction) if words else "",
            audience=WORDS.get(kind, Audience.INTERNAL),
            attachments=tuple(_files(transaction, self._url)) if words else (),
            # RT names a custom field by its number.
            fields={as_text(transaction.get("field")): as_text(transaction.get("new"))}
            if kind == "CustomField"
            else {},
            url=f"{self._url}/Ticket/Display.html?id={self.id}",
            requester=self._requestors[0] if change is TicketChange.CREATED and self._requestors else None,
        )

    def _role(self, creator: Json) -> Role:
        """Whoever asked is the customer; of the others, those whom RT calls privileged are agents."""
        name = as_text(creator.get("name"))
        if name in _SYSTEM or not name:
            return Role.SYSTEM
        if name.lower() in {party.value.lower() for party in self._requestors}:
            return Role.CUSTOMER
        return Role.AGENT if creator.get("privileged") in {1, "1"} else Role.CUSTOMER


def _party(user: Json, role: Role) -> Party:
    name = as_text(user.get("name"))
    return Party(
        kind="rt_user",
        value=name or "RT_System",
        name=as_text(user.get("real_name")) or name,
        role=role,
        evidence=Evidence.ATTESTED,
        email=as_text(user.get("email")),
    )


def _words(transaction: Json) -> str:
    content = as_text(transaction.get("content"))
    return text_of(content) if as_text(transaction.get("content_type")).lower() == "text/html" else content


def _files(transaction: Json, url: str) -> Iterable[Attachment]:
    for file in as_objects(transaction.get("files")):
        number = as_text(file.get("id"))
        size = file.get("size")
        if number.isascii() and number.isdigit():
            yield Attachment(
                id=number,
                name=as_text(file.get("name")),
                media_type=as_text(file.get("type")),
                size=size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
                url=f"{url}/REST/2.0/attachment/{number}",
                inline=file.get("inline") in {1, "1"},
            )


def _tags(value: object) -> tuple[str, ...] | None:
    return tuple(as_text(tag) for tag in cast("list[object]", value)) if isinstance(value, list) else None


def lane_of(delivery: Delivery) -> str:
    """Return the lane: the ticket. Cheap: nothing is parsed, and nothing raises."""
    found = _TICKET.search(delivery.body)
    return thread_of(found[1].decode()) if found else "other"
