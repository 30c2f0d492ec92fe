"""Who has which open case: what agents have to do, over all cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from gateway.model import ActivityKind, Case, Channel, Episode, Timer
from gateway.store import codec
from gateway.store.engine import Engine, Transaction

#: How the document of an episode reads that asks somebody. Most ask nobody, and are not decoded.
_ASKS: Final = '%"assigned":["%'
#: How it reads when it waits for room.
_WAITS: Final = '%"waits_for":"_%'
#: What whoever gives out room takes turns on.
_TURNS: Final = ("room",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """An open case that one agent has."""

    #: The agent, by their name in the policy.
    agent: str
    #: The channel that the case began on, None when unknown.
    channel: Channel | None
    #: When they were given it, UTC microseconds.
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """As much of an episode's document as is needed here: the rest is not decoded."""

    opened_at: int
    assigned: tuple[str, ...]
    assigned_at: int | None = None
    channel: Channel | None = None


_asking_from: Final = msgspec.json.Decoder(_Asking).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Staffing:
    """Who has what and who waits, as it is while nobody else gives out room."""

    assigned: Sequence[Assigned]
    #: The open cases that wait for room in a team.
    line: Sequence[tuple[Case, Episode]]
    #: Deadlines of those cases, by name, that are set, or have fired and were not decided on yet.
    called: frozenset[str]


#: Says which deadlines are to be set, by the ids of cases, from who has what. It may be asked more than once.
Choose: TypeAlias = Callable[[Staffing], Sequence[tuple[str, Timer]]]


def staffing(engine: Engine, t: Transaction) -> Staffing:
    """Return who has what and who waits; until the transaction ends, no other one is told.

    Each statement sees what was committed before it: so what was written in the turn before is in it.
    """
    engine.take_turns(t, _TURNS)
    line = _in_line(t)
    return Staffing(assigned=_assigned(t), line=line, called=_called(t, sorted(case.id for case, _ in line)))


class Assignments:
    """The cases that agents have."""

    def __init__(self, engine: Engine) -> None:
        """Work on an engine."""
        self._engine = engine

    def assigned(self) -> Sequence[Assigned]:
        """Return the open cases that one agent alone has; see `Store.assigned`."""
        return self._engine.read(_assigned)

    def in_line(self) -> Sequence[tuple[Case, Episode]]:
        """Return the open cases that wait for room in a team; see `Store.in_line`."""
        return self._engine.read(_in_line)

    def call(self, choose: Choose) -> None:
        """Set deadlines of cases that wait for room; see `Store.call`."""

        def work(t: Transaction) -> None:
            for case_id, timer in choose(staffing(self._engine, t)):
                t.run(
                    "INSERT INTO timers (case_id, name, due_at) VALUES (?, ?, ?) ON CONFLICT (case_id, name) DO NOTHING",
                    *(case_id, timer.name, timer.due_at),
                )

        self._engine.write(work)


def _assigned(t: Transaction) -> list[Assigned]:
    rows = t.rows("SELECT doc FROM episodes WHERE state <> 'closed' AND doc LIKE ?", _ASKS)
    return [
        Assigned(agent=each.assigned[0], channel=each.channel, at=each.assigned_at or each.opened_at)
        for each in (_asking_from(row[0]) for row in rows)
        if len(each.assigned) == 1
    ]


def _in_line(t: Transaction) -> list[tuple[Case, Episode]]:
    rows = t.rows(
        "SELECT c.doc, e.doc FROM episodes e JOIN cases c ON c.id = e.case_id WHERE e.state = 'open' AND e.doc LIKE ?",
        _WAITS,
    )
    found = [(codec.case_from(case), codec.episode_from(episode)) for case, episode in rows]
    return [(case, episode) for case, episode in found if episode.waits_for]


def _called(t: Transaction, cases: Sequence[str]) -> frozenset[str]:
    if not cases:
        return frozenset()
    names = {row[0] for row in t.rows("SELECT name FROM timers WHERE case_id IN (??text)", cases)}
    fired = t.rows(
        "SELECT c.doc FROM threads h JOIN activities a ON a.thread_id = h.id AND a.state = 0 AND a.kind = ?"
        " JOIN contents c ON c.activity_id = a.id WHERE h.case_id IN (??text)",
        *(ActivityKind.TIMER.value, cases),
    )
    return frozenset(names | {codec.activity_from(row[0]).name for row in fired})
