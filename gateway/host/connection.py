"""One connection, from its configuration to a running connector, and back up again when it falls."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import tenacity

from gateway.clock import Clock
from gateway.config import AnySpec, ConnectionConfig
from gateway.host.again import seconds_until
from gateway.host.duties import Duties
from gateway.host.hostside import HostSide, Things
from gateway.host.registry import PluginError
from gateway.host.status import ConnectionState, ConnectionStatus
from gateway.host.trouble import sentence_of
from gateway.model import Mode
from gateway.sdk import (
    Connector,
    CredentialsRefused,
    Emit,
    Oversize,
    PermanentFailure,
    Sessions,
    SessionSource,
    Source,
    WebhookSource,
)

if TYPE_CHECKING:
    from aiohttp import web

#: Answers a request of a session.
Handler: TypeAlias = "Callable[[web.Request], Awaitable[web.StreamResponse]]"

_log: Final = logging.getLogger("baton.host")

#: Longest that opening or checking may take, seconds.
OPEN_TIMEOUT: Final = 30.0
#: How long it is waited before the next try after a failure: doubling with jitter, seconds.
_AGAIN: Final = tenacity.wait_random_exponential(multiplier=1, max=60)
#: The same where credentials were refused: a vendor that locks accounts must not be asked often.
_AGAIN_REFUSED: Final = tenacity.wait_exponential(multiplier=60, max=900)
#: So many calls, or so many polls, that fail one after the other make a connection degraded.
IN_A_ROW: Final = 3
#: Work that is counted apart: a vendor may take what is sent and not let itself be asked, or the other way round.
CALL: Final = "call"
POLL: Final = "poll"


#: What the last part of a session's path may be.
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def _endpoints(connector: object, sessions: Sessions | None) -> Mapping[tuple[str, str], Handler]:
    """Return what a session source serves. Raises PluginError for names that cannot be addresses, or stand twice."""
    if not isinstance(connector, SessionSource) or sessions is None:
        return {}
    served: dict[tuple[str, str], Handler] = {}
    for each in connector.endpoints(sessions):
        key = (each.name, each.method.upper())
        if not _NAME.fullmatch(each.name) or key in served:
            raise PluginError(
                f"The connector's endpoint {each.method} {each.name!r} has no usable name, or stands twice."
            )
        served[key] = each.handler
    return served


class Connection:
    """A supervised connection."""

    def __init__(
        self,
        config: ConnectionConfig,
        *,
        load: Callable[[AnySpec], type[Connector[Any]]],
        clock: Clock,
        emit: Emit | None = None,
        things: Things | None = None,
        sessions: Sessions | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Take the configuration, where a stream's deliveries go, what is kept for the connector, and what sessions read.

        `changed` is told of every new state.
        """
        self.config = config
        self._load = load
        self._clock = clock
        self._emit = emit
        self._things = things
        self._sessions = sessions
        self._served: Mapping[tuple[str, str], Handler] = {}
        self._changed = changed
        self._connector: Connector[Any] | None = None
        self._host: HostSide | None = None
        self._state = ConnectionState.STARTING
        self._error = ""
        #: The state that was last logged.
        self._said = self._state
        #: How often each kind of work has failed in a row, and how it failed last.
        self._failing: dict[str, tuple[int, str]] = {}
        self._opened = False
        self._last_success_at: int | None = None
        self._failed = asyncio.Event()
        self._hurry = asyncio.Event()
        self._calls = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._build()

    # --- what others see ---------------------------------------------------------------------------------------------
    @property
    def connection(self) -> str:
        """Its name."""
        return self.config.name

    @property
    def connector(self) -> str:
        """Its connector's name."""
        return self.config.spec.name

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Names of its hook endpoints."""
        return self.config.spec.capabilities.endpoints

    @property
    def max_delivery(self) -> int:
        """Largest delivery, bytes."""
        return self.config.spec.capabilities.max_delivery

    @property
    def served(self) -> Mapping[tuple[str, str], Handler]:
        """Its session endpoints, by name and method: those of the connector object that is there now."""
        return self._served

    @property
    def oversize(self) -> Oversize:
        """What becomes of a larger one."""
        return self.config.spec.capabilities.oversize

    @property
    def webhook(self) -> WebhookSource | None:
        """What verifies its hooks; also while the vendor is away, since that needs no connection."""
        found: object = self._connector
        return found if isinstance(found, WebhookSource) else None

    @property
    def source(self) -> Source | None:
        """What parses its deliveries."""
        found: object = self._connector
        return found if isinstance(found, Source) else None

    @property
    def parse_apart(self) -> bool:
        """Whether its deliveries are parsed in a process of their own."""
        return self.config.spec.capabilities.parse_apart

    @property
    def ready(self) -> bool:
        """Return whether calls may be made. They are while calls fail: only a call can show that it works again."""
        return self._state is ConnectionState.OK

    @property
    def status(self) -> ConnectionStatus:
        """Return how it is."""
        state, error = self._standing()
        return ConnectionStatus(
            name=self.config.name,
            connector=self.config.spec.name,
            channel=self.config.channel,
            mode=self.config.mode,
            state=state,
            error=error,
            last_success_at=self._last_success_at,
        )

    def set_mode(self, mode: Mode) -> None:
        """Take a new mode over, without starting anew."""
        self.config = replace(self.config, mode=mode)

    # --- calls -------------------------------------------------------------------------------------------------------
    @asynccontextmanager
    async def calling(self) -> AsyncGenerator[Connector[Any]]:
        """Lend the connector for one call; closing waits for it."""
        if self._connector is None:
            raise PluginError(self._error or f"connection {self.connection} has no connector")
        self._calls += 1
        self._idle.clear()
        try:
            yield self._connector
        finally:
            self._calls -= 1
            if not self._calls:
                self._idle.set()

    def heard(self) -> None:
        """Note that something came in and was kept. It says nothing about whether we can reach the vendor."""
        self._last_success_at = self._clock.now()

    def succeeded(self, work: str = CALL) -> None:
        """Note that a call or a poll worked."""
        self.heard()
        if self._failing.pop(work, None) is not None:
            self._tell()

    def failed(self, error: Exception, work: str = CALL) -> None:
        """Note that a call or a poll failed. What the vendor only does not take is no sign that something is wrong with it."""
        if isinstance(error, PermanentFailure | PluginError):
            return
        times, _ = self._failing.get(work, (0, ""))
        self._failing[work] = (times + 1, sentence_of(error))
        self._tell()

    def refused(self, sentence: str) -> None:
        """Note that the vendor refused our credentials in a call: nothing more is sent until they work again."""
        self._set(ConnectionState.CREDENTIALS_REFUSED, sentence)
        self._failed.set()

    def hurry(self) -> None:
        """Try again now instead of later."""
        self._hurry.set()

    # --- life --------------------------------------------------------------------------------------------------------
    def _build(self) -> bool:
        """Make the connector object, and return whether it worked. No I/O: hooks can be verified from the first moment."""
        try:
            made = self._load(self.config.spec)
            self._host = HostSide(self.connection, self._clock, self.config.settings, self._things)
            connector = made(self.config.settings, self._host)
            self._served = _endpoints(connector, self._sessions)
            self._connector = connector
        except PluginError as error:
            self._set(ConnectionState.ABSENT, str(error))
        except Exception as error:  # noqa: BLE001 (a plugin's constructor must not harm the others)
            self._set(
                ConnectionState.ABSENT, f"connector {self.connector} failed when it was made: {type(error).__name__}"
            )
        return self._connector is not None

    async def run(self) -> None:
        """Keep the connection up until cancelled."""
        tries = 0
        while self._connector is not None:
            refused = False
            try:
                await self._up()
                tries = 0
                await self._stay_up()
                refused = self._state is ConnectionState.CREDENTIALS_REFUSED
            except CredentialsRefused as error:
                refused = True
                self._set(ConnectionState.CREDENTIALS_REFUSED, str(error))
            except Exception as error:  # noqa: BLE001 (whatever it is: it costs only this connection)
                sentence = str(error) or type(error).__name__
                self._set(ConnectionState.DEGRADED if self._opened else ConnectionState.FAILED, sentence)
            tries += 1
            await self._wait(tries, refused=refused)
            await self._renew()

    async def _up(self) -> None:
        connector = self._connector
        if connector is None:
            raise PluginError(self._error)
        async with asyncio.timeout(OPEN_TIMEOUT):
            await connector.open()
            await connector.check()
        self._failed.clear()
        self._failing.clear()
        self._opened = True
        self.heard()
        self._set(ConnectionState.OK, "")

    async def _stay_up(self) -> None:
        if self._connector is None or self._emit is None:
            await self._failed.wait()
            return
        every = self.config.spec.capabilities.poll_every
        duties = Duties(
            self.connection,
            self._clock,
            emit=self._emit,
            things=self._things,
            poll_every=every,
            heard=self.heard,
            polled=self._polled,
        )
        await duties.run(self._connector, self._failed)

    def _polled(self, error: Exception | None) -> None:
        if error is None:
            self.succeeded(POLL)
        else:
            self.failed(error, POLL)

    async def _wait(self, tries: int, *, refused: bool) -> None:
        seconds = seconds_until(_AGAIN_REFUSED if refused else _AGAIN, tries)
        self._hurry.clear()
        async with asyncio.TaskGroup() as group:
            waits = [group.create_task(self._clock.sleep(seconds)), group.create_task(self._hurry.wait())]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()

    async def _renew(self) -> None:
        """Close the old object and make a new one, as the contract says."""
        # Nothing new is sent while we are down; what is in work on the old object ends on it.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(OPEN_TIMEOUT):
                await self._idle.wait()
        old, host = self._connector, self._host
        self._connector = self._host = None
        self._served = {}
        state, error = self._state, self._error
        if self._build():
            self._state, self._error = state, error
        await self._close(old, host)

    async def close(self, grace: float = 10.0) -> None:
        """Wait for the calls in work, at most `grace` seconds, and free everything. Safe twice."""
        try:
            async with asyncio.timeout(grace):
                await self._idle.wait()
        except TimeoutError:
            _log.warning(
                "calls still run at the end", extra={"action": "connection_closed_busy", "connection": self.connection}
            )
        connector, host = self._connector, self._host
        self._connector = self._host = None
        self._served = {}
        await self._close(connector, host)
        self._set(ConnectionState.CLOSED, self._error)

    async def _close(self, connector: Connector[Any] | None, host: HostSide | None) -> None:
        if connector is not None:
            try:
                async with asyncio.timeout(OPEN_TIMEOUT):
                    await connector.close()
            except Exception as error:  # noqa: BLE001 (nobody is left who could do anything about it)
                _log.warning(
                    "closing failed",
                    extra={"action": "close_failed", "connection": self.connection, "error": type(error).__name__},
                )
        if host is not None:
            await host.close()

    def _set(self, state: ConnectionState, error: str) -> None:
        self._state, self._error = state, error
        self._tell()

    def _standing(self) -> tuple[ConnectionState, str]:
        """Return state and error as others see them: one that is up is degraded while what it is asked fails in a row."""
        if self._state is not ConnectionState.OK or not self._failing:
            return self._state, self._error
        times, sentence = max(self._failing.values())
        return ConnectionState.DEGRADED if times >= IN_A_ROW else ConnectionState.OK, sentence

    def _tell(self) -> None:
        # Said once when it goes and once when it comes back, not at every try.
        state, error = self._standing()
        if state is not self._said:
            level = logging.INFO if state in {ConnectionState.OK, ConnectionState.CLOSED} else logging.WARNING
            _log.log(
                level,
                "connection is %s",
                state.value,
                extra={
                    "action": "connection_state",
                    "connection": self.connection,
                    "state": state.value,
                    "error": error,
                },
            )
        self._said = state
        self._changed()
