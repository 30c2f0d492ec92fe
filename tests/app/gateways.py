"""A gateway to test: in this process, or as `baton serve` in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import aiohttp

from gateway.app import Gateway
from gateway.clock import SystemClock
from gateway.host.registry import GROUP, Specs
from gateway.loading import load_setup
from gateway.telemetry.redaction import Redaction
from tests import toyline
from tests.conserved import require_conserved_in
from tests.toyline.connector import sign

SECRET = "canary-secret-of-toyline"
ENVIRON: Mapping[str, str] = {"TOY_SECRET": SECRET}

PLUGINS = """
[gateway]
listen = "127.0.0.1:0"

[chat.toys]
connector = "toyline"
secret = { env = "TOY_SECRET" }
"""

POLICY = """
[[rule]]
id = "rest"
do = "none"
catch_all = true
"""


class MovedClock(SystemClock):
    """The system's clock, moved."""

    def __init__(self) -> None:
        self.ahead = 0

    def now(self) -> int:
        return super().now() + self.ahead


def specs() -> Specs:
    """Toyline, as if it were installed."""
    return Specs({"toyline": EntryPoint("toyline", f"{toyline.__name__}:SPEC", GROUP)}, {})


def write(directory: Path, plugins: str = PLUGINS, policy: str = POLICY) -> Path:
    """Write both files and return the path of `plugins.toml`."""
    path = directory / "plugins.toml"
    path.write_text(plugins)
    (directory / "escalation.toml").write_text(policy)
    return path


