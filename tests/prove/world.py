"""The world around a gateway under proof: both vendors' sandboxes in this process, senders, and the gateway in its own."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp

from connectors.slack.sandbox import SECRET, SlackSandbox
from connectors.zendesk import sandbox_state
from connectors.zendesk.sandbox import ZendeskSandbox
from gateway.store import Store, StoreUnavailable, open_store
from gateway.store.ports import EffectView
from gateway.testing.webhooks import Webhook, WebhookSender
from tests.prove.gateway_process import GatewayProcess, free_port
from tests.prove.phases import Board

CHANNEL: Final = "C0SUPPORT"
#: Share of acknowledged messages that come once more.
REDELIVERED: Final = 0.1

POLICY: Final = """
[phrases]
legal = ["my lawyer"]

[[rule]]
id = "legal"
type = "hierarchical"
when.all = ["sender.role == 'customer'", "message.phrases contains 'legal'"]
do = "escalate"
ladder = "management"
set = { priority = "P1", tags = ["legal"], reason = "The customer speaks of legal steps." }
reply = "I have passed this on. Your reference is #{{ticket.id}}."

[[rule]]
id = "keep-chats"
when.all = ["channel == 'chat'"]
do = "mirror"
target = "desk"

[[rule]]
id = "everything-else"
catch_all = true
do = "none"

