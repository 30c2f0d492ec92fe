"""The shipped files, served against both vendors' sandboxes: modes, forgery, rubbish, and that no secret ever shows."""

from __future__ import annotations

import asyncio
import re
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.testing.faults import FaultKind
from gateway.testing.webhooks import Webhook
from tests.app.gateways import Served, write
from tests.app.vendors import ROOT, Vendors, serving

#: Everything that an operator may look at or do.
COMMANDS = (
    *("status", "check", "dlq list", "cases list", "connectors list", "connectors show zendesk"),
    *("pause all", "resume all", "dlq show 1", "reload", "version", "schema plugins"),
)


async def a_busy_hour(vendors: Vendors, word: str = "hello") -> None:
    """Have people do everything that rules look at."""
    slack, zendesk = vendors.slack, vendors.zendesk
    slack.person_writes("U0BEN", f"{word}: I was charged twice", name="Ben")
    direct = slack.person_writes("U0DORA", f"{word}: can I talk to a human?", channel="D0DORA", name="Dora")
    slack.person_edits("D0DORA", direct, f"{word}: can I please talk to a human?")
    slack.bot_writes("deploybot", f"{word}: done")
    slack.person_presses("U0DORA", "talk_to_agent", channel="D0DORA", stamp=direct)
    ticket = zendesk.customer_writes("Gina Gold", f"{word}: nobody can log in", f"{word}: it is down", via="email")
    other = zendesk.customer_writes("Ines Ito", f"{word} chat", f"{word}: my lawyer will write to you", via="chat")
    zendesk.agent_comments(other, f"{word}: I am looking at it")
    zendesk.agent_tags(ticket, "escalate")
    zendesk.agent_sets_status(other, "solved")
    answers = await vendors.deliver()
    assert set(answers) == {200}
    await vendors.rest()


def writes(vendors: Vendors) -> int:
    return vendors.slack.writes() + vendors.zendesk.writes()


async def test_in_observe_mode_nothing_at_all_is_changed_at_a_vendor(tmp_path: Path) -> None:
    async with serving(tmp_path, "observe") as vendors:
        before = (vendors.slack.state()["messages"], vendors.zendesk.state()["tickets"])
        await a_busy_hour(vendors)
        assert writes(vendors) == 0
        # What is read at the start, to see that the credentials work, and what is known of customers, is all that was called.
        called = {call.route for call in (*vendors.slack.calls, *vendors.zendesk.calls)}
        assert called <= {"auth.test", "users.me", "users.show", "organizations.show"}
        assert not any(ticket["external_id"] for ticket in vendors.zendesk.state()["tickets"])
        assert before[0]["C0SECOND"] == before[0]["C0LEADS"] == []
        accounts = (await vendors.status())["accounts"]
        assert set(accounts["effects"]) == {"observed", "done"}
        assert accounts["effects"]["done"] == vendors.zendesk.count("users.show"), "look-ups, and nothing else"
        assert accounts["effects"]["observed"] >= 4
        assert accounts["unaccounted"] == 0


async def test_in_notes_mode_customers_see_nothing_and_no_ticket_is_made(tmp_path: Path) -> None:
    async with serving(tmp_path, "notes") as vendors:
        await a_busy_hour(vendors)
        tickets = vendors.zendesk.state()["tickets"]
        assert not any(ticket["external_id"] for ticket in tickets)
        assert all(ticket["priority"] is None and ticket["group_id"] is None for ticket in tickets)
        ours = [comment for ticket in tickets for comment in ticket["comments"] if comment["author_id"] == 4_001]
        assert ours
        assert not any(comment["public"] for comment in ours)
        customers = [post for name in ("C0SUPPORT", "D0DORA") for post in vendors.slack.posts[name]]
        assert not any(post.get("metadata") for post in customers)


async def test_in_live_mode_everything_arrives_once_though_answers_are_lost(tmp_path: Path) -> None:
    async with serving(tmp_path, "live") as vendors:
        vendors.zendesk.faults.add("tickets.create", FaultKind.RATE_LIMITED, seconds=1)
        vendors.slack.faults.add("chat.postMessage", FaultKind.ERROR_BEFORE, status=503)
        await a_busy_hour(vendors)
        held = [ticket for ticket in vendors.zendesk.state()["tickets"] if ticket["external_id"]]
        assert len(held) == len({ticket["external_id"] for ticket in held}) >= 2
        posts = [post for channel in vendors.slack.posts.values() for post in channel if post.get("metadata")]
        keys = [post["metadata"]["event_payload"]["key"] for post in posts]
        assert len(keys) == len(set(keys)) >= 3


