"""The demo's world: stand-ins of the vendors and a real gateway between them, all over HTTP on this machine."""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from gateway.app import Gateway
from gateway.demo.clock import DayClock
from gateway.demo.vendors import Mailbox
from gateway.host.registry import Specs, discover
from gateway.loading import load_setup
from gateway.model import Channel
from gateway.telemetry.redaction import Redaction
from gateway.testing.sandbox import Sandbox
from gateway.testing.webhooks import WebhookSender

#: Longest that the world may take to come to rest, seconds.
_PATIENCE: Final = 15.0
_BUSY: Final = ("pending", "sending", "unknown")
#: What senders of webhooks that sign the receiver's address call it.
_SIGNED_FOR: Final = ("public", "target")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the day: its own configuration, stand-ins and gateway."""

    #: Its name.
    name: str
    #: The package that holds its `plugins.toml` and `escalation.toml`.
    package: str
    #: The full hour at which it begins, UTC.
    hour: int
    #: The package whose policy it runs under, when that is not its own.
    policy: str = ""


MORNING: Final = Part(name="morning", package="gateway.demo", hour=9)
AFTERNOON: Final = Part(name="afternoon", package="gateway.demo.afternoon", hour=13)
EVENING: Final = Part(name="evening", package="gateway.demo.evening", hour=18, policy="gateway.demo")


class DemoFailed(Exception):
    """The demo cannot go on; the message is a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that takes part."""

    #: Which part of the day it is.
    part: Part
    #: The time of the day.
    clock: DayClock
    #: The gateway, over the real code, store and HTTP.
    gateway: Gateway
    #: The stand-ins, by connection.
    sandboxes: Mapping[str, Sandbox]
    #: Statuses that the stand-ins got for what they sent, by connection.
    answers: dict[str, list[int]] = field(default_factory=dict[str, list[int]])

    def hooks(self, connection: str) -> str:
        """Return the address at which a connection's vendor reaches the gateway."""
        return f"http://127.0.0.1:{self.gateway.port}/hooks/{connection}"

    async def deliver(self) -> None:
        """Have each vendor send what it has to tell."""
        for connection, sandbox in self.sandboxes.items():
            webhooks = _webhooks(sandbox)
            if webhooks is not None and webhooks.waiting:
                self.answers.setdefault(connection, []).extend(await webhooks.send(self.hooks(connection)))

    async def rest(self) -> None:
        """Deliver and wait until nothing moves any more. Raises `DemoFailed`."""
        try:
            async with asyncio.timeout(_PATIENCE):
                calm = 0
                while calm < 2:  # noqa: PLR2004 (an answer may be on its way between two looks)
                    await self.deliver()
                    calm = calm + 1 if await self._is_still() else 0
                    await self.clock.sleep(0.02)
        except TimeoutError:
            accounts = await asyncio.to_thread(self.gateway.store.accounts)
            raise DemoFailed(f"the world does not come to rest within {_PATIENCE:.0f} s: {accounts}") from None

    async def _is_still(self) -> bool:
        store = self.gateway.store
        accounts = await asyncio.to_thread(store.accounts)
        due = await asyncio.to_thread(store.next_due)
        moving = accounts.deliveries_pending + accounts.activities_pending
        moving += sum(accounts.effects.get(state, 0) for state in _BUSY)
        waiting = any(webhooks.waiting for webhooks in map(_webhooks, self.sandboxes.values()) if webhooks is not None)
        waiting = waiting or await self._mail_waits()
        return not moving and not waiting and (due is None or due > self.clock.now())

    async def _mail_waits(self) -> bool:
        """Tell whether mail lies in a mailbox that the gateway reads and has not taken yet."""
        for connection, sandbox in self.sandboxes.items():
            there = len(sandbox.folders["INBOX"].mails) if isinstance(sandbox, Mailbox) else 0
            if there and await asyncio.to_thread(self.taken, connection) < there:
                return True
        return False

    def taken(self, connection: str) -> int:
        """Return how many deliveries of a connection that bring something are in the store.

        One that brings nothing says only where in a mailbox reading began.
        """
        store = self.gateway.store
        found = map(store.delivery, store.deliveries(since=0, connection=connection, limit=10_000))
        return sum(1 for each in found if each is not None and each.delivery.body)

    async def at(self, hour: int, minute: int) -> None:
        """Come to rest, and let time pass until a time of the day."""
        await self.rest()
        self.clock.pass_until(hour, minute)
        self.gateway.pipeline.ring()
        await self.rest()


