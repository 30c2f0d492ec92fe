"""What these tests share: whose mailbox it is, and how a mail becomes a delivery."""

from __future__ import annotations

from typing import Final

from connectors.email.events import Own, parse_delivery
from gateway.sdk import ChannelEvent, Delivery, InboundEmail

KEY: Final = b"a key of these tests, long enough"
EFFECT: Final = "0b5f3c1e-6f0a-5d1e-9a53-2f1f8f3a7c11"
OWN: Final = Own(addresses=frozenset({"help@help.example"}), authserv_ids=("mx.help.example",), keys=(KEY,))


def delivery(body: bytes, *, endpoint: str = "", at: int = 0, headers: tuple[tuple[str, str], ...] = ()) -> Delivery:
    return Delivery(
        connection="mailbox",
        endpoint=endpoint,
        received_at=at,
        method="POST" if endpoint else "FRAME",
        url="",
        headers=headers,
        body=body,
    )


def parsed(body: bytes | str, **more: int) -> list[ChannelEvent]:
    return list(parse_delivery(delivery(body.encode() if isinstance(body, str) else body, **more), OWN))  # type: ignore[arg-type]


def mail(body: bytes | str, **more: int) -> InboundEmail:
    (event,) = parsed(body, **more)
    assert isinstance(event, InboundEmail)
    return event
