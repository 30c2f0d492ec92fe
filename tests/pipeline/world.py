"""A pipeline over a real store, with connections to a vendor that does what it is told, in time that is moved."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from gateway.config import AnySpec, ConnectionConfig
from gateway.config.cases import CasesSection
from gateway.host.supervisor import Supervisor
from gateway.model import Channel, EffectKind, Mode
from gateway.pipeline import Pipeline
from gateway.pipeline.identity import case_rules
from gateway.pipeline.policies import Direction
from gateway.sdk import Capabilities, Connector, ConnectorSpec, Delivery, RateLimit
from gateway.store import Store, open_store
from gateway.store.engine import Row, Transaction
from gateway.store.ports import CaseHistory, EffectState, EffectView, JournalEntry
from gateway.store.sqlstore import SqlStore
from gateway.telemetry.meters import Meters
from gateway.testing.clock import VirtualClock
from routing.load import load_policy
from routing.snapshot import ConnectionFacts
from tests.conserved import require_conserved
from tests.pipeline.vendor import Peer, Settings, Vendor

#: Longest that a call may take, seconds of real time: calls that hang are cut soon.
PATIENCE: Final = 0.05

POLICY: Final = """
[phrases]
help = ["help"]

[[rule]]
id = "help"
type = "hierarchical"
when.all = ["sender.role == 'customer'", "message.phrases contains 'help'"]
do = "escalate"
ladder = "second"
set = { priority = "P1", reason = "The customer asks for help." }
reply = "We know. Your reference is #{{ticket.id}}."

[[rule]]
id = "keep"
when.all = ["channel == 'chat'"]
do = "mirror"
target = "desk"

[[rule]]
id = "rest"
catch_all = true
do = "none"

