"""A desk on each engine; and after every test everything is somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store import open_store
from tests.conserved import require_conserved
from tests.identity.desk import Desk


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """An empty desk. After the test nothing is unaccounted for (promise I4)."""
    url = f"sqlite:///{tmp_path / 'baton.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    store = open_store(url)
    yield Desk(store=store).open()
    require_conserved(store)
    assert store.verify_audit() is None
    store.close()
