"""Both engines under one suite; and after every test everything is somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store import Store, open_store
from tests.conserved import require_conserved


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty store."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'baton.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An empty store with two connections. After the test: nothing is unaccounted for (promise I4)."""
    store = open_store(url)
    store.register({"chat": None, "desk": None})
    yield store
    require_conserved(store)
    store.close()
