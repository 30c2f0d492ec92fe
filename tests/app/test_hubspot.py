"""HubSpot behind a whole gateway in this process: what people do there over signed webhooks, and what is written back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from importlib.metadata import EntryPoint
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from connectors.hubspot.sandbox import APP, PORTAL, SECRET, TOKEN, HubSpotSandbox
from gateway.app import Gateway
from gateway.host.registry import GROUP, Specs
from gateway.testing.faults import FaultKind
from tests import toyline
from tests.app.gateways import ENVIRON, MovedClock, running

ADDRESS = "https://baton.example.com"

PLUGINS = """
[gateway]
listen = "127.0.0.1:0"
public_url = "https://baton.example.com"

[chat.toys]
connector = "toyline"
mode = "live"
secret = {{ env = "TOY_SECRET" }}

[helpdesk.crm]
connector = "hubspot"
mode = "live"
portal_id = {portal}
app_id = {app}
api_url = "{url}"
timeout = 2
access_token = {{ env = "HUBSPOT_TOKEN" }}
client_secret = {{ env = "HUBSPOT_SECRET" }}
stages = {{ 1 = "new", 2 = "pending", 3 = "open", 4 = "solved" }}
"""

POLICY = """
[[rule]]
id = "made-urgent"
when.all = ["activity.kind == 'ticket'", "sender.role == 'agent'", "ticket.priority == 'urgent'"]
do = "escalate"
ladder = "second-line"
set = { priority = "P1", reason = "An agent made it urgent." }

[[rule]]
id = "keep-chats"
when.all = ["channel == 'chat'"]
do = "mirror"
target = "crm"

[[rule]]
id = "rest"
do = "none"
catch_all = true

[ladder.second-line]
final = { target = "queue:crm/7001" }
[[ladder.second-line.step]]
target = "queue:crm/7001"
ack_within = "2h"
"""


#: Toyline and HubSpot, as if both were installed.
BOTH = Specs(
    {
        "toyline": EntryPoint("toyline", f"{toyline.__name__}:SPEC", GROUP),
        "hubspot": EntryPoint("hubspot", "connectors.hubspot:SPEC", GROUP),
    },
    {},
)


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest_asyncio.fixture
async def hubspot(clock: MovedClock) -> AsyncIterator[HubSpotSandbox]:
    sandbox = HubSpotSandbox(now=clock.now)
    # Behind a proxy: HubSpot signs the address that it knows.
    sandbox.webhooks.target = f"{ADDRESS}/hooks/crm"
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


def plugins(sandbox: HubSpotSandbox) -> str:
    return PLUGINS.format(portal=PORTAL, app=APP, url=sandbox.url)


SECRETS = {**ENVIRON, "HUBSPOT_TOKEN": TOKEN, "HUBSPOT_SECRET": SECRET}


async def rest(gateway: Gateway, sandbox: HubSpotSandbox, clock: MovedClock) -> None:
    """Wait until nothing moves, with time running where somebody waits."""
    url = f"http://127.0.0.1:{gateway.port}/hooks/crm"
    async with asyncio.timeout(60):
        calm = 0
        while calm < 3:
            await sandbox.webhooks.send(url)
            accounts = await asyncio.to_thread(gateway.store.accounts)
            waiting = sum(accounts.effects.get(state, 0) for state in ("pending", "sending", "unknown"))
            busy = waiting or accounts.deliveries_pending or accounts.activities_pending or sandbox.webhooks.waiting
            calm = 0 if busy else calm + 1
            clock.ahead += 2_000_000 if waiting else 0
            await asyncio.sleep(0.05)


async def test_a_chat_becomes_one_ticket_and_what_follows_stands_on_it_though_answers_are_lost(
    tmp_path: Path, hubspot: HubSpotSandbox, clock: MovedClock
) -> None:
    hubspot.webhooks.duplicates = 0.5
    hubspot.webhooks.shuffled = True
    hubspot.teller.batch = 3
    everything = running(tmp_path, plugins(hubspot), POLICY, environ=SECRETS, clock=clock, found=BOTH)
    async with everything as (gateway, knocker):
        for kind in (FaultKind.RESET_AFTER, FaultKind.ERROR_AFTER, FaultKind.HALF_BODY):
            for route in ("batch.upsert", "create"):
                hubspot.faults.add(route, kind, times=2)
        for number in range(8):
            await knocker.say(f"m{number}", thread=f"t{number}", text=f"hello {number}")
        await rest(gateway, hubspot, clock)
        for number in range(8):
            await knocker.say(f"n{number}", thread=f"t{number}", text=f"and {number} more")
        await rest(gateway, hubspot, clock)
        found = gateway.store.cases()
        assert len(found) == 8
        assert len(hubspot.portal.records["tickets"]) == 8
        for case in found:
            (ticket_id,) = hubspot.tickets_with_external_id(f"baton:{case.id}")
            notes = hubspot.portal.linked("tickets", ticket_id, "notes")
            assert len(notes) == 2
        accounts = gateway.store.accounts()
        assert set(accounts.effects) == {"done"}
        assert accounts.unaccounted == 0
        assert 401 not in hubspot.webhooks.answers


async def test_a_ticket_of_hubspots_own_is_adopted_and_written_back_to(
    tmp_path: Path, hubspot: HubSpotSandbox, clock: MovedClock
) -> None:
    everything = running(tmp_path, plugins(hubspot), POLICY, environ=SECRETS, clock=clock, found=BOTH)
    async with everything as (gateway, _):
        ticket_id = hubspot.customer_writes("Ben Buyer", "Nothing arrives", "Where is it?")
        await rest(gateway, hubspot, clock)
        assert len(gateway.store.cases()) == 1
        assert hubspot.writes() == 0
        hubspot.agent_sets(ticket_id, "hs_ticket_priority", "URGENT")
        await rest(gateway, hubspot, clock)
        assert list(hubspot.portal.records["tickets"]) == [ticket_id]
        (note_id,) = hubspot.portal.linked("tickets", ticket_id, "notes")
        assert "An agent made it urgent." in hubspot.portal.find("notes", note_id).properties["hs_note_body"]
        assert len(gateway.store.cases()) == 1
        hubspot.agent_sets(ticket_id, "hs_pipeline_stage", "4")
        await rest(gateway, hubspot, clock)
        assert len(gateway.store.cases()) == 1
        assert gateway.store.accounts().unaccounted == 0


async def test_a_webhook_for_another_address_is_refused_and_leaves_nothing(
    tmp_path: Path, hubspot: HubSpotSandbox, clock: MovedClock
) -> None:
    everything = running(tmp_path, plugins(hubspot), POLICY, environ=SECRETS, clock=clock, found=BOTH)
    async with everything as (gateway, _):
        body = b"[]"
        url = f"http://127.0.0.1:{gateway.port}/hooks/crm"
        wrong = hubspot.teller.sign("https://elsewhere.example.com/hooks/crm", body)
        right = hubspot.teller.sign(f"{ADDRESS}/hooks/crm", body)
        async with aiohttp.ClientSession() as session:
            for headers, status in ((wrong, 401), ({}, 401), (right, 200)):
                async with session.post(url, data=body, headers=headers) as answer:
                    assert answer.status == status
        assert gateway.store.accounts().deliveries == 1
