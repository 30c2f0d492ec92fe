"""Zendesk: authenticity of its webhooks, calls through zenpy, and the errors that they end in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, BinaryIO, Final
from urllib.parse import quote

import aiohttp
from zenpy.lib.api_objects import Comment, Ticket, User

from connectors.zendesk import SPEC, events, examining, files, people, poll, tickets
from connectors.zendesk.api import Api
from connectors.zendesk.settings import ZendeskSettings
from gateway.sdk import (
    Attachment,
    Backfill,
    ChannelEvent,
    Connector,
    Contact,
    CredentialsRefused,
    Cursor,
    Delivery,
    DeliveryRejected,
    Directory,
    Emit,
    Examination,
    File,
    ForeignId,
    Handoff,
    HandoffTarget,
    Host,
    MediaSource,
    Mode,
    PermanentFailure,
    Profile,
    ProfileSource,
    Receipt,
    Roster,
    TemporaryFailure,
    WebhookSource,
    as_object,
    as_text,
    choose_files,
    leave_files,
    shown_entries,
)

#: How far a webhook's time stamp may be from ours, seconds.
WINDOW: Final = 300
_LARGEST: Final = SPEC.capabilities.max_file or 0
#: How long the list of groups is believed, microseconds.
_GROUPS_FOR: Final = 600 * 1_000_000


class ZendeskConnector(
    Connector[ZendeskSettings], WebhookSource, Backfill, MediaSource, HandoffTarget, Directory, ProfileSource
):
    """One Zendesk account."""

    def __init__(self, settings: ZendeskSettings, host: Host) -> None:
        """Keep what is given. No I/O."""
        super().__init__(settings, host)
        self._account = f"https://{settings.subdomain}.zendesk.com"
        secrets = [settings.webhook_secret, settings.previous_webhook_secret]
        self._secrets = [secret.get_secret_value().encode() for secret in secrets if secret is not None]
        self._own_user = str(settings.user_id)
        self._api = Api(settings, host, self._account)
        self._groups: dict[str, int] = {}
        self._groups_at: int | None = None

    # --- life --------------------------------------------------------------------------------------------------------
    async def open(self) -> None:
        """Make ready: nothing to do, a session is made for each thread when it first calls."""

    async def check(self) -> None:
        """See that the token works, and that it belongs to the user whose doings are taken for ours."""
        found: Any = await self._api.reading(lambda client: client.users.me())
        if str(found.id) != self._own_user:
            raise CredentialsRefused(
                f"The token belongs to user {found.id}, not to user_id {self._own_user}: what Baton writes would be taken for a"
                " person's. Set user_id to the id of the user whose token it is."
            )

    async def close(self) -> None:
        """Free everything: sessions end with their threads."""
        self._api.forget()

    # --- way in ------------------------------------------------------------------------------------------------------
    async def verify(self, delivery: Delivery) -> None:
        """Check the signature: base64(HMAC-SHA256(time stamp + body)), and that the time stamp is of now."""
        signature = delivery.header("X-Zendesk-Webhook-Signature")
        stamp = delivery.header("X-Zendesk-Webhook-Signature-Timestamp")
        if not signature or not stamp:
            raise DeliveryRejected("The webhook is not signed, or more than once.")
        given = signature.encode("utf-8", "surrogateescape")
        text = stamp.encode("utf-8", "surrogateescape") + delivery.body
        proven = False
        for secret in self._secrets:
            proven |= hmac.compare_digest(base64.b64encode(hmac.new(secret, text, hashlib.sha256).digest()), given)
        if not proven:
            raise DeliveryRejected("The signature does not fit the body.")
        if abs(_instant(stamp) - self.host.now()) > WINDOW * 1_000_000:
            raise DeliveryRejected("The webhook's time stamp is too old, or of the future.")

    def lane(self, delivery: Delivery) -> str:
        """Return the ticket's lane."""
        return events.lane_of(delivery)

    def parse(self, delivery: Delivery) -> Iterable[ChannelEvent]:
        """Say what happened; see `events`."""
        return events.parse_delivery(delivery, own_user=self._own_user, account=self._account)

    # --- what was missed, files, people ------------------------------------------------------------------------------
    async def backfill(self, since: Cursor | None, emit: Emit) -> Cursor:
        """Hand on what changed since, as the event webhooks that would have told of it."""
        found = poll.since_then(self._api.get, self._api.answers, since, self.host.now())
        cursor = since
        while True:
            try:
                step = await self._api.reading(lambda _: next(found, None))
            except TemporaryFailure:
                # A limit in the middle of a backlog: what was read stands, the rest comes with the next poll.
                if cursor is None or cursor == since:
                    raise
                return cursor
            except CredentialsRefused:
                await self.check()
                raise PermanentFailure(
                    "Zendesk gives its incremental export to admins only: make Baton's user an admin, or what webhooks miss is"
                    " missed."
                ) from None
            if step is None:
                return cursor or ""
            told, cursor = step
            for number, event in enumerate(told, 1):
                await emit(self._polled(event), cursor if number == len(told) else None)

    def _polled(self, event: Mapping[str, Any]) -> Delivery:
        return Delivery(
            connection=self.host.connection,
            endpoint="",
            received_at=self.host.now(),
            method="FRAME",
            url="",
            headers=(),
            body=json.dumps(event, separators=(",", ":")).encode(),
        )

    def fetch(self, attachment: Attachment, delivery: Delivery) -> AsyncIterator[bytes]:  # noqa: ARG002 (a link suffices)
        """Stream a file from Zendesk's servers; the login goes to the account itself only."""
        return files.fetch(
            attachment,
            self.host,
            doors=(self._account, *([self.settings.api_url] if self.settings.api_url else [])),
            login=aiohttp.encode_basic_auth(*self._api.login()),
        )

    async def roster(self) -> Roster:
        """Return the agents and the groups that they are in."""
        now = self.host.now()
        return await self._api.reading(lambda _: people.roster(self._api.pages, now))

    async def profile(self, contact: Contact) -> Profile:
        """Return organization, tags, locale and the configured fields of a customer."""
        now, fields = self.host.now(), self.settings.profile_fields
        return await self._api.reading(
            lambda _: people.profile(self._api.pages, self._api.object, contact, fields, now)
        )

    async def examine(self) -> Examination:
        """Look at our user's role and rights, and at the addresses that Zendesk answers mail of; see `examining`."""
        return await self._api.reading(lambda _: examining.examine(self._api))

    # --- way out -----------------------------------------------------------------------------------------------------
    async def hand_off(self, handoff: Handoff) -> Receipt:
        """Write a handoff: a new ticket, or one internal note with what rules set on the ticket that is known."""
        group_id = await self._group_id(handoff)
        chosen, left = choose_files(shown_entries(handoff), where="Zendesk", largest=_LARGEST, most=files.MOST)
        told = leave_files(handoff, left)
        if handoff.ticket_id is None:
            return await self._create(told, group_id, chosen)
        return await self._update(told, handoff.ticket_id, group_id, chosen)

    async def settle(self, handoff: Handoff) -> Receipt | None:
        """Find out whether a handoff landed: by the external id, or by our key in the ticket's audits."""
        if handoff.ticket_id is None:
            return await self._by_external_id(handoff)
        known = await self._by_audit(handoff, handoff.ticket_id)
        if known is not None:
            return known
        following = await self._following(handoff, handoff.ticket_id)
        return None if following is None else await self._by_audit(handoff, following)

    async def _create(
        self, handoff: Handoff, group_id: int | None, carried: list[File], follows: Any = None
    ) -> Receipt:
        fields = tickets.new_ticket(handoff, group_id)
        # The first comment's author, whoever the ticket is for: our note must not be taken for the customer's words.
        fields["submitter_id"] = self.settings.user_id
        if follows is not None:
            # A closed ticket takes nothing more: what comes after it stands on a new one that names it, and is for whom it was.
            fields["via_followup_source_id"] = int(follows.id)
            fields["subject"] = handoff.subject or str(follows.subject or fields["subject"])
            if "requester" not in fields:
                fields.setdefault("requester_id", int(follows.requester_id))
        # zenpy wants its own objects where they nest.
        fields["comment"] = Comment(**fields["comment"], **await self._uploads(carried))
        if "requester" in fields:
            fields["requester"] = User(**fields["requester"])
        audit: Any = await self._api.writing(lambda client: client.tickets.create(Ticket(**fields)), handoff.key)
        return self._receipt(str(audit.ticket.id))

    async def _update(self, handoff: Handoff, ticket_id: str, group_id: int | None, carried: list[File]) -> Receipt:
        audits = await self._audits(ticket_id)
        if handoff.key in map(_key_of, audits):
            return self._noted(handoff, ticket_id)
        ticket: Any = await self._api.reading(lambda client: client.tickets(id=int(ticket_id)))
        if ticket.status == "closed":
            following = await self._following(handoff, ticket_id)
            if following is not None:
                return await self._update(handoff, following, group_id, carried)
            if handoff.mode is not Mode.LIVE:
                raise PermanentFailure(f"Ticket {ticket_id} is closed in Zendesk, and the mode allows no new one.")
            return await self._create(handoff, group_id, carried, follows=ticket)
        fields = tickets.update(handoff, group_id, str(ticket.status))
        # What an agent or the customer put there, or an earlier handoff, is not put there again.
        there = files.standing(audits)
        missing = [each for each in carried if (each.name, each.size or 0) not in there]
        fields["comment"] = Comment(**fields["comment"], **await self._uploads(missing))
        made = Ticket(id=int(ticket_id), safe_update=True, updated_stamp=str(ticket.updated_at), **fields)
        if "assignee_id" in fields:
            # zenpy leaves out what is None when the object is made, and sends it when it is set after.
            made.assignee_id = fields["assignee_id"]
        await self._api.writing(lambda client: client.tickets.update(made), handoff.key)
        return self._noted(handoff, ticket_id)

    async def _following(self, handoff: Handoff, ticket_id: str) -> str | None:
        """Return the follow-up of ours that a closed ticket has, None when it has none."""

        def look(_: object) -> list[int]:
            rows = self._api.pages(f"tickets.json?external_id={quote(handoff.external_id)}", "tickets")
            return [int(ticket["id"]) for ticket in rows if _followed(ticket) == ticket_id]

        found = await self._api.reading(look)
        return str(min(found)) if found else None

    async def _uploads(self, carried: list[File]) -> dict[str, list[str]]:
        """Upload files, and return what a comment says to carry them. One that is uploaded and never named Zendesk drops."""

        def upload(client: Any, file: File, body: BinaryIO) -> str:
            media_type = file.media_type or "application/octet-stream"
            made = client.attachments.upload(body, target_name=file.name, content_type=media_type)
            return str(made.token)

        tokens: list[str] = []
        for file in carried:
            with await self.host.blob_file(file.sha256) as body:
                tokens.append(await self._api.reading(partial(upload, file=file, body=body)))
        return {"uploads": tokens} if tokens else {}

    async def _by_external_id(self, handoff: Handoff) -> Receipt | None:
        def look(client: Any) -> list[str]:
            # Not the search: it lags by minutes. The list by external id does not.
            return [str(ticket.id) for ticket in client.tickets(external_id=handoff.external_id)]

        found = await self._api.reading(look)
        return self._receipt(min(found, key=int)) if found else None

    async def _by_audit(self, handoff: Handoff, ticket_id: str) -> Receipt | None:
        audits = await self._audits(ticket_id)
        return self._noted(handoff, ticket_id) if handoff.key in map(_key_of, audits) else None

    async def _audits(self, ticket_id: str) -> list[Mapping[str, Any]]:
        """Return everything that was done on a ticket."""
        path = f"tickets/{int(ticket_id)}/audits.json"
        return await self._api.reading(lambda _: list(self._api.pages(path, "audits")))

    def _noted(self, handoff: Handoff, ticket_id: str) -> Receipt:
        return self._receipt(ticket_id, ForeignId(kind="update", id=f"{ticket_id}:{handoff.key}"))

    def _receipt(self, ticket_id: str, *further: ForeignId) -> Receipt:
        return Receipt(
            ids=(*further, ForeignId(kind="ticket", id=ticket_id))
            if further
            else (ForeignId(kind="ticket", id=ticket_id),),
            ticket_id=ticket_id,
            url=f"{self._account}/agent/tickets/{ticket_id}",
            thread=f"ticket:{ticket_id}",
        )

    async def _group_id(self, handoff: Handoff) -> int | None:
        """Return the id of the group that the handoff names. Raises PermanentFailure when there is none."""
        if not handoff.group or handoff.mode is not Mode.LIVE:
            return None
        if handoff.group.isdigit():
            return int(handoff.group)
        now = self.host.now()
        if self._groups_at is None or now - self._groups_at > _GROUPS_FOR or handoff.group not in self._groups:
            self._groups = await self._api.reading(
                lambda client: {str(each.name): int(each.id) for each in client.groups()}
            )
            self._groups_at = now
        found = self._groups.get(handoff.group)
        if found is None:
            there = ", ".join(sorted(self._groups)) or "none"
            raise PermanentFailure(
                f"Zendesk has no group {handoff.group!r}: there are {there}. Mend the rule or make the group."
            )
        return found


def _followed(ticket: Mapping[str, Any]) -> str | None:
    """Return the ticket that a follow-up follows."""
    found: Any = ticket
    for name in ("via", "source", "from", "ticket_id"):
        found = as_object(found).get(name)
    return str(found) if found else None


def _key_of(audit: Mapping[str, Any]) -> str:
    """Return our key in an audit's metadata, empty when there is none."""
    return as_text(as_object(as_object(audit.get("metadata")).get("custom")).get(tickets.KEY))


def _instant(stamp: str) -> int:
    """Return a time stamp (ISO 8601, or seconds since 1970) as UTC microseconds. Raises DeliveryRejected."""
    try:
        if stamp.isascii() and stamp.isdigit():
            return int(stamp) * 1_000_000
        return int(datetime.fromisoformat(stamp).timestamp() * 1_000_000)
    except (ValueError, OverflowError, OSError):
        raise DeliveryRejected("The webhook's time stamp cannot be read.") from None
