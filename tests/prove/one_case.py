"""One case, three lanes, eight workers, two replicas, merged and parted while it is worked on."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.model import effect_id
from gateway.sdk import Delivery
from gateway.store import Store, open_store
from gateway.store.ports import JournalEntry
from tests.facilities import start_postgres
from tests.prove import replica
from tests.prove.conservation import require_conservation
from tests.prove.proof import Figures, Proof, Size

#: Connection and thread of each lane.
LANES: Final = (("chat", "one"), ("chat", "two"), ("sms", "three"))
_SECONDS: Final = 60.0
#: What is looked for, so that what was never found is told as well.
WRONG: Final = (
    "effects sent twice",
    "cases with more than one ticket",
    "cases with more than one episode",
    "cases handed off twice",
    "first case without its one ticket",
    "a merged case escalated on its own",
    "lanes not applied once each and in order",
    "places in a case's order taken twice",
    "updates that overtook one before",
)


@dataclass(slots=True, kw_only=True)
class Round:
    """One round: a fresh store, one matter in three lanes."""

    store: Store
    directory: Path
    messages: int
    seed: int
    #: The case that each lane began as.
    cases: list[str] = field(default_factory=list[str])
    merges: int = 0
    redelivered: int = 0
    sent: int = 0

    def journal(self, lane: int, number: int, text: str) -> None:
        connection, thread = LANES[lane]
        said = {"thread": thread, "id": f"{thread}-{number}", "at": number, "text": text}
        delivery = Delivery(
            connection=connection,
            endpoint="",
            received_at=replica.now(),
            method="POST",
            url="",
            headers=(),
            body=json.dumps(said).encode(),
        )
        self.store.journal([JournalEntry(delivery=delivery, lane=thread)])
        self.sent += 1

    def begin(self) -> None:
        """Open the three cases with a harmless message each, one after the other, and make the second part of the first."""
        for lane in range(len(LANES)):
            self.journal(lane, 0, "good morning")
            self.wait_until(lambda lane=lane: len(self.store.cases()) == lane + 1)
            known = set(self.cases)
            self.cases += [case.id for case in self.store.cases() if case.id not in known]
        self.quiet()
        self.store.merge(self.cases[1], self.cases[0], "prove", replica.now())

    def load(self) -> None:
        """Send in three lanes at once, while the third lane's case is merged and parted."""
        senders = [threading.Thread(target=self.send_lane, args=(lane,)) for lane in range(len(LANES))]
        for sender in senders:
            sender.start()
        chance = random.Random(self.seed)
        while any(sender.is_alive() for sender in senders):
            self.store.merge(self.cases[2], self.cases[0], "prove", replica.now())
            time.sleep(chance.random() * 0.01)
            self.store.unmerge(self.cases[2], "prove", replica.now())
            time.sleep(chance.random() * 0.01)
            self.merges += 1
        for sender in senders:
            sender.join()
        self.store.merge(self.cases[2], self.cases[0], "prove", replica.now())

    def send_lane(self, lane: int) -> None:
        chance = random.Random(self.seed * 10 + lane)
        for number in range(1, self.messages + 1):
            self.journal(lane, number, f"number {number}: my lawyer will write")
            if chance.random() < 0.1:
                self.journal(lane, chance.randint(1, number), "my lawyer again")
                self.redelivered += 1
            time.sleep(chance.random() * 0.004)

    def idle(self) -> bool:
        """Tell whether nothing waits anywhere."""
        accounts = self.store.accounts()
        moving = sum(accounts.effects.get(state, 0) for state in ("pending", "sending", "unknown"))
        return not (accounts.deliveries_pending or accounts.activities_pending or moving)

    def quiet(self) -> None:
        """Wait until nothing waits anywhere."""
        self.wait_until(self.idle)

    @staticmethod
    def wait_until(condition: object) -> None:
        end = time.monotonic() + _SECONDS
        while not condition():  # type: ignore[operator]
            if time.monotonic() > end:
                message = f"nothing moved on for {_SECONDS} s"
                raise TimeoutError(message)
            time.sleep(0.02)