async def test_forged_requests_get_401_and_leave_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path, "observe") as vendors:
        before = (await vendors.status())["accounts"]
        slack, zendesk = vendors.slack, vendors.zendesk
        slack.person_writes("U0BEN", "hello")
        zendesk.customer_writes("Gina", "hello", "hello")
        genuine: list[tuple[str, Any, Webhook]] = [
            ("support-slack/events", slack, slack.webhooks.waiting.pop()),
            ("zendesk", zendesk, zendesk.webhooks.waiting.pop()),
        ]
        async with aiohttp.ClientSession(f"http://127.0.0.1:{vendors.served.port}/hooks/") as client:
            for path, sandbox, webhook in genuine:
                for headers in forgeries(sandbox, webhook):
                    async with client.post(path, data=webhook.body, headers=headers) as answer:
                        assert answer.status == 401, headers
                        assert await answer.read() == b""
        assert (await vendors.status())["accounts"] == before


def forgeries(sandbox: Any, webhook: Webhook) -> list[dict[str, str]]:
    """Return headers that are nearly right."""
    good: dict[str, str] = sandbox._sign(webhook)
    name = next(key for key in good if "Timestamp" not in key)
    stamp = next(key for key in good if "Timestamp" in key)
    other: dict[str, str] = sandbox._sign(Webhook(endpoint="", body=webhook.body + b" "))
    stranger = type(sandbox)(secret="another")._sign(webhook)
    old = type(sandbox)(now=lambda: sandbox.now() - 400_000_000)._sign(webhook)
    return [
        {},
        {name: good[name]},
        {stamp: good[stamp]},
        {**good, name: good[name][:-2]},
        {**good, name: good[name].upper() if good[name].upper() != good[name] else good[name].lower()},
        {**good, name: ""},
        {**good, stamp: "now"},
        {**good, name: other[name]},
        stranger,
        old,
    ]


async def test_rubbish_that_is_signed_is_a_dead_letter_with_its_bytes(tmp_path: Path) -> None:
    rubbish = {"support-slack": b"\x00 not json", "zendesk": b'{"half": '}
    async with serving(tmp_path, "observe") as vendors:
        vendors.slack.webhooks.put(Webhook(endpoint="events", body=rubbish["support-slack"]))
        vendors.zendesk.webhooks.put(Webhook(endpoint="", body=rubbish["zendesk"]))
        assert await vendors.deliver() == [200, 200]
        await vendors.rest()
        kept = [
            (await asyncio.to_thread(vendors.served.run, "dlq", "show", str(number), "--bytes")).stdout
            for number in (1, 2)
        ]
        assert sorted(kept) == sorted(rubbish.values())


async def test_no_secret_and_no_body_ever_shows(tmp_path: Path) -> None:
    """Promise I12: canaries in every secret and in every text, vendors that answer 401 and 500, and all output searched."""
    async with serving(tmp_path, "live", canary="canary-secret") as vendors:
        shown = b""
        await a_busy_hour(vendors, "canary-body")
        async with aiohttp.ClientSession(f"http://127.0.0.1:{vendors.served.port}") as client:
            for path in ("/metrics", "/readyz", "/livez", "/nowhere", "/hooks/zendesk"):
                async with client.get(path) as answer:
                    shown += await answer.read() + str(answer.headers).encode()
            headers = {"X-Zendesk-Webhook-Signature": "canary-secret"}
            async with client.post("/hooks/zendesk", data=b"canary-body", headers=headers) as answer:
                assert answer.status == 401
                shown += await answer.read()
        vendors.zendesk.webhooks.put(Webhook(endpoint="", body=b'{"type": "canary-body'))
        vendors.zendesk.faults.add("tickets.update", FaultKind.ERROR_AFTER)
        vendors.slack.faults.add("*", FaultKind.ERROR_BEFORE, status=500, times=2)
        vendors.slack.person_writes("U0EMIL", "canary-body: I want a real person", channel="D0EMIL", name="canary-body")
        vendors.zendesk.customer_writes("canary-body", "canary-body", "canary-body: I call my lawyer", via="email")
        await vendors.deliver()
        await asyncio.sleep(1)
        vendors.zendesk._token = "rotated-by-somebody"
        vendors.zendesk.customer_writes(
            "canary-body", "canary-body", "canary-body: I call my lawyer again", via="email"
        )
        await vendors.deliver()
        async with asyncio.timeout(60):
            while "refuses our credentials" not in vendors.served.log():
                await asyncio.sleep(0.1)
        for command in COMMANDS:
            done = await asyncio.to_thread(vendors.served.run, *command.split())
            shown += done.stdout + done.stderr
        case = re.search(rb"[0-9a-f]{8}-[0-9a-f-]{27}", shown)
        assert case is not None
        shown += (await asyncio.to_thread(vendors.served.run, "cases", "show", case[0].decode())).stdout
        (tmp_path / "plugins.toml").write_text(
            "[helpdesk.zendesk]\nconnector = 'zendesk'\napi_token = 'canary-secret'\n"
        )
        done = await asyncio.to_thread(vendors.served.run, "reload")
        assert done.returncode == 2
        shown += done.stdout + done.stderr
        vendors.served.signal(signal.SIGTERM)
        assert await vendors.served.ended() == 0
        shown += vendors.served.log().encode()
        assert b"refuses our credentials" in shown
        for canary in (b"canary-secret", b"canary-body", b"canary"):
            assert canary not in shown, around(shown, canary)


