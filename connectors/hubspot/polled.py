"""Whole tickets, as the poll hands them in → channel events. Pure, like `events`.

A delivery of the poll holds one ticket with the earlier values of some properties, its contact and its newest notes. The same
facts come again with each change of the ticket, under the same keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from connectors.hubspot import events, tickets
from connectors.hubspot.events import Account, Json, instant
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
    UnreadableDelivery,
    as_object,
    as_objects,
    as_text,
    html_pieces,
    read_json,
)

#: Properties of a ticket whose history is told.
HISTORY: Final = ("hs_pipeline_stage", "hubspot_owner_id", "hs_ticket_priority", "subject")
#: Sources of a ticket's description behind which its customer stands: the rest was typed by agents or made by machines.
_BY_CUSTOMER: Final = frozenset(
    {"FORM", "FORMS", "EMAIL", "EMAIL_INTEGRATION", "CONVERSATIONS", "CHAT", "BOT", "HELP_DESK_EMAIL"}
)
#: Directions of an e-mail; another one is FORWARDED_EMAIL.
_INCOMING: Final = "INCOMING_EMAIL"
_OUTGOING: Final = "EMAIL"
_WORDS_BY_CUSTOMER: Final = frozenset({"EMAIL", "CHAT", "FORM"})


def parse_polled(delivery: Delivery, account: Account) -> Iterable[ChannelEvent]:
    """Return what a whole ticket says: that it was made, what its customer wrote, what changed, what agents noted.

    Raises UnreadableDelivery.
    """
    payload = as_object(read_json(delivery.body))
    ticket = as_object(payload.get("ticket"))
    if not as_text(ticket.get("id")):
        raise UnreadableDelivery("What was polled holds no ticket.")
    reading = _Reading(ticket, as_object(payload.get("contact")), account)
    return [
        reading.created(),
        *reading.description(),
        *reading.changes(),
        *(reading.note(each) for each in as_objects(payload.get("notes"))),
        *(mail for each in as_objects(payload.get("emails")) for mail in reading.mail(each)),
    ]


class _Reading:
    """One ticket being read."""

    def __init__(self, ticket: Json, contact: Json, account: Account) -> None:
        self.account = account
        self.id = as_text(ticket.get("id"))
        self.properties = as_object(ticket.get("properties"))
        self.history = as_object(ticket.get("propertiesWithHistory"))
        self.created_at = instant(self.properties.get("createdate") or ticket.get("createdAt"))
        self.customer = _customer(contact)
        self.reference = self._property(account.external_id_property) or None

    def created(self) -> TicketChanged:
        """Return the ticket's creation, with its state of now."""
        source, actor = self._property("hs_object_source"), self._property("hs_object_source_id")
        maker = events.actor_of(source, actor)
        return self._changed(
            TicketChange.CREATED,
            dedupe=events.created_key(self.id),
            at=self.created_at,
            sender=maker if self.customer is None or maker.role is Role.AGENT else self.customer,
            own=events.is_own(source, actor, self.account.app_id),
            values={
                "subject": self._property("subject"),
                "status": self.account.stages.get(self._property("hs_pipeline_stage")),
                "priority": self._property("hs_ticket_priority").lower(),
                "assignee": self._property("hubspot_owner_id"),
                "group": self._property(self.account.group_property),
            },
        )

    def description(self) -> Iterable[TicketChanged]:
        """Yield the ticket's description as the first message: the customer's where it came over a channel of theirs."""
        source, actor = self._property("hs_object_source"), self._property("hs_object_source_id")
        theirs = self.customer is not None and (
            source in _BY_CUSTOMER or self._property("source_type").upper() in _WORDS_BY_CUSTOMER
        )
        # Some customers write into the subject only.
        written = self._property("content").strip() or (self._property("subject").strip() if theirs else "")
        if not written:
            return
        yield self._changed(
            TicketChange.COMMENTED,
            dedupe=events.description_key(self.id, written),
            at=self.created_at,
            sender=self.customer if theirs and self.customer is not None else events.actor_of(source, actor),
            own=events.is_own(source, actor, self.account.app_id),
            values={
                "subject": self._property("subject"),
                "comment_id": "content",
                "text": written,
                "audience": Audience.PUBLIC if theirs else Audience.INTERNAL,
            },
        )

    def changes(self) -> Iterable[TicketChanged]:
        """Yield the changes of each property, oldest first."""
        watched = [name for name in self.account.watched_properties if name not in HISTORY]
        for name in (*HISTORY, *watched):
            for version in reversed(as_objects(self.history.get(name))):
                value, at = as_text(version.get("value")), instant(version.get("timestamp"))
                source, actor = as_text(version.get("sourceType")), as_text(version.get("sourceId"))
                yield self._changed(
                    events.PROPERTIES.get(name, TicketChange.FIELDS),
                    dedupe=events.property_key(self.id, name, value, at),
                    at=at,
                    sender=events.actor_of(source, actor),
                    own=events.is_own(source, actor, self.account.app_id),
                    values={**events.values_of(name, value, self.account), "fields": {name: value}},
                    extras={"property": name},
                )

    def note(self, note: Json) -> TicketChanged:
        """Return a note as an internal comment."""
        properties = as_object(note.get("properties"))
        body = as_text(properties.get("hs_note_body"))
        return self._comment(
            note,
            key=events.note_key,
            sender=self._author(properties),
            own=bool(tickets.key_of(body)),
            words=plain(body),
            audience=Audience.INTERNAL,
        )

    def mail(self, mail: Json) -> Iterable[TicketChanged]:
        """Yield an e-mail on the ticket as a message, unless it is the one that the description was made from."""
        properties = as_object(mail.get("properties"))
        words = as_text(properties.get("hs_email_text")) or plain(as_text(properties.get("hs_email_html")))
        direction = as_text(properties.get("hs_email_direction"))
        incoming = direction == _INCOMING
        if not (incoming and words.split() == self._property("content").split()):
            yield self._comment(
                mail,
                key=events.mail_key,
                sender=self._mailer(properties) if incoming else self._author(properties),
                own=False,
                words=words.strip(),
                # What was forwarded went to a colleague.
                audience=Audience.PUBLIC if direction in {_INCOMING, _OUTGOING} else Audience.INTERNAL,
            )

    def _comment(
        self, record: Json, *, key: Callable[[str], str], sender: Party, own: bool, words: str, audience: Audience
    ) -> TicketChanged:
        record_id = as_text(record.get("id"))
        if not record_id:
            raise UnreadableDelivery("A note or an e-mail has no id.")
        properties = as_object(record.get("properties"))
        source, actor = as_text(properties.get("hs_object_source")), as_text(properties.get("hs_object_source_id"))
        files = [each.strip() for each in as_text(properties.get("hs_attachment_ids")).split(";") if each.strip()]
        return self._changed(
            TicketChange.COMMENTED,
            dedupe=key(record_id),
            at=instant(properties.get("hs_timestamp") or properties.get("hs_createdate") or record.get("createdAt")),
            sender=sender,
            own=own or events.is_own(source, actor, self.account.app_id),
            values={
                "comment_id": record_id,
                "text": words,
                "audience": audience,
                "attachments": tuple(Attachment(id=each, name=f"file {each}") for each in files),
            },
        )

    def _author(self, properties: Json) -> Party:
        user = as_text(properties.get("hs_created_by")) or as_text(properties.get("hs_created_by_user_id"))
        source, actor = as_text(properties.get("hs_object_source")), as_text(properties.get("hs_object_source_id"))
        return events.actor_of("CRM_UI", f"userId:{user}") if user else events.actor_of(source, actor)

    def _mailer(self, properties: Json) -> Party:
        """Return who wrote an incoming e-mail: the ticket's contact by their address, else somebody who only claims one."""
        address = as_text(properties.get("hs_email_from_email")).strip()
        if self.customer is not None and address.lower() in {"", self.customer.email.lower()}:
            return self.customer
        names = (as_text(properties.get(f"hs_email_from_{each}")) for each in ("firstname", "lastname"))
        return Party(
            kind="email",
            value=address or "unknown",
            name=" ".join(names).strip(),
            role=Role.CUSTOMER,
            evidence=Evidence.CLAIMED,
            email=address,
        )

    def _changed(
        self,
        change: TicketChange,
        *,
        dedupe: str,
        at: int,
        sender: Party,
        own: bool,
        values: Mapping[str, object],
        extras: Mapping[str, object] | None = None,
    ) -> TicketChanged:
        return TicketChanged(
            thread=events.thread_of(self.id),
            dedupe=dedupe,
            occurred_at=at,
            sender=sender,
            own=own,
            reference=self.reference,
            ticket_id=self.id,
            change=change,
            # The webhook that told of the ticket first did not know them: whatever the poll tells anew says it.
            requester=self.customer,
            via=self._property("source_type").lower(),
            url=tickets.ticket_page(self.account.portal_id, self.id),
            extras=extras or {},
            **values,  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] (each is a field of the event, by name)
        )

    def _property(self, name: str) -> str:
        return as_text(self.properties.get(name)) if name else ""


def _customer(contact: Json) -> Party | None:
    contact_id = as_text(contact.get("id"))
    if not contact_id:
        return None
    properties = as_object(contact.get("properties"))
    return Party(
        kind="hubspot_contact",
        value=contact_id,
        name=tickets.names_of(properties),
        role=Role.CUSTOMER,
        evidence=Evidence.ATTESTED,
        email=as_text(properties.get("email")),
    )


# --- HTML → text -----------------------------------------------------------------------------------------------------
_BREAKS: Final = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "blockquote"})
_SILENT: Final = frozenset({"script", "style", "head"})
_BLANK_LINES: Final = re.compile(r"\n{3,}")


def plain(body: str) -> str:
    """Return the text that a person reads in HTML."""
    parts = [
        text if not tag else "\n" if tag.removeprefix("/") in _BREAKS else ""
        for tag, text in html_pieces(body, _SILENT)
    ]
    lines = "".join(parts).replace("\xa0", " ").split("\n")
    return _BLANK_LINES.sub("\n\n", "\n".join(line.rstrip() for line in lines)).strip()
