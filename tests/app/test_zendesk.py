"""Zendesk behind a running gateway: a customer who comes back after their ticket was solved, and who a Zendesk customer is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from connectors import zendesk
from connectors.zendesk.sandbox import ZendeskSandbox
from gateway.app import Gateway
from gateway.host.registry import GROUP, Specs
from gateway.model import CaseStatus, EpisodeState
from tests import toyline
from tests.app.gateways import ENVIRON, PLUGINS, Knocker, MovedClock, running, section

POLICY = """
[phrases]
help = ["help"]
[[rule]]
id = "help"
when.all = ["sender.role == 'customer'", "message.phrases contains 'help'"]
do = "escalate"
ladder = "second"
set = { priority = "P2", reason = "The customer asks for help." }
[[rule]]
id = "rest"
do = "none"
catch_all = true
[ladder.second]
final = { target = "queue:zendesk/Escalations" }
[[ladder.second.step]]
target = "queue:zendesk/Second line"
ack_within = "2h"
"""
SECOND = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    gateway: Gateway
    knocker: Knocker
    sandbox: ZendeskSandbox
    clock: MovedClock

    @property
    def case(self) -> Any:
        (case,) = self.gateway.store.cases()
        return self.gateway.store.history(case.id)

    def status(self) -> CaseStatus:
        found: CaseStatus = self.case.case.status
        return found

    async def rest(self, seconds: int = 0) -> None:
        """Let time pass, and wait until nothing moves any more."""
        self.clock.ahead += seconds * SECOND
        calm = 0
        async with asyncio.timeout(60):
            while calm < 3:
                await self.sandbox.webhooks.send(f"http://127.0.0.1:{self.gateway.port}/hooks/zendesk")
                accounts = await asyncio.to_thread(self.gateway.store.accounts)
                waiting = sum(accounts.effects.get(each, 0) for each in ("pending", "sending", "unknown"))
                moving = waiting or accounts.deliveries_pending or accounts.activities_pending
                calm = 0 if moving or self.sandbox.webhooks.waiting else calm + 1
                self.clock.ahead += 2 * SECOND if waiting else 0
                await asyncio.sleep(0.05)

    async def polled(self) -> None:
        """Wait until the poll has read everything that Zendesk shows by now."""
        self.clock.ahead += 120 * SECOND
        for _ in range(2):
            before = self.sandbox.count("incremental")
            await self.until(lambda seen=before: self.sandbox.count("incremental") > seen)  # type: ignore[misc]
        await self.rest()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0.05)


@asynccontextmanager
async def desk(directory: Path, monkeypatch: pytest.MonkeyPatch, *, mail: str = "") -> AsyncGenerator[Desk]:
    """Run a gateway with Toyline and Zendesk; it polls as soon as it can."""
    often = replace(zendesk.SPEC, capabilities=replace(zendesk.SPEC.capabilities, poll_every=0.2))
    monkeypatch.setattr(zendesk, "SPEC", often)
    found = {
        "toyline": EntryPoint("toyline", f"{toyline.__name__}:SPEC", GROUP),
        "zendesk": EntryPoint("zendesk", f"{zendesk.__name__}:SPEC", GROUP),
    }
    clock, environ = MovedClock(), dict(ENVIRON)
    sandbox = ZendeskSandbox(now=clock.now)
    await sandbox.start()
    settings = {**sandbox.settings(), "user_id": int(sandbox.settings()["user_id"])}
    plugins = PLUGINS.replace('connector = "toyline"', 'connector = "toyline"\nmode = "live"')
    plugins += section("helpdesk.zendesk", "zendesk", settings, sandbox.secrets(), environ) + mail
    try:
        async with running(directory, plugins, POLICY, environ=environ, clock=clock, found=Specs(found, {})) as (
            gateway,
            knocker,
        ):
            await _until_polled(sandbox)
            yield Desk(gateway=gateway, knocker=knocker, sandbox=sandbox, clock=clock)
    finally:
        await sandbox.stop()


async def _until_polled(sandbox: ZendeskSandbox) -> None:
    """Wait until the poll has taken its place: what happened before it is not told."""
    async with asyncio.timeout(60):
        while not sandbox.count("incremental"):
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("tells_own", [True, False], ids=["webhooks of our own", "none of our own"])
async def test_a_customer_who_is_back_finds_an_open_ticket_and_a_ladder_that_climbs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tells_own: bool
) -> None:
    async with desk(tmp_path, monkeypatch) as at:
        at.sandbox.tells_own = tells_own
        await at.knocker.say("m1", "t1", "help, I was charged twice")
        await at.rest()
        (number,) = at.sandbox.account.tickets
        at.sandbox.agent_sets_status(number, "solved")
        await at.rest(60)
        assert at.status() is CaseStatus.RESOLVED
        await at.knocker.say("m2", "t1", "help, again not working!")
        await at.rest(3600)
        for step in ("back", "polled", "tagged", "polled again"):
            if step.startswith("polled"):
                await at.polled()
            if step == "tagged":
                at.sandbox.agent_tags(number, "looking-at-it")
                await at.rest(60)
            assert at.sandbox.ticket(number).status == "open", step
            assert at.status() is CaseStatus.OPEN, step
            assert at.case.episodes[-1].state is EpisodeState.OPEN, step
        at.sandbox.agent_sets_status(number, "solved")
        await at.rest(60)
        await at.polled()
        assert at.status() is CaseStatus.RESOLVED
        assert list(at.sandbox.account.tickets) == [number]
