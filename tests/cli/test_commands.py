"""What every command prints, as a person and as a program see it; golden files beside this one.

`BATON_UPDATE_GOLDENS=1 pytest tests/cli` writes them anew; read the difference before you keep it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import jsonschema
import pytest

from gateway.clock import SystemClock
from tests.app.gateways import PLUGINS, POLICY, Knocker, Served, write

GOLDEN = Path(__file__).parent / "golden"
RUBBISH = b"\x00\xff rubbish"


@pytest.fixture
async def served(tmp_path: Path) -> AsyncGenerator[Served, None]:
    """A directory with both files, and Toyline installed; nothing runs yet."""
    write(tmp_path)
    made = Served(directory=tmp_path)
    yield made
    made.kill()


async def serve_a_little(served: Served) -> None:
    """Start the gateway and send it two messages and rubbish."""
    served.start()
    await served.until_ready()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{served.port}") as client:
        knocker = Knocker(client=client, now=SystemClock().now)
        assert await knocker.say("m1", text="canary of a customer") == 204
        assert await knocker.say("m2") == 204
        assert await knocker.send(RUBBISH) == 204
    async with asyncio.timeout(60):
        while not (await told(served, "dlq", "list", "--json")):
            await asyncio.sleep(0.1)


async def run(served: Served, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return await asyncio.to_thread(served.run, *arguments)


async def told(served: Served, *arguments: str) -> Any:
    done = await run(served, *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def golden(name: str, done: subprocess.CompletedProcess[bytes], served: Served) -> None:
    """Compare exit code and both outputs with the golden file, ids and times made equal."""
    text = f"exit code {done.returncode}\n--- output\n{done.stdout.decode()}--- errors\n{done.stderr.decode()}"
    text = text.replace(str(served.directory), "(here)").replace(str(served.port or "no port"), "PORT")
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "(id)", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "(time)", text)
    text = re.sub(r"^warning: (Python|SQLite) .*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"Python [\d.]+|SQLite [\d.]+", "(version)", text)
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("BATON_UPDATE_GOLDENS"):
        path.write_text(text)
    assert text == path.read_text()


async def test_check_of_files_that_are_in_order(served: Served) -> None:
    golden("check", await run(served, "check"), served)


async def test_check_says_everything_that_is_missing(served: Served) -> None:
    served.environ = {}
    write(served.directory, PLUGINS + "\n[helpdesk.desk]\nconnector = 'zendes'\n", POLICY)
    golden("check_wrong", await run(served, "check"), served)


async def test_check_of_a_wrong_policy(served: Served) -> None:
    write(served.directory, policy=POLICY.replace("catch_all = true", "when.all = ['mesage.text == 1']"))
    golden("check_policy", await run(served, "check"), served)


async def test_check_for_programs(served: Served) -> None:
    answer = await told(served, "check", "--json")
    assert answer["ok"] is True
    assert answer["connections"] == [{"name": "toys", "connector": "toyline", "channel": "chat", "mode": "observe"}]
    served.environ = {}
    done = await run(served, "check", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["errors"] == [
        "plugins.toml:7:10: secret: the environment variable TOY_SECRET is not set"
    ]


async def test_a_file_that_is_not_there(served: Served) -> None:
    golden("no_file", await run(served, "check", "--config", "absent.toml"), served)


async def test_a_connector_in_detail(served: Served) -> None:
    golden("connectors_show", await run(served, "connectors", "show", "toyline"), served)
    golden("connectors_unknown", await run(served, "connectors", "show", "toylin"), served)


async def test_the_connectors_that_are_installed(served: Served) -> None:
    listed = (await run(served, "connectors", "list")).stdout.decode()
    assert "toyline" in listed
    answer = await told(served, "connectors", "list", "--json")
    (toy,) = [each for each in answer if each["name"] == "toyline"]
    assert toy["hooks"] == ["/hooks/CONNECTION", "/hooks/CONNECTION/challenge"]
    assert toy["problem"] is None


@pytest.mark.parametrize("file", ["plugins", "escalation"])
async def test_the_schemas_are_schemas_and_accept_these_files(served: Served, file: str) -> None:
    import tomllib

    schema = await told(served, "schema", file)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(tomllib.loads((served.directory / f"{file}.toml").read_text()), schema)


async def test_the_version(served: Served) -> None:
    golden("version", await run(served, "version"), served)
    golden("version", await run(served, "--version"), served)
    answer = await told(served, "version", "--json")
    assert set(answer) == {"baton", "contract", "python", "sqlite", "aiohttp"}


async def test_commands_that_need_a_gateway_say_so(served: Served) -> None:
    golden("status_alone", await run(served, "status"), served)
    golden("reload_alone", await run(served, "reload"), served)
    golden("cases_alone", await run(served, "cases", "list"), served)


@pytest.mark.parametrize("alone", [True, False], ids=["no gateway runs", "a gateway runs"])
async def test_operating_with_and_without_a_running_gateway(served: Served, alone: bool) -> None:
    await serve_a_little(served)
    if alone:
        served.kill()
        # What needs no vendor needs no secret either.
        served.environ = {}
    golden("dlq_list", await run(served, "dlq", "list"), served)
    golden("dlq_show", await run(served, "dlq", "show", "1"), served)
    assert (await run(served, "dlq", "show", "1", "--bytes")).stdout == RUBBISH
    golden("dlq_show_none", await run(served, "dlq", "show", "77"), served)
    golden("dlq_discard", await run(served, "dlq", "discard", "1", "--reason", "rubbish"), served)
    golden("dlq_discard_again", await run(served, "dlq", "discard", "1", "--reason", "rubbish"), served)
    golden("dlq_empty", await run(served, "dlq", "list"), served)
    golden("dlq_replay_none", await run(served, "dlq", "replay", "77"), served)
    golden("pause", await run(served, "pause", "toys", "--reason", "they are away"), served)
    golden("pause_rule", await run(served, "pause", "rest"), served)
    golden("pause_unknown", await run(served, "pause", "tois"), served)
    golden("resume", await run(served, "resume", "toys"), served)
    golden("resume_again", await run(served, "resume", "toys"), served)
    golden("replay", await run(served, "replay", "--since", "1h"), served)
    golden("replay_unknown", await run(served, "replay", "--since", "1h", "--connection", "tois"), served)
    golden("replay_nothing", await run(served, "replay"), served)
    golden("replay_age", await run(served, "replay", "--since", "soon"), served)
    listed = await run(served, "cases", "list")
    golden("cases_list", listed, served)
    case = re.search(rb"[0-9a-f]{8}-[0-9a-f-]{27}", listed.stdout)
    assert case is not None
    shown = await run(served, "cases", "show", case[0].decode())
    golden("cases_show", shown, served)
    assert b"canary" not in shown.stdout
    golden("cases_show_none", await run(served, "cases", "show", "no-such-case"), served)


async def test_a_rubbish_letter_that_is_replayed_comes_back(served: Served) -> None:
    await serve_a_little(served)
    golden("dlq_replay", await run(served, "dlq", "replay", "1"), served)
    async with asyncio.timeout(60):
        while True:
            letters = await told(served, "dlq", "list", "--json")
            if [letter["id"] for letter in letters] not in ([], [1]):
                break
            await asyncio.sleep(0.1)


async def test_the_status_of_a_running_gateway(served: Served) -> None:
    await serve_a_little(served)
    await run(served, "pause", "all", "--reason", "until noon")
    golden("status", await run(served, "status"), served)


async def test_the_pause_outlives_the_gateway(served: Served) -> None:
    await run(served, "pause", "all")
    served.start()
    await served.until_ready()
    answer = await told(served, "status", "--json")
    assert answer["pauses"] == {"all": ""}
