"""What a session source is given of the gateway: a way in that is durable, the thread's history, and its state."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from gateway.sdk import (
    Audience,
    Button,
    Delivery,
    Entry,
    File,
    Party,
    PermanentFailure,
    Role,
    Source,
    Standing,
    TemporaryFailure,
)
from gateway.store.values import JournalEntry, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.store.values import Said
    from gateway.web.hooks import Intake

T = TypeVar("T")

#: Seconds after which one who was told to come again may.
_AGAIN: Final = 5.0
#: Messages that a history holds at most, whatever is asked for.
MOST: Final = 500


class Side(Protocol):
    """The connection that the sessions are of."""

    @property
    def source(self) -> Source | None:
        """What knows the lane of its deliveries."""
        ...

    @property
    def max_delivery(self) -> int:
        """Largest delivery, bytes."""
        ...


class Threads(Protocol):
    """Where threads are read."""

    def said(self, connection: str, thread: str, limit: int) -> Sequence[Said]:
        """Return the newest public messages of a thread."""
        ...

    def standing(self, connection: str, thread: str) -> Standing:
        """Return where a thread's case stands."""
        ...


class Conversing:
    """The `Sessions` of one connection. It reads that connection's threads and no other's."""

    def __init__(
        self,
        connection: str,
        *,
        find: Callable[[str], Side | None],
        intake: Intake,
        threads: Callable[[], Threads],
    ) -> None:
        """Take the connection's name, where it is found, where deliveries go and where threads are read."""
        self._connection = connection
        self._find = find
        self._intake = intake
        self._threads = threads

    async def emit(self, delivery: Delivery) -> None:
        """Return once the delivery is durable. Raises TemporaryFailure; PermanentFailure for one that never may be kept."""
        side = self._find(self._connection)
        source = side.source if side is not None else None
        if side is None or source is None:
            raise TemporaryFailure("The connection is not there now.", retry_after=_AGAIN)
        if delivery.connection != self._connection or len(delivery.body) > side.max_delivery:
            raise PermanentFailure("The delivery is another connection's, or is longer than the connector declares.")
        try:
            await self._intake.accept(JournalEntry(delivery=delivery, lane=source.lane(delivery)))
        except StoreUnavailable:
            raise TemporaryFailure("It cannot be kept now.", retry_after=_AGAIN) from None

    async def history(self, thread: str, *, limit: int = 200) -> Sequence[Entry]:
        """Return what the customer may see of a thread, oldest first. Raises TemporaryFailure."""
        said = await self._read(lambda: self._threads().said(self._connection, thread, max(0, min(limit, MOST))))
        return [_entry(each) for each in said]

    async def state(self, thread: str) -> Standing:
        """Return where the thread's case stands. Raises TemporaryFailure."""
        return await self._read(lambda: self._threads().standing(self._connection, thread))

    @staticmethod
    async def _read(work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except StoreUnavailable:
            raise TemporaryFailure("The store cannot be read now.", retry_after=_AGAIN) from None


def _entry(said: Said) -> Entry:
    if said.sender is None:
        role = Role.AGENT if said.author else Role.SYSTEM
        author = Party(kind="baton", value="baton", name=said.author, role=role)
    else:
        author = said.sender
    return Entry(
        occurred_at=said.at,
        author=author,
        channel=said.channel,
        audience=Audience.PUBLIC,
        text=said.text,
        key=said.key,
        files=tuple(
            File(name=each.name, media_type=each.media_type, size=each.size, sha256=each.sha256)
            for each in said.attachments
        ),
        buttons=tuple(Button(action=action, label=label) for action, label in said.buttons),
    )