def _webhooks(sandbox: Sandbox) -> WebhookSender | None:
    found: object = getattr(sandbox, "webhooks", None)
    return found if isinstance(found, WebhookSender) else None


@asynccontextmanager
async def world(
    part: Part = MORNING, day: date | None = None, *, kept: Path | None = None, redaction: Redaction | None = None
) -> AsyncGenerator[World, None]:
    """Start the stand-ins and the gateway, in a directory that is gone afterwards. Raises `DemoFailed`.

    The day is today, unless another is given. With `kept` everything is written into a directory of the part's name there, and
    stays. The logs' redaction, if one is given, learns the secrets.
    """
    redaction = Redaction() if redaction is None else redaction
    clock = DayClock(part.hour, day)
    specs = discover()
    text = files(part.package).joinpath("plugins.toml").read_text(encoding="utf-8")
    policy = files(part.policy or part.package).joinpath("escalation.toml").read_text(encoding="utf-8")
    async with AsyncExitStack() as stack:
        directory = _directory(stack, part, kept)
        sandboxes, text, environ = await _stand_ins(stack, specs, text, clock.now)
        (directory / "plugins.toml").write_text(text, encoding="utf-8")
        (directory / "escalation.toml").write_text(policy, encoding="utf-8")
        setup = load_setup(directory / "plugins.toml", specs=specs, environ=environ)
        if setup.faults:
            raise DemoFailed("; ".join(fault.sentence for fault in setup.faults))
        redaction.learn(setup.config.secrets)
        gateway = Gateway(
            setup,
            path=directory / "plugins.toml",
            specs=specs,
            redaction=redaction,
            environ=environ,
            clock=clock,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(gateway.run())
            try:
                await _until_ready(gateway, clock)
                yield World(part=part, clock=clock, gateway=gateway, sandboxes=sandboxes)
            finally:
                gateway.end()


def _directory(stack: AsyncExitStack, part: Part, kept: Path | None) -> Path:
    if kept is None:
        return Path(stack.enter_context(TemporaryDirectory(prefix="baton-demo-")))
    directory = kept / part.name
    directory.mkdir(parents=True)
    return directory


async def _stand_ins(
    stack: AsyncExitStack, specs: Specs, text: str, now: Callable[[], int]
) -> tuple[dict[str, Sandbox], str, dict[str, str]]:
    """Start a stand-in for each connection of the text; return them, the text with their settings, and the environment."""
    tables = tomllib.loads(text)
    sandboxes: dict[str, Sandbox] = {}
    environ: dict[str, str] = {}
    for channel in Channel:
        for name, table in tables.get(channel.value, {}).items():
            sandbox = _make(specs, table["connector"], now)
            await sandbox.start()
            stack.push_async_callback(sandbox.stop)
            sandboxes[name] = sandbox
            _tell_address(sandbox, f"{tables['gateway'].get('public_url', '')}/hooks/{name}")
            lines = [f"{key} = {json.dumps(value)}" for key, value in sandbox.settings().items()]
            for key, value in sandbox.secrets().items():
                variable = f"DEMO_{name}_{key}".upper().replace("-", "_")
                environ[variable] = value
                lines.append(f'{key} = {{ env = "{variable}" }}')
            header = f"[{channel.value}.{name}]\n"
            text = text.replace(header, header + "\n".join(lines) + "\n")
    return sandboxes, text, environ


def _tell_address(sandbox: Sandbox, address: str) -> None:
    """Tell a vendor that signs the public address of our hook what that is, as an admin would on its pages."""
    webhooks = _webhooks(sandbox)
    for name in _SIGNED_FOR:
        if webhooks is not None and hasattr(webhooks, name):
            setattr(webhooks, name, address)


def _make(specs: Specs, connector: str, now: Callable[[], int]) -> Sandbox:
    spec = specs.get(connector)
    if spec is None or spec.sandbox is None:
        raise DemoFailed(
            f"the demo needs the connector {connector} with its sandbox: run pip install 'baton-gateway[all]'"
        )
    module, _, attribute = spec.sandbox.partition(":")
    try:
        made: Sandbox = getattr(import_module(module), attribute)(now=now)
    except ImportError as error:
        raise DemoFailed(f"the demo needs {error.name}: run pip install 'baton-gateway[{spec.extra}]'") from None
    return made


async def _until_ready(gateway: Gateway, clock: DayClock) -> None:
    async with asyncio.timeout(_PATIENCE):
        await gateway.ready.wait()
        while any(not each.ready for each in gateway.supervisor.connections.values()):
            await clock.sleep(0.02)
