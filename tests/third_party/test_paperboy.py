"""A connector that somebody else wrote: built as a wheel, installed, held to the kit, and run by a real `baton serve`."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.host.registry import GROUP
from tests.app.gateways import Served

from .paperboy.paperboy.sandbox import PaperboySandbox

ROOT = Path(__file__).parents[2]
SOURCE = Path(__file__).parent / "paperboy"

POLICY = """
[phrases]
wet = ["is wet"]

[[rule]]
id = "wet-paper"
type = "functional"
when.all = ["sender.role == 'customer'", "message.phrases contains 'wet'"]
do = "escalate"
ladder = "depot"
set = { priority = "P2", reason = "The paper is wet." }

[[rule]]
id = "rest"
catch_all = true
do = "none"

[ladder.depot]
final = { target = "queue:office/Depot" }
[[ladder.depot.step]]
target = "queue:office/Depot"
notify = ["street:front-bell"]
ack_within = "15m"
"""


def plugins(sandbox: PaperboySandbox) -> str:
    """Return a plugins.toml with Paperboy twice: where people write, and where agents work."""
    lines = ["[gateway]", 'listen = "127.0.0.1:0"']
    for head in ("chat.street", "helpdesk.office"):
        lines += ["", f"[{head}]", 'connector = "paperboy"', 'mode = "live"', f'api_url = "{sandbox.url}"']
        lines += [f'{name} = {{ env = "PAPERBOY_{name.upper()}" }}' for name in sandbox.secrets()]
    return "\n".join(lines) + "\n"


def run(*arguments: str, cwd: Path, environment: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        arguments,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=110,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder into which Paperboy was installed from its wheel, without any network."""
    place = tmp_path_factory.mktemp("paperboy")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
    wheel = ("wheel", "--no-build-isolation", "--no-deps", "--no-index", "--wheel-dir", str(place / "dist"))
    run(*pip, *wheel, str(SOURCE), cwd=place)
    (built,) = (place / "dist").glob("paperboy-1.0.0-*.whl")
    run(*pip, "install", "--no-index", "--no-deps", "--target", str(place / "site"), str(built), cwd=place)
    return place / "site"


@dataclass(slots=True, kw_only=True)
class ServedWith(Served):
    """`baton serve` with a folder of installed distributions."""

    site: Path

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("BATON_")}
        return {**kept, **self.environ, "PYTHONPATH": f"{self.site}:{ROOT}"}


def test_its_code_comes_in_by_the_one_door() -> None:
    """What it runs on is the SDK; what it is tested with is the kit. Nothing else of Baton is promised to it."""
    found: dict[str, set[str]] = {}
    for path in sorted((SOURCE / "paperboy").rglob("*.py")):
        imports = re.findall(
            r"^\s*(?:from|import) (gateway[\w.]*|connectors|normalizers|routing)", path.read_text(), re.MULTILINE
        )
        found[path.name] = {".".join(name.split(".")[:2]) for name in imports}
    assert found["connector.py"] == {"gateway.sdk"}
    assert set().union(*found.values()) == {"gateway.sdk", "gateway.testing"}
    assert all("gateway.testing" not in found[name] for name in ("__init__.py", "connector.py", "settings.py"))


def test_the_installed_copy_passes_the_kit(installed: Path, tmp_path: Path) -> None:
    environment = {"PYTHONPATH": f"{installed}:{ROOT}"}
    place = run(
        sys.executable, "-c", "import paperboy; print(paperboy.__file__)", cwd=tmp_path, environment=environment
    )
    assert Path(place.strip()).parent == installed / "paperboy"
    pytest_call = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(SOURCE / "pyproject.toml"))
    said = run(*pytest_call, "--pyargs", "paperboy.tests", cwd=tmp_path, environment=environment)
    passed = re.search(r"^(\d+) passed in", said, re.MULTILINE)
    assert passed is not None, said
    # Three classes of contracts; a kit that shrank to nothing would pass as well.
    assert int(passed[1]) >= 60


def test_baton_lists_it_by_the_entry_point_of_its_wheel(installed: Path, tmp_path: Path) -> None:
    assert f"[{GROUP}]" in (installed / "paperboy-1.0.0.dist-info" / "entry_points.txt").read_text()
    shown = ServedWith(directory=tmp_path, site=installed).run("connectors", "list", "--json")
    assert shown.returncode == 0, shown.stderr
    assert "paperboy" in {each["name"] for each in json.loads(shown.stdout)}


def letter(number: int, text: str, at: int, street: str = "S1") -> bytes:
    said = {"kind": "letter", "street": street, "letter": f"L{number}", "from": "anna", "text": text, "at": at}
    return json.dumps(said).encode()


async def told(served: Served, *arguments: str) -> Any:
    """Run a command of baton and return what it printed as JSON."""
    done = await asyncio.to_thread(served.run, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


async def test_a_served_gateway_carries_its_letters_to_its_cards(installed: Path, tmp_path: Path) -> None:
    """A signed delivery becomes a case, a handoff, a notice; the next letter joins the same box; a forgery is nothing."""
    sandbox = PaperboySandbox()
    await sandbox.start()
    (tmp_path / "plugins.toml").write_text(plugins(sandbox))
    (tmp_path / "escalation.toml").write_text(POLICY)
    secrets = {f"PAPERBOY_{name.upper()}": value for name, value in sandbox.secrets().items()}
    served = ServedWith(directory=tmp_path, site=installed, environ=secrets)
    served.start()
    try:
        await served.until_ready()
        hooks = f"http://127.0.0.1:{served.port}/hooks/street"
        sandbox.send_letter(letter(1, "My paper is wet.", sandbox.now()))
        assert await sandbox.webhooks.send(hooks) == [200]
        async with asyncio.timeout(60):
            while not (sandbox.cards and sandbox.bells):
                await asyncio.sleep(0.05)
        # The vendor sends it once more, and another letter after it.
        sandbox.send_letter(letter(1, "My paper is wet.", sandbox.now()))
        sandbox.send_letter(letter(2, "And now it is torn.", sandbox.now()))
        assert await sandbox.webhooks.send(hooks) == [200, 200]
        right, sandbox.secret = sandbox.secret, "of somebody else"
        sandbox.send_letter(letter(3, "My paper is wet, says a stranger.", sandbox.now(), street="S2"))
        assert await sandbox.webhooks.send(hooks) == [401]
        sandbox.secret = right
        async with asyncio.timeout(60):
            while len(sandbox.cards) < 2 or (await told(served, "status"))["accounts"]["activities"] < 5:
                await asyncio.sleep(0.05)
        (case,) = await told(served, "cases", "list")
        status = await told(served, "status")
    finally:
        served.kill()
        await sandbox.stop()
    ((box, cards),) = sandbox.boxes().items()
    assert [card["lines"] for card in cards] == [
        ["The paper is wet.", "My paper is wet."],
        ["And now it is torn."],
    ]
    assert {card["case"] for card in cards} == {f"baton:{case['id']}"}
    assert cards[0]["shelf"] == "Depot"
    assert cards[1]["box"] == box
    (call,) = sandbox.bells.values()
    assert call["bell"] == "front-bell"
    assert {each["name"]: each["state"] for each in status["connections"]} == {"street": "ok", "office": "ok"}
    assert status["accounts"]["deliveries"] == 3
    assert status["accounts"]["activities"] == 2 + 2 + 1, "two letters, and the outcomes of two cards and a call"
    assert status["accounts"]["unaccounted"] == 0
    assert not [secret for secret in sandbox.secrets().values() if secret in served.log()]
