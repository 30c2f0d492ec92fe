"""Reload: under load nothing is refused; what is wrong changes nothing and says why."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from tests.app.gateways import ENVIRON, PLUGINS, POLICY, SECRET, Knocker, Served, message, quiet, running, write

BROKEN = (
    "[chat.toys\n",
    PLUGINS + "\n[chat.more]\nconnector = 'toylin'\n",
    PLUGINS.replace("TOY_SECRET", "NOT_SET"),
    PLUGINS + "colour = 'red'\n",
    PLUGINS + "\n[gateway.limits]\nbody = 1\n",
)
VALID = (
    PLUGINS,
    PLUGINS + 'mode = "notes"\n',
    PLUGINS + '\n[chat.others]\nconnector = "toyline"\nsecret = { env = "TOY_SECRET" }\n',
    PLUGINS + 'trouble = "open"\n',
)


async def load(knocker: Knocker, answers: list[int], end: asyncio.Event, name: str) -> None:
    number = 0
    while not end.is_set():
        answers.append(await knocker.say(f"{name}-{number}", thread=name))
        number += 1


async def test_reloads_under_load_refuse_no_request_and_lose_nothing(tmp_path: Path) -> None:
    answers: list[int] = []
    end = asyncio.Event()
    async with running(tmp_path) as (gateway, knocker):
        async with asyncio.TaskGroup() as group:
            for name in ("a", "b", "c"):
                group.create_task(load(knocker, answers, end, name))
            for turn in range(20):
                wrong = turn % 3 == 2
                write(tmp_path, BROKEN[turn % len(BROKEN)] if wrong else VALID[turn % len(VALID)])
                result = await gateway.reload("test")
                assert result["reloaded"] is not wrong, result
                await asyncio.sleep(0.05)
            end.set()
        assert len(answers) > 20
        assert set(answers) == {204}
        await quiet(gateway)
        accounts = gateway.store.accounts()
        assert accounts.deliveries == accounts.activities_applied == len(answers)
        assert accounts.unaccounted == 0


@pytest.mark.parametrize("wrong", BROKEN)
async def test_a_wrong_file_changes_nothing_and_every_line_says_where(tmp_path: Path, wrong: str) -> None:
    async with running(tmp_path) as (gateway, knocker):
        before = gateway.setup
        write(tmp_path, wrong)
        result = await gateway.reload("test")
        assert result["reloaded"] is False
        assert result["problems"]
        for problem in result["problems"]:
            place = problem.split(": ")[0].rsplit(":", 2)
            assert place[0].endswith("plugins.toml")
            assert all(part.isdecimal() for part in place[1:])
        assert gateway.setup is before
        assert await knocker.say("m1") == 204


async def test_a_wrong_policy_changes_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as (gateway, _):
        before = gateway.setup
        write(tmp_path, policy=POLICY.replace('do = "none"', 'do = "nothing"'))
        result = await gateway.reload("test")
        assert result["reloaded"] is False
        assert "escalation.toml:4:" in result["problems"][0]
        assert gateway.setup is before


async def test_a_file_that_is_gone_changes_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as (gateway, _):
        (tmp_path / "plugins.toml").unlink()
        result = await gateway.reload("test")
        assert result == {"reloaded": False, "problems": [f"{tmp_path}/plugins.toml:1:1: there is no such file"]}


async def test_a_rotated_secret_holds_from_the_reload_on(tmp_path: Path) -> None:
    environ = dict(ENVIRON)
    async with running(tmp_path, environ=environ) as (gateway, knocker):
        assert await knocker.send(message("m1"), secret="rotated-secret") == 401
        environ["TOY_SECRET"] = "rotated-secret"
        result = await gateway.reload("test")
        assert result["changes"] == ["toys: secret changed"]
        assert await knocker.send(message("m2"), secret="rotated-secret") == 204
        assert await knocker.send(message("m3"), secret=SECRET) == 401


async def test_a_connection_that_goes_is_not_found_and_one_that_comes_is(tmp_path: Path) -> None:
    async with running(tmp_path) as (gateway, knocker):
        write(tmp_path, PLUGINS.replace("chat.toys", "chat.trains"))
        assert (await gateway.reload("test"))["changes"] == ["toys is gone", "trains is new (toyline, observe)"]
        assert await knocker.say("m1", connection="toys") == 404
        assert await knocker.say("m1", connection="trains") == 204


async def test_a_renamed_connection_knows_what_it_has_seen(tmp_path: Path) -> None:
    async with running(tmp_path) as (gateway, knocker):
        await knocker.say("m1")
        await quiet(gateway)
        write(tmp_path, PLUGINS.replace("[chat.toys]", '[chat.trains]\nrenamed_from = "toys"'))
        assert (await gateway.reload("test"))["changes"] == ["toys is now called trains"]
        assert await knocker.say("m1", connection="trains") == 204
        await quiet(gateway)
        assert gateway.store.accounts().activities == 1
        assert gateway.store.accounts().events_duplicate == 1


async def test_what_is_read_once_at_the_start_is_told_and_stays(tmp_path: Path) -> None:
    async with running(tmp_path) as (gateway, knocker):
        port = gateway.port
        write(tmp_path, PLUGINS.replace("127.0.0.1:0", "127.0.0.1:1"))
        result = await gateway.reload("test")
        assert result["needs_restart"] == ["port", "public_url"]
        assert gateway.port == port
        assert await knocker.say("m1") == 204
        assert (await gateway.reload("test"))["needs_restart"] == ["port", "public_url"]


async def test_every_reload_stands_in_the_audit(tmp_path: Path) -> None:
    async with running(tmp_path) as (gateway, _):
        write(tmp_path, VALID[1])
        await gateway.reload("cli:anna")
        newest = gateway.store.audit_trail(1)[0]
        assert (newest["actor"], newest["action"]) == ("cli:anna", "reloaded")
        assert gateway.store.verify_audit() is None


async def test_the_hangup_signal_and_the_command_reload_a_served_gateway(tmp_path: Path) -> None:
    write(tmp_path)
    served = Served(directory=tmp_path)
    served.start()
    try:
        await served.until_ready()
        write(tmp_path, BROKEN[1])
        served.signal(signal.SIGHUP)
        await said(served, "reload_refused", 1)
        assert 'did you mean "toyline"?' in served.lines("reload_refused")[0]["problems"][0]
        done = await asyncio.to_thread(served.run, "reload")
        assert done.returncode == 2
        assert b'plugins.toml:10:13: no connector "toylin" is installed: did you mean "toyline"?' in done.stderr
        assert b"Nothing was changed." in done.stderr
        write(tmp_path, VALID[1])
        done = await asyncio.to_thread(served.run, "reload")
        assert (done.returncode, done.stdout) == (0, b"- toys: mode observe -> notes\n")
        served.signal(signal.SIGHUP)
        await said(served, "reloaded", 2)
    finally:
        served.kill()


async def said(served: Served, action: str, times: int) -> None:
    async with asyncio.timeout(60):
        while len(served.lines(action)) < times:
            await asyncio.sleep(0.05)


async def test_an_earlier_name_without_effect_is_told_at_a_reload(tmp_path: Path) -> None:
    async with running(tmp_path) as (gateway, _):
        named = PLUGINS.replace("[chat.toys]", "[chat.games]") + 'renamed_from = "toys"\n'
        write(tmp_path, named)
        assert (await gateway.reload("test"))["remarks"] == []
        (remark,) = (await gateway.reload("test"))["remarks"]
        assert remark.startswith('renamed_from = "toys" of connection games has no effect any more')
        write(tmp_path, PLUGINS.replace("[chat.toys]", "[chat.new]") + 'renamed_from = "tois"\n')
        (remark,) = (await gateway.reload("test"))["remarks"]
        assert "no connection was ever called so, and new begins without a history" in remark


async def test_another_icalendar_file_is_another_policy_and_a_wrong_one_changes_nothing(tmp_path: Path) -> None:
    event = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART;VALUE=DATE:{}\nEND:VEVENT\nEND:VCALENDAR\n"
    calendar = '[calendar.office]\ntz = "Europe/Berlin"\nmon = ["09:00-17:00"]\nics = "holidays.ics"\n'
    holidays, monday = tmp_path / "holidays.ics", 1_829_898_000_000_000
    async with running(tmp_path) as (gateway, _):
        holidays.write_text(event.format("20271224"))
        write(tmp_path, policy=POLICY + calendar)
        assert (await gateway.reload("test"))["reloaded"] is True
        before = gateway.setup.policy
        holidays.write_text(event.format("20271229"))
        result = await gateway.reload("test")
        assert "the policy is another" in str(result["changes"])
        assert gateway.store.policy(before.digest) == before.source
        assert gateway.store.policy(gateway.setup.policy.digest) == gateway.setup.policy.source
        holidays.write_text(event.format("20271399"))
        result = await gateway.reload("test")
        assert [each.rpartition("holidays.ics:")[2] for each in result["problems"]] == [
            "4:1: DTSTART cannot be read: Wrong date format 20271399"
        ]
        assert gateway.setup.policy.digest != before.digest
        assert gateway.setup.policy.calendars["office"].is_open(monday)
