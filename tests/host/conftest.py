"""Each test begins with connectors that nobody has made yet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.host.troubled import LIVES


@pytest.fixture(autouse=True)
def _lives() -> Iterator[None]:
    LIVES.clear()
    yield
    LIVES.clear()
