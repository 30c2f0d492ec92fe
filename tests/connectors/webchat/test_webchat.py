"""The web chat keeps the contracts it claims, and what is special to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.webchat import SPEC
from connectors.webchat.events import parse_delivery
from connectors.webchat.pace import Pace
from connectors.webchat.sandbox import WebchatSandbox
from gateway.sdk import (
    Delivery,
    UnreadableDelivery,
)
from gateway.testing.contracts import StandaloneContract
from gateway.testing.session_contract import SessionSourceContract
from gateway.testing.source_contract import SourceContract
from tests.connectors.webchat.world import SETTINGS, SITE

VISITOR = {"thread": "visitor:1", "kind": "webchat_visitor", "value": "1", "name": "", "email": "", "claimed_email": ""}


class WebchatSetUp(StandaloneContract):
    spec = SPEC
    sandbox_class = WebchatSandbox

    def sdk_modules(self) -> set[str]:
        return {"aiohttp", "jwt"}


class TestSource(SourceContract, WebchatSetUp):
    deliveries = Path(__file__).parent / "deliveries"
    endpoint = "socket"

    def headers(self) -> tuple[tuple[str, str], ...]:
        return (("Baton-Visitor", json.dumps({**VISITOR, "verified": False})), ("Baton-File-Id", "a" * 8))

    def body(self) -> bytes:
        return json.dumps({"type": "message", "id": "aaaaaaaa0001", "text": "Hello"}).encode()

    def unknown_bodies(self) -> list[bytes]:
        return [b"{}", b'{"type":"typing"}', b'{"type":["message"]}', b'{"type":"hello","token":"x"}']

    @given(st.binary(max_size=60), st.sampled_from(["Baton-Visitor", "Baton-File-Id", "Baton-File-Name"]))
    def test_any_headers_are_events_or_unreadable(self, value: bytes, name: str) -> None:
        headers = {**dict(self.headers()), "Baton-File-Name": "x", name: value.decode("latin-1")}
        for endpoint in ("socket", "upload"):
            try:
                list(parse_delivery(frame_delivery(self.body(), endpoint, tuple(headers.items()))))
            except UnreadableDelivery as error:
                assert str(error)


class TestSessions(SessionSourceContract, WebchatSetUp):
    def values(self, sandbox: Any) -> dict[str, Any]:
        return {**super().values(sandbox), "allowed_origins": [SITE]}


def frame_delivery(body: bytes, endpoint: str, headers: tuple[tuple[str, str], ...]) -> Delivery:
    return Delivery(
        connection="test", endpoint=endpoint, received_at=7, method="FRAME", url="", headers=headers, body=body
    )


@given(st.lists(st.integers(0, 10_000_000), min_size=1, max_size=200), st.integers(1, 120))
def test_no_minute_ever_lets_through_more_than_the_rate_and_one_burst(gaps: list[int], rate: int) -> None:
    pace = Pace(rate)
    now, taken = 0, []
    for gap in gaps:
        now += gap
        if not pace.wait("ann", now):
            taken.append(now)
    for begin in taken:
        within = [at for at in taken if begin <= at < begin + 60_000_000]
        assert len(within) <= rate + max(1, rate / 2) + 1


@pytest.mark.parametrize(
    "origin",
    [
        "http://shop.example.com",
        "shop.example.com",
        "https://Shop.example.com",
        "https://*.example.com",
        "https://a.b/c",
    ],
)
def test_an_origin_that_no_browser_sends_is_told(origin: str) -> None:
    with pytest.raises(ValueError, match="https"):
        SPEC.settings.model_validate({**SETTINGS, "allowed_origins": [origin]})


def test_secrets_that_can_be_guessed_are_not_taken() -> None:
    with pytest.raises(ValueError, match="32"):
        SPEC.settings.model_validate({**SETTINGS, "token_secret": "short"})


def test_the_widget_is_small_and_speaks_to_no_other_host() -> None:
    import re

    script = (Path(__file__).parents[3] / "connectors" / "webchat" / "widget.js").read_text()
    assert len(script.encode()) < 20_000
    assert set(re.findall(r"https?://[^\s\"'`)]+", script)) == {"http://www.w3.org/2000/svg"}
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        'setAttribute("style',
    ):
        assert word not in script
