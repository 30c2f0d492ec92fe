"""Twilio's calls: answered with TwiML where the admin wants it, listened to otherwise, and the poll for what was missed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from twilio.rest.api.v2010.account.call import CallInstance
from twilio.rest.api.v2010.account.incoming_phone_number import IncomingPhoneNumberInstance

from connectors.twilio import VOICE, events_notice, events_voice, notices, polling, twiml
from connectors.twilio.account import TwilioConnection, at
from connectors.twilio.prices import LONGEST_CALL, OVER, cost_of_call
from connectors.twilio.settings import TwilioVoiceSettings
from connectors.twilio.spending import CallSpending, Caps
from gateway.sdk import (
    Ack,
    Backfill,
    ChannelEvent,
    Cursor,
    Delivery,
    Emit,
    Finding,
    ForeignId,
    Host,
    Notice,
    Notifier,
    PermanentFailure,
    Receipt,
    Sessions,
)

_PAGE: Final = 1000
_XML: Final = "text/xml"
#: Calls to one number that are looked through for one of ours, newest first.
_LOOK_BACK: Final = 50
#: How far Twilio's clock may differ from ours, microseconds.
_SKEW: Final = 60_000_000
#: Calls of ours that are remembered.
_REMEMBERED: Final = 1_000


class TwilioVoiceConnector(TwilioConnection[TwilioVoiceSettings], Backfill, Notifier):
    """The calls of one account."""

    _kind = "call"
    _scopes = VOICE.capabilities.scopes

    def __init__(self, settings: TwilioVoiceSettings, host: Host) -> None:
        """Keep what is given. No I/O."""
        super().__init__(settings, host)
        caps = Caps(
            count=settings.daily_calls, cost=settings.daily_cost, currency=settings.currency, prices=settings.prices
        )
        self._spending = CallSpending(caps)
        #: Calls that were made here, by their SID: the keys of their notices.
        self._made: dict[str, str] = {}

    @property
    def _hook(self) -> tuple[str, str]:
        return ("voice_url", "") if self.settings.answers else ("status_callback", f"/{events_voice.STATUS}")

    def _also(self, number: IncomingPhoneNumberInstance) -> Iterable[Finding]:
        """Look at what takes calls while Baton is down, and at what tells their end."""
        if not self.settings.answers:
            return
        if not number.voice_fallback_url:
            yield Finding(
                subject="fallback",
                good=False,
                sentence=f"Nothing takes calls of {number.phone_number} while Baton is down.",
                advice="Make a TwiML Bin that dials the old number, and choose it under 'Primary handler fails'.",
            )
        if not number.status_callback:
            yield Finding(
                subject="webhook",
                good=False,
                sentence=f"Nobody is told when a call of {number.phone_number} ends.",
                advice="Enter this connection's hook with /status behind it under 'Call status changes'.",
            )

    async def check(self) -> None:
        """See that the credentials may read calls."""
        await self.client.calls.list_async(limit=1, page_size=1)

    def lane(self, delivery: Delivery) -> str:
        """Return the lane of the caller's call."""
        return events_voice.lane_of(delivery)

    def acknowledge(self, delivery: Delivery) -> Ack:
        """Answer with what the caller hears next; with nothing where Twilio only tells us something."""
        if delivery.endpoint == events_voice.STATUS or events_voice.turn_of(delivery).step == "transcribed":
            return Ack()
        if events_notice.is_about(delivery):
            return Ack(body=notices.thanks(delivery, self.settings).encode(), content_type=_XML)
        text = twiml.answer(delivery, self.settings, paused=self.host.paused)
        return Ack(body=text.encode(), content_type=_XML)

    async def answer(self, delivery: Delivery, sessions: Sessions) -> Ack:
        """Answer as `acknowledge` does; to whoever takes the call over, with what is known of its case."""
        if delivery.endpoint == events_voice.STATUS or not twiml.speaks_of_the_case(delivery, self.settings):
            return self.acknowledge(delivery)
        standing = await sessions.state(events_voice.thread_of(delivery))
        text = twiml.answer(delivery, self.settings, paused=self.host.paused, standing=standing)
        return Ack(body=text.encode(), content_type=_XML)

    def parse(self, delivery: Delivery) -> Iterable[ChannelEvent]:
        """Say what happened; see `events_voice`."""
        return events_voice.parse_call(delivery, listening=not self.settings.answers)

    async def backfill(self, since: Cursor | None, emit: Emit) -> Cursor:
        """Emit every incoming call that is over, and every voicemail, since the cursor."""
        now = self.host.now()
        begin = polling.since_of(since, now)
        start = at(begin)
        found = await self.client.calls.list_async(start_time_after=start, page_size=_PAGE)
        # The list begins with the newest; of one second, that order is all there is.
        found.reverse()
        calls = {str(each.sid): each for each in found if _began(each) >= begin}
        running = [each for each in calls.values() if self._is_ours(each) and str(each.status) not in OVER]
        for call in sorted(calls.values(), key=_began):
            if self._is_ours(call) and str(call.status) in OVER:
                made = polling.call_delivery(
                    call, str(call.status), connection=self.host.connection, now=self.host.now()
                )
                await emit(made, None)
        for recording in await self.client.recordings.list_async(date_created_after=start, page_size=_PAGE):
            if str(recording.source) != "RecordVerb" or polling.instant_of(recording.date_created) < begin:
                continue
            owner = calls.get(str(recording.call_sid))
            if owner is not None and not self._is_ours(owner):
                continue
            url = f"{self.settings.api_url}{str(recording.uri).removesuffix('.json')}"
            made = polling.recording_delivery(
                recording, owner, url, connection=self.host.connection, now=self.host.now()
            )
            await emit(made, None)
        # A call that still runs is asked for again: its end is what the next poll must not miss.
        return str(min([now, *(_began(each) for each in running)]))

    # --- way out -----------------------------------------------------------------------------------------------------
    async def notify(self, notice: Notice) -> Receipt:
        """Call somebody of the staff, who takes the case by pressing a key."""
        ours, theirs = notices.addresses(notice, self.settings)
        document = notices.call_of(notice, self.settings)
        cost = cost_of_call(theirs, self.settings.prices)
        if cost is None:
            raise PermanentFailure(
                f"daily_cost is set, and no price covers call {theirs[:4]}…: add one to prices, then replay this one."
            )
        async with self._spending.reserved(self.client, ours, notice.key, cost, self.host.now()) as landed:
            made = await self.client.calls.create_async(
                to=theirs,
                from_=ours,
                twiml=document,
                timeout=self.settings.notice_seconds,
                time_limit=LONGEST_CALL,
            )
            landed(str(made.sid))
        self._note(str(made.sid), notice.key)
        return _receipt(made)

    async def settle_notice(self, notice: Notice) -> Receipt | None:
        """Look for the call among those between both numbers: Twilio keeps nothing with a call that we could give.

        What is older than the notice is not it, nor what was made for another; of two to one number within a minute, of which
        neither was answered, nobody can tell which is which.
        """
        ours, theirs = notices.addresses(notice, self.settings)
        found = await self.client.calls.list_async(to=theirs, from_=ours, limit=_LOOK_BACK, page_size=_LOOK_BACK)
        earliest = 0 if notice.written_at is None else notice.written_at - _SKEW
        for call in found:
            late = polling.instant_of(call.date_created or call.start_time) >= earliest
            if (
                late
                and str(call.direction) == "outbound-api"
                and self._made.get(str(call.sid), notice.key) == notice.key
            ):
                self._note(str(call.sid), notice.key)
                self._spending.landed(ours, notice.key, str(call.sid))
                return _receipt(call)
        self._spending.release(ours, notice.key)
        return None

    def _note(self, call: str, key: str) -> None:
        self._made[call] = key
        while len(self._made) > _REMEMBERED:
            self._made.pop(next(iter(self._made)))

    def _is_ours(self, call: CallInstance) -> bool:
        return str(call.direction) == "inbound" and (not self.settings.numbers or call.to in self.settings.numbers)


def _receipt(call: CallInstance) -> Receipt:
    return Receipt(ids=(ForeignId(kind="call", id=str(call.sid)),))


def _began(call: CallInstance) -> int:
    return polling.instant_of(call.start_time or call.date_created)
