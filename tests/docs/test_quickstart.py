"""The quickstart works as it is written: its commands are taken from the page and run. Only the ports are others."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest

from tests.docs.tables import DOCS

ROOT: Final = DOCS.parent
PAGE: Final = (DOCS / "quickstart.md").read_text()
#: Longest that something on this machine is waited for, seconds.
_PATIENCE: Final = 90.0
_PORTS: Final = ("8080", "9101", "9102")
_MODE: Final = re.compile(r'^mode = "observe"', re.MULTILINE)
_ENVIRON: Final = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "HOME": "/nonexistent"}


def steps(first: int, last: int) -> list[str]:
    """Return the commands of some steps of the page, in order."""
    text = PAGE[PAGE.index(f"\n## {first}.") : PAGE.index("\n## Next" if last == 5 else f"\n## {last + 1}.")]
    return re.findall(r"^\$ (.+)$", text, re.MULTILINE)


def lines_to_add() -> Mapping[str, str]:
    """Return what the page tells somebody to add below which line of `plugins.toml`."""
    found = re.findall(r"below `(connector = \"\w+\")`:\n\n```toml\n(.+?)\n```", PAGE)
    return dict(found)


def free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


@dataclass(slots=True, kw_only=True)
class Desk:
    """Somebody with some terminals, who follows the page."""

    directory: Path
    held: ExitStack
    ports: Mapping[str, str] = field(default_factory=lambda: {port: free_port() for port in _PORTS})
    environ: dict[str, str] = field(default_factory=lambda: dict(_ENVIRON))

    def here(self, text: str) -> str:
        return re.sub("|".join(f"(?<=:){port}|(?<=--port ){port}" for port in _PORTS), lambda p: self.ports[p[0]], text)

    def type(self, line: str) -> str:
        """Type a command as it stands on the page and return what it prints."""
        line = self.here(line).replace(".venv/bin/", "")
        if line.startswith("export "):
            self.environ |= dict(pair.split("=", 1) for pair in line.split()[1:])
        elif line.startswith("cd "):
            self.directory /= line.removeprefix("cd ")
        elif "sandbox " in line.split("curl")[0] or line == "baton serve":
            self._start(line)
        elif "activate" not in line:
            return self._run(line)
        return ""

    def _run(self, line: str) -> str:
        line = line.replace("curl ", "curl --silent --show-error --fail ")
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=self.directory,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
        assert done.returncode == 0, f"$ {line}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _start(self, line: str) -> None:
        log = self.held.enter_context(
            (self.directory / f"{line.rsplit(maxsplit=1)[-1].rsplit('/', 1)[-1]}.log").open("w+")
        )
        process = subprocess.Popen(line.split(), cwd=self.directory, env=self.environ, stdout=log, stderr=log)
        self.held.callback(process.wait, _PATIENCE)
        self.held.callback(process.send_signal, signal.SIGTERM)
        found = re.search(r"--port (\d+)", line)
        port = int(found[1] if found else self.ports["8080"])

        def answers() -> bool:
            assert process.poll() is None, Path(log.name).read_text()
            with socket.socket() as client:
                return client.connect_ex(("127.0.0.1", port)) == 0

        until(answers, line)

    def state(self, port: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._run(f"curl http://127.0.0.1:{self.ports[port]}/_sandbox/state"))
        return found

    def cases(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self._run("baton cases list --json"))
        return found


def until(holds: Callable[[], object], what: str) -> None:
    end = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.1)


@pytest.fixture
def desk() -> Iterator[Desk]:
    """Return somebody in a checkout; below /tmp, for the path of a socket has a bound."""
    if shutil.which("curl") is None:
        pytest.skip("curl: it is not installed here")
    with TemporaryDirectory(prefix="baton-") as name, ExitStack() as held:
        for file in ("plugins.toml", "escalation.toml", "escalation.test.toml"):
            shutil.copy(ROOT / file, name)
        yield Desk(directory=Path(name), held=held)


def edit(path: Path, change: Callable[[str], str]) -> None:
    before = path.read_text()
    path.write_text(change(before))
    assert path.read_text() != before


def add_below(head: str, line: str, text: str) -> str:
    return text.replace(head, f"{head}\n{line}")


def configure(desk: Desk) -> None:
    """Do what step 3 says: copy, add the lines, and listen on the test's own port."""
    *commands, check, serve = steps(3, 3)
    assert (check, serve) == ("baton check", "baton serve")
    for command in commands:
        desk.type(command)
    assert len(lines_to_add()) == 2
    for below, line in lines_to_add().items():
        edit(desk.directory / "plugins.toml", partial(add_below, below, line))
    edit(desk.directory / "plugins.toml", desk.here)
    told = desk.type(check)
    shown = re.search(r"`baton check` ends with:\n\n```text\n(.+?)```", PAGE, re.DOTALL)
    assert shown is not None
    assert told.endswith(desk.here(shown[1]))
    desk.type(serve)


def shape(text: str) -> str:
    """Return what a case prints without what differs from one run to the next."""
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|\d{10}\.\d{6}", "X", text)


def test_the_quickstart_works_as_it_is_written(desk: Desk) -> None:
    for command in steps(2, 2):
        desk.type(command)
    configure(desk)

    desk.environ = dict(_ENVIRON)
    *before, show = steps(4, 4)
    for command in before:
        if command == "baton cases list":
            until(desk.cases, "Anna's case")
        desk.type(command)
    (anna,) = desk.cases()
    told = desk.type(show.replace("CASE", anna["id"]))
    shown = re.search(r"```text\n(Case .+?)```", PAGE, re.DOTALL)
    assert shown is not None
    assert shape(told).startswith(shape(shown[1]))
    assert desk.state("9102")["tickets"] == []

    edit(desk.directory / "plugins.toml", lambda text: _MODE.sub('mode = "live"', text))
    reload, writes, *looks = steps(5, 5)
    assert f"```text\n{desk.type(reload)}```" in PAGE
    desk.type(writes)
    until(lambda: desk.state("9101")["messages"]["C0LEADS"], "the notice")
    at_zendesk, at_slack = (json.loads(desk.type(look)) for look in looks)
    (ticket,) = at_zendesk["tickets"]
    assert (ticket["priority"], sorted(ticket["tags"])) == ("urgent", ["baton", "legal"])
    assert [comment["public"] for comment in ticket["comments"]] == [False]
    notices = {at_slack["channels"][channel]: len(found) for channel, found in at_slack["messages"].items()}
    assert notices == {"support": 2, "second-line": 0, "cx-leads": 1}
    assert ticket["subject"] == "my lawyer will write to you"