def around(text: bytes, word: bytes) -> str:
    place = text.find(word)
    return text[max(0, place - 300) : place + 100].decode(errors="replace")


async def test_check_says_exactly_what_the_shipped_file_still_needs(tmp_path: Path) -> None:
    write(tmp_path, (ROOT / "plugins.toml").read_text(), (ROOT / "escalation.toml").read_text())
    done = await asyncio.to_thread(Served(directory=tmp_path, environ={}).run, "check")
    assert done.returncode == 2
    missing = [line for line in done.stderr.decode().splitlines() if not line.startswith("warning")]
    named = set(re.findall(r'^\w+ = \{ env = "([A-Z_]+)"', (ROOT / "plugins.toml").read_text(), re.MULTILINE))
    assert {line.rsplit(" ", 4)[1] for line in missing} == named
    assert all(
        re.match(r"plugins\.toml:\d+:\d+: \w+: the environment variable [A-Z_]+ is not set$", line) for line in missing
    )


@pytest.mark.parametrize("signature", ["slack", "zendesk"])
async def test_a_sandbox_starts_for_an_admin_without_an_account(tmp_path: Path, signature: str) -> None:
    import subprocess

    served = Served(directory=tmp_path, environ={})
    process = await asyncio.to_thread(
        subprocess.Popen,
        [*served.command, "sandbox", signature],
        env=served.environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("export") or len([x for x in lines if x.startswith("export")]) < 2:
            lines.append((await asyncio.to_thread(process.stdout.readline)).decode())
        url = re.search(r"http://\S+/_sandbox/state", "".join(lines))
        assert url is not None
        async with aiohttp.ClientSession() as client, client.get(url[0]) as answer:
            assert answer.status == 200
        assert any(line.startswith("api_url = ") for line in lines)
    finally:
        process.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(process.wait, 10) == 0
        assert process.stdout is not None
        process.stdout.close()


def test_the_examples_of_the_shipped_file_are_good_once_their_signs_are_taken_away() -> None:
    """An admin who takes the signs away must be asked for secrets only."""
    from gateway.config import load_config
    from gateway.host.registry import discover

    text = (ROOT / "plugins.toml").read_text()
    head, title, examples = text.partition("# --- More channels ")
    lines = [line.removeprefix("# ").removeprefix("#") for line in examples.splitlines()[2:]]
    whole = head + title.replace("# --- More channels ", "") + "\n".join(lines)

    class Anything(dict[str, str]):
        def __missing__(self, name: str) -> str:
            return {"SLACK_BOT_USER_ID": "U0BATON", "ZENDESK_SUBDOMAIN": "acme", "ZENDESK_USER_ID": "7"}.get(
                name, "AC" + "0" * 32 if name.endswith("SID") else "whsec_" + "c2VjcmV0" * 4
            )

        def get(self, name: str, default: object = None) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
            return "" if name.startswith("BATON_") else self[name]

        def __contains__(self, name: object) -> bool:
            return not str(name).startswith("BATON_")

    config = load_config(whole, str(ROOT / "plugins.toml"), specs=discover(), environ=Anything())
    assert {each.spec.name for each in config.running} == set(discover())
