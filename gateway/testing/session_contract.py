"""What every session source keeps: there is no verifier before its endpoints, so each must ask who comes."""

from __future__ import annotations

import json
from typing import Any, Final

import aiohttp

from gateway.sdk import Endpoint
from gateway.testing.sessions import FakeSessions, serving

#: Statuses that send somebody away.
REFUSALS: Final = frozenset({400, 401, 403, 404})
_FRAMES: Final[tuple[dict[str, str], ...]] = (
    {},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Authorization": "Bearer x", "Origin": "https://evil.example"},
)
_BODIES: Final = (b"", b"{}", b"\xff\xfe", b"[" * 5000, json.dumps({"type": "message", "text": "x"}).encode())


class SessionSourceContract:
    """Who may speak, and what is told to whom. Stands beside `StandaloneContract` or `ConnectorContract`."""

    async def test_endpoints_have_usable_names_and_stand_once(self, connector: Any) -> None:
        """They are the last part of an address."""
        endpoints = list(connector.endpoints(FakeSessions()))
        assert endpoints
        assert all(isinstance(each, Endpoint) for each in endpoints)
        keys = [(each.name, each.method) for each in endpoints]
        assert len(keys) == len(set(keys))
        assert all(name == name.lower() and "/" not in name and name for name, _ in keys)

    async def test_a_stranger_is_sent_away_and_nothing_of_theirs_is_kept(self, connector: Any) -> None:
        """Without credentials, with false ones, and from a foreign site; whatever the body is (promise I7)."""
        sessions = FakeSessions()
        guarded = [each for each in connector.endpoints(sessions) if not each.public]
        async with serving(connector, sessions) as (client, base):
            for endpoint in guarded:
                for headers in _FRAMES:
                    for body in _BODIES if endpoint.method in {"POST", "PUT", "PATCH"} else (b"",):
                        async with client.request(
                            endpoint.method, f"{base}/{endpoint.name}", data=body, headers=headers
                        ) as answer:
                            assert answer.status in REFUSALS, (endpoint.name, headers, body[:20])
                            assert len(await answer.read()) < 200
        assert not sessions.emitted

    async def test_a_foreign_socket_is_never_opened(self, connector: Any) -> None:
        """Any page in the world can try to open one in a visitor's browser."""
        sessions = FakeSessions()
        guarded = [each for each in connector.endpoints(sessions) if not each.public and each.method == "GET"]
        async with serving(connector, sessions) as (client, base):
            for endpoint in guarded:
                for headers in _FRAMES:
                    try:
                        async with client.ws_connect(f"{base}/{endpoint.name}", headers=headers):
                            raise AssertionError(f"{endpoint.name} let {headers} in")
                    except aiohttp.WSServerHandshakeError as refused:
                        assert refused.status in REFUSALS
        assert not sessions.emitted

    async def test_what_is_public_is_the_same_for_all_and_takes_nothing(self, connector: Any) -> None:
        """A script may be anybody's to load; then it must know nobody."""
        sessions = FakeSessions()
        public = [each for each in connector.endpoints(sessions) if each.public]
        async with serving(connector, sessions) as (client, base):
            for endpoint in public:
                assert endpoint.method in {"GET", "HEAD"}
                told = []
                for headers in _FRAMES:
                    async with client.request(endpoint.method, f"{base}/{endpoint.name}", headers=headers) as answer:
                        assert answer.status == 200
                        told.append(await answer.read())
                assert len(set(told)) == 1
        assert not sessions.emitted
