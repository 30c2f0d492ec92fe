"""Zendesk: authenticity of its webhooks, calls through zenpy, and the errors that they end in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

import requests
import zenpy
from zenpy.lib.api_objects import Comment, Ticket, User
from zenpy.lib.exception import APIException, RecordNotFoundException, ZenpyException

from connectors.zendesk import events, tickets
from connectors.zendesk.settings import ZendeskSettings
from connectors.zendesk.transport import ThrottledError, idempotency_key, make_session
from gateway.sdk import (
    ChannelEvent,
    Connector,
    CredentialsRefused,
    Delivery,
    DeliveryRejected,
    ForeignId,
    Handoff,
    HandoffTarget,
    Host,
    Mode,
    OutcomeUnknown,
    PermanentFailure,
    Receipt,
    TemporaryFailure,
    WebhookSource,
)

T = TypeVar("T")

#: How far a webhook's time stamp may be from ours, seconds.
WINDOW: Final = 300
#: How long the list of groups is believed, microseconds.
_GROUPS_FOR: Final = 600 * 1_000_000
_REFUSED: Final = frozenset({401, 403})
_CONFLICT: Final = 409
_NOT_FOUND: Final = 404
_UNPROCESSABLE: Final = 422
_SERVER_ERROR: Final = 500


class ZendeskConnector(Connector[ZendeskSettings], WebhookSource, HandoffTarget):
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

    # --- way out -----------------------------------------------------------------------------------------------------
    async def hand_off(self, handoff: Handoff) -> Receipt:
        """Write a handoff: a new ticket, or one internal note with what rules set on the ticket that is known."""
        group_id = await self._group_id(handoff)
        if handoff.ticket_id is None:
            return await self._create(handoff, group_id)
        return await self._update(handoff, handoff.ticket_id, group_id)

    async def settle(self, handoff: Handoff) -> Receipt | None:
        """Find out whether a handoff landed: by the external id, or by our key in the ticket's audits."""
        if handoff.ticket_id is None:
            return await self._by_external_id(handoff)
        return await self._by_audit(handoff, handoff.ticket_id)

    async def _create(self, handoff: Handoff, group_id: int | None) -> Receipt:
        fields = tickets.new_ticket(handoff, group_id)
        # zenpy wants its own objects where they nest.
        fields["comment"] = Comment(**fields["comment"])
        if "requester" in fields:
            fields["requester"] = User(**fields["requester"])
        audit: Any = await self._writing(lambda client: client.tickets.create(Ticket(**fields)), handoff.key)
        return self._receipt(str(audit.ticket.id))

    async def _update(self, handoff: Handoff, ticket_id: str, group_id: int | None) -> Receipt:
        known = await self._by_audit(handoff, ticket_id)
        if known is not None:
            return known
        ticket: Any = await self._reading(lambda client: client.tickets(id=int(ticket_id)))
        if ticket.status == "closed":
            raise PermanentFailure(f"Ticket {ticket_id} is closed in Zendesk, which takes no more changes to it.")
        fields = tickets.update(handoff, group_id)
        fields["comment"] = Comment(**fields["comment"])
        stamp = str(ticket.updated_at)
        await self._writing(
            lambda client: client.tickets.update(
                Ticket(id=int(ticket_id), safe_update=True, updated_stamp=stamp, **fields)
            ),
            handoff.key,
        )
        return self._receipt(ticket_id, ForeignId(kind="update", id=f"{ticket_id}:{handoff.key}"))

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
        return await self.host.run_blocking(lambda: _judged(lambda: call(self._client()), writes=False))

    async def _writing(self, call: Callable[[Any], T], key: str) -> T:
        def work() -> T:
            token = idempotency_key.set(key)
            try:
                return _judged(lambda: call(self._client()), writes=True)
            finally:
                idempotency_key.reset(token)

        return await self.host.run_blocking(work)


def _judged(call: Callable[[], T], *, writes: bool) -> T:
    """Run a call; what goes wrong comes out as an error of the contract. No message of Zendesk's is quoted."""
    try:
        return call()
    except ThrottledError as error:
        raise TemporaryFailure("Zendesk wants to be asked later.", retry_after=error.seconds) from None
    except RecordNotFoundException:
        raise PermanentFailure(
            "Zendesk does not know what was asked for: the ticket was deleted, or is hidden."
        ) from None
    except (APIException, requests.HTTPError) as error:
        raise _by_status(error, writes=writes) from None
    except requests.ConnectionError as error:
        if _never_sent(error):
            raise TemporaryFailure("Zendesk cannot be reached.") from None
        raise _lost("The connection to Zendesk broke.", writes=writes) from None
    except requests.RequestException as error:
        raise _lost(f"No whole answer came from Zendesk ({type(error).__name__}).", writes=writes) from None
    except ZenpyException as error:
        raise _lost(f"zenpy could not read the answer ({type(error).__name__}).", writes=writes) from None


def _never_sent(error: requests.ConnectionError) -> bool:
    """Return whether a connection was never made, so that nothing can have happened."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return type(reason).__name__ in {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError"}


def _lost(sentence: str, *, writes: bool) -> OutcomeUnknown | TemporaryFailure:
    return OutcomeUnknown(sentence) if writes else TemporaryFailure(sentence)


def _by_status(error: APIException | requests.HTTPError, *, writes: bool) -> Exception:
    response: Any = getattr(error, "response", None)
    status = int(getattr(response, "status_code", 0) or 0)
    if status in _REFUSED:
        return CredentialsRefused(
            f"Zendesk refuses our credentials ({status}): check email, api_token and the user's role."
        )
    if status == _CONFLICT:
        return TemporaryFailure("Somebody changed the ticket at the same moment.")
    if status >= _SERVER_ERROR:
        return _lost(f"Zendesk answered {status}.", writes=writes)
    if status == _NOT_FOUND:
        return PermanentFailure("Zendesk does not know what was asked for: the ticket was deleted, or is hidden.")
    named = _fields(response)
    about = f" because of {', '.join(named)}" if named else ""
    return PermanentFailure(
        f"Zendesk refused the write ({status}){about}: mend the rule, or the rules of the ticket form."
    )


def _fields(response: Any) -> list[str]:
    """Return the names of the fields that Zendesk complains of; never its words, which may quote what we sent."""
    try:
        details: object = response.json().get("details")
    except (ValueError, AttributeError):
        return []
    return sorted(str(name) for name in details) if isinstance(details, Mapping) else []  # pyright: ignore[reportUnknownArgumentType]


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
