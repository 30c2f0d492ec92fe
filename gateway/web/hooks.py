"""POST /hooks/{connection}[/{endpoint}]: verify, make durable, acknowledge; nothing else happens in the request.

The verifier is in the router, not in a handler: a connection without one has no address at all. What is refused is
counted and not kept, and the answer says nothing about why.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

import structlog
from aiohttp import web

from gateway.sdk import CUT_HEADER, Delivery, DeliveryRejected, Oversize, WebhookSource
from gateway.store.values import JournalEntry, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.sdk import Ack, Sessions
    from gateway.telemetry.meters import Meters

_log: Final = structlog.stdlib.get_logger("gateway.web")

#: Seconds after which a refused vendor may come again.
RETRY_AFTER: Final = 5
_HEADERS: Final = {"Server": "baton", "Cache-Control": "no-store"}
_RETRY_HEADERS: Final = {**_HEADERS, "Retry-After": str(RETRY_AFTER)}
_TRACEPARENT: Final = 55
#: Seconds that an answer may take to be found which speaks of the case; then the plain one is given.
_TO_ANSWER: Final = 1.0
#: As header names come in, in small letters.
_CUT_NAME: Final = CUT_HEADER.lower().encode("ascii")


class Door(Protocol):
    """A connection that can be sent hooks."""

    @property
    def connection(self) -> str:
        """Its name."""
        ...

    @property
    def connector(self) -> str:
        """Its connector's name, for counters."""
        ...

    @property
    def webhook(self) -> WebhookSource | None:
        """What verifies; None while there is nothing that could."""
        ...

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Names of its endpoints; the empty name is the only one of most."""
        ...

    @property
    def max_delivery(self) -> int:
        """Largest delivery, bytes."""
        ...

    @property
    def oversize(self) -> Oversize:
        """What becomes of a larger one."""
        ...


class Intake(Protocol):
    """Makes deliveries durable."""

    async def accept(self, entry: JournalEntry) -> None:
        """Return once the delivery is committed. Raises `StoreUnavailable`."""
        ...


class Hooks:
    """The handler of all hooks."""

    def __init__(
        self,
        *,
        find: Callable[[str], Door | None],
        intake: Intake,
        meters: Meters,
        now: Callable[[], int],
        monotonic: Callable[[], float],
        public_url: str,
        read_seconds: float,
        requests: int,
        sessions: Callable[[str], Sessions] | None = None,
    ) -> None:
        """Take where doors are found, where deliveries go, the clock, the bounds, and where answers may read threads."""
        self._sessions = sessions
        self._find = find
        self._intake = intake
        self._meters = meters
        self._now = now
        self._monotonic = monotonic
        self._public_url = public_url
        self._read_seconds = read_seconds
        self._room = requests

    def routes(self) -> list[web.RouteDef]:
        """Return the routes; both end in the same verifier."""
        return [web.post("/hooks/{connection}", self.handle), web.post("/hooks/{connection}/{endpoint}", self.handle)]

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one delivery."""
        door = self._find(request.match_info["connection"])
        endpoint = request.match_info.get("endpoint", "")
        if door is None or endpoint not in door.endpoints:
            # One counter for all unknown names: a stranger must not be able to make up label values.
            return self._answer("unknown", "unknown", 404)
        source = door.webhook
        if source is None or self._room <= 0:
            return self._busy(door)
        begun = self._monotonic()
        self._room -= 1
        try:
            answer = await self._take(request, door, source, endpoint)
        finally:
            self._room += 1
        self._meters.accept_seconds.observe(self._monotonic() - begun)
        return answer

    async def _take(self, request: web.Request, door: Door, source: WebhookSource, endpoint: str) -> web.Response:
        try:
            async with asyncio.timeout(self._read_seconds):
                body, size = await _read(request, door.max_delivery, cut=door.oversize is Oversize.CUT)
        except TimeoutError:
            return self._answer(door.connector, "slow", 408)
        if body is None:
            return self._answer(door.connector, "too_large", 413)
        delivery = self._delivery(request, door, endpoint, body, size)
        try:
            await source.verify(delivery)
        except DeliveryRejected as error:
            return self._refused(door, endpoint, len(body), str(error))
        except Exception:  # noqa: BLE001 (see below)
            # A verifier that breaks has proven nothing, so nothing is kept; 500, not 401: the vendor may be right.
            self._meters.bugs.labels(door.connector).inc()
            _log.exception("the verifier broke", connection=door.connection, endpoint=endpoint, size=len(body))
            return self._answer(door.connector, "error", 500)
        return await self._keep(request, door, source, delivery)

    def _refused(self, door: Door, endpoint: str, size: int, reason: str) -> web.Response:
        """Answer what is not authentic. The reason is the connector's own sentence, for the log alone.

        What has no body brings nothing that could be forged: `baton doctor` asks so, and must not look like an attack.
        """
        if not size:
            _log.info("delivery refused: it has no body", connection=door.connection, endpoint=endpoint, reason=reason)
            return self._answer(door.connector, "empty", 401)
        self._meters.signature_failures.labels(door.connector).inc()
        _log.warning(
            "delivery refused: not authentic", connection=door.connection, endpoint=endpoint, size=size, reason=reason
        )
        return self._answer(door.connector, "rejected", 401)

    async def _keep(self, request: web.Request, door: Door, source: WebhookSource, delivery: Delivery) -> web.Response:
        lane = source.lane(delivery)
        traceparent = request.headers.get("traceparent", "")
        entry = JournalEntry(
            delivery=delivery, lane=lane, traceparent=traceparent if len(traceparent) == _TRACEPARENT else ""
        )
        try:
            await self._intake.accept(entry)
        except StoreUnavailable:
            return self._busy(door)
        ack = await self._said(door, source, delivery)
        self._meters.received.labels(door.connector, "accepted").inc()
        headers = {**_HEADERS, **dict(ack.headers)}
        if ack.content_type:
            headers["Content-Type"] = ack.content_type
        return web.Response(status=ack.status, body=ack.body or None, headers=headers)

    async def _said(self, door: Door, source: WebhookSource, delivery: Delivery) -> Ack:
        """Return what the vendor is answered. The delivery is durable, so that nothing may keep the answer away."""
        if self._sessions is None or type(source).answer is WebhookSource.answer:
            return source.acknowledge(delivery)
        try:
            async with asyncio.timeout(_TO_ANSWER):
                return await source.answer(delivery, self._sessions(door.connection))
        except Exception as error:  # noqa: BLE001 (whatever it is, the plain answer is the right one)
            _log.warning("answered without the case", connection=door.connection, error=type(error).__name__)
            return source.acknowledge(delivery)

    def _delivery(self, request: web.Request, door: Door, endpoint: str, body: bytes, size: int) -> Delivery:
        cut = ((CUT_HEADER, str(size)),) if size > len(body) else ()
        return Delivery(
            connection=door.connection,
            endpoint=endpoint,
            received_at=self._now(),
            method=request.method,
            # The raw path and query: a signature may cover them as they were sent.
            url=self._public_url + request.raw_path,
            # Bytes that are no UTF-8 survive as surrogates in aiohttp; the journal wants text that can be stored.
            headers=tuple(
                (key.decode("latin-1"), value.decode("utf-8", "backslashreplace"))
                for key, value in request.raw_headers
                if key.lower() != _CUT_NAME  # a sender does not say what we did
            )
            + cut,
            body=body,
        )

    def _busy(self, door: Door) -> web.Response:
        self._meters.received.labels(door.connector, "overload").inc()
        return web.Response(status=503, headers=_RETRY_HEADERS)

    def _answer(self, connector: str, result: str, status: int) -> web.Response:
        self._meters.received.labels(connector, result).inc()
        return web.Response(status=status, headers=_HEADERS)


async def _read(request: web.Request, limit: int, *, cut: bool) -> tuple[bytes | None, int]:
    """Return the body and its size. A body longer than `limit` is None, or its beginning when it may be cut.

    What is cut is still read to its end: a sender that is hung up on takes it for a failure and sends all of it again.
    """
    if not cut and (request.content_length or 0) > limit:
        return None, 0
    chunks: list[bytes] = []
    size = kept = 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > limit and not cut:
            return None, 0
        if kept < limit:
            chunks.append(chunk[: limit - kept])
            kept += len(chunks[-1])
    return b"".join(chunks), size
