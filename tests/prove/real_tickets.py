"""Handoffs into a ticketing system that none of us wrote: Debian's Request Tracker, running, and its database as the judge."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp

from connectors.slack.sandbox import SlackSandbox
from gateway.store import StoreUnavailable, open_store
from gateway.testing.faults import Fault, FaultKind
from tests.connectors.request_tracker.real import RealDesk
from tests.prove.gateway_process import GatewayProcess, free_port
from tests.prove.proof import Figures, Proof, Size
from tests.prove.world import message, slack_headers, toml
from tests.running_rt import RunningRT, start_rt

#: Share of writes to RT whose answer is lost after the effect.
LOST: Final = 0.5
_FAULTS: Final = tuple(Fault(kind=kind) for kind in (FaultKind.RESET_AFTER, FaultKind.HALF_BODY, FaultKind.ERROR_AFTER))
_WRITES: Final = ("ticket.create", "ticket.comment", "ticket.update")
_SENDERS: Final = 6
_LINE: Final = re.compile(r"U0C\d+ \(customer, chat\): ~(\d+\.\d+)#(\d+)~")

POLICY: Final = """
[[rule]]
id = "keep-chats"
when.all = ["channel == 'chat'"]
do = "mirror"
target = "desk"

[[rule]]
id = "everything-else"
catch_all = true
do = "none"
"""


@dataclass(slots=True, kw_only=True)
class Beside:
    """A gateway, and RT behind a proxy that loses answers."""

    gateway: GatewayProcess
    rt: RunningRT
    desk: RealDesk
    slack: SlackSandbox
    #: Messages acknowledged, by thread.
    acknowledged: dict[str, int] = field(default_factory=dict[str, int])

    def write(self) -> None:
        """Write the gateway's files."""
        lines = ["[gateway]", f'listen = "127.0.0.1:{self.gateway.port}"', 'data = "data"']
        lines += ["", "[chat.support]", 'connector = "slack"', 'mode = "live"']
        lines += [f"{name} = {toml(value)}" for name, value in self.slack.settings().items()]
        lines += [f'{name} = {{ env = "PROVE_SLACK_{name.upper()}" }}' for name in self.slack.secrets()]
        lines += ["", "[helpdesk.desk]", 'connector = "request_tracker"', 'mode = "live"']
        lines += [f"{name} = {toml(value)}" for name, value in self.desk.settings().items()]
        lines += [f'{name} = {{ env = "PROVE_RT_{name.upper()}" }}' for name in self.desk.secrets()]
        (self.gateway.directory / "plugins.toml").write_text("\n".join(lines) + "\n")
        (self.gateway.directory / "escalation.toml").write_text(POLICY)
        secrets = {f"PROVE_SLACK_{name.upper()}": value for name, value in self.slack.secrets().items()}
        secrets |= {f"PROVE_RT_{name.upper()}": value for name, value in self.desk.secrets().items()}
        self.gateway.environment = secrets

    async def send(self, session: aiohttp.ClientSession, number: int, threads: int, length: int) -> None:
        """Write threads of messages, each until it is acknowledged."""
        chance = random.Random(number)
        for count in range(threads):
            opened = f"{1_793_606_400 + number * 100_000 + count}.{number:06d}"
            for place in range(length):
                body = message(opened, place)
                while await self._post(session, body) != 200:
                    await asyncio.sleep(0.05)
                self.acknowledged[opened] = place + 1
                await asyncio.sleep(chance.random() * 0.6)

    async def _post(self, session: aiohttp.ClientSession, body: bytes) -> int:
        try:
            url = f"{self.gateway.url}/hooks/support/events"
            async with session.post(url, data=body, headers=slack_headers(body)) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0

    def moving(self) -> dict[str, int]:
        """Return what waits in the gateway."""
        try:
            store = open_store(f"sqlite:///{self.gateway.directory}/data/baton.db", readonly=True)
            try:
                accounts = store.accounts()
            finally:
                store.close()
        except StoreUnavailable:
            return {"store": 1}
        waiting = {name: accounts.effects.get(name, 0) for name in ("pending", "sending", "unknown")}
        waiting |= {"deliveries": accounts.deliveries_pending, "activities": accounts.activities_pending}
        return {name: count for name, count in waiting.items() if count}

    async def quiet(self, seconds: float) -> None:
        """Wait until nothing waits in the gateway. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while await asyncio.to_thread(self.moving):
                await asyncio.sleep(0.3)


async def fire(size: Size, directory: Path, rt: RunningRT) -> Figures:
    """Hand off while answers are lost and the gateway is killed."""
    threads, kills = size.pick(2, 17, 60), size.pick(2, 8, 60)
    figures = Figures(tries=threads * _SENDERS, unit="handoff")
    slack, desk = SlackSandbox(), RealDesk(rt)
    await slack.start()
    await desk.start()
    gateway = GatewayProcess(directory=directory, port=free_port(), watched=False)
    this = Beside(gateway=gateway, rt=rt, desk=desk, slack=slack)
    this.write()
    desk.faults.at_random(7, LOST, _FAULTS, _WRITES)
    try:
        await asyncio.to_thread(gateway.start)
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
            asyncio.TaskGroup() as group,
        ):
            for number in range(_SENDERS):
                group.create_task(this.send(session, number, threads, 2))
            killed = await strike(this, kills)
        await this.quiet(size.pick(240, 400, 900))
        await asyncio.to_thread(judge, this, figures, threads * _SENDERS, killed)
    finally:
        await asyncio.to_thread(gateway.stop)
        await desk.stop()
        await slack.stop()
    return figures


async def strike(this: Beside, kills: int) -> Counter[str]:
    """SIGKILL the gateway again and again while requests to RT are in work; count at which of them."""
    inside: Counter[str] = Counter()
    chance = random.Random(11)
    for number in range(kills):
        wanted = _WRITES[number % 2]
        before = this.desk.count(wanted)
        end = asyncio.get_running_loop().time() + 8
        while this.desk.count(wanted) == before and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.01)
        await asyncio.sleep(chance.random() * 0.15)
        await asyncio.to_thread(this.gateway.kill)
        inside[wanted] += 1
        await asyncio.to_thread(this.gateway.start)
    return inside


def judge(this: Beside, figures: Figures, handoffs: int, killed: Counter[str]) -> None:
    """Ask RT's own database what stands in it."""
    lost = Counter(call.route for call in this.desk.calls if call.fault)
    figures.tell("kills of the gateway", sum(killed.values()))
    figures.at_least("handoffs", len(this.acknowledged), handoffs)
    figures.at_least("answers lost after the effect", sum(lost.values()), handoffs // 2)
    figures.tell("of them creations", lost["ticket.create"])
    rows = this.rt.rows(
        "SELECT v.Content, v.ObjectId FROM ObjectCustomFieldValues v JOIN CustomFields f ON f.id = v.CustomField"
        " WHERE f.Name = 'baton_external_id' AND v.ObjectType = 'RT::Ticket' AND v.Disabled = 0"
    )
    tickets: dict[str, list[int]] = defaultdict(list)
    for external_id, ticket in rows:
        tickets[external_id].append(int(ticket))
    (total,) = this.rt.rows("SELECT count(*) FROM Tickets WHERE Type = 'ticket'")[0]
    figures.must_be("tickets in RT's database", total, handoffs)
    figures.must_be("cases that a ticket carries", len(tickets), handoffs)
    figures.none_of("cases with two tickets", [case for case, found in tickets.items() if len(found) > 1])
    comments = this.rt.rows(
        "SELECT t.ObjectId, a.Headers, a.Content FROM Attachments a JOIN Transactions t ON t.id = a.TransactionId"
        " WHERE t.ObjectType = 'RT::Ticket' AND t.Type = 'Comment' AND a.Headers LIKE '%x-baton-key%' ORDER BY t.id"
    )
    keys = Counter(key for _, headers, _ in comments for key in re.findall(r'x-baton-key="([^"]+)"', headers))
    figures.tell("notes in RT's database", len(comments))
    figures.none_of("notes written twice", [key for key, count in keys.items() if count > 1])
    places: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for ticket, _, content in comments:
        text = content.decode() if isinstance(content, bytes) else str(content)
        for thread, place in _LINE.findall(text):
            places[thread].append((int(ticket), int(place)))
    figures.none_of(
        "threads not on one ticket, each message once and in order",
        [
            f"{thread}: {places.get(thread)}"
            for thread, count in this.acknowledged.items()
            if [place for _, place in places.get(thread, [])] != list(range(count))
            or len({ticket for ticket, _ in places[thread]}) != 1
        ],
    )
    store = open_store(f"sqlite:///{this.gateway.directory}/data/baton.db", readonly=True)
    try:
        accounts: Any = store.accounts()
        figures.must_be("dead letters", accounts.dead_letters_open, 0)
    finally:
        store.close()


def run(size: Size, directory: Path) -> Figures:
    """Run the proof on an RT of its own."""
    rt = start_rt()
    try:
        return asyncio.run(fire(size, directory, rt))
    finally:
        rt.close()


PROOF: Final = Proof(
    name="real_tickets",
    promise="Into Debian's Request Tracker, really running: half of all answers are lost after the effect, the gateway is killed"
    " again and again; RT's own database holds one ticket a case, and each note once and in order.",
    limits="RT 5.0.3 on SQLite with two web workers, on this machine: its answers are lost, RT itself does not die.",
    run=run,
    needs=frozenset({"rt"}),
)