[ladder.management]
final = { target = "queue:desk/Escalations" }
[[ladder.management.step]]
target = "queue:desk/Escalations"
notify = ["support:#cx-leads"]
ack_within = "12h"
"""


def toml(value: object) -> str:
    """Return a value as TOML spells it."""
    return json.dumps(value)


@dataclass(slots=True, kw_only=True)
class Ledger:
    """What the senders know: how often each delivery was sent, and how often it was acknowledged."""

    attempts: Counter[str] = field(default_factory=Counter[str])
    acknowledged: Counter[str] = field(default_factory=Counter[str])
    refused: Counter[int] = field(default_factory=Counter[int])
    #: Messages by thread: how many were acknowledged at least once.
    threads: dict[str, int] = field(default_factory=dict[str, int])
    #: Messages that make their case escalate: thread and place.
    escalating: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])


@dataclass(slots=True, kw_only=True)
class World:
    """Everything but the gateway's inside."""

    directory: Path
    gateway: GatewayProcess
    board: Board
    zendesk: ZendeskSandbox
    slack: SlackSandbox
    database: str
    ledger: Ledger = field(default_factory=Ledger)
    #: True: senders finish what they are at, and end.
    stopping: bool = False
    #: True: nobody tells the gateway anything any more.
    closed: bool = False
    #: Senders at work.
    senders: int = 0
    #: Echoes that are being told.
    telling: int = 0
    #: Longest pause of a sender between two messages, seconds.
    pause: float = 0.4
    #: Threads that one sender opens at most.
    most: int = 1_000_000
    #: Messages of one thread.
    length: int = 8
    #: Share of messages, the first of a thread never among them, that make the case escalate.
    escalating: float = 0.04

    # --- files -------------------------------------------------------------------------------------------------------
    def write(self, policy: str = POLICY, *, mode: str = "live") -> None:
        """Write both files."""
        lines = ["[gateway]", f'listen = "127.0.0.1:{self.gateway.port}"', 'data = "data"', "", "[chat.support]"]
        lines += ['connector = "slack"', f'mode = "{mode}"', 'agent_channels = ["C0LEADS"]']
        lines += [f"{name} = {toml(value)}" for name, value in self.slack.settings().items()]
        lines += [f'{name} = {{ env = "PROVE_SLACK_{name.upper()}" }}' for name in self.slack.secrets()]
        lines += ["", "[helpdesk.desk]", 'connector = "zendesk"', f'mode = "{mode}"', "timeout = 3.0"]
        lines += [
            f"{name} = {value if name == 'user_id' else toml(value)}" for name, value in self.zendesk.settings().items()
        ]
        lines += [f'{name} = {{ env = "PROVE_ZENDESK_{name.upper()}" }}' for name in self.zendesk.secrets()]
        (self.directory / "plugins.toml").write_text("\n".join(lines) + "\n")
        (self.directory / "escalation.toml").write_text(policy)

    def environment(self) -> dict[str, str]:
        """Return what the gateway finds in its environment."""
        found = {f"PROVE_SLACK_{name.upper()}": value for name, value in self.slack.secrets().items()}
        found |= {f"PROVE_ZENDESK_{name.upper()}": value for name, value in self.zendesk.secrets().items()}
        return found | ({"BATON_DATABASE_URL": self.database} if self.database.startswith("postgresql") else {})

    def store(self) -> Store:
        """Open the gateway's store to read."""
        return open_store(self.database, readonly=True)

    # --- senders -----------------------------------------------------------------------------------------------------
    async def send_all(self, senders: int, seed: int) -> None:
        """Have senders write messages, each waiting for its acknowledgement, until the world stops; and vendors' echoes."""
        connector = aiohttp.TCPConnector(limit=0, force_close=False)
        patience = aiohttp.ClientTimeout(total=10)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=patience) as session,
            asyncio.TaskGroup() as group,
        ):
            for number in range(senders):
                group.create_task(self._sender(session, number, random.Random(seed * 1000 + number)))
            group.create_task(self._echoes(session, self.zendesk.webhooks, "desk"))
            group.create_task(self._echoes(session, self.slack.webhooks, "support"))

    async def _sender(self, session: aiohttp.ClientSession, number: int, chance: random.Random) -> None:
        self.senders += 1
        try:
            await self._send(session, number, chance)
        finally:
            self.senders -= 1

    async def _send(self, session: aiohttp.ClientSession, number: int, chance: random.Random) -> None:
        for count in range(self.most):
            opened = f"{1_793_606_400 + number * 100_000 + count}.{number:06d}"
            for place in range(self.length):
                if self.stopping:
                    return
                legal = place > 0 and chance.random() < self.escalating
                if legal:
                    self.ledger.escalating.add((opened, place))
                body = message(opened, place, legal=legal)
                if place == 0:
                    # The thread is there before Slack tells of it: a reply is looked for in it.
                    self.slack.posts[CHANNEL].append({**json.loads(body)["event"]})
                await self._until_acknowledged(session, f"{opened}/{place}", body)
                self.ledger.threads[opened] = place + 1
                if chance.random() < REDELIVERED:
                    await self._until_acknowledged(session, f"{opened}/{place}", body)
                await asyncio.sleep(chance.random() * self.pause)

    async def _until_acknowledged(self, session: aiohttp.ClientSession, key: str, body: bytes) -> None:
        while True:
            self.ledger.attempts[key] += 1
            status = await self._post(session, body)
            if status == 200:
                self.ledger.acknowledged[key] += 1
                return
            self.ledger.refused[status] += 1
            await asyncio.sleep(0.03)

    async def _post(self, session: aiohttp.ClientSession, body: bytes) -> int:
        try:
            url = f"{self.gateway.url}/hooks/support/events"
            async with session.post(url, data=body, headers=slack_headers(body)) as answer:
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0

    async def _echoes(self, session: aiohttp.ClientSession, sender: WebhookSender, connection: str) -> None:
        """Send what the vendor tells of its own, again and again until it is acknowledged."""
        while not self.closed:
            waiting, sender.waiting = sender.waiting, []
            self.telling += len(waiting)
            for webhook in waiting:
                key = f"{connection}:{hashlib.sha256(webhook.body).hexdigest()[:16]}"
                await self._deliver(session, sender, webhook, connection, key)
                self.telling -= 1
            await asyncio.sleep(0.05)

    async def _deliver(
        self, session: aiohttp.ClientSession, sender: WebhookSender, webhook: Webhook, connection: str, key: str
    ) -> None:
        while True:
            self.ledger.attempts[key] += 1
            status = await sender.deliver(session, f"{self.gateway.url}/hooks/{connection}", webhook)
            if status == 200:
                self.ledger.acknowledged[key] += 1
                return
            self.ledger.refused[status] += 1
            await asyncio.sleep(0.03)

    # --- the end -----------------------------------------------------------------------------------------------------
    async def quiet(self, seconds: float = 120.0) -> None:
        """Wait until nothing waits in the gateway and the vendors have told everything. Raises TimeoutError."""
        end = time.monotonic() + seconds
        still = 0
        while True:
            state = await asyncio.to_thread(self._moving)
            told = not self.zendesk.webhooks.waiting and not self.slack.webhooks.waiting and not self.telling
            still = still + 1 if not state and not self.senders and told else 0
            if still > 2:
                return
            if time.monotonic() > end:
                message = (
                    f"after {seconds:.0f} s there still is: {state}, {self.senders} senders, {self.telling} echoes"
                    f"; what waits says: {'; '.join(await asyncio.to_thread(self._said))}"
                )
                raise TimeoutError(message)
            await asyncio.sleep(0.1)

    def _moving(self) -> Mapping[str, Any]:
        try:
            store = self.store()
        except StoreUnavailable:
            return {"store": "away"}
        try:
            accounts = store.accounts()
        except StoreUnavailable:
            return {"store": "away"}
        finally:
            store.close()
        found = {
            "deliveries": accounts.deliveries_pending,
            "activities": accounts.activities_pending,
            **{name: accounts.effects.get(name, 0) for name in ("pending", "sending", "unknown")},
        }
        return {name: count for name, count in found.items() if count}

    def _said(self) -> list[str]:
        """Return what the effects that wait say for themselves, the first of them."""
        store = self.store()
        try:
            effects = [view for case in store.cases(100_000) for view in _effects(store, case.id)]
            return [
                f"{view.effect.kind.value} to {view.effect.connection} {view.state.value} after {view.tries} tries: {view.reason}"
                for view in effects
                if view.state.value in {"pending", "sending", "unknown"}
            ][:5]
        finally:
            store.close()

    async def finish(self, sending: asyncio.Task[None], seconds: float = 120.0) -> None:
        """Let the senders end, let everything arrive, the vendors' echoes too."""
        self.stopping = True
        await self.quiet(seconds)
        self.closed = True
        await sending


