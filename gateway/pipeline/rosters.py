"""Who is there: the rosters of the helpdesks that the policy's agents are in, asked for now and then, and only read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from gateway.clock import Clock
from gateway.host.connection import Connection
from gateway.host.trouble import sentence_of
from gateway.pipeline.bell import Bell
from gateway.sdk import Directory, Roster
from routing.people import People, Presence

_log: Final = logging.getLogger("baton.pipeline")

#: Seconds between two readings of a roster.
EVERY: Final = 120.0
#: Seconds between two readings of a roster that tells of nobody whether they are there.
RARELY: Final = 3_600.0
#: Longest that reading one may take, seconds.
PATIENCE: Final = 60.0


class Rosters:
    """The loop that reads rosters."""

    def __init__(
        self,
        clock: Clock,
        *,
        connections: Callable[[], Mapping[str, Connection]],
        people: Callable[[], People],
        told: Callable[[Mapping[str, Presence]], None],
    ) -> None:
        """Take where connections and the policy's people are found; `told` hears who is there."""
        self._clock = clock
        self._connections = connections
        self._people = people
        self._told = told
        self._read: dict[str, Roster] = {}
        #: When each is read next, UTC microseconds.
        self._due: dict[str, int] = {}
        self._closing = False
        self.bell = Bell(clock)

    async def run(self) -> None:
        """Read until closed."""
        while not self._closing:
            await self.look()
            await self.bell.wait(EVERY)

    def close(self) -> None:
        """End after the reading in work. Safe twice."""
        self._closing = True
        self.bell.ring()

    async def look(self) -> None:
        """Read each roster that the policy's agents may be in and whose time has come, and tell who is there."""
        people = self._people()
        if not people.agents:
            return
        wanted = sorted({connection for agent in people.agents.values() for connection in agent.ids})
        connections = self._connections()
        for name in wanted:
            connection = connections.get(name)
            if connection is not None and connection.ready and self._due.get(name, 0) <= self._clock.now():
                await self._ask(name, connection)
        self._told(presence_of(people, {name: self._read[name] for name in wanted if name in self._read}))

    async def _ask(self, name: str, connection: Connection) -> None:
        """Read a roster. One that cannot be read keeps what it said before, with its age."""
        directory: object = connection.source
        if not isinstance(directory, Directory):
            return
        self._due[name] = self._clock.now() + round(EVERY * 1_000_000)
        try:
            async with asyncio.timeout(PATIENCE):
                roster = self._read[name] = await directory.roster()
            if all(entry.available is None for entry in roster.agents):
                self._due[name] = self._clock.now() + round(RARELY * 1_000_000)
        except Exception as error:  # noqa: BLE001 (whatever it is, cases go on without it)
            _log.warning(
                "a roster could not be read: what it said before holds for some minutes",
                extra={"action": "roster_failed", "connection": name, "error": sentence_of(error)},
            )


def presence_of(people: People, rosters: Mapping[str, Roster]) -> dict[str, Presence]:
    """Return who is there by the rosters: somebody who is away on one of them is away, by the newest that says so."""
    found: dict[str, Presence] = {}
    for connection, roster in sorted(rosters.items()):
        for entry in roster.agents:
            name = people.known.get((connection, entry.id.casefold()))
            if name is None or entry.available is None:
                continue
            known = found.get(name)
            if known is None or (known.available, -known.read_at) > (entry.available, -roster.read_at):
                found[name] = Presence(available=entry.available, read_at=roster.read_at)
    return found
