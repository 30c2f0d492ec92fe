"""A connector that goes wrong where it is told to, as its connection's settings say."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from gateway.sdk import (
    Capabilities,
    Channel,
    ChannelEvent,
    ConnectionSettings,
    Connector,
    ConnectorSpec,
    CredentialsRefused,
    Cursor,
    Delivery,
    Emit,
    Host,
    StreamSource,
    TemporaryFailure,
)


class TroubledSettings(ConnectionSettings):
    """A connection in trouble."""

    trouble: str = ""
    """Where it goes wrong: made, open, away, hang, check, login, listen, ends, read, close."""


@dataclass(slots=True)
class Life:
    """What connectors of one connection went through, newest last; and what they are to do next."""

    said: list[str] = field(default_factory=list[str])
    #: Overrides the settings' trouble when it is not None.
    trouble: str | None = None
    made: int = 0
    host: Host | None = None


#: By connection.
LIVES: dict[str, Life] = {}


class Troubled(Connector[TroubledSettings], StreamSource):
    """Says what it is asked, and goes wrong where it is told to."""

    def __init__(self, settings: TroubledSettings, host: Host) -> None:
        super().__init__(settings, host)
        self.life = LIVES.setdefault(host.connection, Life())
        self.life.made += 1
        self.life.host = host
        self.number = self.life.made
        self._in_trouble("made")

    def _in_trouble(self, where: str) -> None:
        self.life.said.append(f"{where} {self.number}")
        if self._trouble() == where:
            raise ZeroDivisionError(f"a bug of theirs in {where}")

    def _trouble(self) -> str:
        return self.settings.trouble if self.life.trouble is None else self.life.trouble

    async def open(self) -> None:
        self._in_trouble("open")
        if self._trouble() == "away":
            raise TemporaryFailure("The vendor is away.")
        if self._trouble() == "hang":
            await asyncio.Event().wait()

    async def check(self) -> None:
        self._in_trouble("check")
        if self._trouble() == "login":
            raise CredentialsRefused("The vendor does not accept the token.")

    async def close(self) -> None:
        self._in_trouble("close")

    async def listen(self, since: Cursor | None, emit: Emit) -> None:
        self._in_trouble("listen")
        if self._trouble() == "ends":
            return
        if self._trouble() == "read":
            delivery = Delivery(
                connection=self.host.connection,
                endpoint="",
                received_at=self.host.now(),
                method="FRAME",
                url="",
                headers=(),
                body=b"frame",
            )
            await emit(delivery, "1")
        await asyncio.Event().wait()

    def parse(self, delivery: Delivery) -> Iterable[ChannelEvent]:
        raise ZeroDivisionError("a bug of theirs in parse")


SPEC = ConnectorSpec(
    name="troubled",
    title="Troubled",
    channels=frozenset({Channel.CHAT}),
    settings=TroubledSettings,
    factory=f"{__name__}:Troubled",
    capabilities=Capabilities(call_timeout=5.0),
)

#: A connector whose spec is right and whose class is not there.
CLASSLESS = replace(SPEC, name="classless", factory="tests.host.no_such_module:Troubled")