def check(this: Round, totals: Counter[str], wrong: dict[str, list[str]]) -> None:
    """Look at the store and at what reached the outside."""
    sent = [json.loads(line) for line in (this.directory / "ledger").read_text().splitlines()]
    times = Counter(each for line in sent for each in line["ids"])
    wrong["effects sent twice"] += [f"{each} {count} times" for each, count in times.items() if count > 1]
    handoffs = Counter(line["case"] for line in sent if line["kind"] == "handoff" and not line["settle"])
    histories = [this.store.history(case) for case in this.cases]
    for number, history in enumerate(histories):
        assert history is not None
        tickets = [link.ticket_id for link in history.tickets]
        wrong["cases with more than one ticket"] += [f"{number}: {tickets}"] if len(tickets) > 1 else []
        wrong["cases with more than one episode"] += (
            [f"{number}: {[e.id for e in history.episodes]}"] if len(history.episodes) > 1 else []
        )
        wrong["cases handed off twice"] += [str(number)] if handoffs[history.case.id] > 1 else []
    first, second, _ = histories
    assert first is not None
    assert second is not None
    # The first lane's case is always a root, so it must have been escalated; the second's was never one while it could be.
    wrong["first case without its one ticket"] += [] if len(first.tickets) == 1 else [str(first.tickets)]
    wrong["a merged case escalated on its own"] += [str(e.id) for e in second.episodes]
    places = Counter(each.seq for each in first.activities)
    wrong["places in a case's order taken twice"] += [str(place) for place, count in places.items() if count > 1]
    check_order(this, sent, wrong)
    totals["messages"] += this.sent - this.redelivered
    totals["redeliveries"] += this.redelivered
    totals["merges and partings"] += 2 * this.merges + 2
    totals["effects sent"] += sum(times.values())
    totals["tickets"] += sum(len(history.tickets) for history in histories if history)


def check_order(this: Round, sent: list[dict[str, object]], wrong: dict[str, list[str]]) -> None:
    """Each message applied once and in its lane's order; each case's updates sent in that order, lane by lane."""
    applied: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for case in this.cases:
        history = this.store.history(case)
        assert history is not None
        for each in history.activities:
            if each.activity.connection != "baton":
                place = int(each.activity.dedupe.rpartition("-")[2])
                applied[each.activity.thread].append((each.id, place))
    for _, thread in LANES:
        places = [place for _, place in sorted(applied[thread])]
        if places != list(range(this.messages + 1)):
            wrong["lanes not applied once each and in order"].append(f"{thread}: {places}")
    cause: dict[str, tuple[str, int]] = {}
    for case in this.cases:
        for connection, thread in LANES:
            for place in range(this.messages + 1):
                for kind in ("handoff", "update"):
                    made = effect_id(case, f"{connection}:{thread}-{place}", kind, 0)
                    cause[made] = (thread, place)
    last: dict[tuple[object, str], int] = {}
    for line in sent:
        for each in line["ids"] if isinstance(line["ids"], list) else []:
            if each in cause and line["connection"] == "desk":
                thread, place = cause[each]
                key = (line["case"], thread)
                if last.get(key, -1) >= place:
                    wrong["updates that overtook one before"].append(f"{key}: {place} after {last[key]}")
                last[key] = place


def play(url: str, directory: Path, *, processes: int, messages: int, seed: int) -> Round:
    """Play one round with eight workers."""
    directory.mkdir(parents=True)
    store = open_store(url)
    store.register(dict.fromkeys(replica.CONNECTIONS))
    this = Round(store=store, directory=directory, messages=messages, seed=seed)
    children: list[subprocess.Popen[bytes]] = []
    threads: list[threading.Thread] = []
    if processes == 1:
        threads = replica.run(store, directory, 8, seed)
    else:
        share = str(8 // processes)
        children = [
            subprocess.Popen([sys.executable, "-m", "tests.prove.replica", url, str(directory), share, str(seed + n)])
            for n in range(processes)
        ]
    try:
        this.begin()
        this.load()
        this.quiet()
    finally:
        (directory / "stop").touch()
        for thread in threads:
            thread.join()
        for child in children:
            child.wait(30)
    return this


def run(size: Size, directory: Path) -> Figures:
    """Play rounds on both engines."""
    rounds, messages = size.pick(1, 3, 12), size.pick(40, 60, 100)
    figures = Figures(tries=2 * rounds, unit="round")
    totals: Counter[str] = Counter()
    wrong: dict[str, list[str]] = {name: [] for name in WRONG}
    complaints: list[str] = []
    server = start_postgres()
    try:
        for number in range(rounds):
            for engine in ("sqlite", "postgresql"):
                place = directory / f"{engine}-{number}"
                url = f"sqlite:///{directory}/{engine}-{number}.db" if engine == "sqlite" else server.schema()
                this = play(url, place, processes=1 if engine == "sqlite" else 2, messages=messages, seed=number)
                check(this, totals, wrong)
                require_conservation(figures, this.store, f"{engine} round {number}")
                this.store.close()
                said = place / "complaints"
                complaints += said.read_text().split("---\n")[:-1] if said.exists() else []
    finally:
        server.close()
    figures.tell("rounds", 2 * rounds)
    for name, value in totals.items():
        figures.tell(name, value)
    for name, found in wrong.items():
        figures.none_of(name, found)
    figures.none_of("errors out of the store", complaints)
    return figures


PROOF: Final = Proof(
    name="one_case",
    promise="One case, three lanes, eight workers (two processes on PostgreSQL), merged and parted meanwhile: one episode, one"
    " ticket, each message applied once and in order, no update overtakes another.",
    limits="The two processes share one machine and its clock; the target is a ledger file that never fails.",
    run=run,
    needs=frozenset({"postgres"}),
)
