"""The gateway under proof: the same `baton` command, with its store and its connectors watched from outside.

Started as `python -m tests.prove.victim serve …`. No line of the gateway knows of it: functions are wrapped before the
command runs. `BATON_PROVE_BOARD` names the file of the board.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from gateway.config import AnySpec
from tests.prove.phases import Board, Phase, Point

#: Store methods by the phase they are.
WATCHED: Final = {
    "journal": (Phase.JOURNAL, Point.JOURNAL_BEFORE_COMMIT, Point.JOURNAL_AFTER_COMMIT),
    "apply": (Phase.APPLY, Point.APPLY_BEFORE_COMMIT, Point.APPLY_AFTER_COMMIT),
    "finish": (Phase.ANSWER, Point.ANSWER_BEFORE_COMMIT, Point.ANSWER_AFTER_COMMIT),
}


def something(result: Any) -> bool:
    """Tell whether a transaction did anything: an apply that found nothing is nowhere to be killed."""
    return bool(getattr(result, "applied", result))


class Watch:
    """Wraps what is watched."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.local = threading.local()

    def store(self, store: Any) -> Any:
        """Watch a store's methods."""
        for name, (phase, before, after) in WATCHED.items():
            setattr(store, name, self.method(getattr(store, name), phase, before, after))
        return store

    def method(self, method: Callable[..., Any], phase: Phase, before: Point, after: Point) -> Callable[..., Any]:
        @wraps(method)
        def watched(*arguments: Any, **named: Any) -> Any:
            self.local.before = before
            try:
                with self.board.inside(phase):
                    result = method(*arguments, **named)
                    if something(result):
                        self.board.reach(after)
                    return result
            finally:
                self.local.before = None

        return watched

    def engine(self, engine: type) -> None:
        """Watch an engine's transactions: the point before the commit lies within one."""
        write = engine.write  # type: ignore[attr-defined]

        @wraps(write)
        def watched(this: Any, work: Callable[[Any], Any], **named: Any) -> Any:
            before: Point | None = getattr(self.local, "before", None)

            def inner(transaction: Any) -> Any:
                result = work(transaction)
                if before is not None and something(result):
                    self.board.reach(before)
                return result

            return write(this, inner, **named)

        engine.write = watched  # type: ignore[attr-defined]

    def connector(self, factory: str) -> None:
        """Watch a connector's calls that write."""
        module, _, name = factory.partition(":")
        found = getattr(import_module(module), name)
        hand_off = found.hand_off

        @wraps(hand_off)
        async def watched(this: Any, handoff: Any) -> Any:
            with self.board.inside(Phase.SENDING):
                self.board.reach(Point.SENDING_BEFORE_CALL)
                receipt = await hand_off(this, handoff)
                self.board.reach(Point.SENDING_AFTER_EFFECT)
                return receipt

        found.hand_off = watched


def lift_limits(spec: AnySpec) -> None:
    """Lift the limits of the whole account, as the sandboxes of a proof do, so that it is not spent on waiting."""
    kept = tuple(limit for limit in spec.capabilities.limits if limit.scope == "ticket")
    object.__setattr__(spec.capabilities, "limits", kept)


def main() -> None:
    """Wrap, then run the command."""
    board = Board(Path(os.environ["BATON_PROVE_BOARD"]))
    board.clear()
    watch = Watch(board)
    from connectors.slack import SPEC as SLACK
    from connectors.zendesk import SPEC
    from gateway import store
    from gateway.store import opening, sqlite

    watch.engine(sqlite.SqliteEngine)
    if os.environ.get("BATON_DATABASE_URL", "").startswith("postgresql"):
        from gateway.store import postgresql

        watch.engine(postgresql.PostgresEngine)
    opened = opening.open_store

    @wraps(opened)
    def open_watched(*arguments: Any, **named: Any) -> Any:
        return watch.store(opened(*arguments, **named))

    opening.open_store = open_watched
    store.open_store = open_watched
    watch.connector(SPEC.factory)
    lift_limits(SPEC)
    lift_limits(SLACK)
    from gateway.cli import main as baton

    sys.argv[0] = "baton"
    baton()


if __name__ == "__main__":
    main()
