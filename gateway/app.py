"""The composition root: the only place that chooses store, clock and pool sizes, and the order of start and end."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar

import structlog

from gateway.clock import Clock, SystemClock
from gateway.host.duties import STREAM
from gateway.host.supervisor import Supervisor
from gateway.operations import Operations
from gateway.pipeline import Pipeline
from gateway.readiness import Readiness
from gateway.reloading import Reloading
from gateway.sdk import Cursor, Delivery, Emit
from gateway.store import Store, StoreUnavailable, open_store
from gateway.store.values import JournalEntry
from gateway.telemetry.lag import LoopLag
from gateway.telemetry.meters import Meters
from gateway.telemetry.redaction import Redaction
from gateway.web.admin import AdminSocket
from gateway.web.conversing import Conversing
from gateway.web.door import FrontDoor
from gateway.web.health import Health
from gateway.web.hooks import Hooks
from gateway.web.sessions import SessionRoutes

if TYPE_CHECKING:
    from gateway.host.registry import Specs
    from gateway.loading import Setup

T = TypeVar("T")

_log: Final = structlog.stdlib.get_logger("gateway.app")

#: The polite part of the end, seconds; what is not finished by then is settled after the next start.
_DRAIN: Final = 25.0
#: Longest that calls to vendors are waited for at the end, seconds.
_CALLS: Final = 10.0
#: What of an operation's result stands in the log: ids and scopes; reasons are an operator's own words, for the audit.
_TOLD: Final = (
    "scope",
    "id",
    "case",
    "into",
    "from",
    "contact",
    "other",
    "name",
    "was_paused",
    "replayed",
    "discarded",
)


class Gateway:
    """A whole gateway: front door, connections, pipeline, store."""

    def __init__(
        self,
        setup: Setup,
        *,
        path: Path,
        specs: Specs,
        redaction: Redaction,
        environ: Mapping[str, str] = os.environ,
        clock: Clock | None = None,
    ) -> None:
        """Put everything together. No I/O; `path` is where a reload reads from."""
        self._clock = clock or SystemClock()
        self._specs = specs
        self._ended = asyncio.Event()
        self._store: Store | None = None
        self._pipeline: Pipeline | None = None
        self._door: FrontDoor | None = None
        #: By what the store tells this process from other replicas.
        self._owner = token_hex(8)
        self.ready = asyncio.Event()
        self.meters = Meters()
        self.lag_watch = LoopLag(
            monotonic=self._clock.monotonic, sleep=self._clock.sleep, tell=self.meters.loop_lag.set
        )
        self.supervisor = Supervisor(specs, self._clock, emit=self._emit, things=self, sessions=self._conversing)
        self.reloading = Reloading(
            setup, path=path, specs=specs, environ=environ, redaction=redaction, meters=self.meters, now=self._clock.now
        )
        self.readiness = Readiness(
            self._clock,
            store=lambda: self.store,
            config=lambda: self.setup.config,
            waiting=lambda: self.pipeline.intake.waiting,
        )

    # --- what others see ---------------------------------------------------------------------------------------------
    @property
    def setup(self) -> Setup:
        """Return what it runs by now."""
        return self.reloading.setup

    @property
    def port(self) -> int:
        """Return the port that is listened on."""
        return _opened(self._door).port

    @property
    def store(self) -> Store:
        """Return the store, while the gateway runs."""
        return _opened(self._store)

    @property
    def pipeline(self) -> Pipeline:
        """Return the pipeline, while the gateway runs."""
        return _opened(self._pipeline)

    # --- life --------------------------------------------------------------------------------------------------------
    async def run(self) -> None:
        """Run until `end`. Raises StoreUnavailable or CannotListen when it cannot start."""
        config = self.setup.config
        config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = await asyncio.to_thread(open_store, config.database)
        self._store = store
        try:
            await asyncio.to_thread(self.reloading.enter, store, "started")
            await self._run(store)
        finally:
            store.close()

    async def _run(self, store: Store) -> None:
        setup = self.setup
        direction = setup.direction
        self._pipeline = Pipeline(store, self.supervisor, direction, self._clock, self.meters)
        self.supervisor.begin(setup.config.running)
        door = self._door = self._make_door()
        admin = AdminSocket(directory=setup.config.data, operator=self)
        # The address first: when it is taken, nothing has begun that would have to be ended.
        await door.start(setup.config.host, setup.config.port)
        async with asyncio.TaskGroup() as group:
            lag = group.create_task(self.lag_watch.run())
            group.create_task(self.supervisor.run())
            group.create_task(self._pipeline.run())
            await admin.start()
            self._say_ready()
            self.ready.set()
            await self._ended.wait()
            await self._drain(door)
            await admin.stop()
            lag.cancel()
        _log.info("ended", action="ended")

    def end(self) -> None:
        """Ask for the end; safe twice."""
        self.readiness.draining = True
        self._ended.set()

    async def _drain(self, door: FrontDoor) -> None:
        _log.info("draining: no new requests", action="draining")
        try:
            async with asyncio.timeout(_DRAIN):
                await door.finish()
                await self.pipeline.stop(_CALLS)
        except TimeoutError:
            _log.warning("not everything was finished: it is settled after the next start", action="drain_cut")
        await self.supervisor.stop()

    def _make_door(self) -> FrontDoor:
        config = self.setup.config
        hooks = Hooks(
            find=self.supervisor.find,
            intake=self,
            meters=self.meters,
            now=self._clock.now,
            monotonic=self._clock.monotonic,
            public_url=config.public_url,
            read_seconds=config.limits.read_seconds,
            requests=config.limits.requests,
            sessions=self._conversing,
        )
        health = Health(vitals=self, meters=self.meters, refresh=self.count)
        sessions = SessionRoutes(
            find=self.supervisor.find, meters=self.meters, limits=config.limits, trusted=config.trusted_proxies
        )
        routes = [*hooks.routes(), *health.routes()]
        return FrontDoor(routes, limits=config.limits, trusted=config.trusted_proxies, sessions=sessions)

    def _say_ready(self) -> None:
        config = self.setup.config
        _log.info(
            "ready",
            action="ready",
            listening=f"{config.host}:{self.port}",
            public_url=config.public_url,
            store=self.store.engine,
            config=config.digest[:12],
            policy=self.setup.policy.digest[:12],
            connections=[f"{each.name} ({each.spec.name}, {each.mode.value})" for each in config.running],
        )
        for fault in self.setup.faults:
            _log.warning("a connection cannot run: %s", fault, action="connection_fault")

    # --- way in ------------------------------------------------------------------------------------------------------
    async def accept(self, entry: JournalEntry) -> None:
        """Make a delivery durable, and remember when that fails."""
        try:
            await self.pipeline.intake.accept(entry)
        except StoreUnavailable:
            self.readiness.refused()
            raise
        self.readiness.kept()
        found = self.supervisor.find(entry.delivery.connection)
        if found is not None:
            found.heard()

    def _emit(self, connection: str) -> Emit:
        async def emit(delivery: Delivery, cursor: Cursor | None) -> None:
            found = self.supervisor.find(connection)
            source = found.source if found is not None else None
            entry = JournalEntry(delivery=delivery, lane=source.lane(delivery) if source is not None else connection)
            if cursor is None:
                await self.accept(entry)
                return
            await asyncio.to_thread(self.store.journal_with_cursor, [entry], connection, STREAM, cursor)
            self.pipeline.parsing.bell.ring()

        return emit

    def _conversing(self, connection: str) -> Conversing:
        return Conversing(connection, find=self.supervisor.find, intake=self, threads=lambda: self.store)

    def paused(self, connection: str) -> bool:
        """Tell whether an operator holds what a connection sends, as of the last time the pipeline looked."""
        return not {"all", f"connection:{connection}"}.isdisjoint(self.pipeline.pauses)

    async def blob(self, sha256: str) -> bytes | None:
        """Return the bytes of a file, None when they are not kept."""
        return await asyncio.to_thread(self.store.blob, sha256)

    async def copy_blob(self, sha256: str, to: BinaryIO) -> bool:
        """Write the bytes of a file to an open one; False when they are not kept."""
        return await asyncio.to_thread(self.store.copy_blob, sha256, to)

    async def cursor(self, connection: str, name: str) -> Cursor | None:
        """Return where a connection's stream or poll stood."""
        return await asyncio.to_thread(self.store.cursor, connection, name)

    async def keep_cursor(self, connection: str, name: str, cursor: Cursor) -> None:
        """Remember where a poll stands."""
        await asyncio.to_thread(self.store.journal_with_cursor, [], connection, name, cursor)

    async def hold(self, connection: str, seconds: float) -> bool:
        """Take or renew the lease on what a connection does by itself."""
        until = self._clock.now() + int(seconds * 1_000_000)
        return await asyncio.to_thread(self.store.hold, connection, self._owner, until, self._clock.now())

    # --- health ------------------------------------------------------------------------------------------------------
    def lag(self) -> float:
        """Return the worst lag of the event loop lately, seconds."""
        return self.lag_watch.worst

    async def obstacles(self) -> tuple[str, ...]:
        """Return what keeps deliveries from being taken. A vendor's outage is none."""
        return tuple(await self.readiness.obstacles())

    async def count(self) -> None:
        """Bring the gauges up to date."""
        now = self._clock.now()
        for status in self.supervisor.statuses():
            self.meters.connection_up.labels(status.name).set(1 if status.state.value == "ok" else 0)
            if status.last_success_at is not None:
                self.meters.last_success.labels(status.name).set(status.last_success_at / 1_000_000)
        self.meters.sockets.set(_opened(self._door).sockets)
        self.meters.wal_bytes.set(_size(self.setup.config.data / "baton.db-wal"))
        try:
            accounts = await asyncio.to_thread(self.store.accounts)
            self.meters.account(accounts, await asyncio.to_thread(self.store.oldest_pending), now)
        except StoreUnavailable:
            self.meters.store_up.set(0)

    # --- operators ---------------------------------------------------------------------------------------------------
    async def operate(self, name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Do what an operator asks over the admin socket."""
        if name == "status":
            return await self._status()
        if name == "reload":
            return await self.reload(str(arguments.get("actor") or "unknown"))
        if name == "drain":
            self.end()
            return {"draining": True}
        operations = Operations(
            store=self.store,
            now=self._clock.now,
            connections=tuple(self.setup.config.connections),
            rules=tuple(rule.id for rule in self.setup.policy.rules),
        )
        result = await asyncio.to_thread(operations.operate, name, arguments)
        told = {key: result[key] for key in _TOLD if key in result}
        _log.info("an operator acted", action=name, actor=str(arguments.get("actor") or "unknown"), **told)
        self.pipeline.ring()
        return result

    async def reload(self, actor: str) -> Mapping[str, Any]:
        """Read the configuration again; see `Reloading`."""
        return await self.reloading.reload(self.store, self.pipeline, self.supervisor, actor)

    async def _status(self) -> dict[str, Any]:
        config = self.setup.config
        accounts = await asyncio.to_thread(self.store.accounts)
        obstacles = await self.readiness.obstacles()
        return {
            "obstacles": list(obstacles),
            "reasons": list(obstacles.values()),
            "listening": f"{config.host}:{self.port}",
            "public_url": config.public_url,
            "store": self.store.engine,
            "config": config.digest,
            "policy": self.setup.policy.digest,
            "connections": [
                {
                    "name": each.name,
                    "connector": each.connector,
                    "channel": each.channel.value,
                    "mode": each.mode.value,
                    "state": each.state.value,
                    "error": each.error,
                    "last_success_at": each.last_success_at,
                }
                for each in self.supervisor.statuses()
            ],
            "pauses": dict(await asyncio.to_thread(self.store.pauses)),
            "accounts": {
                **{key: getattr(accounts, key) for key in ("deliveries", "deliveries_pending", "activities")},
                "activities_pending": accounts.activities_pending,
                "effects": dict(accounts.effects),
                "dead_letters_open": accounts.dead_letters_open,
                "unaccounted": accounts.unaccounted,
            },
        }


def _opened(part: T | None) -> T:
    if part is None:
        raise RuntimeError("the gateway has not been started")
    return part


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
