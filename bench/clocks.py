"""A million of open SLA clocks: what a tick costs, beside the same tick where a thousand are open and as many are due.

A tick is what the gateway does when deadlines come: it fires those that are due, and decides upon each. Each open case has a
clock and its two deadlines; those that come due lie scattered over all cases.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.events import slack_events
from bench.path import entries_of, fresh_store, through
from bench.policy import FACTS
from gateway.model import Activity, Decision
from gateway.model.sla import look_name
from gateway.pipeline.policies import Direction, Policies
from gateway.store.engine import Row, Transaction
from gateway.store.ports import CaseView
from gateway.store.sqlstore import SqlStore
from routing.decide import decide
from routing.load import load_policy

#: Deadlines that come due with each tick.
DUE: Final = 32
#: The fewest that are open.
FEW: Final = 1_000
#: Ticks before it counts: caches fill, and the engine tidies up what was laid down.
_WARM: Final = 5
_SECOND: Final = 1_000_000
_CHUNK: Final = 50_000
#: Neighbours in time are no neighbours in the store.
_SCATTER: Final = 7_919
_POLICY: Final = """
[calendar.office]
tz = "Europe/Berlin"
mon = ["08:00-12:00", "13:00-17:00"]
tue = ["08:00-12:00", "13:00-17:00"]
wed = ["08:00-12:00", "13:00-17:00"]
thu = ["08:00-12:00", "13:00-17:00"]
fri = ["08:00-12:00", "13:00-17:00"]
country = "DE"
[[sla]]
id = "standard"
first = "900d"
calendar = "office"
[[rule]]
id = "soon"
do = "none"
when.all = ["sla.event == 'at_risk'"]
set = { tags = ["at-risk"] }
[[rule]]
id = "rest"
catch_all = true
do = "none"
"""
_NUMBERS: Final = "WITH RECURSIVE n(i) AS (SELECT {} UNION ALL SELECT i + 1 FROM n WHERE i < {}) "
_ID: Final = "(? || substr(CAST(1000000000000 + n.i AS TEXT), 2))"
_RISK: Final = ":at_risk:"


@dataclass(frozen=True, slots=True)
class Ticking:
    """A store with many open clocks."""

    store: SqlStore
    policies: Policies
    #: When the first deadline comes, UTC microseconds; one comes with each second after it.
    begin: int

    def tick(self, number: int) -> float:
        """Let the next deadlines come, and return how many seconds that took."""
        now = self.begin + (number + 1) * DUE * _SECOND - 1
        direction = self.policies.direction

        def step(view: CaseView, activity: Activity) -> Decision:
            return decide(self.policies.snapshot(view, direction), activity, now)

        begun = time.perf_counter()
        fired, applied = self.store.fire(now, DUE * 2), self.store.apply(DUE * 2, now, step).applied
        taken = time.perf_counter() - begun
        if (fired, applied) != (DUE, DUE):
            message = f"a tick fired {fired} and decided {applied}, not {DUE}"
            raise RuntimeError(message)
        return taken

    def close(self) -> None:
        self.store.close()


def laid(engine: str, directory: Path, postgres: str, count: int) -> Ticking:
    """Return a store with so many open cases: one that came by the gateway's own loops, and copies of it."""
    store = fresh_store(engine, directory, postgres)
    if not isinstance(store, SqlStore):
        raise TypeError
    asyncio.run(through(store, entries_of(slack_events(1, 1))))
    direction = Direction(policy=load_policy(_POLICY, "escalation.toml", FACTS), connections=FACTS)
    made = Ticking(store, Policies(store, direction), _with_clocks(store, direction))
    case = store.cases(1)[0].id
    for first in range(1, count, _CHUNK):
        _copy(store, case, first, min(first + _CHUNK, count) - 1, count, made.begin)
    store._engine.write(lambda t: t.run("ANALYZE"))
    return made


def _with_clocks(store: SqlStore, direction: Direction) -> int:
    """Let the one case read its clocks; return when its deadline comes."""
    case = store.cases(1)[0].id
    begin = (time.time_ns() // 1000 // _SECOND + 3_600) * _SECOND
    policies = Policies(store, direction)
    store._engine.write(lambda t: t.run("INSERT INTO timers VALUES (?, ?, ?)", case, look_name(case), begin - _SECOND))
    store.fire(begin - _SECOND, 1)
    store.apply(1, begin, lambda view, activity: decide(policies.snapshot(view, direction), activity, begin))
    store._engine.write(lambda t: t.run("UPDATE timers SET due_at = ? WHERE name LIKE ?", begin, f"%{_RISK}%"))
    return begin


def _turn(count: int) -> str:
    """Return when the deadline of a copy comes, among so many: the rest of a division, without the sign that psycopg minds."""
    scattered = f"CAST(n.i AS bigint) * {_SCATTER}"
    return f"{scattered} - ({scattered} / {count}) * {count}"


def _copy(store: SqlStore, case: str, first: int, last: int, count: int, begin: int) -> None:
    def work(t: Transaction) -> None:
        numbers, head = _NUMBERS.format(first, last), case[:24]
        t.run(
            f"INSERT INTO cases (id, root_id, contact_id, created_at, seq, doc) {numbers} SELECT {_ID}, {_ID}, contact_id,"
            f" created_at, seq, replace(doc, c.id, {_ID}) FROM cases c, n WHERE c.id = ?",
            *(head, head, head, case),
        )
        threads: list[Row] = list(t.rows("SELECT id, key FROM threads WHERE case_id = ?", case))
        for thread, _ in threads:
            t.run(
                "INSERT INTO threads (id, connection_id, key, channel, case_id, home_case_id, created_at, contact_id)"
                f" {numbers} SELECT {_ID}, connection_id, CASE WHEN t.key = ? THEN {_ID} ELSE t.key || CAST(n.i AS TEXT) END,"
                f" channel, {_ID}, {_ID}, created_at, contact_id FROM threads t, n WHERE t.id = ?",
                *(thread[:24], case, head, head, head, thread),
            )
        t.run(
            f"INSERT INTO timers (case_id, name, due_at) {numbers} SELECT {_ID}, replace(m.name, m.case_id, {_ID}),"
            f" CASE WHEN m.name LIKE ? THEN CAST(? AS bigint) + ({_turn(count)}) * 1000000 ELSE m.due_at END"
            " FROM timers m, n WHERE m.case_id = ?",
            *(head, head, f"%{_RISK}%", begin, case),
        )

    store._engine.write(work)


def measured(
    engine: str, directory: Path, postgres: str, many: int, ticks: int
) -> tuple[float, float, list[float], float]:
    """Return the seconds of a tick with few and with many open clocks, the ratios, and the seconds that laying many took."""
    few = laid(engine, directory, postgres, FEW)
    begun = time.perf_counter()
    full = laid(engine, directory, postgres, many)
    laying = time.perf_counter() - begun
    try:
        pairs: list[tuple[float, float]] = []
        for number in range(min(ticks + _WARM, FEW // DUE)):
            sides = (few, full) if number % 2 else (full, few)
            found = {id(side): side.tick(number) for side in sides}
            pairs.append((found[id(few)], found[id(full)]))
        pairs = pairs[_WARM:]
        bare, ours = (statistics.median(side) for side in zip(*pairs, strict=True))
        return bare, ours, sorted(mine / theirs for theirs, mine in pairs), laying
    finally:
        few.close()
        full.close()