def _effects(store: Store, case_id: str) -> Sequence[EffectView]:
    history = store.history(case_id)
    return history.effects if history is not None else ()


@asynccontextmanager
async def world(
    directory: Path, *, database: str = "", lifted: bool = True, watched: bool = True, policy: str = POLICY
) -> AsyncGenerator[World, None]:
    """Build a world with a gateway that is not started yet."""
    if lifted:
        lift_limits()
    await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
    zendesk, slack = ZendeskSandbox(), SlackSandbox()
    await zendesk.start()
    await slack.start()
    database = database or f"sqlite:///{directory}/data/baton.db"
    gateway = GatewayProcess(directory=directory, port=free_port(), watched=watched)
    made = World(
        directory=directory,
        gateway=gateway,
        board=Board(directory / "board"),
        zendesk=zendesk,
        slack=slack,
        database=database,
    )
    made.write(policy)
    gateway.environment = made.environment()
    try:
        yield made
    finally:
        made.stopping = made.closed = True
        await asyncio.to_thread(gateway.stop)
        await slack.stop()
        await zendesk.stop()


def lift_limits() -> None:
    """Lift the account's limit of updates, so that a proof is not spent on waiting; that it is kept is shown elsewhere."""
    setattr(sandbox_state, "ACCOUNT_UPDATES", 1_000_000)  # noqa: B010 (a constant to everybody else)


def message(opened: str, place: int, *, legal: bool = False) -> bytes:
    """Return a message event as Slack sends it; its text names thread and place, so that it can be found everywhere."""
    seconds, _, sender = opened.partition(".")
    stamp = opened if place == 0 else f"{int(seconds) + 50_000}.{int(sender) * 100 + place:06d}"
    text = f"~{opened}#{place}~ {'my lawyer will write' if legal else 'the parts are still missing'}"
    event: dict[str, object] = {
        "type": "message",
        "user": f"U0C{sender}",
        "text": text,
        "ts": stamp,
        "event_ts": stamp,
        "channel": CHANNEL,
        "channel_type": "channel",
        "team": "T0SANDBOX",
    }
    if place:
        event["thread_ts"] = opened
    body = {
        "team_id": "T0SANDBOX",
        "api_app_id": "A0BATON",
        "event": event,
        "type": "event_callback",
        "event_id": f"Ev{opened}x{place}",
        "event_time": int(seconds),
    }
    return json.dumps(body).encode()


def slack_headers(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """Return the headers with which Slack proves a request now."""
    at = int(time.time())
    mac = hmac.new(secret.encode(), b"v0:%d:%s" % (at, body), hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": str(at),
        "X-Slack-Signature": f"v0={mac}",
    }
