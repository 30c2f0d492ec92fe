"""HubSpot: the connection's life, and which of its parts answers what."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import ExitStack
from typing import Final

from connectors.hubspot import SPEC, events, examining, people, polled, polling, tickets
from connectors.hubspot.crm import Crm
from connectors.hubspot.direct import Direct
from connectors.hubspot.settings import HubSpotSettings
from connectors.hubspot.signature import check_signature
from connectors.hubspot.tickets import Upload
from connectors.hubspot.writing import Desk
from gateway.sdk import (
    Attachment,
    Backfill,
    ChannelEvent,
    Connector,
    Contact,
    CredentialsRefused,
    Cursor,
    Delivery,
    Directory,
    Emit,
    Examination,
    Handoff,
    HandoffTarget,
    Host,
    MediaSource,
    PermanentFailure,
    Profile,
    ProfileSource,
    Receipt,
    Roster,
    WebhookSource,
    choose_files,
    leave_files,
    shown_entries,
)

_LARGEST: Final = SPEC.capabilities.max_file or 0


class HubSpotConnector(
    Connector[HubSpotSettings], WebhookSource, Backfill, MediaSource, HandoffTarget, Directory, ProfileSource
):
    """One HubSpot account."""

    def __init__(self, settings: HubSpotSettings, host: Host) -> None:
        """Keep what is given. No I/O."""
        super().__init__(settings, host)
        secrets = [settings.client_secret, settings.previous_client_secret]
        self._secrets = [secret.get_secret_value().encode() for secret in secrets if secret is not None]
        self._account = events.Account(
            portal_id=settings.portal_id,
            app_id=settings.app_id,
            stages=settings.stages,
            external_id_property=settings.external_id_property,
            group_property=settings.group_property,
            watched_properties=settings.watched_properties,
        )
        self._crm = Crm(settings, host.now)
        self._direct = Direct(settings, host, self._crm)
        self._desk = Desk(self._crm, settings)

    # --- life --------------------------------------------------------------------------------------------------------
    async def open(self) -> None:
        """Make ready: nothing to do, connections are made at the first call."""

    async def check(self) -> None:
        """See that the token works, and that account and app are those whose doings are taken for ours."""
        facts = await self._direct.token_facts()
        if facts is None:
            await self.host.run_blocking(self._crm.pipelines)
            return
        for name, said, wanted in (
            ("portal_id", facts.portal_id, self.settings.portal_id),
            ("app_id", facts.app_id, self.settings.app_id),
        ):
            if said not in {"", str(wanted)}:
                raise CredentialsRefused(
                    f"The token is of {name} {said}, not of {wanted}: Baton would not know its own doings, or none at all. Set"
                    f" {name} to {said}, or use the right token."
                )

    async def close(self) -> None:
        """Close connections. Safe twice."""
        self._crm.close()

    async def examine(self) -> Examination:
        """Look at token, scopes, the unique property, pipeline, stages and priorities."""
        scopes = SPEC.capabilities.scopes
        return await examining.examine(self.settings, self.host, self._crm, self._direct, scopes)

    # --- way in ------------------------------------------------------------------------------------------------------
    async def verify(self, delivery: Delivery) -> None:
        """Check the v3 signature; see `signature`."""
        check_signature(delivery, self._secrets, self.host.now())

    def lane(self, delivery: Delivery) -> str:
        """Return the connection's only lane: one delivery brings events of many tickets, and they come in any order."""
        return f"{delivery.connection or 'hubspot'}:tickets"

    def parse(self, delivery: Delivery) -> Iterable[ChannelEvent]:
        """Say what happened; see `events` for webhooks and `polled` for what the poll hands in."""
        if delivery.method == events.POLLED:
            return polled.parse_polled(delivery, self._account)
        return events.parse_webhook(delivery, self._account)

    async def backfill(self, since: Cursor | None, emit: Emit) -> Cursor:
        """Emit each ticket that changed, whole; see `polling`."""
        stand = polling.Stand.of(since, self.host.now())
        pages: Iterator[tuple[list[bytes], polling.Stand]] = polling.Poll(self._crm, self.settings).pages(stand)
        while (page := await self.host.run_blocking(lambda: next(pages, None))) is not None:
            bodies, stand = page
            for number, body in enumerate(bodies, 1):
                await emit(self._polled(body), stand.cursor() if number == len(bodies) else None)
        return stand.cursor()

    def _polled(self, body: bytes) -> Delivery:
        return Delivery(
            connection=self.host.connection,
            endpoint="",
            received_at=self.host.now(),
            method=events.POLLED,
            url=f"{self.settings.api_url}/crm/v3/objects/tickets/search",
            headers=(("Content-Type", "application/json"),),
            body=body,
        )

    async def fetch(self, attachment: Attachment, delivery: Delivery) -> AsyncIterator[bytes]:  # noqa: ARG002 (the contract's)
        """Stream a file that agents put on a note."""
        if not attachment.id.isdigit():
            raise PermanentFailure("HubSpot gives no number for this file, so it cannot be asked for.")
        address = await self.host.run_blocking(lambda: self._crm.file_address(attachment.id))
        async for chunk in self._direct.download(str(address.get("url", ""))):
            yield chunk

    # --- way out -----------------------------------------------------------------------------------------------------
    async def hand_off(self, handoff: Handoff) -> Receipt:
        """Write a handoff: ticket, contact, what rules set, and last the note that proves it; see `writing`."""
        known = await self.settle(handoff)
        if known is not None:
            return known
        files, left = choose_files(shown_entries(handoff), where="HubSpot", largest=_LARGEST)
        told = leave_files(handoff, left)
        with ExitStack() as opened:
            uploads = [
                Upload(
                    name=tickets.upload_name(each),
                    content=opened.enter_context(await self.host.blob_file(each.sha256)),
                )
                for each in files
            ]
            ticket_id = await self.host.run_blocking(lambda: self._desk.ticket(handoff))
            for message in tickets.messages(handoff, self.settings):
                await self._direct.publish(message)
            now = self.host.now()
            return await self.host.run_blocking(lambda: self._desk.note(told, ticket_id, now, uploads))

    async def settle(self, handoff: Handoff) -> Receipt | None:
        """Find out whether a handoff was written whole: by the ticket's external id and by our key in its notes."""
        return await self.host.run_blocking(lambda: self._desk.landed(handoff))

    # --- people ------------------------------------------------------------------------------------------------------
    async def roster(self) -> Roster:
        """Return the owners and their teams."""
        return await self.host.run_blocking(lambda: people.roster(self._crm, self.settings, self.host.now()))

    async def profile(self, contact: Contact) -> Profile:
        """Return what HubSpot knows of a customer and of their company."""
        return await self.host.run_blocking(lambda: people.profile(self._crm, self.settings, contact, self.host.now()))
