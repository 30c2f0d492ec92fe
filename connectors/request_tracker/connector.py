"""Request Tracker: authenticity of its scrip's webhooks, what is written by REST2, and how a lost answer is settled."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Iterable
from typing import Any, Final

from connectors.request_tracker import events, replies, tickets
from connectors.request_tracker.examination import examined
from connectors.request_tracker.polling import Place, Poll
from connectors.request_tracker.queues import Queue, Queues
from connectors.request_tracker.roster import roster_of
from connectors.request_tracker.settings import RequestTrackerSettings
from connectors.request_tracker.transport import AbsentError, Answer, Api, DeniedError, SlowError, Upload
from gateway.sdk import (
    Attachment,
    Audience,
    Backfill,
    ChannelEvent,
    Connector,
    CredentialsRefused,
    Cursor,
    Delivery,
    DeliveryRejected,
    Directory,
    Emit,
    Entry,
    Evidence,
    Examination,
    ForeignId,
    Handoff,
    HandoffTarget,
    Host,
    MediaSource,
    Mode,
    OutcomeUnknown,
    Party,
    PermanentFailure,
    Receipt,
    Replier,
    Reply,
    Role,
    Roster,
    WebhookSource,
    altered,
    choose_files,
    leave_files,
    shown_entries,
)

#: How far a webhook's time stamp may be from ours, seconds.
WINDOW: Final = 300
#: Headers that the documented scrip sets.
STAMP: Final = "X-Baton-Timestamp"
SIGNATURE: Final = "X-Baton-Signature"
#: How long a write without an answer may still land, microseconds: as long as RT's servers usually let a request live.
_LANDS_WITHIN: Final = 60 * 1_000_000
#: Largest files of one message together, bytes: the declared `max_file`.
_MOST_BYTES: Final = 10_000_000
_STAMP_DIGITS: Final = 12


class RequestTrackerConnector(
    Connector[RequestTrackerSettings], WebhookSource, Backfill, MediaSource, HandoffTarget, Replier, Directory
):
    """One Request Tracker."""

    def __init__(self, settings: RequestTrackerSettings, host: Host) -> None:
        """Keep what is given. No I/O."""
        super().__init__(settings, host)
        secrets = [settings.webhook_secret, settings.previous_webhook_secret]
        self._secrets = [secret.get_secret_value().encode() for secret in secrets if secret is not None]
        self._api = Api(settings, host)
        self._queues = Queues(self._api, host.now)
        #: Writes whose answer did not come in time, and until when they may still land.
        self._slow: dict[str, int] = {}
        #: True once a comment of ours was seen: from then on a look tells whether one stands there.
        self._sees_comments = False

    # --- life --------------------------------------------------------------------------------------------------------
    async def open(self) -> None:
        """Make ready: nothing to do, each request is one of its own."""

    async def check(self) -> None:
        """See that the credentials work, and that they are those of the user whose doings are taken for ours."""
        await self._me()

    async def close(self) -> None:
        """Free everything: nothing is held."""

    async def examine(self) -> Examination:
        """Look at version, user, queue, custom fields and rights."""
        return await examined(self._api, self.settings, await self._me())

    async def roster(self) -> Roster:
        """Return the members of RT's groups."""
        return await roster_of(self._api, self.settings, self.host.now())

    async def _me(self) -> Any:
        """Return our user as RT shows it. Raises CredentialsRefused when the token is somebody else's."""
        name = self.settings.user
        try:
            found = await self._api.get("user", name)
        except (AbsentError, DeniedError):
            raise CredentialsRefused(f"Request Tracker knows no user {name!r}, or hides it: check user.") from None
        token = self.settings.token
        if token is not None:
            # A token names its user: 1-USER-SECRET.
            owner = token.get_secret_value().split("-")[1:2]
            if owner != [str(found.get("id") or _self_id(found))]:
                raise CredentialsRefused(
                    f"The token is not one of {name!r}: what Baton writes would be taken for somebody else's."
                )
        return found

    # --- way in ------------------------------------------------------------------------------------------------------
    async def verify(self, delivery: Delivery) -> None:
        """Check the scrip's signature: v1=hex(HMAC-SHA256(time stamp + "." + body)), and that the time stamp is of now."""
        stamp, signature = delivery.header(STAMP), delivery.header(SIGNATURE)
        if not stamp or not signature:
            raise DeliveryRejected("The webhook is not signed, or more than once.")
        given = signature.encode("utf-8", "surrogateescape")
        text = stamp.encode("utf-8", "surrogateescape") + b"." + delivery.body
        proven = False
        for secret in self._secrets:
            expected = b"v1=" + hmac.new(secret, text, hashlib.sha256).hexdigest().encode()
            proven |= hmac.compare_digest(expected, given)
        if not proven:
            raise DeliveryRejected("The signature does not fit the body.")
        if not stamp.isascii() or not stamp.isdigit() or len(stamp) > _STAMP_DIGITS:
            raise DeliveryRejected("The webhook's time stamp is no number of seconds.")
        if abs(int(stamp) * 1_000_000 - self.host.now()) > WINDOW * 1_000_000:
            raise DeliveryRejected("The webhook's time stamp is too old, or of the future.")

    def lane(self, delivery: Delivery) -> str:
        """Return the ticket's lane."""
        return events.lane_of(delivery)

    def parse(self, delivery: Delivery) -> Iterable[ChannelEvent]:
        """Say what happened; see `events`."""
        settings = self.settings
        return events.parse_delivery(delivery, own_user=settings.user, url=settings.url, statuses=settings.statuses)

    async def backfill(self, since: Cursor | None, emit: Emit) -> Cursor:
        """Emit what changed since; the first time nothing: what happened before Baton came stays where it is."""
        poll = Poll(self._api, self.settings)
        place = Place.read(since) if since is not None else await poll.begin()
        if since is not None:
            async for ticket_id, body in poll.changed(place):
                await emit(self._polled(ticket_id, body), None)
        return place.write()

    def _polled(self, ticket_id: str, body: bytes) -> Delivery:
        return Delivery(
            connection=self.host.connection,
            endpoint="",
            received_at=self.host.now(),
            method="POLL",
            url=f"{self.settings.url}/REST/2.0/ticket/{ticket_id}/history",
            headers=(("Content-Type", "application/json"),),
            body=body,
        )

    async def fetch(self, attachment: Attachment, delivery: Delivery) -> AsyncIterator[bytes]:  # noqa: ARG002 (asked of RT)
        """Stream a file's bytes. RT gives a file in one piece, as base64 within JSON."""
        if not attachment.id.isascii() or not attachment.id.isdigit():
            raise PermanentFailure("The file has no number of RT's.")
        found = await self._api.get("attachment", attachment.id)
        try:
            content = base64.b64decode(str(found.get("Content") or ""))
        except binascii.Error:
            raise PermanentFailure("Request Tracker gave the file in a form that cannot be read.") from None
        for at in range(0, len(content), 65_536):
            yield content[at : at + 65_536]

    # --- way out: tickets --------------------------------------------------------------------------------------------
    async def hand_off(self, handoff: Handoff) -> Receipt:
        """Write a handoff: a ticket when there is none yet, what rules set, and one internal comment; each once."""
        if handoff.ticket_id is None:
            ticket_id, fresh = await self._ticket(handoff)
        else:
            ticket_id, fresh = _number(handoff.ticket_id), False
        comment_id = "" if fresh else await self._message_with(handoff.key, ticket_id)
        if not comment_id:
            if handoff.ticket_id is not None:
                await self._set(handoff, ticket_id)
            comment_id = await self._comment(handoff, ticket_id)
        return self._receipt(ticket_id, comment_id)

    async def settle(self, handoff: Handoff) -> Receipt | None:
        """Find out whether a handoff landed, which it did when its comment stands: `hand_off` completes what is half done."""
        ticket_id = _number(handoff.ticket_id) if handoff.ticket_id is not None else await self._find(handoff)
        comment_id = await self._message_with(handoff.key, ticket_id) if ticket_id else ""
        if comment_id:
            return self._receipt(ticket_id, comment_id)
        self._wait_for(handoff.key)
        return None

    async def _ticket(self, handoff: Handoff) -> tuple[str, bool]:
        """Return the case's ticket and whether it was made just now."""
        found = await self._find(handoff)
        if found:
            return found, False
        settings = self.settings
        queue = await self._queue(handoff.group or settings.queue)
        self._require_fields(handoff, queue)
        body = tickets.new_ticket(handoff, settings, queue.id)
        answer = await self._writing(handoff.key, self._api.post("ticket", body=body))
        ticket_id = str(answer.value.get("id") or "") if isinstance(answer.value, dict) else ""
        if not ticket_id.isdigit():
            raise OutcomeUnknown("Request Tracker did not say which ticket it made.")
        # RT makes a ticket without a custom field that we may not set, and says nothing.
        shown = await self._api.get("ticket", ticket_id)
        if not tickets.marked(settings, shown, handoff.external_id):
            what = settings.external_id_field or "RefersTo"
            raise PermanentFailure(
                f"Ticket {ticket_id} was made, and Request Tracker did not keep {what} on it: grant our user"
                f" SetInitialCustomField on that field (ModifyTicket for a link), set it to {handoff.external_id} on the ticket,"
                " and send this again."
            )
        missed = tickets.not_taken({"Owner": handoff.assignee}, shown) if handoff.assignee else []
        if missed:
            raise PermanentFailure(
                f"Ticket {ticket_id} was made, and Request Tracker did not give it to {handoff.assignee}: there is no such user,"
                " or they lack OwnTicket in the queue. Mend the agent's id in the policy, give the ticket to somebody, and send"
                " this again."
            )
        return ticket_id, True

    async def _find(self, handoff: Handoff) -> str:
        """Return the ticket that carries the case's id, the oldest if there are several; empty when there is none."""
        query = tickets.marker_query(self.settings, handoff.external_id)
        answer = await self._api.get("tickets", query=query, orderby="id", order="ASC", per_page=20)
        found = [int(each["id"]) for each in answer.get("items") or []]
        return str(min(found)) if found else ""

    async def _set(self, handoff: Handoff, ticket_id: str) -> None:
        """Set what rules want and the ticket has not yet; see that RT took it."""
        try:
            shown = await self._api.show("ticket", ticket_id)
        except AbsentError:
            raise PermanentFailure(f"Ticket {ticket_id} is not there any more, or hidden from our user.") from None
        live = handoff.mode is Mode.LIVE
        queue = await self._queue(handoff.group) if handoff.group and live else None
        wanted = tickets.changes(handoff, self.settings, shown.value, queue.id if queue is not None else None)
        if not wanted:
            return
        await self._writing(handoff.key, self._api.put("ticket", ticket_id, body=wanted, tag=shown.tag))
        missed = tickets.not_taken(wanted, await self._api.get("ticket", ticket_id))
        if missed:
            raise PermanentFailure(
                f"Request Tracker did not take {', '.join(missed)} on ticket {ticket_id}: the value is none that the queue knows,"
                " or our user lacks the right. Mend the rule, or grant ModifyTicket, ModifyCustomField, and ReassignTicket for an"
                " owner."
            )

    async def _comment(self, handoff: Handoff, ticket_id: str) -> str:
        files, left = await self._carried(shown_entries(handoff))
        body = tickets.message(leave_files(handoff, left), self.settings)
        post = self._api.post("ticket", ticket_id, "comment", body=body, files=files)
        made = (await self._writing(handoff.key, post)).made
        # Without ShowTicketComments RT shows us no comment, not even our own: every look would be in vain.
        if not self._sees_comments and not await self._message_with(handoff.key, ticket_id):
            raise PermanentFailure(
                f"The comment was written on ticket {ticket_id}, and Request Tracker does not show it to our user: grant"
                " ShowTicketComments, then send this again; it is found then, and not written twice."
            )
        self._sees_comments = True
        return made

    async def _message_with(self, key: str, ticket_id: str) -> str:
        """Return the transaction of the message on a ticket that carries our key, empty when there is none."""
        condition = {"field": "Headers", "operator": "LIKE", "value": tickets.key_mark(key)}
        answer = await self._api.get(
            "ticket", ticket_id, "attachments", query=json.dumps([condition]), fields="Headers,TransactionId"
        )
        for each in answer.get("items") or []:
            # LIKE takes % and _ for anything; a key has neither, and is looked for once more to be sure.
            if tickets.key_mark(key) in str(each.get("Headers")):
                return str(each.get("TransactionId"))
        return ""

    def _receipt(self, ticket_id: str, comment_id: str) -> Receipt:
        return Receipt(
            ids=(ForeignId(kind="comment", id=comment_id), ForeignId(kind="ticket", id=ticket_id)),
            ticket_id=ticket_id,
            url=f"{self.settings.url}/Ticket/Display.html?id={ticket_id}",
            thread=events.thread_of(ticket_id),
        )

    async def _queue(self, name: str) -> Queue:
        try:
            return await self._queues.get(name)
        except (AbsentError, DeniedError):
            raise PermanentFailure(
                f"Request Tracker has no queue {name!r}, or hides it from our user: mend the rule or grant SeeQueue."
            ) from None

    def _require_fields(self, handoff: Handoff, queue: Queue) -> None:
        """Raise PermanentFailure for a custom field that RT would leave out without a word."""
        wanted = [name for name in handoff.fields if name not in tickets.OWN_FIELDS and not name.isdigit()]
        wanted += [name for name in (self.settings.external_id_field,) if name]
        wanted += [self.settings.sla_due_field] if self.settings.sla_due_field and handoff.sla is not None else []
        wanted += [self.settings.tags_field] if self.settings.tags_field and handoff.tags else []
        lacking = [name for name in wanted if name not in queue.fields]
        if lacking:
            there = ", ".join(sorted(queue.fields)) or "none"
            raise PermanentFailure(
                f"Tickets of queue {queue.name!r} have no custom field {', '.join(lacking)} that our user sees: there are"
                f" {there}. Apply the field to the queue, grant SeeCustomField, or mend the rule."
            )

    # --- way out: correspondence -------------------------------------------------------------------------------------
    async def reply(self, reply: Reply) -> Receipt:
        """Answer in public on the ticket: RT mails it to the requestors."""
        ticket_id = _number(events.ticket_of(reply.thread))
        known = await self._message_with(reply.key, ticket_id)
        if not known:
            files, left = await self._carried([_entry_of(reply, self.host.now())])
            names = {file.sha256: file.name for file in reply.files}
            body = replies.correspondence(reply, [f"{why}: {names[sha]}" for sha, why in left.items()])
            known = (
                await self._writing(
                    reply.key, self._api.post("ticket", ticket_id, "correspond", body=body, files=files)
                )
            ).made
        return self._replied(ticket_id, known)

    async def settle_reply(self, reply: Reply) -> Receipt | None:
        """Find out whether a reply landed."""
        ticket_id = _number(events.ticket_of(reply.thread))
        known = await self._message_with(reply.key, ticket_id)
        if known:
            return self._replied(ticket_id, known)
        self._wait_for(reply.key)
        return None

    def _replied(self, ticket_id: str, transaction_id: str) -> Receipt:
        return altered(self._receipt(ticket_id, transaction_id), ids=(ForeignId(kind="message", id=transaction_id),))

    # --- what all writes share ---------------------------------------------------------------------------------------
    async def _carried(self, entries: Iterable[Entry]) -> tuple[list[Upload], dict[str, str]]:
        """Return the files with their bytes, and why the others stay behind, by their hash."""
        chosen, left = choose_files(
            entries, where="Request Tracker", largest=_MOST_BYTES, most=tickets.MOST_FILES, together=_MOST_BYTES
        )
        carried: list[Upload] = []
        for file in chosen:
            try:
                content = await self.host.blob(file.sha256)
            except PermanentFailure:
                left[file.sha256] = "not kept any more"
                continue
            if content:
                media_type = file.media_type or "application/octet-stream"
                carried.append(Upload(name=tickets.file_name(file), media_type=media_type, content=content))
            else:
                left[file.sha256] = "empty"
        return carried, left

    async def _writing(self, key: str, call: Awaitable[Answer]) -> Answer:
        """Await a write; remember one that RT may still be at, also when the host's own time-out ended the waiting."""
        try:
            return await call
        except (SlowError, asyncio.CancelledError):
            now = self.host.now()
            self._slow = {each: until for each, until in self._slow.items() if until > now}
            self._slow[key] = now + _LANDS_WITHIN
            raise

    def _wait_for(self, key: str) -> None:
        """Raise OutcomeUnknown while a write that was not answered may still land."""
        until = self._slow.get(key)
        if until is not None and until > self.host.now():
            raise OutcomeUnknown("Request Tracker has not written it yet, and may still be at it.")


def _entry_of(reply: Reply, at: int) -> Entry:
    """Return a reply's files as an entry has them."""
    author = Party(kind="baton", value="baton", role=Role.SYSTEM, evidence=Evidence.ATTESTED)
    return Entry(occurred_at=at, author=author, channel=None, audience=Audience.PUBLIC, text="", files=reply.files)


def _self_id(found: Any) -> str:
    """Return a user's number out of the link to itself: RT shows other users without their `id`."""
    return next((str(each.get("id")) for each in found.get("_hyperlinks") or [] if each.get("ref") == "self"), "")


def _number(ticket_id: str) -> str:
    if not ticket_id.isascii() or not ticket_id.isdigit():
        raise PermanentFailure("That is no ticket of Request Tracker: its number is missing.")
    return ticket_id
