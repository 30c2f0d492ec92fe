"""The mailbox as a stream: each new mail once, with where we stand then, and a watch over what hangs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

from connectors.email.imap import Mail, Mailbox, Mark
from connectors.email.settings import EmailSettings
from gateway.sdk import CUT_HEADER, Cursor, Delivery, Emit, Host, PermanentFailure, TemporaryFailure

T = TypeVar("T")

#: Endpoint of what came from the mailbox, and of the note where reading began.
IMAP: Final = "imap"
BEGUN: Final = "imap-begun"
#: So many intervals without a finished look, and the connection counts as broken.
_INTERVALS: Final = 3


class Reader:
    """Reads one folder over one connection, until that breaks."""

    def __init__(self, settings: EmailSettings, host: Host, mailbox: Mailbox) -> None:
        """Take the connection, which is not open yet. No I/O."""
        self.settings = settings
        self.host = host
        self._mailbox = mailbox

    async def read(self, connecting: Awaitable[None], since: Cursor | None, emit: Emit) -> None:
        """Emit what comes until cancelled. Raises one of the contract's errors."""
        mailbox = self._mailbox
        await self._watched(connecting)
        await self._step(mailbox.examine)
        mark = await self._stand(mailbox, since, emit)
        while True:
            mark = await self._look(mailbox, mark, emit)
            await self._step(partial(mailbox.rest, self.settings.imap_poll))

    async def _stand(self, mailbox: Mailbox, since: Cursor | None, emit: Emit) -> Mark:
        """Return where to go on. Where reading begins is kept at once: or what comes while we are away would be lost."""
        now = self.host.now() // 1_000_000
        if since is None:
            mark = mailbox.begin(now)
            await emit(self._begun(mark), str(mark))
            return mark
        try:
            mark = Mark.read(since)
        except ValueError:
            raise PermanentFailure("The cursor of this connection cannot be read: it is of another version.") from None
        if mark.validity == mailbox.validity:
            return mark
        self.host.log.warning(
            "the folder's numbers changed (UIDVALIDITY): mail of the last week is looked through again"
        )
        again = mailbox.again(mark)
        mark = await self._look(mailbox, again, emit)
        if mark.uid < again.again_to:
            mark = replace(mark, uid=again.again_to)
            await emit(self._begun(mark), str(mark))
        return mark

    async def _look(self, mailbox: Mailbox, mark: Mark, emit: Emit) -> Mark:
        """Emit what came since, until nothing more is there: what comes meanwhile may not be told again by the server."""
        while True:
            found = await self._step(partial(mailbox.newer, mark))
            if not found:
                return mark
            for uid in found:
                mark = await self._emit(mailbox, mark, uid, emit)

    async def _emit(self, mailbox: Mailbox, mark: Mark, uid: int, emit: Emit) -> Mark:
        """Hand one mail over. The mark moves in the same transaction in which the mail becomes durable."""
        mail = await self._step(lambda: mailbox.take(uid))
        mark = mark.past(uid, self.host.now() // 1_000_000)
        if mail is None:  # somebody deleted it since
            return mark
        await emit(self._delivery(mail, mark), str(mark))
        return mark

    def _delivery(self, mail: Mail, mark: Mark) -> Delivery:
        headers = [
            ("Uid-Validity", str(mark.validity)),
            ("Uid", str(mail.uid)),
            ("Internal-Date", str(mail.internal_at)),
        ]
        if mail.size > len(mail.raw):
            headers.append((CUT_HEADER, str(mail.size)))
        return Delivery(
            connection=self.host.connection,
            endpoint=IMAP,
            received_at=self.host.now(),
            method="FRAME",
            url="",
            headers=tuple(headers),
            body=mail.raw,
        )

    def _begun(self, mark: Mark) -> Delivery:
        """Return a delivery that brings nothing but where the folder is read from: what the journal needs to keep it."""
        return Delivery(
            connection=self.host.connection,
            endpoint=BEGUN,
            received_at=self.host.now(),
            method="FRAME",
            url="",
            headers=(("Uid-Validity", str(mark.validity)), ("Uid", str(mark.uid))),
            body=b"",
        )

    async def _step(self, call: Callable[[], T]) -> T:
        return await self._watched(self.host.run_blocking(call))

    async def _watched(self, work: Awaitable[T]) -> T:
        """Wait for a step: one that hangs must be seen, whatever hangs in it."""
        seconds = _INTERVALS * self.settings.imap_poll
        try:
            async with asyncio.timeout(seconds):
                return await work
        except TimeoutError:
            raise TemporaryFailure(f"No look into the mailbox ended within {seconds:g} seconds.") from None