def section(
    header: str, connector: str, settings: Mapping[str, object], secrets: Mapping[str, str], environ: dict[str, str]
) -> str:
    """Return a live connection's section of `plugins.toml`; what it names of the environment is put there."""
    lines = ["", f"[{header}]", f'connector = "{connector}"', 'mode = "live"']
    lines += [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    for key, value in secrets.items():
        variable = f"{connector}_{key}".upper()
        environ[variable] = value
        lines.append(f'{key} = {{ env = "{variable}" }}')
    return "\n".join(lines) + "\n"


@dataclass(slots=True, kw_only=True)
class Knocker:
    """Somebody with Toyline's secret who knows where the gateway is."""

    client: aiohttp.ClientSession
    now: Callable[[], int]

    async def send(self, body: bytes, connection: str = "toys", secret: str = SECRET) -> int:
        """Send a signed delivery and return the answer's status."""
        headers = sign(body, self.now(), secret.encode())
        async with self.client.post(f"/hooks/{connection}", data=body, headers=headers) as answer:
            await answer.read()
            return answer.status

    async def say(self, number: str, thread: str = "t", text: str = "hello", connection: str = "toys") -> int:
        """Send a message."""
        return await self.send(message(number, thread, text), connection)

    async def get(self, path: str, **options: Any) -> tuple[int, str]:
        """Ask for a page."""
        async with self.client.get(path, **options) as answer:
            return answer.status, await answer.text()


def message(number: str, thread: str = "t", text: str = "hello") -> bytes:
    """Return a message as Toyline sends it."""
    return json.dumps({"id": number, "thread": thread, "text": text}).encode()


@asynccontextmanager
async def running(
    directory: Path,
    plugins: str = PLUGINS,
    policy: str = POLICY,
    *,
    environ: Mapping[str, str] = ENVIRON,
    clock: SystemClock | None = None,
    found: Specs | None = None,
) -> AsyncGenerator[tuple[Gateway, Knocker], None]:
    """Run a gateway in this process, and end it in good order. After that nothing is unaccounted for (promise I4)."""
    clock = clock or SystemClock()
    path = write(directory, plugins, policy)
    found = found if found is not None else specs()
    setup = load_setup(path, specs=found, environ=environ)
    redaction = Redaction(setup.config.secrets)
    gateway = Gateway(setup, path=path, specs=found, redaction=redaction, environ=environ, clock=clock)
    async with asyncio.TaskGroup() as group:
        life = group.create_task(gateway.run())
        ready = group.create_task(gateway.ready.wait())
        await asyncio.wait([life, ready], return_when=asyncio.FIRST_COMPLETED)
        if life.done():
            ready.cancel()
            await life
        try:
            async with aiohttp.ClientSession(f"http://127.0.0.1:{gateway.port}") as client:
                yield gateway, Knocker(client=client, now=clock.now)
        finally:
            gateway.end()
    await asyncio.to_thread(require_conserved_in, setup.config.database)


async def quiet(gateway: Gateway) -> None:
    """Wait until nothing waits for parsing or deciding."""
    async with asyncio.timeout(60):
        while True:
            accounts = await asyncio.to_thread(gateway.store.accounts)
            if not accounts.deliveries_pending and not accounts.activities_pending:
                return
            await asyncio.sleep(0.02)


@dataclass(slots=True, kw_only=True)
class Served:
    """`baton serve` in a process of its own, with Toyline installed for it."""

    directory: Path
    environ: Mapping[str, str] = field(default_factory=lambda: dict(ENVIRON))
    process: subprocess.Popen[bytes] | None = None
    port: int = 0

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-c", "from gateway.cli import main; main()"]

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("BATON_")}
        return {**kept, **self.environ, "PYTHONPATH": f"{install(self.directory)}:{Path.cwd()}"}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Run a command of baton in the directory."""
        return subprocess.run(
            [*self.command, *arguments],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            check=False,
            timeout=60,
        )

    def activities(self) -> list[dict[str, Any]]:
        """Return everything that happened to the cases, as the store has it."""
        rows: list[dict[str, Any]] = json.loads(self.run("cases", "list", "--json").stdout)
        shown = [json.loads(self.run("cases", "show", row["id"], "--json").stdout) for row in rows]
        return [each["activity"] for case in shown for each in case["activities"]]

    async def texts(self) -> list[str]:
        """Return the texts of all messages in all cases."""
        activities = await asyncio.to_thread(self.activities)
        return [each["text"] for each in activities if each["kind"] == "message"]

    def start(self) -> None:
        """Start serving and wait for the line that says ready."""
        log = (self.directory / "log").open("wb")
        self.process = subprocess.Popen(
            [*self.command, "serve"], cwd=self.directory, env=self.environment, stderr=log, stdout=log
        )
        log.close()

    async def until_ready(self) -> None:
        """Wait for the line that says ready, and learn the port from it."""
        async with asyncio.timeout(60):
            while not (lines := self.lines("ready")):
                assert self.process is not None
                assert self.process.poll() is None, self.log()
                await asyncio.sleep(0.05)
        self.port = int(lines[-1]["listening"].rpartition(":")[2])

    def log(self) -> str:
        """Return everything that was logged."""
        path = self.directory / "log"
        return path.read_text() if path.exists() else ""

    def lines(self, action: str) -> list[dict[str, Any]]:
        """Return the lines of an action."""
        found = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [line for line in found if line.get("action") == action]

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    async def ended(self, seconds: float = 30.0) -> int:
        """Wait for the end and return the exit code."""
        process = self.process
        assert process is not None
        return await asyncio.to_thread(process.wait, seconds)

    def kill(self) -> None:
        """End it whatever it does. Whenever that is, nothing is unaccounted for (promise I4)."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for path in self.directory.glob("*/baton.db"):
            require_conserved_in(f"sqlite:///{path}")


def install(directory: Path) -> Path:
    """Install Toyline for child processes: its package, and the metadata that a wheel would bring."""
    site = directory / "site"
    if not site.exists():
        shutil.copytree(Path(toyline.__file__).parent, site / "toyline", ignore=shutil.ignore_patterns("__pycache__"))
        info = site / "toyline-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toyline\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{GROUP}]\ntoyline = toyline:SPEC\n")
    return site