[ladder.second]
final = { target = "queue:desk/Last", notify = ["line:#last"] }
[[ladder.second.step]]
target = "queue:desk/Second"
notify = ["line:#second"]
ack_within = "15m"
"""


async def breathe(rounds: int = 12) -> None:
    """Let everybody act who can."""
    for _ in range(rounds):
        await asyncio.sleep(0)


class World:
    """A pipeline whose steps can be run one by one, or as its own loops."""

    def __init__(
        self,
        directory: Path,
        *,
        mode: Mode = Mode.LIVE,
        policy: str = POLICY,
        limits: tuple[RateLimit, ...] = (),
        url: str = "",
        beside: World | None = None,
    ) -> None:
        """Make a world; `beside` another one, whose time and vendor it shares, it is a second gateway on one store."""
        self.clock: VirtualClock = beside.clock if beside is not None else VirtualClock()
        self.vendor: Vendor = beside.vendor if beside is not None else Vendor()
        self.store: Store = open_store(url or f"sqlite:///{directory / 'baton.db'}")
        self.spec: AnySpec = ConnectorSpec(
            name="peer",
            title="Peer",
            channels=frozenset({Channel.CHAT, Channel.HELPDESK}),
            settings=Settings,
            factory="",
            capabilities=Capabilities(call_timeout=PATIENCE, limits=limits, max_events=10),
        )
        self.policy = policy
        self.modes = {"line": mode, "desk": mode}
        self.supervisor = Supervisor(None, self.clock, load=self._load)
        self.store.register(dict.fromkeys(self.modes))
        self.meters = Meters()
        direction = self.direction()
        self.store.save_policy(direction.policy.digest, direction.policy.source, self.clock.now())
        self.pipeline = Pipeline(self.store, self.supervisor, direction, self.clock, self.meters)
        self._count = 0
        self.ended: Callable[[], bool] = lambda: True

    def _load(self, spec: AnySpec) -> type[Connector[Any]]:
        return type("PeerOfThisWorld", (Peer,), {"vendor": self.vendor})

    def direction(self) -> Direction:
        facts = {
            name: ConnectionFacts(
                name=name,
                channel=Channel.CHAT if name == "line" else Channel.HELPDESK,
                mode=mode,
                roles=frozenset({"handoff", "reply", "notify", "profile"}),
            )
            for name, mode in self.modes.items()
        }
        # Each thread is a case of its own, and people are known across connections.
        cases = case_rules(CasesSection(join="never"))
        return Direction(policy=load_policy(self.policy, "escalation.toml", facts), connections=facts, cases=cases)

    def configs(self) -> list[ConnectionConfig]:
        return [
            ConnectionConfig(
                name=name,
                channel=Channel.CHAT if name == "line" else Channel.HELPDESK,
                spec=self.spec,
                mode=mode,
                enabled=True,
                renamed_from=None,
                settings=Settings(),
            )
            for name, mode in self.modes.items()
        ]

    async def set_mode(self, mode: Mode, connection: str = "desk") -> None:
        """Change a connection's mode as a reload does."""
        self.modes[connection] = mode
        self.pipeline.swap(self.direction())
        await self.supervisor.change(self.configs())

    # --- in ----------------------------------------------------------------------------------------------------------
    def entry(self, body: bytes, lane: str = "-") -> JournalEntry:
        delivery = Delivery(
            connection="line",
            endpoint="",
            received_at=self.clock.now(),
            method="POST",
            url="https://baton.example.com/hooks/line",
            headers=(),
            body=body,
        )
        return JournalEntry(delivery=delivery, lane=lane)

    def message(self, text: str = "hello", thread: str = "t", **more: Any) -> JournalEntry:
        """Return a delivery of a message, new each time."""
        self._count += 1
        said = {"id": f"m{self._count}", "thread": thread, "text": text, **more}
        return self.entry(json.dumps(said).encode(), lane=thread)

    def say(self, text: str = "hello", thread: str = "t", **more: Any) -> None:
        """Journal a message."""
        self.store.journal([self.message(text, thread, **more)])

    def press(self, action: str, reference: str) -> bytes:
        """Return the body of a button that an agent pressed, new each time."""
        self._count += 1
        said = {"id": f"b{self._count}", "thread": "agents", "action": action, "reference": reference}
        return json.dumps(said).encode()

    # --- steps, one by one -------------------------------------------------------------------------------------------
    def decide(self) -> None:
        """Parse and apply everything that waits."""
        while self.pipeline.parsing._turn(self.pipeline._parsing_sides()) is not None:
            pass
        while (batch := self.pipeline.applying._turn()).applied:
            self.pipeline._batch_applied(batch)

    async def dispatch(self) -> int:
        """Claim what is due, call, and record; return how many calls that were."""
        dispatch = self.pipeline.dispatch
        claims = await dispatch._claim()
        for claim in claims:
            dispatch._running[claim.connection] += 1
        await asyncio.gather(*(dispatch._one(claim) for claim in claims))
        results, dispatch._results = dispatch._results, []
        held = self.store.finish(results, self.clock.now())
        assert held == len(claims)
        return len(claims)

    async def step(self) -> bool:
        """Do one round of everything; return whether there was anything to do."""
        await breathe()
        before = self.store.accounts()
        fired, _ = self.pipeline.timers._turn()
        self.decide()
        called = await self.dispatch()
        self.decide()
        await breathe()
        after = self.store.accounts()
        assert after.unaccounted == 0
        return bool(fired or called) or before != after

    async def rest(self, *, until: int | None = None) -> None:
        """Do everything, and move time to what is due next, until nothing is (or until an instant)."""
        for _ in range(5_000):
            if await self.step():
                continue
            due = self._later()
            if due is None and not all(connection.ready for connection in self.supervisor.connections.values()):
                due = self.clock.now() + 30_000_000
            if due is None or (until is not None and due > until):
                return
            self.clock.advance((due - self.clock.now() + 1) / 1_000_000)
            await breathe()
        raise AssertionError("The world does not come to rest.")

    def _later(self) -> int | None:
        """Return when something is due next, or a lease runs out. What is due already waits for a person, or a connection."""
        sql = (
            "SELECT due_at FROM timers UNION ALL SELECT due_at FROM effects WHERE state IN (0, 2)"
            " UNION ALL SELECT lease_until FROM effects WHERE state IN (1, 2)"
        )

        def read(t: Transaction) -> list[Row]:
            return t.rows(sql)

        assert isinstance(self.store, SqlStore)
        dues = [int(row[0]) for row in self.store._engine.read(read)]
        return min((due for due in dues if due > self.clock.now()), default=None)

    # --- what became of it -------------------------------------------------------------------------------------------
    def histories(self) -> list[CaseHistory]:
        found = [self.store.history(case.id) for case in self.store.cases(10_000)]
        return [history for history in found if history is not None]

    def effects(self, *kinds: EffectKind) -> list[EffectView]:
        """Return all effects, of some kinds or of all."""
        return [
            view for history in self.histories() for view in history.effects if not kinds or view.effect.kind in kinds
        ]

    def states(self, *kinds: EffectKind) -> list[EffectState]:
        return [view.state for view in self.effects(*kinds)]

    def check(self) -> None:
        """Check what holds at every moment: nothing is lost, and nothing was written twice."""
        require_conserved(self.store)
        twice = {key: count for key, count in self.vendor.written.items() if count > 1}
        assert not twice
        for view in self.effects():
            if view.effect.kind is EffectKind.LOOKUP:
                assert not self.vendor.written[view.effect.id], "a look-up writes nothing"
            elif view.state is EffectState.DONE:
                assert self.vendor.written[view.effect.id] == 1
            if view.state in {EffectState.CANCELLED, EffectState.OBSERVED}:
                assert self.vendor.written[view.effect.id] == 0

    # --- its own loops -----------------------------------------------------------------------------------------------
    async def pass_time(self, seconds: float, step: float = 0.5) -> None:
        """Let time pass while the loops run."""
        for _ in range(int(seconds / step) + 1):
            self.clock.advance(step)
            await asyncio.sleep(0.002)

    async def until(self, condition: Callable[[], bool], step: float = 0.25) -> None:
        """Let time pass until something holds."""
        async with asyncio.timeout(60):
            while not condition():
                self.clock.advance(step)
                await asyncio.sleep(0.003)


@asynccontextmanager
async def stepping(directory: Path, **options: Any) -> AsyncGenerator[World, None]:
    """A world whose connections run and whose pipeline is run step by step."""
    world = World(directory, **options)
    world.supervisor.begin(world.configs())
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(world.supervisor.run())
            await breathe()
            try:
                yield world
            finally:
                await world.supervisor.stop()
        world.check()
    finally:
        for part in ("intake", "parsing", "applying", "dispatch", "timers"):
            getattr(world.pipeline, part).free()
        world.pipeline._hints.shutdown()
        world.store.close()


@asynccontextmanager
async def looping(directory: Path, **options: Any) -> AsyncGenerator[World, None]:
    """A world whose pipeline runs its own loops; stopped in good order at the end."""
    world = World(directory, **options)
    world.supervisor.begin(world.configs())
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(world.supervisor.run())
            running = group.create_task(world.pipeline.run())
            world.ended = running.done
            await breathe()
            try:
                yield world
            finally:
                world.vendor.open.set()
                stopping = group.create_task(world.pipeline.stop())
                while not (stopping.done() and running.done()):
                    world.clock.advance(0.5)
                    await asyncio.sleep(0.002)
                await world.supervisor.stop()
        world.check()
    finally:
        world.store.close()
