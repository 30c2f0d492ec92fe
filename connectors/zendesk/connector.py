"""Zendesk: authenticity of its webhooks, calls through zenpy, and the errors that they end in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from io import BytesIO
from typing import Any, Final, TypeVar
from urllib.parse import quote

import aiohttp
import requests
import zenpy
from zenpy.lib.api_objects import Comment, Ticket, User

from connectors.zendesk import events, files, people, poll, tickets
from connectors.zendesk.calls import judged
from connectors.zendesk.settings import ZendeskSettings
from connectors.zendesk.transport import idempotency_key, make_session
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
    Finding,
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
    WebhookSource,
    as_object,
)

T = TypeVar("T")

#: How far a webhook's time stamp may be from ours, seconds.
WINDOW: Final = 300
#: How long the list of groups is believed, microseconds.
_GROUPS_FOR: Final = 600 * 1_000_000
#: Pages of a list that are read at most.
_PAGES: Final = 200


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
        self._local = threading.local()
        self._groups: dict[str, int] = {}
        self._groups_at: int | None = None

    # --- life --------------------------------------------------------------------------------------------------------
    async def open(self) -> None:
        """Make ready: nothing to do, a session is made for each thread when it first calls."""

    async def check(self) -> None:
        """See that the token works, and that it belongs to the user whose doings are taken for ours."""
        found: Any = await self._reading(lambda client: client.users.me())
        if str(found.id) != self._own_user:
            raise CredentialsRefused(
                f"The token belongs to user {found.id}, not to user_id {self._own_user}: what Baton writes would be taken for a"
                " person's. Set user_id to the id of the user whose token it is."
            )

    async def close(self) -> None:
        """Free everything: sessions end with their threads."""
        self._local = threading.local()

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
        now = self.host.now()
        told, cursor = await self._reading(lambda _: poll.since_then(self._get, since, now))
        for event in told:
            body = json.dumps(event, separators=(",", ":")).encode()
            await emit(
                Delivery(
                    connection=self.host.connection,
                    endpoint="",
                    received_at=now,
                    method="FRAME",
                    url="",
                    headers=(),
                    body=body,
                ),
                None,
            )
        return cursor

    def fetch(self, attachment: Attachment, delivery: Delivery) -> AsyncIterator[bytes]:  # noqa: ARG002 (a link suffices)
        """Stream a file from Zendesk's servers; the login goes to the account itself only."""
        return files.fetch(
            attachment,
            self.host,
            doors=(self._account, *([self.settings.api_url] if self.settings.api_url else [])),
            login=aiohttp.encode_basic_auth(*self._login()),
        )

    async def roster(self) -> Roster:
        """Return the agents and the groups that they are in."""
        now = self.host.now()
        return await self._reading(lambda _: people.roster(self._pages, now))

    async def profile(self, contact: Contact) -> Profile:
        """Return organization, tags, locale and the configured fields of a customer."""
        now, fields = self.host.now(), self.settings.profile_fields
        return await self._reading(lambda _: people.profile(self._pages, self._object, contact, fields, now))

    async def examine(self) -> Examination:
        """Look at the role of our user, and at the addresses that Zendesk answers mail of."""

        def look(_: object) -> Examination:
            me = self._object("users/me.json", "user")
            role = str(me.get("role") or "")
            able = role in {"agent", "admin"}
            addresses = [
                str(each["email"]).lower() for each in self._pages("recipient_addresses.json", "recipient_addresses")
            ]
            finding = Finding(
                subject="role",
                good=able,
                sentence=f"The user is {role or 'nobody'} in Zendesk.",
                advice="" if able else "Make it an agent who may see all tickets and write internal notes.",
            )
            return Examination(findings=(finding,), addresses=tuple(f"email:{each}" for each in addresses))

        return await self._reading(look)

    # --- way out -----------------------------------------------------------------------------------------------------
    async def hand_off(self, handoff: Handoff) -> Receipt:
        """Write a handoff: a new ticket, or one internal note with what rules set on the ticket that is known."""
        group_id = await self._group_id(handoff)
        bodies = [(file, await self.host.blob(file.sha256)) for file in files.carried(handoff)]
        if handoff.ticket_id is None:
            return await self._create(handoff, group_id, bodies)
        return await self._update(handoff, handoff.ticket_id, group_id, bodies)

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
        self, handoff: Handoff, group_id: int | None, bodies: list[tuple[File, bytes]], follows: str | None = None
    ) -> Receipt:
        fields = tickets.new_ticket(handoff, group_id)
        if follows is not None:
            # A closed ticket takes nothing more: what comes after it stands on a new one that names it.
            fields["via_followup_source_id"] = int(follows)
        # zenpy wants its own objects where they nest.
        fields["comment"] = Comment(**fields["comment"], **await self._uploads(bodies))
        if "requester" in fields:
            fields["requester"] = User(**fields["requester"])
        audit: Any = await self._writing(lambda client: client.tickets.create(Ticket(**fields)), handoff.key)
        return self._receipt(str(audit.ticket.id))

    async def _update(
        self, handoff: Handoff, ticket_id: str, group_id: int | None, bodies: list[tuple[File, bytes]]
    ) -> Receipt:
        known = await self._by_audit(handoff, ticket_id)
        if known is not None:
            return known
        ticket: Any = await self._reading(lambda client: client.tickets(id=int(ticket_id)))
        if ticket.status == "closed":
            following = await self._following(handoff, ticket_id)
            if following is not None:
                return await self._update(handoff, following, group_id, bodies)
            if handoff.mode is not Mode.LIVE:
                raise PermanentFailure(f"Ticket {ticket_id} is closed in Zendesk, and the mode allows no new one.")
            return await self._create(handoff, group_id, bodies, follows=ticket_id)
        fields = tickets.update(handoff, group_id, str(ticket.status))
        fields["comment"] = Comment(**fields["comment"], **await self._uploads(bodies))
        stamp = str(ticket.updated_at)
        await self._writing(
            lambda client: client.tickets.update(
                Ticket(id=int(ticket_id), safe_update=True, updated_stamp=stamp, **fields)
            ),
            handoff.key,
        )
        return self._receipt(ticket_id, ForeignId(kind="update", id=f"{ticket_id}:{handoff.key}"))

    async def _following(self, handoff: Handoff, ticket_id: str) -> str | None:
        """Return the follow-up of ours that a closed ticket has, None when it has none."""

        def look(_: object) -> list[int]:
            rows = self._pages(f"tickets.json?external_id={quote(handoff.external_id)}", "tickets")
            return [int(ticket["id"]) for ticket in rows if _followed(ticket) == ticket_id]

        found = await self._reading(look)
        return str(min(found)) if found else None

    async def _uploads(self, bodies: list[tuple[File, bytes]]) -> dict[str, list[str]]:
        """Upload files, and return what a comment says to carry them. One that is uploaded and never named Zendesk drops."""

        def upload(client: Any, file: File, body: bytes) -> str:
            media_type = file.media_type or "application/octet-stream"
            made = client.attachments.upload(BytesIO(body), target_name=file.name, content_type=media_type)
            return str(made.token)

        tokens = [await self._reading(partial(upload, file=file, body=body)) for file, body in bodies]
        return {"uploads": tokens} if tokens else {}

    async def _by_external_id(self, handoff: Handoff) -> Receipt | None:
        def look(client: Any) -> list[str]:
            # Not the search: it lags by minutes. The list by external id does not.
            return [str(ticket.id) for ticket in client.tickets(external_id=handoff.external_id)]

        found = await self._reading(look)
        return self._receipt(min(found, key=int)) if found else None

    async def _by_audit(self, handoff: Handoff, ticket_id: str) -> Receipt | None:
        def look(client: Any) -> bool:
            return any(_key_of(audit) == handoff.key for audit in client.tickets.audits(ticket=int(ticket_id)))

        if await self._reading(look):
            return self._receipt(ticket_id, ForeignId(kind="update", id=f"{ticket_id}:{handoff.key}"))
        return None

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
            self._groups = await self._reading(
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

    # --- calls that zenpy has no words for ---------------------------------------------------------------------------
    def _login(self) -> tuple[str, str]:
        return f"{self.settings.email}/token", self.settings.api_token.get_secret_value()

    def _get(self, path: str) -> Mapping[str, Any]:
        """Ask the API for a path, in the thread that calls; what goes wrong is judged by the one who runs it."""
        session = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = make_session(self.settings.api_url)
        address = path if path.startswith("https://") else f"{self._account}/api/v2/{path}"
        answer: requests.Response = session.get(address, auth=self._login(), timeout=self.settings.timeout)
        answer.raise_for_status()
        try:
            found: Any = answer.json()
        except ValueError:
            raise requests.RequestException("no JSON") from None
        if not isinstance(found, Mapping):
            raise requests.RequestException("no JSON object")
        return found  # pyright: ignore[reportUnknownVariableType]

    def _object(self, path: str, name: str) -> Mapping[str, Any]:
        return as_object(judged(lambda: self._get(path), writes=False).get(name))

    def _pages(self, path: str, name: str) -> Iterable[Mapping[str, Any]]:
        following: str | None = path
        for _ in range(_PAGES):
            if following is None:
                return
            answer = self._get(following)
            yield from answer.get(name) or ()
            following = answer.get("next_page")
            if following is not None and not following.startswith(f"{self._account}/"):
                return

    # --- calls -------------------------------------------------------------------------------------------------------
    def _client(self) -> Any:
        """Return this thread's own client: one shared by threads sends things twice."""
        client = getattr(self._local, "client", None)
        if client is None:
            client = zenpy.Zenpy(
                subdomain=self.settings.subdomain,
                email=self.settings.email,
                token=self.settings.api_token.get_secret_value(),
                session=make_session(self.settings.api_url),
                timeout=self.settings.timeout,
                disable_cache=True,
            )
            self._local.client = client
        return client

    async def _reading(self, call: Callable[[Any], T]) -> T:
        return await self.host.run_blocking(lambda: judged(lambda: call(self._client()), writes=False))

    async def _writing(self, call: Callable[[Any], T], key: str) -> T:
        def work() -> T:
            token = idempotency_key.set(key)
            try:
                return judged(lambda: call(self._client()), writes=True)
            finally:
                idempotency_key.reset(token)

        return await self.host.run_blocking(work)


def _followed(ticket: Mapping[str, Any]) -> str | None:
    """Return the ticket that a follow-up follows."""
    found: Any = ticket
    for name in ("via", "source", "from", "ticket_id"):
        found = as_object(found).get(name)
    return str(found) if found else None


def _key_of(audit: Any) -> str | None:
    """Return our key in an audit's metadata."""
    found: Any = audit.metadata
    if not isinstance(found, Mapping):
        found = found.to_dict() if hasattr(found, "to_dict") else vars(found)
    custom: Any = found.get("custom") or {}
    if not isinstance(custom, Mapping):
        custom = custom.to_dict() if hasattr(custom, "to_dict") else vars(custom)
    key: object = custom.get(tickets.KEY)
    return key if isinstance(key, str) else None


def _instant(stamp: str) -> int:
    """Return a time stamp (ISO 8601, or seconds since 1970) as UTC microseconds. Raises DeliveryRejected."""
    try:
        if stamp.isascii() and stamp.isdigit():
            return int(stamp) * 1_000_000
        return int(datetime.fromisoformat(stamp).timestamp() * 1_000_000)
    except (ValueError, OverflowError, OSError):
        raise DeliveryRejected("The webhook's time stamp cannot be read.") from None
