"""All connections, each run on its own: one that falls leaves the others untouched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

from gateway.clock import Clock
from gateway.config import AnySpec, ConnectionConfig
from gateway.host.connection import Connection
from gateway.host.hostside import Things
from gateway.host.registry import Specs, load_class
from gateway.host.status import ConnectionState, ConnectionStatus
from gateway.sdk import Connector, Emit, Sessions

_CLOSING: Final = 10.0


class Supervisor:
    """Runs the connections of a configuration, and changes them while they run."""

    def __init__(
        self,
        specs: Specs | None,
        clock: Clock,
        *,
        emit: Callable[[str], Emit] | None = None,
        things: Things | None = None,
        sessions: Callable[[str], Sessions] | None = None,
        changed: Callable[[], None] = lambda: None,
        load: Callable[[AnySpec], type[Connector[Any]]] | None = None,
    ) -> None:
        """Take where connectors come from, the clock, where streams' deliveries go, by connection, and what is kept and read."""
        self._things = things
        self._sessions = sessions
        self._load: Callable[[AnySpec], type[Connector[Any]]] = load or partial(load_class, specs)
        self._clock = clock
        self._emit = emit
        self._changed = changed
        self._connections: dict[str, Connection] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._ended = asyncio.Event()

    @property
    def connections(self) -> Mapping[str, Connection]:
        """Return the connections by name."""
        return self._connections

    def find(self, name: str) -> Connection | None:
        """Return a connection."""
        return self._connections.get(name)

    def statuses(self) -> tuple[ConnectionStatus, ...]:
        """Return how each connection is."""
        return tuple(connection.status for connection in self._connections.values())

    def begin(self, configs: Iterable[ConnectionConfig]) -> None:
        """Make the connections' objects: hooks can be verified from here on. No I/O."""
        for config in configs:
            self._connections[config.name] = self._make(config)

    def _make(self, config: ConnectionConfig) -> Connection:
        emit = self._emit(config.name) if self._emit is not None else None
        return Connection(
            config,
            load=self._load,
            clock=self._clock,
            emit=emit,
            things=self._things,
            sessions=self._sessions(config.name) if self._sessions is not None else None,
            changed=self._changed,
        )

    async def run(self) -> None:
        """Run all connections until `stop`."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for connection in self._connections.values():
                self._start(connection)
            await self._ended.wait()
            for task in self._tasks.values():
                task.cancel()
        self._group = None

    def _start(self, connection: Connection) -> None:
        if self._group is not None:
            self._tasks[connection.connection] = self._group.create_task(connection.run())

    async def change(self, configs: Iterable[ConnectionConfig]) -> None:
        """Run another set of connections. What is equal goes on; calls in work end on the old ones."""
        wanted = {config.name: config for config in configs}
        gone: list[Connection] = []
        for name, connection in list(self._connections.items()):
            config = wanted.get(name)
            absent = connection.status.state is ConnectionState.ABSENT  # it may have been installed since
            if config is not None and _same(connection.config, config) and not absent:
                connection.set_mode(config.mode)
                connection.hurry()
                continue
            gone.append(self._connections.pop(name))
            task = self._tasks.pop(name, None)
            if task is not None:
                task.cancel()
        for name, config in wanted.items():
            if name not in self._connections:
                self._connections[name] = self._make(config)
                self._start(self._connections[name])
        self._changed()
        await self._close(gone)

    async def stop(self) -> None:
        """End all connections. Safe twice."""
        self._ended.set()
        await self._close(list(self._connections.values()))

    async def _close(self, connections: list[Connection]) -> None:
        async with asyncio.TaskGroup() as group:
            for connection in connections:
                group.create_task(connection.close(_CLOSING))


def _same(old: ConnectionConfig, new: ConnectionConfig) -> bool:
    return (old.spec, old.channel, old.settings) == (new.spec, new.channel, new.settings)
