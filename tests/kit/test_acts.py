"""A sandbox by itself: what people at the vendor do is asked for over HTTP, and wrong asking is answered with a sentence."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from connectors.slack.sandbox import SlackSandbox
from connectors.zendesk.sandbox import ZendeskSandbox
from gateway.testing.sandbox import Sandbox

ACTS: list[tuple[type[Sandbox], str, dict[str, Any]]] = [
    (SlackSandbox, "person_writes", {"user": "U0ANNA", "text": "hello"}),
    (ZendeskSandbox, "customer_writes", {"name": "Gina", "subject": "s", "text": "hello"}),
]


@pytest.mark.parametrize(("kind", "act", "arguments"), ACTS)
async def test_an_act_changes_the_state_and_is_told_by_webhook(
    kind: type[Any], act: str, arguments: dict[str, Any]
) -> None:
    sandbox = kind()
    await sandbox.start()
    try:
        async with aiohttp.ClientSession(sandbox.url) as client:
            async with client.post(f"/_sandbox/acts/{act}", json=arguments) as answer:
                assert answer.status == 200
                assert (await answer.json())["answer"]
            assert len(sandbox.webhooks.waiting) == 1
            async with client.get("/_sandbox/state") as answer:
                assert "hello" in await answer.text()
    finally:
        await sandbox.stop()


@pytest.mark.parametrize(("kind", "act", "arguments"), ACTS)
async def test_every_act_is_listed_with_what_it_does_and_takes(
    kind: type[Any], act: str, arguments: dict[str, Any]
) -> None:
    sandbox = kind()
    await sandbox.start()
    try:
        async with aiohttp.ClientSession(sandbox.url) as client, client.get("/_sandbox/acts") as answer:
            listed = await answer.json()
    finally:
        await sandbox.stop()
    assert set(listed) == set(sandbox.acts())
    assert all(each["does"].endswith(".") for each in listed.values())
    assert all(name in listed[act]["takes"] for name in arguments)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("nothing_like_it", b"{}", 404),
        ("customer_writes", b'{"nme": "x"}', 400),
        ("customer_writes", b"[1]", 400),
        ("customer_writes", b"{", 400),
        ("customer_adds", b'{"ticket_id": "none", "text": "x"}', 400),
    ],
)
async def test_wrong_asking_is_answered_with_a_sentence_and_changes_nothing(
    path: str, body: bytes, status: int
) -> None:
    sandbox = ZendeskSandbox()
    await sandbox.start()
    try:
        asked = f"/_sandbox/acts/{path}"
        async with aiohttp.ClientSession(sandbox.url) as client, client.post(asked, data=body) as answer:
            assert answer.status == status
            assert "_sandbox/acts" in await answer.text()
        assert sandbox.state()["tickets"] == []
    finally:
        await sandbox.stop()
