"""The demo: what it claims holds, it says so when something does not, and it fits a terminal."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import cast

import pytest
from click.testing import CliRunner

from gateway.cli.commands import baton
from gateway.demo.morning import CHAT, DESK, Morning, play
from gateway.demo.proof import prove
from gateway.demo.vendors import Chat, Helpdesk
from gateway.demo.world import DemoFailed, World, world

ROOT = Path(__file__).parents[2]


BATON = [sys.executable, "-c", "from gateway.cli import main; main()"]


def run(command: list[str], **environ: str) -> subprocess.CompletedProcess[str]:
    others = {key: value for key, value in os.environ.items() if not key.startswith("BATON_")}
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**others, "COLUMNS": "80", **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )


def demo(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return run([*BATON, "demo", *arguments], **environ)


def test_it_tells_a_day_in_which_every_claim_holds_and_keeps_it_where_that_is_asked_for(tmp_path: Path) -> None:
    """How long it takes is measured (bench/README.md), not tested."""
    done = demo("--keep", str(tmp_path / "day"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[NO]" not in done.stdout
    told, _, where = done.stdout.partition("\nKept in ")
    assert "all hold." in told.splitlines()[-1]
    assert all(len(line) <= 80 for line in told.splitlines())
    kept_as_told(tmp_path / "day", where)
    for words in ("The whole morning", "The whole afternoon", "The whole evening", "one person, one case"):
        assert words in done.stdout
    for words in ("answered 401", "dead letter", "was there already", "was made for it", "nothing is to be done"):
        assert words in done.stdout
    for words in ("only a claim", "byte for byte", "rules of the shipped policy fired today"):
        assert words in done.stdout


def kept_as_told(directory: Path, where: str) -> None:
    """Follow what is said at the end: each command works on what was kept, in each part of the day."""
    first, export, commands = where.splitlines()
    assert first.startswith(f"{directory}: baton.log, and a directory for each part of the day.")
    log = (directory / "baton.log").read_text(encoding="utf-8")
    assert {"parsed", "decided"} <= {json.loads(line)["event"] for line in log.splitlines()}
    assert "sandbox-token" not in log
    named = Path(export.strip().removeprefix("export BATON_CONFIG="))
    assert named == directory / "morning" / "plugins.toml"
    asked = [command.split()[1:] for command in commands.strip().split("; ")]
    assert ["policy", "explain", "CASE"] in asked
    for part in ("morning", "afternoon", "evening"):
        environ = {"BATON_CONFIG": str(directory / part / "plugins.toml")}
        found = json.loads(run([*BATON, "cases", "list", "--json"], **environ).stdout)
        assert found
        for words in asked:
            done = run([*BATON, *(found[0]["id"] if word == "CASE" else word for word in words)], **environ)
            assert done.returncode == 0, f"{part}: {words}: {done.stderr}"
            assert done.stdout.strip()


def test_a_directory_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    done = demo("--keep", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr == f"baton: --keep {tmp_path} is not empty: name a directory that is new or empty\n"
    assert [each.name for each in tmp_path.iterdir()] == ["mine"]
    done = demo("--keep", str(tmp_path / "mine"))
    assert done.returncode == 1
    assert done.stderr == f"baton: --keep {tmp_path / 'mine'} cannot be made: File exists\n"


def test_what_was_kept_is_told_also_when_the_day_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object, **__: object) -> bool:
        raise DemoFailed("the world does not come to rest")

    monkeypatch.setattr("gateway.cli.demo._play", fails)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    done = CliRunner().invoke(baton, ["demo", "--keep"], prog_name="baton")
    assert done.exit_code == 1
    assert "baton: the world does not come to rest" in done.stderr
    (directory,) = tmp_path.iterdir()
    assert f"Kept in {directory}: baton.log" in done.stdout


def test_programs_get_json_and_nothing_is_left_behind(tmp_path: Path) -> None:
    done = demo("--json", TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []
    told = json.loads(done.stdout)
    assert "kept" not in told
    assert told["ok"] is True
    parts = [told["morning"], told["afternoon"], told["evening"]]
    assert [part["accounts"]["unaccounted"] for part in parts] == [0, 0, 0]
    assert [part["ok"] for part in parts] == [True, True, True]
    by_subject = {case["subject"]: case for part in parts for case in part["cases"]}
    assert by_subject["Cannot log in"]["rules"] == ["service-down"]
    assert by_subject["Cannot log in"]["tickets"] == [{"on": "zendesk", "id": "1004", "adopted": True}]
    assert by_subject["New address"]["rules"] == []
    assert by_subject["Parcel 4711"]["over"] == ["mail", "website"]
    assert all(claim["holds"] for part in parts for case in part["cases"] for claim in case["claims"])


def test_the_demos_policy_is_the_one_that_is_shipped() -> None:
    assert (ROOT / "gateway" / "demo" / "escalation.toml").read_text() == (ROOT / "escalation.toml").read_text()


@pytest.fixture
async def morning() -> AsyncGenerator[tuple[World, Morning], None]:
    async with world() as here:
        yield here, await play(here)


async def test_every_claim_fails_when_what_it_claims_is_not_so(morning: tuple[World, Morning]) -> None:
    here, told = morning

    async def broken() -> set[str]:
        return {claim.sentence for claim in (await asyncio.to_thread(prove, here, told)).broken}

    assert await broken() == set()
    desk = cast("Helpdesk", here.sandboxes[DESK])
    chat = cast("Chat", here.sandboxes[CHAT])
    made = next(ticket for ticket in desk.account.tickets.values() if ticket.external_id)

    # A second ticket for the same case.
    desk.account.tickets[99_999] = type(made)(
        id=99_999,
        subject="x",
        requester_id=1,
        created_at=0,
        updated_at=0,
        external_id=made.external_id,
        comments=[],
        via="api",
    )
    assert {"ticket #1001 was made for it, and no other"} < await broken()
    del desk.account.tickets[99_999]

    # A note that customers can read.
    made.comments[0]["public"] = True
    assert any("nothing in public" in sentence for sentence in await broken())
    made.comments[0]["public"] = False

    # Words that never arrived.
    body, made.comments[0]["body"] = made.comments[0]["body"], "nothing"
    assert any("all that was said" in sentence for sentence in await broken())
    made.comments[0]["body"] = body

    # A priority and a group that somebody else's rule changed.
    urgent = next(ticket for ticket in desk.account.tickets.values() if ticket.priority == "urgent")
    urgent.priority, urgent.group_id = "low", 503
    found = await broken()
    assert "with priority low" in found
    assert "it stands in group Billing" in found
    urgent.priority, urgent.group_id = "urgent", 502

    # A notice that was posted twice, and a reply that is gone.
    leads = chat.messages("cx-leads")
    leads.append(leads[0])
    assert any("stands there once" in sentence for sentence in await broken())
    leads.pop()
    direct = chat.messages("D0DORA")
    reply = next(post for post in direct if post.get("metadata"))
    direct.remove(reply)
    assert any("the customer was told" in sentence for sentence in await broken())
    direct.append(reply)

    # A forgery that got in.
    words = next(iter(told.refused))
    told.refused[words] = 200
    assert f"{words}: answered 200" in await broken()
    told.refused[words] = 401
    here.answers[DESK].append(200)
    assert any("in the store" in sentence for sentence in await broken())
    here.answers[DESK].pop()

    assert await broken() == set()
