"""Connections by number: the number survives renaming, the name is what people write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from gateway.model.activity import BATON_NAME
from gateway.store.engine import Engine, Transaction
from gateway.store.renaming import rename
from gateway.store.values import Unrenamed

#: Number of what Baton itself appends.
BATON: Final = 0


class Names:
    """Connection name ↔ number."""

    def __init__(self, engine: Engine, renaming: Callable[[], None] = lambda: None) -> None:
        """Work on an engine; `renaming` is called while a connection gets another name, before that is seen."""
        self._engine = engine
        self._renaming = renaming
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}

    def load(self) -> None:
        """Read all names from the store."""
        self._keep(self._engine.read(lambda t: t.rows("SELECT id, name FROM connections")))

    def _keep(self, rows: list[tuple[int, str]]) -> None:
        self._names = {BATON: BATON_NAME, **dict(rows)}
        self._numbers = {name: number for number, name in self._names.items()}

    def number(self, name: str) -> int:
        """Return the number of a registered connection. Raises KeyError."""
        if name not in self._numbers:
            # Registered or renamed a moment ago, here or by another replica.
            self.load()
        return self._numbers[name]

    def find(self, name: str) -> int | None:
        """Return the number of a connection, None when it is unknown."""
        return self._numbers.get(name)

    def name(self, number: int) -> str:
        """Return the name of a number, as it is now."""
        found = self._names.get(number)
        if found is None:
            self.load()
            found = self._names.get(number, f"connection {number}")
        return found

    def register(self, connections: Mapping[str, str | None]) -> Mapping[str, Unrenamed]:
        """Make connections known; a new name takes the number of its earlier one. See `Store.register`."""

        def work(t: Transaction) -> tuple[list[tuple[int, str]], dict[str, Unrenamed]]:
            known = {row[0]: row[1] for row in t.rows("SELECT name, id FROM connections")}
            idle = {
                name: _idle(name in known, earlier in known)
                for name, earlier in connections.items()
                if earlier is not None and (name in known or earlier not in known)
            }
            for name, earlier in sorted(connections.items()):
                if name in known:
                    continue
                if earlier is not None and earlier in known:
                    rename(t, known[earlier], earlier, name)
                    self._renaming()
                else:
                    t.run("INSERT INTO connections (name) VALUES (?) ON CONFLICT (name) DO NOTHING", name)
            return [(row[0], row[1]) for row in t.rows("SELECT id, name FROM connections")], idle

        rows, idle = self._engine.write(work)
        self._keep(rows)
        return idle


def _idle(name_known: bool, earlier_known: bool) -> Unrenamed:  # noqa: FBT001 (two facts)
    if not name_known:
        return Unrenamed.NEVER
    return Unrenamed.BOTH if earlier_known else Unrenamed.BEFORE
