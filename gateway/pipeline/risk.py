"""The risk of escalation: learned in the background from closed cases, and told to decisions beforehand.

`decide` knows neither the store nor the model: its snapshot has the score, what it stands on and the model's version. Scoring is
done in a thread of its own, which is waited for only so long: one that fails or hangs makes the risk unknown, and no case waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final, TypeAlias

from gateway.clock import Clock
from gateway.model import Activity, Lesson, Risk, altered
from gateway.pipeline.bell import Bell
from gateway.store.ports import Store
from routing.risk.features import features_of, looked_at
from routing.risk.learning import learned
from routing.risk.model import RiskModel, assess, read, silence, written
from routing.risk.rules import RiskRules
from routing.snapshot import Snapshot

_log: Final = logging.getLogger("baton.pipeline")

#: Seconds between two looks for closed cases.
EVERY: Final = 60.0
#: Cases in one transaction: it keeps other writers waiting while it learns.
BATCH: Final = 50
#: Longest that a decision waits for a score, seconds.
PATIENCE: Final = 0.25

#: Model, its version, features, rules → risk.
Scorer: TypeAlias = Callable[[RiskModel, int, Sequence[str], RiskRules], Risk]


def taught(text: str, lessons: Sequence[Lesson]) -> str:
    """Return the text of a model that has learned from more lessons. Raises ValueError when the text is no model."""
    return written(learned(read(text) if text else None, lessons))


class Guarded:
    """A scorer that is never waited for longer than `patience` seconds, and whose failures make the risk unknown."""

    def __init__(self, scorer: Scorer, patience: float) -> None:
        """Begin no thread before it is asked."""
        self._scorer = scorer
        self._patience = patience
        self._asked: SimpleQueue[tuple[RiskModel, int, Sequence[str], RiskRules] | None] = SimpleQueue()
        self._answers: SimpleQueue[Risk] = SimpleQueue()
        self._thread: Thread | None = None
        #: True while an answer is out that was not waited for.
        self._late = False
        self._well = True

    def __call__(self, model: RiskModel, version: int, features: Sequence[str], rules: RiskRules) -> Risk:
        """Return the risk, or an unknown one that says why."""
        if self._thread is None:
            # A daemon: one that hangs must not keep the process from ending.
            self._thread = Thread(target=self._run, name="baton-risk", daemon=True)
            self._thread.start()
        try:
            if self._late:
                self._answers.get_nowait()
                self._late = False
            self._asked.put((model, version, features, rules))
            return self._answers.get(timeout=self._patience)
        except Empty:
            if not self._late:
                _log.warning("the risk is unknown: its scorer is slow", extra={"action": "risk_slow"})
            self._late = True
            return Risk(model=version, evidence=f"unknown: the scorer did not answer within {self._patience:g} s")

    def close(self) -> None:
        """End the thread, once it is idle. Safe twice."""
        self._asked.put(None)

    def _run(self) -> None:
        while (asked := self._asked.get()) is not None:
            try:
                risk = self._scorer(*asked)
                self._well = True
            except Exception as error:  # noqa: BLE001 (whatever it is, cases go on without it)
                risk = _failed(asked[1], error)
                if self._well:
                    _log.warning(
                        "the risk is unknown: its scorer failed",
                        extra={"action": "risk_failed", "error": type(error).__name__},
                    )
                self._well = False
            self._answers.put(risk)


def _failed(version: int, error: Exception) -> Risk:
    return Risk(model=version, evidence=f"unknown: the scorer failed ({type(error).__name__})")


class Risks:
    """What is known of the risk: the loop that learns, and what each decision is told."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        rules: Callable[[], RiskRules | None],
        scorer: Scorer = assess,
        patience: float = PATIENCE,
    ) -> None:
        """Take the store, and where the rules of the policy in force are found."""
        self._store = store
        self._clock = clock
        self._rules = rules
        self._scorer = Guarded(scorer, patience)
        #: The model and its version; swapped as a whole.
        self._known: tuple[RiskModel | None, int] = (None, 0)
        self._closing = False
        self.bell = Bell(clock)

    # --- learning ----------------------------------------------------------------------------------------------------
    async def run(self) -> None:
        """Learn until closed."""
        while not self._closing:
            if self._rules() is not None:
                await self._look()
            await self.bell.wait(EVERY)

    def close(self) -> None:
        """End after the turn in work. Safe twice."""
        self._closing = True
        self.bell.ring()

    def free(self) -> None:
        """End the scorer's thread, once nobody decides any more."""
        self._scorer.close()

    async def _look(self) -> None:
        """Learn all that is due, and take the newest model over, which another replica may have taught."""
        try:
            while not self._closing and await asyncio.to_thread(self.learn) == BATCH:
                pass
            await asyncio.to_thread(self.refresh)
        except ValueError as error:
            self._known = (None, self._known[1])
            _log.warning(
                "the model of the risk cannot be read, so the risk is unknown: `baton risk forget` begins anew (%s)",
                *(error,),
                extra={"action": "risk_unreadable"},
            )

    def learn(self) -> int:
        """Learn a batch of what is due; return how many cases that were. Raises ValueError when the model is none."""
        return self._store.learn_risk(BATCH, self._clock.now(), taught)

    def refresh(self) -> None:
        """Take the stored model over. Raises ValueError when it is none."""
        standing = self._store.risk()
        if standing.version != self._known[1]:
            self._known = (read(standing.model) if standing.model else None, standing.version)

    # --- telling -----------------------------------------------------------------------------------------------------
    def told(self, snapshot: Snapshot, activity: Activity, now: int) -> Snapshot:
        """Return the snapshot with the risk, when the policy in it asks for it and rules may look upon the activity."""
        rules = snapshot.policy.risk
        if rules is None or not looked_at(activity):
            return snapshot
        model, version = self._known
        try:
            features = features_of(snapshot, activity, now)
        except Exception as error:  # noqa: BLE001 (whatever it is, the case goes on without it)
            _log.warning(
                "the features of a case could not be read",
                extra={"action": "risk_failed", "error": type(error).__name__},
            )
            return altered(snapshot, risk=_failed(version, error))
        if model is None or silence(model, rules):
            return altered(snapshot, risk=assess(model, version, features, rules), features=features)
        return altered(snapshot, risk=self._scorer(model, version, features, rules), features=features)
