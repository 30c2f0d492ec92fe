"""The engines that a world may stand on."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest) -> dict[str, str]:
    """Return on which engine the world's store is."""
    return {"url": request.getfixturevalue("postgres_url")} if request.param == "postgresql" else {}
