"""E-mail: what comes in over IMAP or a service's webhook, and what goes out over SMTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final, TypeVar

from connectors.email import events, notices, replies, tokens
from connectors.email.hooks import Gate
from connectors.email.imap import Mailbox, Proof
from connectors.email.oauth import AccessTokens
from connectors.email.reading import BEGUN, Reader
from connectors.email.settings import EmailSettings, Sent, WayIn
from connectors.email.smtp import Courier, Unsendable, courier
from gateway.sdk import (
    Attachment,
    ChannelEvent,
    Connector,
    CredentialsRefused,
    Cursor,
    Delivery,
    Emit,
    Examination,
    File,
    Finding,
    ForeignId,
    Host,
    InboundEmail,
    MediaSource,
    Notice,
    Notifier,
    OutcomeUnknown,
    PermanentFailure,
    Receipt,
    Replier,
    Reply,
    StreamSource,
    TemporaryFailure,
    UnreadableDelivery,
    WebhookSource,
    altered,
    as_list,
)

T = TypeVar("T")

#: What a mail server may take for its copy of a mail, UTC microseconds: before that, no copy proves nothing.
_COPY_LATE: Final = 120_000_000
#: What stands around a file in a mail, bytes; base64 makes three bytes four, and a line end every 57.
_AROUND: Final = 4_096
_LOST: Final = 512


class EmailConnector(Connector[EmailSettings], WebhookSource, StreamSource, MediaSource, Replier, Notifier):
    """One mailbox."""

    def __init__(self, settings: EmailSettings, host: Host) -> None:
        """Keep what is given. No I/O."""
        super().__init__(settings, host)
        self._gate = Gate(settings)
        self._tokens = AccessTokens(settings, host)
        keys = (settings.token_key, settings.previous_token_key)
        self._keys = tuple(key.get_secret_value().encode() for key in keys if key is not None)
        self._own = events.Own(
            addresses=frozenset({settings.address.lower(), *(each.lower() for each in settings.aliases)}),
            authserv_ids=settings.authserv_ids,
            keys=self._keys,
        )
        self._listening: Mailbox | None = None
        #: When the answer to a mail was lost, by the reply's key, UTC microseconds.
        self._lost: dict[str, int] = {}

    # --- life --------------------------------------------------------------------------------------------------------
    async def open(self) -> None:
        """Nothing is kept open but what listens."""

    async def check(self) -> None:
        """See that both servers let us in, and that the folder is there. Changes nothing."""
        if self.settings.imap_host:
            await self._at_mailbox(lambda mailbox: mailbox.examine())
        if self.settings.smtp_host:
            try:
                async with self._courier():
                    pass
            except TemporaryFailure as error:
                if self.settings.way_in is not WayIn.IMAP:
                    raise
                # Reading must not stop because sending is away: what goes out is tried again by itself.
                self.host.log.warning("mail is read, and cannot be sent now: %s", error)

    async def close(self) -> None:
        """Cut what listens."""
        if self._listening is not None:
            self._listening.abort()

    async def examine(self) -> Examination:
        """Say what both servers offer, and which addresses are read here."""
        settings = self.settings
        findings: list[Finding] = []
        if settings.imap_host:
            able = await self._at_mailbox(lambda mailbox: mailbox.abilities())
            idle = "IDLE" in able
            findings.append(
                Finding(
                    subject="imap",
                    good=True,
                    sentence=f"The IMAP server lets us in and {'offers' if idle else 'does not offer'} IDLE.",
                    advice="" if idle else f"New mail is noticed every {settings.imap_poll:g} seconds.",
                )
            )
        if settings.smtp_host:
            async with self._courier() as server:
                size = f"takes mails of up to {server.size} bytes" if server.size else "names no largest size"
            findings.append(Finding(subject="smtp", good=True, sentence=f"The SMTP server lets us in and {size}."))
            findings.append(self._proof_of_sending())
        else:
            findings.append(
                Finding(
                    subject="smtp",
                    good=False,
                    sentence="No smtp_host is set, so no customer can be answered.",
                    advice="Set smtp_host when rules reply.",
                )
            )
        if not settings.authserv_ids:
            findings.append(
                Finding(
                    subject="senders",
                    good=False,
                    sentence="No authserv_ids are set, so no sender counts as verified.",
                    advice="Set the name at the start of your own server's Authentication-Results headers.",
                )
            )
        return Examination(findings=tuple(findings), addresses=self._addresses())

    def _proof_of_sending(self) -> Finding:
        proven = self.settings.sent is Sent.SERVER
        return Finding(
            subject="sent mail",
            good=proven,
            sentence="A reply whose answer is lost is looked for among sent mail."
            if proven
            else "A reply whose answer is lost may have to wait for a person.",
            advice="" if proven else 'Set sent = "server" where the mail server keeps a copy of all that it takes.',
        )

    def _addresses(self) -> tuple[str, ...]:
        return tuple(f"email:{each.lower()}" for each in (self.settings.address, *self.settings.aliases))

    # --- signing in --------------------------------------------------------------------------------------------------
    async def _proof(self) -> Proof:
        settings = self.settings
        user = settings.user or settings.address
        if settings.oauth_token_url is not None:
            return Proof(user=user, token=await self._tokens.access())
        return Proof(user=user, password=settings.password.get_secret_value() if settings.password else "")

    async def _smtp_proof(self) -> Proof | None:
        settings = self.settings
        if not settings.smtp_login:
            return None
        if settings.smtp_password is not None:
            user = settings.smtp_user or settings.user or settings.address
            return Proof(user=user, password=settings.smtp_password.get_secret_value())
        proof = await self._proof()
        return replace(proof, user=settings.smtp_user or proof.user)

    async def _connect(self, mailbox: Mailbox) -> None:
        proof = await self._proof()
        try:
            await self.host.run_blocking(lambda: mailbox.connect(proof))
        except CredentialsRefused as error:
            raise self._judged(error) from None

    def _judged(self, error: CredentialsRefused) -> CredentialsRefused | TemporaryFailure:
        """Judge a refused sign-in: a token may be taken back before its time; only a fresh one means that we are refused."""
        if self.settings.oauth_token_url is None or self._tokens.fresh:
            return error
        self._tokens.forget()
        return TemporaryFailure("The mail server refuses an access token before its time: the next try uses a new one.")

    @asynccontextmanager
    async def _courier(self) -> AsyncGenerator[Courier]:
        proof = await self._smtp_proof()
        try:
            async with courier(self.settings, proof) as server:
                yield server
        except CredentialsRefused as error:
            raise self._judged(error) from None

    async def _at_mailbox(self, work: Callable[[Mailbox], T]) -> T:
        """Do one thing at the mailbox, on a connection of its own."""
        mailbox = Mailbox(self.settings)
        try:
            await self._connect(mailbox)
            done = await self.host.run_blocking(lambda: work(mailbox))
            await self.host.run_blocking(mailbox.logout)
        finally:
            mailbox.abort()
        return done

    # --- way in: webhooks --------------------------------------------------------------------------------------------
    async def verify(self, delivery: Delivery) -> None:
        """Check that a request is from the service that this connection takes its mail from; see `hooks`."""
        self._gate.check(delivery, self.host.now())

    def lane(self, delivery: Delivery) -> str:
        """Return the lane of a mail."""
        return events.lane_of(delivery)

    def parse(self, delivery: Delivery) -> Iterable[ChannelEvent]:
        """Say what happened; see `events`. What was cut says so."""
        if delivery.endpoint == BEGUN:
            return
        size, kept = delivery.whole_size, len(delivery.body)
        try:
            for event in events.parse_delivery(delivery, self._own):
                yield event if size is None or not isinstance(event, InboundEmail) else _cut(event, size, kept)
        except UnreadableDelivery as error:
            if size is None:
                raise
            raise UnreadableDelivery(f"{error} Only the first {kept} of its {size} bytes were taken.") from None

    # --- way in: the mailbox -----------------------------------------------------------------------------------------
    async def listen(self, since: Cursor | None, emit: Emit) -> None:
        """Emit each new mail of the folder, with where we stand then; never touches the mailbox. See `reading`."""
        if self.settings.way_in is not WayIn.IMAP:
            # Mail comes by itself: there is nothing to do until cancelled.
            await asyncio.get_running_loop().create_future()
        mailbox = self._listening = Mailbox(self.settings)
        try:
            await Reader(self.settings, self.host, mailbox).read(self._connect(mailbox), since, emit)
        finally:
            mailbox.abort()
            self._listening = None

    # --- files -------------------------------------------------------------------------------------------------------
    async def fetch(self, attachment: Attachment, delivery: Delivery) -> AsyncIterator[bytes]:
        """Give a file's bytes, out of the mail that it came with."""
        yield await self.host.run_blocking(lambda: events.open_attachment(delivery, attachment.id))

    # --- way out -----------------------------------------------------------------------------------------------------
    async def reply(self, reply: Reply) -> Receipt:
        """Send a reply to the one address that its thread is held with."""
        if not self.settings.smtp_host:
            raise PermanentFailure("No smtp_host is set for this connection: it cannot answer.")
        letter = await self._send(reply)
        return _receipt(reply, letter.message_id)

    async def notify(self, notice: Notice) -> Receipt:
        """Send a notice to an address of the staff."""
        if not self.settings.smtp_host:
            raise PermanentFailure("No smtp_host is set for this connection: it can tell nobody.")
        letter = await self._send(notices.reply_of(notice), begins=True)
        return Receipt(ids=(ForeignId(kind="message", id=letter.message_id),))

    async def settle_notice(self, notice: Notice) -> Receipt | None:
        """Look for a notice among sent mail, as for a reply."""
        found = await self.settle_reply(notices.reply_of(notice))
        return None if found is None else Receipt(ids=found.ids)

    async def _send(self, reply: Reply, *, begins: bool = False) -> replies.Letter:
        files = [(file, await self.host.blob(file.sha256)) for file in reply.files if file.sha256]
        async with self._courier() as server:
            letter = self._letter(reply, files, server, begins=begins)
            try:
                await server.send(letter.raw, self.settings.address, letter.recipient)
            except OutcomeUnknown:
                self._remember(reply.key)
                raise
        if self.settings.sent is Sent.APPEND:
            await self._keep_copy(letter.raw)
        return letter

    def _letter(
        self, reply: Reply, files: list[tuple[File, bytes]], server: Courier, *, begins: bool
    ) -> replies.Letter:
        """Write the mail; files that the server would not take are named in it instead."""
        recipient, message_id = self._envelope(reply)
        room = server.size
        left_out = [(file, file.note or "not available") for file in reply.files if not file.sha256]
        going: list[tuple[File, bytes]] = []
        used = len(reply.text.encode()) * 2 + _AROUND
        for file, body in files:
            used += len(body) * 78 // 57 + _LOST
            if room is not None and used > room:
                left_out.append((file, "too large for our mail server"))
                used -= len(body) * 78 // 57 + _LOST
            else:
                going.append((file, body))
        letter = replies.letter(
            reply,
            recipient=recipient,
            message_id=message_id,
            token=tokens.subject_token(self._keys[0], reply.key) if self.settings.subject_token else "",
            sender=replies.From(address=self.settings.address, name=self.settings.name),
            at=self.host.now(),
            files=going,
            left_out=left_out,
            begins=begins,
        )
        if room is not None and len(letter.raw) > room:
            raise Unsendable(room)
        return letter

    def _envelope(self, reply: Reply) -> tuple[str, str]:
        """Return whom a reply goes to, and its Message-ID: the same for the same reply, however often it is asked."""
        recipient = events.address_of(reply.thread)
        domain = self.settings.address.rpartition("@")[2]
        return recipient, tokens.message_id_for(self._keys[0], reply.key, recipient, domain)

    async def _keep_copy(self, raw: bytes) -> None:
        try:
            await self._at_mailbox(lambda mailbox: mailbox.append(mailbox.sent_folder(), raw))
        except (TemporaryFailure, OutcomeUnknown, CredentialsRefused) as error:
            # The mail is with the server: an error now would have it sent a second time.
            self.host.log.warning("a reply was sent, and no copy of it could be kept: %s", error)

    async def settle_reply(self, reply: Reply) -> Receipt | None:
        """Look for a reply among sent mail, by its Message-ID.

        There: it was sent. Not there proves something only where the server keeps each mail that it takes, and a while after.
        """
        _, message_id = self._envelope(reply)
        sent = self.settings.sent
        if sent is Sent.NONE:
            raise OutcomeUnknown(f"Nobody keeps sent mail: ask the mail server's log for {message_id}.")
        if await self._at_mailbox(lambda mailbox: mailbox.holds(mailbox.sent_folder(), message_id)):
            self._lost.pop(reply.key, None)
            return _receipt(reply, message_id)
        if sent is Sent.APPEND:
            raise OutcomeUnknown(
                f"No copy of it was kept, which proves nothing: ask the mail server's log for {message_id}."
            )
        lost_at = self._lost.get(reply.key)
        if lost_at is not None and self.host.now() - lost_at < _COPY_LATE:
            raise OutcomeUnknown("The mail server has no copy of it yet.")
        self._lost.pop(reply.key, None)
        return None

    def _remember(self, key: str) -> None:
        self._lost[key] = self.host.now()
        while len(self._lost) > _LOST:
            del self._lost[next(iter(self._lost))]


def _receipt(reply: Reply, message_id: str) -> Receipt:
    return Receipt(ids=(ForeignId(kind="message", id=message_id),), thread=reply.thread)


def _cut(event: InboundEmail, size: int, kept: int) -> InboundEmail:
    """Say in the mail itself that it is not whole: for people who read it, and for rules."""
    note = f"[This mail has {size} bytes, more than are taken: only the first {kept} of them are here.]"
    words = [*as_list(event.extras.get("cut")), f"what stands behind the first {kept} of {size} bytes"]
    return altered(
        event,
        text=f"{event.text}\n\n{note}" if event.text else note,
        reply_text=f"{event.reply_text}\n\n{note}" if event.reply_text else "",
        extras={**event.extras, "cut": words},
    )
