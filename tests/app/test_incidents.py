"""SG-8: alerts come through the door of a running gateway, and an operator opens and closes incidents beside it."""

from __future__ import annotations

import asyncio
from importlib.metadata import EntryPoint
from pathlib import Path

from connectors.incidents.sandbox import IncidentsSandbox
from gateway.app import Gateway
from gateway.host.registry import GROUP, Specs
from tests import toyline
from tests.app.gateways import ENVIRON, PLUGINS, quiet, running, section

POLICY = """
[[incident]]
id = "outage"
opened_by = ["watch"]
when.all = ["message.text contains 'down'"]
window = "10m"
threshold = 2
ladder = "major"
inhibit = ["all"]

[[rule]]
id = "all"
do = "escalate"
ladder = "major"
when.all = ["message.text contains 'down'"]

[[rule]]
id = "rest"
do = "none"
catch_all = true

[ladder.major]
final = { target = "queue:desk/End" }
[[ladder.major.step]]
target = "queue:desk/Major"
ack_within = "15m"
"""
FOUND = Specs(
    {
        "toyline": EntryPoint("toyline", f"{toyline.__name__}:SPEC", GROUP),
        "incidents": EntryPoint("incidents", "connectors.incidents:SPEC", GROUP),
        "zendesk": EntryPoint("zendesk", "connectors.zendesk:SPEC", GROUP),
    },
    {},
)
DESK = """
[helpdesk.desk]
connector = "zendesk"
mode = "observe"
subdomain = "acme"
email = "a@example.org"
user_id = 1
api_token = { env = "TOY_SECRET" }
webhook_secret = { env = "TOY_SECRET" }
"""


def plugins(sandbox: IncidentsSandbox, environ: dict[str, str]) -> str:
    environ |= ENVIRON
    return PLUGINS + DESK + section("helpdesk.watch", "incidents", sandbox.settings(), sandbox.secrets(), environ)


async def states(gateway: Gateway) -> list[tuple[str, bool, int]]:
    await quiet(gateway)
    found = await asyncio.to_thread(gateway.store.incidents)
    return [(each.title, each.closed_at is None, each.customers) for each in reversed(found)]


async def told(sandbox: IncidentsSandbox, gateway: Gateway) -> list[int]:
    return await sandbox.webhooks.send(f"http://127.0.0.1:{gateway.port}/hooks/watch")


async def test_alerts_pages_and_a_status_page_open_and_end_an_incident(tmp_path: Path) -> None:
    sandbox = IncidentsSandbox()
    environ: dict[str, str] = {}
    text = plugins(sandbox, environ)
    async with running(tmp_path, text, POLICY, environ=environ, found=FOUND) as (gateway, knocker):
        sandbox.alert_fires("ProbeFailure", "The shop does not answer")
        sandbox.alert_fires("ProbeFailure", "The shop does not answer")
        assert await told(sandbox, gateway) == [200, 200]
        assert await states(gateway) == [("The shop does not answer", True, 0)]
        assert await knocker.say("1", text="it is down") == 204
        assert await states(gateway) == [("The shop does not answer", True, 1)]
        sandbox.page("P1", title="On fire")
        sandbox.page("P1", "resolved")
        sandbox.status_page_says("s1", "resolved")
        assert await told(sandbox, gateway) == [200, 200, 200]
        assert await states(gateway) == [("The shop does not answer", True, 1)]
        sandbox.alert_ends("ProbeFailure", "The shop does not answer")
        await told(sandbox, gateway)
        assert [each[1] for each in await states(gateway)] == [False]
        _, metrics = await knocker.get("/metrics")
        assert 'baton_incidents_total{change="opened"} 1.0' in metrics
        assert 'baton_incidents_total{change="closed"} 1.0' in metrics


async def test_what_carries_no_proof_opens_nothing(tmp_path: Path) -> None:
    sandbox = IncidentsSandbox()
    environ: dict[str, str] = {}
    text = plugins(sandbox, environ)
    async with running(tmp_path, text, POLICY, environ=environ, found=FOUND) as (gateway, knocker):
        for endpoint in ("alertmanager", "pagerduty", "statuspage?token=other"):
            body = b'{"groupKey":"g","status":"firing","alerts":[]}'
            async with knocker.client.post(f"/hooks/watch/{endpoint}", data=body) as answer:
                assert answer.status == 401
        assert await states(gateway) == []


async def test_an_operator_opens_and_closes_an_incident_beside_the_gateway(tmp_path: Path) -> None:
    sandbox = IncidentsSandbox()
    environ: dict[str, str] = {}
    text = plugins(sandbox, environ)
    async with running(tmp_path, text, POLICY, environ=environ, found=FOUND) as (gateway, knocker):
        opened = await gateway.operate("incident-open", {"name": "outage", "title": "Database", "actor": "cli:ada"})
        assert await states(gateway) == [("Database", True, 0)]
        assert await knocker.say("1", text="it is down") == 204
        assert await states(gateway) == [("Database", True, 1)]
        await gateway.operate("incident-close", {"id": opened["id"], "reason": "mended", "actor": "cli:ada"})
        assert await states(gateway) == [("Database", False, 1)]
