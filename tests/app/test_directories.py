"""Who works in a helpdesk is shown, and the doctor says which groups of the policy are not there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from connectors.slack.sandbox import SlackSandbox
from connectors.zendesk.sandbox import ZendeskSandbox
from gateway.cli.commands import baton
from gateway.clock import SystemClock
from gateway.directories import compared, named_by
from gateway.examining import examine
from gateway.host.registry import discover
from gateway.loading import Setup, load_setup
from gateway.sdk import Finding, Roster
from tests.app.gateways import section, write

POLICY: Final = """
[[rule]]
id = "vip"
when.all = ["message.wants_person"]
do = "escalate"
type = "hierarchical"
ladder = "second"
set = {{ group = "{vip}" }}

[[rule]]
id = "rest"
catch_all = true
do = "mirror"
target = "desk"
set = {{ group = "{mirrored}" }}

[ladder.second]
final = {{ target = "queue:desk/{end}", notify = [] }}
[[ladder.second.step]]
target = "queue:desk/{step}"
notify = []
ack_within = "15m"
"""
THERE: Final = {"vip": "Second line", "mirrored": "503", "end": "Escalations", "step": "Second line"}


@asynccontextmanager
async def helpdesk(
    directory: Path, **groups: str
) -> AsyncGenerator[tuple[Setup, ZendeskSandbox, dict[str, str]], None]:
    """A Zendesk with two agents, a Slack, and the configuration of both."""
    desk, chat = ZendeskSandbox(), SlackSandbox()
    lea = desk.account.user("Lea Lead", "lea@example.com", "agent")
    desk.account.user("Abe Alone", "abe@example.com", "agent")
    desk.account.memberships = [(lea, 501), (lea, 503)]
    await desk.start()
    await chat.start()
    try:
        environ: dict[str, str] = {}
        text = '[gateway]\nlisten = "127.0.0.1:0"\n'
        text += section("helpdesk.desk", "zendesk", desk.settings(), desk.secrets(), environ)
        text += section("chat.team", "slack", chat.settings(), chat.secrets(), environ)
        path = write(directory, text, POLICY.format_map({**THERE, **groups}))
        yield load_setup(path, specs=discover(), environ=environ), desk, environ
    finally:
        await desk.stop()
        await chat.stop()


async def findings(setup: Setup) -> list[Finding]:
    examined = await examine(setup.config, discover(), SystemClock(), policy=setup.policy)
    (desk,) = (each for each in examined if each.connection == "desk")
    return [finding for finding in desk.findings if finding.subject == "groups"]


async def test_a_policy_whose_groups_are_there_is_called_well(tmp_path: Path) -> None:
    async with helpdesk(tmp_path) as (setup, desk, _):
        (finding,) = await findings(setup)
        assert finding.good
        assert desk.writes() == 0


async def test_each_group_that_is_not_there_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    """Else the first handoff of that rule would find out, when somebody waits."""
    async with helpdesk(tmp_path, vip="Secnd line", mirrored="999", end="escalations") as (setup, _, _):
        said = {finding.sentence: finding.advice for finding in await findings(setup)}
    assert said == {
        'Rule vip names the group "Secnd line", and the helpdesk has none of that name.': 'Did you mean "Second line"?',
        'Rule rest names the group "999", and the helpdesk has none of that name.': (
            "There are Billing, Escalations, Second line."
        ),
        'The end of ladder second names the group "escalations", and the helpdesk has none of that name.': (
            'Did you mean "Escalations"?'
        ),
    }


async def test_a_helpdesk_that_does_not_tell_its_groups_is_not_accused(tmp_path: Path) -> None:
    async with helpdesk(tmp_path, vip="Nowhere") as (setup, _, _):
        named = list(named_by(setup.policy))
    assert [(each.group, each.where) for each in named] == [
        ("Nowhere", "Rule vip"),
        ("503", "Rule rest"),
        ("Second line", "Step 1 of ladder second"),
        ("Escalations", "The end of ladder second"),
    ]
    assert {each.connection for each in named} == {"desk"}
    assert compared(named, Roster(agents=(), read_at=0)) == []


@pytest.mark.parametrize("group", ["7", "lea@example.com", "Lea@Example.com"])
async def test_an_owner_may_be_named_by_id_or_address(tmp_path: Path, group: str) -> None:
    roster = Roster(agents=(), read_at=0, groups={"7": "lea@example.com"})
    async with helpdesk(tmp_path, vip=group, mirrored=group, end=group, step=group) as (setup, _, _):
        (finding,) = compared(named_by(setup.policy), roster)
    assert finding.good


async def run(directory: Path, environ: dict[str, str], *words: str) -> tuple[int, str]:
    runner = CliRunner(env={**environ, "BATON_CONFIG": str(directory / "plugins.toml"), "BATON_DATABASE_URL": ""})
    result = await asyncio.to_thread(runner.invoke, baton, ["connectors", "roster", *words])
    return result.exit_code, result.output


async def test_the_roster_is_shown_for_people_and_for_programs(tmp_path: Path) -> None:
    async with helpdesk(tmp_path) as (_, desk, environ):
        code, said = await run(tmp_path, environ, "desk")
        assert code == 0
        (lea,) = (line for line in said.splitlines() if "Lea Lead" in line)
        assert "Billing, Second line" in lea
        (abe,) = (line for line in said.splitlines() if "Abe Alone" in line)
        assert "Billing" not in abe
        # A group in which nobody is takes tickets all the same.
        assert any(line.split()[:2] == ["Escalations", "502"] for line in said.splitlines())
        code, said = await run(tmp_path, environ, "desk", "--json")
        told: dict[str, Any] = json.loads(said)
        assert (code, told["groups"]["503"]) == (0, "Billing")
        groups = {each["name"]: each["groups"] for each in told["agents"]}
        assert groups == {"Lea Lead": ["Billing", "Second line"], "Abe Alone": [], "Baton": []}
        assert desk.writes() == 0


async def test_why_there_is_no_roster_is_a_sentence(tmp_path: Path) -> None:
    async with helpdesk(tmp_path) as (_, desk, environ):
        code, said = await run(tmp_path, environ, "dessk")
        assert (code, 'did you mean "desk"?' in said) == (2, True)
        code, said = await run(tmp_path, environ, "team")
        assert (code, 'connection "team" (Slack) knows no agents' in said) == (1, True)
        await desk.stop()
        code, said = await run(tmp_path, environ, "desk")
        assert (code, "Zendesk cannot be reached" in said or "No whole answer" in said) == (1, True)
