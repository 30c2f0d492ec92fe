"""Chatbots: who asks, what they are told, and how they are called back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import aiohttp
from aiohttp import web

from connectors.chatbot import events, replies, signing
from connectors.chatbot.settings import ChatbotSettings
from gateway.sdk import (
    ChannelEvent,
    Connector,
    CredentialsRefused,
    Delivery,
    Endpoint,
    ForeignId,
    Host,
    OutcomeUnknown,
    PermanentFailure,
    Receipt,
    Replier,
    Reply,
    Sessions,
    SessionSource,
    TemporaryFailure,
    WebhookSource,
    retry_after,
)

#: Longest question, bytes.
_LONGEST: Final = 65_536
_HISTORY: Final = 500
_GONE: Final = 410
_REFUSED: Final = frozenset({401, 403})
#: Standard Webhooks, "Deliverability and reliability": what asks a sender to slow down.
_LATER: Final = frozenset({429, 502, 503, 504})
_SUCCESS: Final = range(200, 300)
_SERVER_ERROR: Final = 500


class ChatbotConnector(Connector[ChatbotSettings], WebhookSource, SessionSource, Replier):
    """One chatbot."""

    def __init__(self, settings: ChatbotSettings, host: Host) -> None:
        """Keep what is given. No I/O."""
        super().__init__(settings, host)
        self._keys = [
            signing.key_of(each.get_secret_value())
            for each in (settings.secret, settings.previous_secret)
            if each is not None
        ]
        self._callback_keys = [
            signing.key_of(each.get_secret_value())
            for each in (settings.callback_secret, settings.previous_callback_secret)
            if each is not None
        ]
        self._sessions: Sessions | None = None

    # --- life --------------------------------------------------------------------------------------------------------
    async def open(self) -> None:
        """There is nothing to open: bots come to us."""

    async def check(self) -> None:
        """There is nobody to ask."""

    async def close(self) -> None:
        """There is nothing to free."""

    # --- way in ------------------------------------------------------------------------------------------------------
    async def verify(self, delivery: Delivery) -> None:
        """Check the signature over id, time stamp and raw body, and that it is of the last five minutes."""
        signing.check(self._keys, delivery, self.host.now())

    def lane(self, delivery: Delivery) -> str:
        """Return the conversation's lane."""
        return events.lane_of(delivery)

    def parse(self, delivery: Delivery) -> Iterable[ChannelEvent]:
        """Say what a bot posted; see `events`."""
        return events.parse_delivery(delivery)

    # --- questions ---------------------------------------------------------------------------------------------------
    def endpoints(self, sessions: Sessions) -> Iterable[Endpoint]:
        """Return where a bot asks where a conversation stands, and what was answered."""
        self._sessions = sessions
        return (
            Endpoint(name="state", method="POST", handler=self._tell_state),
            Endpoint(name="replies", method="POST", handler=self._tell_replies),
        )

    async def _tell_state(self, request: web.Request) -> web.StreamResponse:
        told = await self._asked(request, "state")
        conversation = events.conversation_in(told)
        found = await self._there().state(events.thread_of(conversation))
        return web.json_response(replies.standing(conversation, found))

    async def _tell_replies(self, request: web.Request) -> web.StreamResponse:
        told = await self._asked(request, "replies")
        conversation = events.conversation_in(told)
        after = told.get("after")
        entries = await self._there().history(events.thread_of(conversation), limit=_HISTORY)
        found = replies.answers(entries, after if isinstance(after, str) else "")
        return web.json_response({"conversation": conversation, "replies": found})

    def _there(self) -> Sessions:
        if self._sessions is None:
            raise TemporaryFailure("The connection is not open.")
        return self._sessions

    async def _asked(self, request: web.Request, kind: str) -> events.Json:
        """Return a question. Raises DeliveryRejected when it is not signed, PermanentFailure when it is no such question."""
        body = bytearray()
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > _LONGEST:
                raise PermanentFailure("The question is too long.")
        delivery = Delivery(
            connection=self.host.connection,
            endpoint=kind,
            received_at=self.host.now(),
            method=request.method,
            url="",
            headers=tuple(
                (key.decode("latin-1"), value.decode("utf-8", "backslashreplace")) for key, value in request.raw_headers
            ),
            body=bytes(body),
        )
        await self.verify(delivery)
        told = events.read(delivery.body)
        if told.get("type") != kind:
            # The address is not signed over, the type is: an answer goes only to who asked for it.
            raise PermanentFailure(f"The question's type must be {kind}.")
        return told

    # --- way out -----------------------------------------------------------------------------------------------------
    async def reply(self, reply: Reply) -> Receipt:
        """Post a reply to the bot; where it wants none posted, it stands in the history, and is asked for."""
        now = self.host.now()
        body = replies.callback(reply, now)
        if self.settings.callback_url:
            headers = signing.signed(self._callback_keys, reply.key, now // 1_000_000, body)
            await self._post(body, {**headers, "Content-Type": "application/json"})
        return Receipt(ids=(ForeignId(kind="message", id=reply.key),), thread=reply.thread)

    async def settle_reply(self, reply: Reply) -> Receipt | None:  # noqa: ARG002 (nobody can be asked)
        """Return None: nobody can be asked, and it may be posted again, since the bot takes each webhook-id once."""
        return None

    async def _post(self, body: bytes, headers: dict[str, str]) -> None:
        try:
            async with self.host.http.post(
                self.settings.callback_url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                status, seconds = answer.status, retry_after(answer.headers)
        except aiohttp.ClientConnectorError:
            raise TemporaryFailure("The bot's callback_url cannot be reached.") from None
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise OutcomeUnknown(f"No whole answer came from callback_url ({type(error).__name__}).") from None
        if status not in _SUCCESS:
            raise _judged(status, seconds)


def _judged(status: int, seconds: float | None) -> Exception:
    if status in _REFUSED:
        return CredentialsRefused(
            f"The bot refuses what is posted to callback_url ({status}): compare callback_secret."
        )
    if status in _LATER:
        return TemporaryFailure(f"The bot wants to be called later ({status}).", retry_after=seconds)
    if status >= _SERVER_ERROR:
        return OutcomeUnknown(f"The bot's callback_url answered {status}.")
    if status == _GONE:
        return PermanentFailure("The bot's callback_url is gone (410): mend it, or take it out of the settings.")
    return PermanentFailure(
        f"The bot's callback_url answered {status}: it must take the reply with a status of 200 to 299."
    )
