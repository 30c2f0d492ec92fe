"""Somebody without Python calls: over HTTP, move for move, and hears what the gateway says."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import aiohttp

from gateway.testing.host import FakeHost
from tests.connectors.twilio.desk import desk
from tests.connectors.twilio.test_voice import AGENT, ANNA, OTHER, VoiceSetUp
from tests.docs.tables import DOCS


async def act(sandbox: Any, name: str, **given: Any) -> Any:
    """Have somebody do something, as with curl; return the answer, or the sentence of a refusal."""
    async with (
        aiohttp.ClientSession(sandbox.url) as client,
        client.post(f"/_sandbox/acts/{name}", json=given) as answer,
    ):
        return (await answer.json())["answer"] if answer.status == 200 else await answer.text()


class TestFromOutside(VoiceSetUp):
    async def test_a_caller_presses_speaks_and_leaves_a_voicemail(self, sandbox: Any, host: FakeHost) -> None:
        connector = self.make(self.values(sandbox), host)
        async with desk(connector, host) as found:
            sandbox.hooks = found.url
            begun = await act(sandbox, "person_calls", sender=ANNA)
            assert begun["heard"]
            assert (begun["over"], begun["failures"]) == (False, [])
            spoken = await act(sandbox, "caller_says", words="My parcel never came")
            assert spoken["call"] == begun["call"]
            asked = await act(sandbox, "caller_presses", digits="0", call=begun["call"])
            assert [each for each in asked["heard"] if each.startswith("[rings")] == [
                f"[rings at {AGENT}]",
                f"[rings at {OTHER}]",
            ]
            assert "recorded" in asked["heard"][-1]
            left = await act(sandbox, "caller_records", words="Please call me.")
            assert left["over"]
            assert "nobody is on the line" in await act(sandbox, "caller_waits")
            assert set(await sandbox.webhooks.send(found.url)) <= {200}
        assert found.changes()[-3:] == ["voicemail", "transcript", "ended"]

    async def test_the_call_of_the_page_ends_with_a_voicemail(self, sandbox: Any, host: FakeHost) -> None:
        page = (DOCS / "connectors" / "twilio.md").read_text(encoding="utf-8")
        steps = re.findall(r"^\$ curl -d '(.+)' http://127.0.0.1:9304/_sandbox/acts/(\w+)$", page, re.MULTILINE)
        assert len(steps) == 4
        connector = self.make(self.values(sandbox), host)
        async with desk(connector, host) as found:
            sandbox.hooks = found.url
            told = [await act(sandbox, name, **json.loads(given)) for given, name in steps]
            assert [each["over"] for each in told] == [False, False, False, True]
            assert set(await sandbox.webhooks.send(found.url)) <= {200}
        assert "voicemail" in found.changes()

    async def test_a_caller_hangs_up_in_the_middle(self, sandbox: Any, host: FakeHost) -> None:
        connector = self.make(self.values(sandbox), host)
        async with desk(connector, host) as found:
            sandbox.hooks = found.url
            await act(sandbox, "person_calls", sender=ANNA)
            assert (await act(sandbox, "caller_hangs_up"))["heard"] == ["[hangs up]"]
            whole = await act(sandbox, "person_calls", sender=ANNA, moves=["hangup"])
            assert whole["heard"][-1] == "[hangs up]"
            assert whole["over"]
            assert set(await sandbox.webhooks.send(found.url)) <= {200}
        assert found.changes() == ["started", "started", "ended", "ended"]

    async def test_two_are_on_the_line_and_each_does_their_own(self, sandbox: Any, host: FakeHost) -> None:
        connector = self.make(self.values(sandbox), host)
        async with desk(connector, host) as found:
            sandbox.hooks = found.url
            first, second = [await act(sandbox, "person_calls", sender=ANNA) for _ in range(2)]
            assert first["call"] != second["call"]
            assert (await act(sandbox, "caller_hangs_up"))["call"] == second["call"]
            assert (await act(sandbox, "caller_waits", call=first["call"]))["call"] == first["call"]
            assert "nobody is on the line" in await act(sandbox, "caller_presses", digits="1", call=second["call"])
            await sandbox.stop()
            assert not [task for task in asyncio.all_tasks() if "_lives" in str(task.get_coro())]

    async def test_an_agent_takes_a_call_when_that_is_said(self, sandbox: Any, host: FakeHost) -> None:
        connector = self.make(self.values(sandbox), host)
        async with desk(connector, host) as found:
            sandbox.hooks = found.url
            assert await act(sandbox, "agent_does", place=AGENT, what="takes") is None
            told = await act(sandbox, "person_calls", sender=ANNA, moves=["press:0"])
        assert told["heard"][-1] == f"[speaks with {AGENT}]"
        assert "an agent can do takes, machine" in await act(sandbox, "agent_does", place=AGENT, what="sings")

    async def test_who_cannot_be_reached_is_said_in_words(self, sandbox: Any) -> None:
        assert "start the sandbox with --hooks" in await act(sandbox, "person_calls", sender=ANNA)
        sandbox.hooks = "http://127.0.0.1:9/hooks/line"
        told = await act(sandbox, "person_calls", sender=ANNA)
        assert (told["over"], told["failures"]) == (True, ["nobody answers where calls go"])
        assert f"no call to {AGENT} rings" in await act(sandbox, "staff_picks_up", number=AGENT)
