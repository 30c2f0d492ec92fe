"""The demo: what it claims holds, it says so when something does not, and it fits a terminal."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import cast

import pytest

from gateway.demo.morning import CHAT, DESK, Morning, play
from gateway.demo.proof import prove
from gateway.demo.vendors import Chat, Helpdesk
from gateway.demo.world import World, world

ROOT = Path(__file__).parents[2]


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from gateway.cli import main; main()", "demo", *arguments]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("BATON_")}
    return subprocess.run(
        command, cwd=ROOT, env={**kept, "COLUMNS": "80"}, capture_output=True, text=True, check=False, timeout=110
    )


def test_it_tells_a_day_in_which_every_claim_holds() -> None:
    """How long it takes is measured (bench/README.md), not tested."""
    done = demo()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[NO]" not in done.stdout
    assert "all hold." in done.stdout.splitlines()[-1]
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    for words in ("The whole morning", "The whole afternoon", "The whole evening", "one person, one case"):
        assert words in done.stdout
    for words in ("answered 401", "dead letter", "was there already", "was made for it", "nothing is to be done"):
        assert words in done.stdout
    for words in ("only a claim", "byte for byte", "rules of the shipped policy fired today"):
        assert words in done.stdout


def test_programs_get_json() -> None:
    done = demo("--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
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
