"""What the tests of HubSpot share: handoffs, set-up, and how the host carries a handoff."""

from __future__ import annotations

from typing import Any

from connectors.hubspot import SPEC
from connectors.hubspot.sandbox import TOKEN, HubSpotSandbox
from gateway.sdk import (
    Audience,
    Channel,
    Delivery,
    Entry,
    File,
    Handoff,
    Mode,
    OutcomeUnknown,
    Packet,
    Party,
    Priority,
    TemporaryFailure,
)
from gateway.testing.contracts import ConnectorContract
from gateway.testing.faults import Fault, FaultKind

ANN = Party(kind="slack_user", value="U1", name="Ann Other", email="ann@customer.example")
URL = "https://baton.example.com/hooks/test"
#: Everything that may go wrong at once; what takes time has tests of its own.
KINDS = [Fault(kind=kind) for kind in FaultKind if kind not in {FaultKind.HANG, FaultKind.DELAY_AFTER}]
WRITES = ("batch.upsert", "create", "update", "associate", "files.upload", "messages")
READS = ("get", "batch.read", "associations.read")


def entry(text: str, *, author: Party = ANN, files: tuple[File, ...] = (), at: int = 1_767_225_600_000_000) -> Entry:
    return Entry(
        occurred_at=at, author=author, channel=Channel.CHAT, audience=Audience.PUBLIC, text=text, files=files, key="e"
    )


def packet(**changes: Any) -> Packet:
    values: dict[str, Any] = {
        "version": 1,
        "case_id": "018bcfe5-0000-7000-8000-000000000001",
        "episode_id": "e-1",
        "policy": "p",
        "subject": "Charged twice",
        "customer": ANN,
        "priority": Priority.P2,
        "rule": "disputed-charge",
        "reason": "The customer disputes a charge.",
        "evidence": ("You charged me twice!",),
        "transcript": (entry("You charged me twice!"), entry("<b>Hello?</b>\nAnybody & more?")),
        "complete": True,
    }
    return Packet(**{**values, **changes})


def handoff(key: str = "k", **changes: Any) -> Handoff:
    values: dict[str, Any] = {
        "key": key,
        "case_id": key,
        "external_id": f"baton:{key}",
        "mode": Mode.LIVE,
        "subject": "Charged twice",
        "requester": ANN,
        "packet": packet(),
        "priority": Priority.P2,
    }
    return Handoff(**{**values, **changes})


class HubSpotSetUp(ConnectorContract):
    spec = SPEC
    sandbox_class = HubSpotSandbox

    def values(self, sandbox: Any) -> dict[str, Any]:
        return {**super().values(sandbox), "timeout": 2}

    def sdk_modules(self) -> set[str]:
        return {"aiohttp", "requests", "hubspot", "urllib3"}


def oauth(values: dict[str, Any]) -> dict[str, Any]:
    """Settings of an OAuth app with a custom channel."""
    changed = {key: value for key, value in values.items() if key != "access_token"}
    return {
        **changed,
        "client_id": "client",
        "refresh_token": TOKEN,
        "channel_id": "11",
        "channel_account_id": "22",
    }


def webhook_delivery(body: bytes, *, method: str = "POST") -> Delivery:
    return Delivery(connection="t", endpoint="", received_at=0, method=method, url="", headers=(), body=body)


async def carried(connector: Any, what: Handoff) -> int:
    """Carry a handoff as the host does; return how many answers were lost."""
    lost = 0
    settling = False
    for _ in range(200):
        try:
            if settling:
                if await connector.settle(what) is not None:
                    return lost
                settling = False
            await connector.hand_off(what)
        except OutcomeUnknown:
            lost += 1
            settling = True
        except TemporaryFailure:
            continue
        else:
            return lost
    raise AssertionError("it was never carried")
