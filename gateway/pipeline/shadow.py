"""Trying a policy on live traffic: whatever was decided is handed over once it stands in the store, and decided on once more.

It has a thread of its own beside applying, which only puts values into a queue and never waits for it. What it makes is
compared, counted and forgotten: it has no way to the outbox. When it is too slow, it misses cases' activities and takes them
from the store later; when it breaks, that costs only what it would have told of that case.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from gateway.clock import Clock
from gateway.model import Activity, Decision
from gateway.pipeline.bell import Bell
from gateway.pipeline.policies import Direction, Policies
from gateway.store.ports import Diverged, Store, StoreUnavailable, Tried
from routing.policy import Policy
from routing.shadow import Course, Divergence, Past, Standing
from routing.snapshot import Snapshot

_log: Final = logging.getLogger("baton.pipeline")

#: Activities that may wait for the candidate; what comes beyond them it does not get to see.
MOST_WAITING: Final = 4_096
#: Cases whose courses are held in memory; others are gone through anew when something happens to them.
MOST_COURSES: Final = 2_000
#: Activities in one turn.
BATCH: Final = 256
#: How often deadlines are looked for that only the candidate knows, and what was counted is written down, seconds.
POLL: Final = 2.0
#: Divergences that are held while the store cannot take them.
_MOST_HELD: Final = 1_000


@dataclass(frozen=True, slots=True)
class Seen:
    """One decision of the gateway, with all that it was made from."""

    snapshot: Snapshot
    activity: Activity
    decision: Decision
    #: When it was made, UTC microseconds.
    now: int


class Shadow:
    """The loop that follows what was decided with the candidate, while there is one."""

    def __init__(self, store: Store, policies: Policies, clock: Clock, *, counted: Callable[[str, int], None]) -> None:
        """Take the store, which is read for the past of cases; `counted` is told a word and how often it was so."""
        self._store = store
        self._policies = policies
        self._clock = clock
        self._counted = counted
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="baton-shadow")
        self._closing = False
        self._waiting: deque[Seen] = deque()
        #: Set by who hands over, taken by who follows; a count that is a little off harms nobody.
        self._missed = 0
        self._courses: OrderedDict[str, Course] = OrderedDict()
        #: What the courses were made by.
        self._direction: Direction | None = None
        self._compared = self._failed = 0
        self._diverged: list[Diverged] = []
        self._kept_at: int | None = None
        self.bell = Bell(clock)

    def offer(self, seen: Sequence[Seen]) -> None:
        """Hand over what was decided and stands in the store. Never waits."""
        room = max(0, MOST_WAITING - len(self._waiting))
        self._waiting.extend(seen[:room])
        self._missed += max(0, len(seen) - room)

    async def run(self) -> None:
        """Follow what was decided until closed."""
        loop = asyncio.get_running_loop()
        while not self._closing:
            if not await loop.run_in_executor(self._thread, self._turn):
                await self.bell.wait(POLL)
        await loop.run_in_executor(self._thread, self._end)

    def close(self) -> None:
        """End after the turn in work. Safe twice."""
        self._closing = True
        self.bell.ring()

    def free(self) -> None:
        """Free the thread, once `run` has ended."""
        self._thread.shutdown(wait=True)

    # --- one turn, in its own thread ---------------------------------------------------------------------------------
    def _turn(self) -> bool:
        """Follow what waits; return whether there is more."""
        direction = self._policies.direction
        if direction is not self._direction:
            self._write_down()
            self._courses.clear()
            self._direction = direction
        candidate = direction.shadow
        if candidate is None:
            self._waiting.clear()
            self._missed = 0
            return False
        for _ in range(BATCH):
            if not self._waiting:
                break
            self._one(candidate, self._waiting.popleft())
        now = self._clock.now()
        if self._kept_at is None or not 0 <= now - self._kept_at < POLL * 1_000_000:
            self._wake(now)
            self._write_down()
            self._kept_at = now
        return bool(self._waiting)

    def _end(self) -> None:
        while self._turn():
            pass
        self._write_down()

    def _one(self, candidate: Policy, seen: Seen) -> None:
        case_id = seen.snapshot.case.id
        try:
            course = self._courses.pop(case_id, None)
            if course is None or course.seq != seen.snapshot.case.seq:
                course = self._begin(candidate, seen.snapshot)
            fresh = course.follow(seen.snapshot, seen.activity, seen.decision, seen.now)
        except Exception as error:  # noqa: BLE001 (whatever it is, it must cost only this)
            self._broke(error)
            return
        self._courses[case_id] = course
        if len(self._courses) > MOST_COURSES:
            self._courses.popitem(last=False)
        self._compared += 1
        self._counted("compared", 1)
        self._note(case_id, course, fresh, seen.now)

    def _begin(self, candidate: Policy, snapshot: Snapshot) -> Course:
        """Return the course of a case: from its beginning, which stands in the store unless it begins now."""
        history = self._store.history(snapshot.case.id) if snapshot.case.seq else None
        if history is None:
            return Course(candidate, snapshot)
        past = Past(
            activities=tuple(each.activity for each in history.activities if each.seq <= snapshot.case.seq),
            effects=frozenset(view.effect.id for view in history.effects),
            timers=history.timers,
        )
        return Course(candidate, snapshot, past)

    def _wake(self, now: int) -> None:
        """Let deadlines happen that only the candidate knows."""
        for case_id, course in list(self._courses.items()):
            try:
                fresh = course.wake(now)
            except Exception as error:  # noqa: BLE001 (as above)
                self._courses.pop(case_id)
                self._broke(error)
            else:
                self._note(case_id, course, fresh, course.now)

    def _broke(self, error: Exception) -> None:
        self._failed += 1
        self._counted("failed", 1)
        # Its name alone: what it says may quote what somebody wrote.
        _log.warning(
            "the policy that is tried could not be asked",
            extra={"action": "shadow_failed", "error": type(error).__name__},
        )

    def _note(self, case_id: str, course: Course, fresh: Iterable[Divergence], at: int) -> None:
        for kind in sorted(fresh):
            self._counted(kind.value, 1)
            self._diverged.append(
                Diverged(
                    case_id=case_id,
                    seq=course.seq,
                    at=at,
                    kind=kind.value,
                    real=_words(course.real),
                    candidate=_words(course.standing),
                )
            )

    def _write_down(self) -> None:
        """Keep what was counted since the last time."""
        direction = self._direction
        if direction is None or direction.shadow is None:
            return
        missed, self._missed = self._missed, 0
        if missed:
            self._counted("missed", missed)
        if not (self._compared or self._failed or missed or self._diverged):
            return
        now = self._clock.now()
        tried = Tried(
            candidate=direction.shadow.digest,
            policy=direction.policy.digest,
            compared=self._compared,
            missed=missed,
            failed=self._failed,
            began_at=now,
            seen_at=now,
        )
        try:
            self._store.keep_shadow(tried, self._diverged)
        except StoreUnavailable:
            self._missed += missed
            del self._diverged[:-_MOST_HELD]
            return
        self._compared = self._failed = 0
        self._diverged = []


def _words(standing: Standing) -> dict[str, str]:
    return {
        "rule": standing.rule,
        "ladder": standing.ladder,
        "level": standing.level,
        "priority": standing.priority,
    }
