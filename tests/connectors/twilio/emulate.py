"""vercel-labs' `emulate` (npm, Apache-2.0): a stand-in for Twilio that none of us wrote, where this machine can run it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from tests.facilities import MissingFacilityError

#: The last version that runs on Node 20; npm's newest of this name is somebody else's.
VERSION = "0.11.2"


def program() -> Path:
    """Return its entry file, installed at first use, or where BATON_EMULATE says. Raises MissingFacilityError."""
    given = os.environ.get("BATON_EMULATE")
    if given:
        return Path(given)
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise MissingFacilityError("node and npm are not installed (Debian: apt-get install nodejs npm)")
    place = Path(tempfile.gettempdir()) / f"baton-emulate-{VERSION}-{os.getuid()}"
    entry = place / "node_modules" / "emulate" / "dist" / "index.js"
    if not entry.exists():
        place.mkdir(exist_ok=True)
        command = [
            "npm",
            "install",
            "--prefix",
            str(place),
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            f"emulate@{VERSION}",
        ]
        try:
            done = subprocess.run(command, capture_output=True, check=False, timeout=90)
        except subprocess.TimeoutExpired:
            raise MissingFacilityError(f"npm could not install emulate@{VERSION} within 90 s") from None
        if done.returncode != 0 or not entry.exists():
            raise MissingFacilityError(f"npm could not install emulate@{VERSION}")
    return entry


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def _start(command: list[str], directory: Path) -> subprocess.Popen[bytes]:
    with (directory / "emulate.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


@asynccontextmanager
async def emulated(directory: Path, *, account: str, token: str, number: str, hook: str) -> AsyncGenerator[str, None]:
    """Run it with one account and one number, and yield its address. Raises MissingFacilityError."""
    entry = await asyncio.to_thread(program)
    seed = directory / "seed.yaml"
    seed.write_text(
        f'twilio:\n  account:\n    sid: {account}\n    auth_token: {token}\n  phone_numbers:\n    - phone_number: "{number}"\n'
        f"      sms_url: {hook}\n      voice_url: {hook}\n"
    )
    port = free_port()
    process = _start(["node", str(entry), "--service", "twilio", "--port", str(port), "--seed", str(seed)], directory)
    try:
        url = f"http://127.0.0.1:{port}"
        async with aiohttp.ClientSession() as session:
            for _ in range(150):
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(f"{url}/2010-04-01/Accounts.json") as answer:
                        await answer.read()
                        break
                if process.poll() is not None:
                    raise MissingFacilityError(
                        "emulate ended at once: " + (directory / "emulate.log").read_text()[-300:]
                    )
                await asyncio.sleep(0.1)
            else:
                raise MissingFacilityError("emulate did not answer within 15 s")
        yield url
    finally:
        process.terminate()
        process.wait(10)
