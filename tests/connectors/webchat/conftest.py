"""The world of the web chat's tests."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from connectors.webchat import SPEC
from gateway.testing.host import FakeHost
from gateway.testing.sessions import FakeSessions, serving
from tests.connectors.webchat.world import SETTINGS, World


@pytest.fixture
async def world() -> AsyncGenerator[World]:
    from connectors.webchat.connector import WebchatConnector

    host, sessions = FakeHost("test"), FakeSessions()
    connector = WebchatConnector(SPEC.settings.model_validate(SETTINGS), host)
    await connector.open()
    async with serving(connector, sessions) as (client, base):
        yield World(connector=connector, host=host, sessions=sessions, client=client, base=base)
    await host.close()
