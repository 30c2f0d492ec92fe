"""Who has which open case: what agents have to do, over all cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from gateway.model import Case, Channel, Episode, Timer
from gateway.store import codec
from gateway.store.engine import Engine, Transaction

#: How the document of an episode reads that asks somebody. Most ask nobody, and are not decoded.
_ASKS: Final = '%"assigned":["%'
#: How it reads when it waits for room.
_WAITS: Final = '%"waits_for":"_%'


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


class Assignments:
    """The cases that agents have."""

    def __init__(self, engine: Engine) -> None:
        """Work on an engine."""
        self._engine = engine

    def assigned(self) -> Sequence[Assigned]:
        """Return the open cases that one agent alone has; see `Store.assigned`."""
        rows = self._engine.read(
            lambda t: t.rows("SELECT doc FROM episodes WHERE state <> 'closed' AND doc LIKE ?", _ASKS)
        )
        return [
            Assigned(agent=each.assigned[0], channel=each.channel, at=each.assigned_at or each.opened_at)
            for each in (_asking_from(row[0]) for row in rows)
            if len(each.assigned) == 1
        ]

    def in_line(self) -> Sequence[tuple[Case, Episode]]:
        """Return the open cases that wait for room in a team; see `Store.in_line`."""
        rows = self._engine.read(
            lambda t: t.rows(
                "SELECT c.doc, e.doc FROM episodes e JOIN cases c ON c.id = e.case_id WHERE e.state = 'open'"
                " AND e.doc LIKE ?",
                _WAITS,
            )
        )
        found = [(codec.case_from(case), codec.episode_from(episode)) for case, episode in rows]
        return [(case, episode) for case, episode in found if episode.waits_for]

    def call(self, due: Sequence[tuple[str, Timer]]) -> None:
        """Set deadlines of cases; see `Store.call`."""

        def work(t: Transaction) -> None:
            for case_id, timer in due:
                t.run(
                    "INSERT INTO timers (case_id, name, due_at) VALUES (?, ?, ?) ON CONFLICT (case_id, name) DO NOTHING",
                    *(case_id, timer.name, timer.due_at),
                )

        self._engine.write(work)
