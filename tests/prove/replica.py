"""One replica for the proof `one_case`: worker threads over a shared store, the real rules, and a ledger as target.

Started as `python -m tests.prove.replica URL DIRECTORY WORKERS SEED`; it ends when the file ``stop`` appears in the directory.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from gateway.model import Activity, Channel, ChatMessage, Decision, ForeignId, Mode, Party, Receipt, TextMessage
from gateway.store import Store, StoreUnavailable, open_store
from gateway.store.ports import (
    CaseView,
    ClaimedEffects,
    Destination,
    EffectResult,
    ParsedDelivery,
    StoredDelivery,
    Verdict,
)
from normalizers import normalize
from routing.decide import decide
from routing.load import load_policy
from routing.snapshot import ConnectionFacts, Snapshot

CONNECTIONS: Final = {
    "chat": ConnectionFacts(name="chat", channel=Channel.CHAT, mode=Mode.LIVE, roles=frozenset({"reply", "notify"})),
    "sms": ConnectionFacts(name="sms", channel=Channel.MESSAGING, mode=Mode.LIVE, roles=frozenset({"reply"})),
    "desk": ConnectionFacts(name="desk", channel=Channel.HELPDESK, mode=Mode.LIVE, roles=frozenset({"handoff"})),
}
POLICY: Final = """
[phrases]
legal = ["my lawyer"]

[[rule]]
id = "legal"
type = "hierarchical"
when.all = ["sender.role == 'customer'", "message.phrases contains 'legal'"]
do = "escalate"
ladder = "management"
set = { priority = "P1", reason = "The customer speaks of legal steps." }

[[rule]]
id = "everything-else"
catch_all = true
do = "none"

[ladder.management]
final = { target = "queue:desk/Escalations" }
[[ladder.management.step]]
target = "queue:desk/Escalations"
notify = ["chat:#leads"]
ack_within = "12h"
"""


def parse(stored: StoredDelivery) -> ParsedDelivery:
    """Say what a delivery of this proof brings: one message."""
    said = json.loads(stored.delivery.body)
    sender = Party(kind="person", value="anna")
    shared: dict[str, Any] = {
        "thread": said["thread"],
        "dedupe": said["id"],
        "occurred_at": said["at"],
        "sender": sender,
    }
    event = (
        TextMessage(**shared, message_id=said["id"], text=said["text"])
        if stored.delivery.connection == "sms"
        else ChatMessage(**shared, message_id=said["id"], text=said["text"])
    )
    channel = CONNECTIONS[stored.delivery.connection].channel
    activity = normalize(
        event, connection=stored.delivery.connection, channel=channel, received_at=stored.delivery.received_at
    )
    return ParsedDelivery(id=stored.id, lane=stored.lane, activities=((0, activity),))


def now() -> int:
    """Return the time, UTC microseconds."""
    return time.time_ns() // 1000


class Replica:
    """Worker threads that do everything, each in an order of its own."""

    def __init__(self, store: Store, directory: Path, seed: int) -> None:
        self.store = store
        self.directory = directory
        self.chance = random.Random(seed)
        self.policy = load_policy(POLICY, "escalation.toml", CONNECTIONS)
        self.ledger = os.open(directory / "ledger", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self.destinations = [Destination(connection=name, lease=30.0, free=3) for name in CONNECTIONS]

    def step(self, view: CaseView, activity: Activity) -> Decision:
        """Decide with the real rules."""
        snapshot = Snapshot(
            policy=self.policy,
            episode_policy=None,
            case=view.case,
            episode=view.episode,
            tickets=view.tickets,
            thread=view.thread,
            connections=CONNECTIONS,
        )
        return decide(snapshot, activity, now())

    def work(self) -> None:
        """Do whatever there is to do, until the end is called."""
        while not (self.directory / "stop").exists():
            try:
                if not self.turn():
                    time.sleep(0.002)
            except StoreUnavailable as problem:
                self.complain(f"store unavailable: {problem}")
                time.sleep(0.01)
            except Exception:
                self.complain(traceback.format_exc())
                time.sleep(0.01)

    def turn(self) -> bool:
        """Do one round of steps in a random order; tell whether there was anything."""
        steps = [self.parsing, self.applying, self.dispatching]
        self.chance.shuffle(steps)
        return any([step() for step in steps])  # noqa: C419 (each must have its turn)

    def parsing(self) -> bool:
        waiting = self.store.unparsed(self.chance.choice((1, 3, 64)))
        if self.chance.random() < 0.3:
            time.sleep(self.chance.random() * 0.003)
        return bool(waiting) and self.store.save_parsed([parse(each) for each in waiting], now()).parsed > 0

    def applying(self) -> bool:
        return self.store.apply(self.chance.choice((1, 5, 64)), now(), self.step).applied > 0

    def dispatching(self) -> bool:
        self.store.expire(now())
        claimed = self.store.claim(self.destinations, now())
        results = [self.send(claim) for claim in claimed]
        self.store.finish(results, now())
        return bool(claimed)

    def send(self, claim: ClaimedEffects) -> EffectResult:
        """Write the claim into the ledger: the outside world of this proof."""
        time.sleep(self.chance.random() * 0.002)
        ids = tuple(effect.id for effect in claim.effects)
        first = claim.effects[0]
        self.enter(
            {
                "ids": ids,
                "kind": first.kind.value,
                "case": first.case_id,
                "connection": claim.connection,
                "settle": claim.settle,
            }
        )
        ticket = f"T-{first.case_id}" if claim.connection == "desk" else ""
        receipt = Receipt(ids=(ForeignId(kind="write", id=ids[0]),), ticket_id=ticket)
        return EffectResult(
            connection=claim.connection, effect_ids=ids, attempt=claim.attempt, verdict=Verdict.DONE, receipt=receipt
        )

    def enter(self, line: dict[str, object]) -> None:
        os.write(self.ledger, (json.dumps(line) + "\n").encode())

    def complain(self, text: str) -> None:
        with (self.directory / "complaints").open("a") as file:
            file.write(text + "\n---\n")


def run(store: Store, directory: Path, workers: int, seed: int) -> list[threading.Thread]:
    """Start the workers of one replica."""
    replicas = [Replica(store, directory, seed * 100 + number) for number in range(workers)]
    threads = [threading.Thread(target=replica.work) for replica in replicas]
    for thread in threads:
        thread.start()
    return threads


def main(arguments: Sequence[str]) -> None:
    """Run one replica in this process."""
    url, directory, workers, seed = arguments
    store = open_store(url)
    store.register(dict.fromkeys(CONNECTIONS))
    for thread in run(store, Path(directory), int(workers), int(seed)):
        thread.join()
    store.close()


if __name__ == "__main__":
    main(sys.argv[1:])
