"""Twilio's text messages: SMS and WhatsApp in, replies out, and the poll for what no webhook brought."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from twilio.rest.api.v2010.account.message import MessageInstance

from connectors.twilio import SPEC, events, notices, polling
from connectors.twilio.account import TwilioConnection, at
from connectors.twilio.prices import cost_of
from connectors.twilio.replies import sending, wanted
from connectors.twilio.settings import TwilioSettings
from connectors.twilio.spending import Caps, MessageSpending
from gateway.sdk import (
    Ack,
    Backfill,
    ChannelEvent,
    Cursor,
    Delivery,
    Emit,
    ForeignId,
    Host,
    Notice,
    Notifier,
    OutcomeUnknown,
    PermanentFailure,
    Receipt,
    Replier,
    Reply,
)

#: Messages that are looked through for one of ours, newest first.
_LOOK_BACK: Final = 200
#: How far Twilio's clock may differ from ours, microseconds.
_SKEW: Final = 60_000_000
_PAGE: Final = 1000
#: Twilio takes TwiML as an answer to a message; an empty one says nothing to the customer.
_SILENT: Final = Ack(body=b'<?xml version="1.0" encoding="UTF-8"?><Response/>', content_type="text/xml")


class TwilioConnector(TwilioConnection[TwilioSettings], Replier, Notifier, Backfill):
    """The text messages of one account."""

    _scopes = SPEC.capabilities.scopes

    def __init__(self, settings: TwilioSettings, host: Host) -> None:
        """Keep what is given. No I/O."""
        super().__init__(settings, host)
        caps = Caps(
            count=settings.daily_messages,
            cost=settings.daily_cost,
            currency=settings.currency,
            prices=settings.prices,
        )
        self._spending = MessageSpending(caps)

    async def check(self) -> None:
        """See that the credentials may read messages."""
        await self.client.messages.list_async(limit=1, page_size=1)

    # --- way in ------------------------------------------------------------------------------------------------------
    def lane(self, delivery: Delivery) -> str:
        """Return the conversation's lane: our number and the customer's."""
        return events.lane_of(delivery)

    def acknowledge(self, delivery: Delivery) -> Ack:  # noqa: ARG002 (every message is answered with silence)
        """Answer with nothing to say: replies are sent by calls."""
        return _SILENT

    def parse(self, delivery: Delivery) -> Iterable[ChannelEvent]:
        """Say what happened; see `events`."""
        return events.parse_message(delivery)

    async def backfill(self, since: Cursor | None, emit: Emit) -> Cursor:
        """Emit every incoming message since the cursor, as its webhook would have brought it."""
        now = self.host.now()
        start = polling.since_of(since, now)
        found = await self.client.messages.list_async(date_sent_after=at(start), page_size=_PAGE)
        ours = set(self.settings.numbers)
        # The list begins with the newest; of one second, that order is all there is.
        found.reverse()
        for message in sorted(found, key=_sent_at):
            # Where Twilio takes only the day of what it is asked for, the rest of the day came before.
            if str(message.direction) != "inbound" or (ours and message.to not in ours) or _sent_at(message) < start:
                continue
            media = await self._media(message)
            made = polling.message_delivery(message, media, connection=self.host.connection, now=self.host.now())
            await emit(made, None)
        return str(now)

    async def _media(self, message: MessageInstance) -> list[polling.Media]:
        if (message.num_media or "0") == "0":
            return []
        found = await message.media.list_async(limit=20)
        return [
            polling.Media(
                url=f"{self.settings.api_url}{str(each.uri).removesuffix('.json')}", content_type=str(each.content_type)
            )
            for each in found
        ]

    # --- way out -----------------------------------------------------------------------------------------------------
    async def reply(self, reply: Reply) -> Receipt:
        """Send a reply from the number that the customer wrote to."""
        what = sending(
            reply,
            self.host.now(),
            template=self.settings.template_sid,
            variable=self.settings.template_variable,
            webhook_url=self.settings.webhook_url,
        )
        arguments: dict[str, Any] = {"messaging_service_sid" if what.ours.startswith("MG") else "from_": what.ours}
        if what.template:
            arguments |= {"content_sid": what.template, "content_variables": what.variables}
        else:
            arguments["body"] = what.text
        if what.callback:
            arguments["status_callback"] = what.callback
        return _receipt(await self._send(reply.key, (what.ours, what.theirs), what.text, arguments), reply)

    async def settle_reply(self, reply: Reply) -> Receipt | None:
        """Look for the reply among the messages between both numbers, by its text.

        Not by Twilio's filter on dates: a message that is still queued there has none. What is older than the reply is not
        it; two replies of one text within a minute cannot be told apart.
        """
        what = wanted(reply, self.host.now(), template=self.settings.template_sid)
        numbers: dict[str, Any] = (
            {"to": what.theirs}
            if what.ours.startswith("MG")
            else {
                "to": what.theirs,
                "from_": what.ours,
            }
        )
        found = await self.client.messages.list_async(**numbers, limit=_LOOK_BACK, page_size=_LOOK_BACK)
        earliest = 0 if reply.written_at is None else reply.written_at - _SKEW
        sent = [each for each in found if str(each.direction).startswith("outbound")]
        late = [each for each in sent if polling.instant_of(each.date_created or each.date_sent) >= earliest]
        for message in late:
            if what.is_in(message.body or ""):
                self._spending.landed(what.ours, reply.key, str(message.sid))
                return _receipt(message, reply)
        if any(what.templated and not message.body for message in late):
            raise OutcomeUnknown("Twilio does not show the text of a template: look in its log for the message.")
        if len(found) == _LOOK_BACK and len(late) == len(sent):
            raise OutcomeUnknown("There are more messages than can be looked through: look in Twilio's log.")
        self._spending.release(what.ours, reply.key)
        return None

    async def notify(self, notice: Notice) -> Receipt:
        """Write to somebody of the staff, who takes the case by answering with a digit."""
        ours, theirs = notices.addresses(notice, self.settings)
        text = notices.text_of(notice)
        arguments = {"from_": ours, "body": text}
        if self.settings.webhook_url:
            arguments["status_callback"] = f"{self.settings.webhook_url}?reply={notice.key}"
        return _told(await self._send(notice.key, (ours, theirs), text, arguments))

    async def settle_notice(self, notice: Notice) -> Receipt | None:
        """Look for the notice among the messages to that number, by its text: it names its case by the notice's own key."""
        ours, theirs = notices.addresses(notice, self.settings)
        found = await self.client.messages.list_async(to=theirs, from_=ours, limit=_LOOK_BACK, page_size=_LOOK_BACK)
        wanted_text = " ".join(notices.text_of(notice).split())
        for message in found:
            if str(message.direction).startswith("outbound") and " ".join((message.body or "").split()) == wanted_text:
                self._spending.landed(ours, notice.key, str(message.sid))
                return _told(message)
        if len(found) == _LOOK_BACK:
            raise OutcomeUnknown("There are more messages than can be looked through: look in Twilio's log.")
        self._spending.release(ours, notice.key)
        return None

    async def _send(
        self, key: str, numbers: tuple[str, str], text: str, arguments: Mapping[str, Any]
    ) -> MessageInstance:
        """Send a message within the day's caps. Raises PermanentFailure, also when no price covers its number."""
        ours, theirs = numbers
        cost = cost_of(text, theirs, self.settings.prices)
        if cost is None:
            raise PermanentFailure(
                f"daily_cost is set, and no price covers {_shown(theirs)}: add one to prices, then replay this one."
            )
        async with self._spending.reserved(self.client, ours, key, cost, self.host.now()) as landed:
            made = await self.client.messages.create_async(to=theirs, **arguments)
            landed(str(made.sid))
        return made


def _shown(address: str) -> str:
    """Return a channel and the beginning of a number: where it leads, not whose it is."""
    channel, colon, number = address.rpartition(":")
    return f"{channel if colon else 'sms'} {number[:4]}…"


def _sent_at(message: MessageInstance) -> int:
    return polling.instant_of(message.date_sent or message.date_created)


def _told(message: MessageInstance) -> Receipt:
    return Receipt(ids=(ForeignId(kind="message", id=str(message.sid)),))


def _receipt(message: MessageInstance, reply: Reply) -> Receipt:
    return Receipt(ids=(ForeignId(kind="message", id=str(message.sid)),), thread=reply.thread)
