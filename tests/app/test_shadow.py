"""PO-6 through the shipped files, served against both vendors' sandboxes: a candidate is tried, and nobody outside notices."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any, Final

import aiohttp

from gateway.store import open_store
from tests.app.gateways import PLUGINS, POLICY, running, write
from tests.app.test_shipped import a_busy_hour
from tests.app.vendors import ROOT, Vendors, serving

WORD: Final = "canary"
#: Escalates whatever a customer says, to another group, and tells everybody.
LOUD: Final = """
[[rule]]
id = "loud"
do = "escalate"
ladder = "loud"
when.all = ["sender.role == 'customer'"]
set = { priority = "P1" }
reply = "The candidate answers."

[[rule]]
id = "rest"
do = "none"
catch_all = true

[ladder.loud]
final = { target = "queue:zendesk/Nowhere", notify = ["support-slack:#nowhere"] }
[[ladder.loud.step]]
target = "queue:zendesk/Nowhere"
ack_within = "1h"
"""
SHADOWED: Final = PLUGINS.replace("[gateway]\n", '[gateway]\nshadow = "candidate.toml"\n')


def outbox(directory: Path) -> Counter[tuple[str, ...]]:
    """Return what stands in the outbox, without what is random: ids, and when."""
    store = open_store(f"sqlite:///{directory / 'baton-data' / 'baton.db'}", readonly=True)
    rows: Counter[tuple[str, ...]] = Counter()
    for case in store.cases(1_000):
        history = store.history(case.id)
        assert history is not None
        rows.update(
            (
                each.effect.kind.value,
                each.effect.connection,
                each.effect.rule,
                each.effect.destination,
                each.state.value,
            )
            for each in history.effects
        )
    store.close()
    return rows


def outside(vendors: Vendors) -> tuple[Any, ...]:
    """Return what reached the vendors, and what tickets and channels look like now.

    How many updates of a ticket go out in one call is a matter of moments: these calls are not counted.
    """
    calls = Counter(f"{call.method} {call.route}" for call in (*vendors.slack.calls, *vendors.zendesk.calls))
    counted = {call: calls[call] for call in calls if call.startswith("POST")}
    tickets = [
        (each["subject"], each["status"], each["group_id"], sorted(each["tags"]))
        for each in vendors.zendesk.state()["tickets"]
    ]
    posts = [(name, len(posts)) for name, posts in vendors.slack.state()["messages"].items()]
    return set(calls), counted, sorted(tickets, key=str), sorted(posts)


async def test_a_candidate_makes_no_call_and_no_row_of_the_outbox(tmp_path: Path) -> None:
    """PO-6: the same hour with and without a candidate: calls, tickets, channels and the outbox are the same."""
    seen: list[tuple[Any, ...]] = []
    for name, gateway in (("without", ""), ("with", 'shadow = "candidate.toml"')):
        directory = tmp_path / name
        directory.mkdir()
        (directory / "candidate.toml").write_text(LOUD)
        async with serving(directory, "live", gateway=gateway) as vendors:
            vendors.slack.person_writes("U0EVE", f"{WORD}: thank you, all is well", name="Eve")
            await a_busy_hour(vendors, WORD)
            seen.append((*outside(vendors), outbox(directory)))
            if gateway:
                await told_of(vendors)
    assert seen[0] == seen[1]
    assert sum(seen[0][-1].values()) > 10


async def told_of(vendors: Vendors) -> None:
    """Check that it was asked all the same, and what an admin and Prometheus are told of it."""
    async with asyncio.timeout(60):
        while len(json.loads((told := await shadow(vendors, "--json"))[1])["divergences"]) < 2:
            await asyncio.sleep(0.3)
    view = json.loads(told[1])
    assert view["divergences"]["would_escalate"] == {"times": 1, "cases": 1}
    assert view["divergences"]["other_ladder"]["cases"] >= 2
    assert view["tried"][0]["failed"] == 0
    code, text, errors = await shadow(vendors)
    assert (code, errors) == (0, "")
    assert "candidate.toml (" in text
    assert "only the candidate escalates" in text
    assert "loud on loud at 1, P1" in " ".join(text.split())
    assert WORD not in text + told[1]
    async with (
        aiohttp.ClientSession(f"http://127.0.0.1:{vendors.served.port}") as client,
        client.get("/metrics") as page,
    ):
        assert 'baton_shadow_divergences_total{kind="would_escalate"}' in await page.text()


async def shadow(vendors: Vendors, *words: str) -> tuple[int, str, str]:
    done = await asyncio.to_thread(vendors.served.run, "policy", "shadow", *words)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


async def test_the_shipped_policy_tried_beside_itself_never_differs(tmp_path: Path) -> None:
    (tmp_path / "candidate.toml").write_text((ROOT / "escalation.toml").read_text())
    async with serving(tmp_path, "live", gateway='shadow = "candidate.toml"') as vendors:
        await a_busy_hour(vendors, WORD)
        async with asyncio.timeout(60):
            while True:
                view = json.loads((await shadow(vendors, "--json"))[1])
                applied = (await vendors.status())["accounts"]["activities"]
                if view["tried"] and view["tried"][0]["compared"] == applied:
                    break
                await asyncio.sleep(0.3)
        assert view["newest"] == []
        assert applied >= 8
        assert view["tried"][0]["failed"] == 0
        _, text, _ = await shadow(vendors)
        assert "It would have decided nothing otherwise." in text


async def test_a_candidate_is_taken_over_by_a_reload_and_checked_as_strictly_as_the_policy(tmp_path: Path) -> None:
    async with running(tmp_path) as (gateway, knocker):
        (tmp_path / "candidate.toml").write_text(POLICY)
        write(tmp_path, SHADOWED)
        result = await gateway.reload("test")
        assert any("shadow is now" in line for line in result["changes"])
        assert any("the policy that is tried is another: 1 rules" in line for line in result["changes"])
        before = gateway.setup
        assert before.shadow is not None
        assert gateway.pipeline.policies.direction.shadow is before.shadow
        for wrong, where in (
            (POLICY.replace('do = "none"', 'do = "nothing"'), "candidate.toml:4:"),
            (POLICY.replace("catch_all = true", 'when.all = ["chanel == 1"]'), "candidate.toml:5:"),
        ):
            (tmp_path / "candidate.toml").write_text(wrong)
            result = await gateway.reload("test")
            assert result["reloaded"] is False
            assert any(where in problem for problem in result["problems"]), result
            assert gateway.setup is before
            assert gateway.pipeline.policies.direction.shadow is before.shadow, "the one that runs goes on"
        (tmp_path / "candidate.toml").unlink()
        result = await gateway.reload("test")
        assert "candidate.toml:1:1: there is no such file" in result["problems"][0]
        write(tmp_path, PLUGINS)
        assert (await gateway.reload("test"))["changes"] == ["shadow is now off"]
        after = gateway.pipeline.policies.direction
        assert after.shadow is None
        assert await knocker.say("m1") == 204
