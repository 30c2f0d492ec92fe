"""Parsing: waiting deliveries become activities, lane by lane, in batches.

A turn runs in a worker thread and holds the event loop up for nothing. Parsing happens outside any transaction; a parser
that needs a process of its own (`Capabilities.parse_apart`) gets it here, between `unparsed` and `save_parsed`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Protocol

from gateway.clock import Clock
from gateway.model import Activity, Channel
from gateway.pipeline.bell import Bell
from gateway.pipeline.policies import Direction
from gateway.pipeline.staff import heard
from gateway.sdk import Source, UnreadableDelivery
from gateway.store.ports import EventFailure, ParsedDelivery, SavedBatch, Store, StoredDelivery
from normalizers import normalize

if TYPE_CHECKING:
    from gateway.pipeline.apart import Apart

_log: Final = logging.getLogger("baton.pipeline")

#: Deliveries in one transaction at most. A backlog fills it; in quiet hours a batch is what came in since the last one.
BATCH: Final = 1_024
#: How often the store is looked into when nothing hints at work, seconds.
POLL: Final = 1.0


class ParsingSide(Protocol):
    """What parsing needs of a connection."""

    @property
    def source(self) -> Source | None:
        """What parses, None when it cannot be imported now."""
        ...

    @property
    def parse_apart(self) -> bool:
        """Whether its deliveries are parsed in a process of their own."""
        ...


class Parsing:
    """The loop from journal to activities."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        connections: Callable[[], Mapping[str, tuple[ParsingSide, Channel, int]]],
        saved: Callable[[SavedBatch], None],
        direction: Callable[[], Direction],
    ) -> None:
        """Take the store, and where connections are found: side, channel and events a delivery may bring.

        `saved` is told of every batch; `direction` says what becomes one case.
        """
        self._direction = direction
        self._store = store
        self._clock = clock
        self._connections = connections
        self._saved = saved
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="baton-parse")
        self._apart: dict[str, Apart] = {}
        self._closing = False
        self.bell = Bell(clock)

    async def run(self) -> None:
        """Parse what waits until closed."""
        loop = asyncio.get_running_loop()
        while not self._closing:
            batch = await loop.run_in_executor(self._thread, self._turn, self._connections())
            if batch is None:
                await self.bell.wait(POLL)
            else:
                self._saved(batch)

    def close(self) -> None:
        """End after the turn in work. Safe twice."""
        self._closing = True
        self.bell.ring()

    def free(self) -> None:
        """Free the thread and the processes, once `run` has ended."""
        self._thread.shutdown(wait=True)
        for process in self._apart.values():
            process.close()
        self._apart.clear()

    # --- one turn, in the worker's thread ----------------------------------------------------------------------------
    def _turn(self, connections: Mapping[str, tuple[ParsingSide, Channel, int]]) -> SavedBatch | None:
        able = [name for name, (side, _, _) in connections.items() if side.source is not None]
        waiting = self._store.unparsed(BATCH, able)
        direction = self._direction()
        apart = self._parse_apart(waiting, connections, direction.languages)
        parsed = [apart.get(stored.id) or self._parse(stored, connections, direction.languages) for stored in waiting]
        kept = [heard(each, direction.policy) for each in parsed if each is not None]
        return self._store.save_parsed(kept, self._clock.now(), direction.cases) if kept else None

    def _parse_apart(
        self,
        waiting: Sequence[StoredDelivery],
        connections: Mapping[str, tuple[ParsingSide, Channel, int]],
        languages: tuple[str, ...],
    ) -> dict[int, ParsedDelivery]:
        """Return what the deliveries say that want a process of their own, by their ids; each connection's in order."""
        for gone in self._apart.keys() - connections.keys():
            self._apart.pop(gone).close()
        theirs: dict[str, list[StoredDelivery]] = {}
        for stored in waiting:
            found = connections.get(stored.delivery.connection)
            if found is not None and found[0].parse_apart:
                theirs.setdefault(stored.delivery.connection, []).append(stored)
        if not theirs:
            return {}
        # Only those who need it pay for it: the child imports this module, so the import stands here.
        from gateway.pipeline.apart import Apart
        from gateway.pipeline.child import Order

        done: dict[int, ParsedDelivery] = {}
        for name, deliveries in theirs.items():
            side, channel, most = connections[name]
            source = side.source
            if source is not None:
                orders = [Order(stored=each, channel=channel, most=most, languages=languages) for each in deliveries]
                process = self._apart.setdefault(name, Apart(name))
                done.update((each.id, each) for each in process.parse(source, orders))
        return done

    def _parse(
        self,
        stored: StoredDelivery,
        connections: Mapping[str, tuple[ParsingSide, Channel, int]],
        languages: tuple[str, ...],
    ) -> ParsedDelivery | None:
        """Return what a delivery says; None when its connection is not configured any more: it waits for that."""
        found = connections.get(stored.delivery.connection)
        if found is None or found[0].source is None:
            return None
        return parse_delivery(stored, found[0].source, found[1], found[2], languages)


def parse_delivery(
    stored: StoredDelivery, source: Source, channel: Channel, most: int, languages: tuple[str, ...] = ()
) -> ParsedDelivery:
    """Return what a delivery says: activities, events that could not be normalized, or why it is unreadable.

    Parsing is pure, so a second try would end the same: whatever goes wrong makes a dead letter at once. Only the want of memory
    is raised (MemoryError): it is the process's affair, and no judgement about the delivery.
    """
    delivery = stored.delivery
    activities: list[tuple[int, Activity]] = []
    failures: list[EventFailure] = []
    try:
        for place, event in enumerate(source.parse(delivery)):
            if place >= most:
                reason = f"The delivery brings more than {most} events."
                return ParsedDelivery(id=stored.id, lane=stored.lane, unreadable=reason)
            try:
                activity = normalize(
                    event,
                    connection=delivery.connection,
                    channel=channel,
                    received_at=delivery.received_at,
                    languages=languages,
                )
            except MemoryError:
                raise
            except Exception as error:  # noqa: BLE001 (one event must not spoil its neighbours)
                failures.append(EventFailure(index=place, reason=_sentence("normalizing failed", error)))
            else:
                activities.append((place, activity))
    except UnreadableDelivery as error:
        return ParsedDelivery(id=stored.id, lane=stored.lane, unreadable=str(error) or "The delivery cannot be read.")
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 (a parser's bug costs this delivery, nothing else)
        _log.warning(
            "a parser failed",
            extra={"action": "parse_failed", "delivery": stored.id, "connection": delivery.connection},
        )
        return ParsedDelivery(
            id=stored.id, lane=stored.lane, unreadable=_sentence("the connector's parser failed", error)
        )
    return ParsedDelivery(id=stored.id, lane=stored.lane, activities=tuple(activities), failures=tuple(failures))


def _sentence(what: str, error: BaseException) -> str:
    """Return a reason that quotes nothing of the delivery: only the kind of error and where it was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" in {trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}" if trace is not None else ""
    return (
        f"{what[:1].upper()}{what[1:]} ({type(error).__name__}{where}): this is a fault of the code, not of the sender."
    )
