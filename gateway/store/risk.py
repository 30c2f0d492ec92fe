"""What closed cases teach of the risk of escalation, each once, and the model that learned from them: JSON, and never code.

A case that is over leaves a lesson, in the transaction that closes it. It waits until its horizon has passed, since the case may
be taken up again till then. The model and the mark that a lesson was learned are written together, one learner at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from gateway.model import Case, CaseStatus, Lesson, lesson_of
from gateway.store import codec
from gateway.store.auditing import Auditing
from gateway.store.engine import Engine, Row, Transaction

#: Case → its lesson and when that is due; None for a case that was taken up again.
Lessons: TypeAlias = dict[str, tuple[Lesson, int] | None]
#: The text of a model, empty for none yet, and lessons → the text of the model that has learned from them. Pure.
Teach: TypeAlias = Callable[[str, Sequence[Lesson]], str]

_WAITING, _LEARNED = 0, 1
_THE_MODEL: Final = 1
_LESSON: Final = (("case_id", "text"), ("due_at", "bigint"), ("doc", "text"))
_MODEL: Final = (("id", "bigint"), ("version", "bigint"), ("learned_at", "bigint"), ("doc", "text"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskStanding:
    """The model as it is kept."""

    #: Number of its version, 0 before the first. No number comes twice, also when a model was forgotten.
    version: int = 0
    #: When it learned last, UTC microseconds.
    learned_at: int = 0
    #: Its text, empty when there is none.
    model: str = ""
    #: Closed cases that wait to be learned from.
    waiting: int = 0


def take_note(lessons: Lessons, before: Case, after: Case) -> None:
    """Note what a case teaches once it is over, and that it does not yet when it is taken up again."""
    if after.risk is None or before.status is after.status:
        return
    lesson = lesson_of(after.risk) if after.status is CaseStatus.RESOLVED else None
    due_at = max(after.resolved_at or 0, after.risk.until)
    lessons[after.id] = None if lesson is None else (lesson, due_at)


def keep_lessons(t: Transaction, lessons: Mapping[str, tuple[Lesson, int] | None]) -> None:
    """Write what was noted; a case that was learned from already stays as it is."""
    undone = sorted(case for case, each in lessons.items() if each is None)
    if undone:
        t.run(f"DELETE FROM risk_lessons WHERE state = {_WAITING} AND case_id IN (??text)", undone)
    rows: list[Row] = [
        (case, each[1], codec.encode(each[0])) for case, each in sorted(lessons.items()) if each is not None
    ]
    if rows:
        t.insert(
            "risk_lessons",
            _LESSON,
            rows,
            conflict="ON CONFLICT (case_id) DO UPDATE SET due_at = excluded.due_at, doc = excluded.doc"
            f" WHERE risk_lessons.state = {_WAITING}",
        )


class Risks:
    """The model, and what it learns from."""

    def __init__(self, engine: Engine, auditing: Auditing) -> None:
        """Work on an engine."""
        self._engine = engine
        self._auditing = auditing

    def standing(self) -> RiskStanding:
        """Return the model as it is kept; see `Store.risk`."""

        def work(t: Transaction) -> RiskStanding:
            version, learned_at, text = _model(t)
            waiting = t.rows(f"SELECT count(*) FROM risk_lessons WHERE state = {_WAITING}")[0][0]
            return RiskStanding(version=version, learned_at=learned_at, model=text, waiting=waiting)

        return self._engine.read(work)

    def learn(self, limit: int, now: int, teach: Teach) -> int:
        """Teach the model what is due; see `Store.learn_risk`."""

        def work(t: Transaction) -> int:
            self._engine.take_turns(t, ["risk"])
            rows = t.rows(
                f"SELECT case_id, doc FROM risk_lessons WHERE state = {_WAITING} AND due_at <= ?"
                f" ORDER BY due_at, case_id LIMIT ? {self._engine.skip_locked}",
                *(now, limit),
            )
            if rows:
                version, _, text = _model(t)
                _keep(t, version + 1, now, teach(text, [codec.lesson_from(row[1]) for row in rows]))
                # What was known of the case goes: that it was learned from stays.
                t.run(
                    f"UPDATE risk_lessons SET state = {_LEARNED}, doc = '' WHERE case_id IN (??text)",
                    [row[0] for row in rows],
                )
            return len(rows)

        return self._engine.write(work)

    def forget(self, actor: str, now: int) -> int:
        """Drop the model and what waits; see `Store.forget_risk`."""

        def work(t: Transaction) -> int:
            self._engine.take_turns(t, ["risk"])
            version, _, _ = _model(t)
            _keep(t, version + 1, now, "")
            dropped = t.run("DELETE FROM risk_lessons")
            self._auditing.append(t, actor, "risk-forget", "risk", {"cases": dropped}, now)
            return dropped

        return self._engine.write(work)


def _model(t: Transaction) -> tuple[int, int, str]:
    rows = t.rows("SELECT version, learned_at, doc FROM risk_models WHERE id = ?", _THE_MODEL)
    return (rows[0][0], rows[0][1], rows[0][2]) if rows else (0, 0, "")


def _keep(t: Transaction, version: int, now: int, text: str) -> None:
    t.insert(
        "risk_models",
        _MODEL,
        [(_THE_MODEL, version, now, text)],
        conflict="ON CONFLICT (id) DO UPDATE SET version = excluded.version, learned_at = excluded.learned_at,"
        " doc = excluded.doc",
    )
