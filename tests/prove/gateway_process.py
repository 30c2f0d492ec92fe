"""A gateway of one's own: a process that is started, watched, killed and started again on the same store."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass(slots=True, kw_only=True)
class GatewayProcess:
    """One gateway in a directory with its `plugins.toml`."""

    directory: Path
    port: int
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    #: What stands before the command: strace, for one.
    wrapper: Sequence[str] = ()
    #: False: the plain `baton` command, with nothing wrapped.
    watched: bool = True
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """Return the file that holds everything it wrote."""
        return self.directory / "gateway.log"

    def start(self, *, ready: bool = True, seconds: float = 30.0) -> None:
        """Start it, and wait until it takes deliveries."""
        module = ["-m", "tests.prove.victim"] if self.watched else ["-c", "from gateway.cli import main; main()"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.wrapper, sys.executable, *module, "serve", "--config", str(self.directory / "plugins.toml")],
                cwd=self.directory,
                env={
                    **os.environ,
                    "PYTHONPATH": str(ROOT),
                    "BATON_PROVE_BOARD": str(self.directory / "board"),
                    **self.environment,
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.starts += 1
        if ready:
            self.wait_ready(seconds)

    def wait_ready(self, seconds: float = 30.0) -> None:
        """Wait until it takes deliveries. Raises RuntimeError with the end of its log."""
        end = time.monotonic() + seconds
        while not self.ready():
            if not self.alive or time.monotonic() > end:
                code = self.process.poll() if self.process else None
                tail = self.log.read_text(errors="replace")[-3000:]
                message = f"the gateway is not ready (exit code {code}); its log ends:\n{tail}"
                raise RuntimeError(message)
            time.sleep(0.02)

    def ready(self) -> bool:
        """Tell whether it takes deliveries now."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    @property
    def alive(self) -> bool:
        """Tell whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL it with everything that it started."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)

    def terminate(self, seconds: float = 40.0, *, times: int = 1) -> tuple[int, float]:
        """Send SIGTERM (more than once, if wanted) and return the exit code and how long it took, seconds."""
        assert self.process is not None
        begun = time.monotonic()
        for number in range(times):
            if number:
                time.sleep(0.15)
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGTERM)
        code = self.process.wait(seconds)
        return code, time.monotonic() - begun

    def stop(self) -> None:
        """End it, the hard way when it does not listen."""
        if not self.alive:
            return
        try:
            self.terminate()
        except subprocess.TimeoutExpired:
            self.kill()
